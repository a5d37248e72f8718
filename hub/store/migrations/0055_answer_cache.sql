-- Answers of models that are given again for the same question, where a gateway allows it and a request asks for it.
-- Only for requests that name no person; gone with the account, and at the latest after a day.
create table answer_cache (
    account_id uuid not null references accounts (id) on delete cascade,
    digest bytea not null,
    answer bytea not null,
    size int generated always as (octet_length(answer)) stored,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    primary key (account_id, digest)
);
create index answer_cache_expires on answer_cache (expires_at);
create index answer_cache_newest on answer_cache (account_id, created_at desc);
