-- The open sessions of a chat client are counted from the index alone; when one ends changes with half of its time, not with
-- each message.
drop index sessions_open;
create index sessions_open on sessions (client_id, expires_at) where closed_at is null;
