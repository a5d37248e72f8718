-- Which folder of keys people's words are sealed with (HUB_PERSONAL_KEYS); no row: they are not sealed.
create table personal_folders (
    one boolean primary key default true check (one),
    name text not null
);

-- The name of the key that a file is sealed under; null: it is not.
alter table files add sealed_by text;

select raise_wall();
