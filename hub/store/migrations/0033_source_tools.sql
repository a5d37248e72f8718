-- Tools that others' servers list. approved: what a model is told of one (description, schema; a mark of where it is
-- called); proposed: what the server says now and nobody has looked at; left_out: why one is never offered.
create table source_tools (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    url text not null,
    source text not null,
    name text not null,
    approved jsonb,
    proposed jsonb,
    left_out text,
    seen_at timestamptz not null default now(),
    decided_at timestamptz,
    unique (account_id, url, name)
);
create index source_tools_waiting on source_tools (account_id, id desc) where proposed is not null or left_out is not null;
