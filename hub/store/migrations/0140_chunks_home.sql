-- A collection belongs to one account. Without this PostgreSQL takes the two for independent, expects a handful of pieces
-- where there are hundreds, and reads all of them for each word of a question instead of the index of words.
create statistics chunks_home (dependencies) on account_id, collection_id from chunks;
analyze chunks;
