-- Set while a document waits to be embedded anew: its pieces stay until then, but none of their vectors is kept.
alter table documents add column renew boolean not null default false;

-- A search looks at every piece of the collections it asks: at the signs of its vector's numbers, 48 bytes that lie
-- beside each other in the index. The vectors themselves and the texts are fetched only for the nearest of these.
alter table chunks add column signs bit(384) generated always as (binary_quantize(embedding)::bit(384)) stored;
drop index chunks_collection;
create index chunks_signs on chunks (account_id, collection_id) include (id, signs);
-- An index alone can be read where the pages are known to be whole: look soon after many new pieces.
alter table chunks set (autovacuum_vacuum_insert_threshold = 500, autovacuum_vacuum_insert_scale_factor = 0.02);
-- New words go where they belong at once: a list of what is still to be sorted in would be read by every search.
alter index chunks_words set (fastupdate = off);
