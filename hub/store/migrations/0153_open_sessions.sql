-- How many conversations of a chat client are open is counted without those that ended.
create index sessions_open on sessions (client_id) where closed_at is null;
