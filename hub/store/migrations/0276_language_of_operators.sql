-- In which language somebody reads the console and is written to; null is the browser's, and English where there is none.
alter table operators add column language text check (char_length(language) <= 20);
