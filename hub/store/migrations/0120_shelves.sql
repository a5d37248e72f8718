-- Which pieces may be the nearest is told in the process that searches, by the signs of a collection's vectors.

-- shelf: how often pieces were put into the collection. Who puts some in counts first, which holds the others back until
-- the commit: the ids of a collection's pieces become visible in their order, and what is new is all beyond the last one.
alter table collections add column shelf bigint not null default 0;
create index chunks_shelf on chunks (account_id, collection_id, id) include (signs);
drop index chunks_signs;
