-- Indexing in steps that are committed as they are made, in a fair order; what could not be indexed says so.

alter table documents drop constraint documents_state_check;
alter table documents add constraint documents_state_check check (state in ('Queued', 'Cancelled', 'Indexed', 'Failed'));
update documents set state = 'Failed' where state = 'Cancelled' and error is not null;
-- pieces: how many the text of this version has, once it is cut; pieces_done: how many of them can be found.
-- notes: what a file held and could not be read, one sentence each. places: where pages or rows begin in the text.
alter table documents add column pieces int, add column pieces_done int not null default 0,
    add column notes text[] not null default '{}', add column places jsonb;
update documents set ring_at = now() where state = 'Queued';
drop index documents_queued;
create index documents_waiting on documents (collection_id) where state = 'Queued';

-- version: of the document's text that the piece was cut from. location: the page or the rows it stands on.
alter table chunks add column version int not null default 0, add column location text;
-- A piece that an account has already is not embedded a second time.
create index chunks_same on chunks (account_id, (md5(content)::uuid));

-- served_at, turns: when the indexer last worked for a collection, and how often. pace_*: pieces made in the span from
-- pace_began to paced_at, from which the time left is told.
alter table collections add column served_at timestamptz, add column turns int not null default 0,
    add column pace_began timestamptz, add column paced_at timestamptz, add column pace_pieces float8 not null default 0;
