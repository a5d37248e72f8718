-- Finds what an older version of the hub stored open, however many sessions there are.
create index sessions_unsealed on sessions (id) where context_location like '%?%';
