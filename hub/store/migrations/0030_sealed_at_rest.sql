-- What the steps of a workflow send and to where, under seal; `definition` holds it without headers, queries and
-- bodies. Null: nothing of it needs a seal, or a version of the hub stored it that sealed nothing.
alter table workflow_versions add column sealed bytea;
-- The address of a session's context with its query, which may hold a token.
alter table sessions add column context_sealed bytea;
