-- AresGen: voices, documents, chatbots, workflows, webhooks; idempotent requests and the log of requests.

create table voices (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    name text not null,
    sample text not null,
    profile jsonb not null,
    sliders jsonb not null default '{}',
    banned_phrases text[] not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index on voices (account_id, id desc);

-- Documents that people write; those of the knowledge are in `documents`.
create table writings (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    title text not null,
    content text not null,
    voice_id uuid references voices on delete set null,
    model text,
    version int not null default 1,
    revision bigint not null default 1,
    status text not null default 'draft' check (status in ('draft', 'published')),
    published_at timestamptz,
    published_version int,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index on writings (account_id, id desc);
create index on writings (voice_id);

-- One row a version; live edits of one editor that follow each other closely share one.
create table writing_versions (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    writing_id uuid not null references writings on delete cascade,
    version int not null,
    title text not null,
    content text not null,
    author text not null,
    command text,
    output text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (writing_id, version)
);
create index on writing_versions (account_id);

create table edit_tokens (
    hash bytea primary key,
    account_id uuid not null references accounts on delete cascade,
    writing_id uuid not null references writings on delete cascade,
    expires_at timestamptz not null
);
create index on edit_tokens (writing_id);
create index on edit_tokens (account_id);
create index on edit_tokens (expires_at);

-- What a chat client's answers have beside its gateway: instructions, collections, a voice.
alter table clients add column studio jsonb;

create table chatbots (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    name text not null,
    instructions text not null default '',
    model text,
    knowledge_base_id uuid references collections on delete set null,
    voice_id uuid references voices on delete set null,
    client_id uuid references clients on delete set null,
    embed_hash bytea not null unique,
    embed_sealed bytea not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index on chatbots (account_id, id desc);
create index on chatbots (client_id);
create index on chatbots (voice_id);
create index on chatbots (knowledge_base_id);

-- A gateway that was made for a chatbot with an integrated model; it goes with the chatbot, which is stored after it.
alter table gateways add column chatbot_id uuid references chatbots on delete cascade deferrable initially deferred;
create index on gateways (chatbot_id);

-- What is known of a chatbot's conversation beside its session. web: it comes from a website, where messages are
-- stored by the pipeline. unseen: there are messages behind looked_position that nobody was told about.
create table chatbot_talks (
    session_id uuid primary key references sessions on delete cascade,
    account_id uuid not null references accounts on delete cascade,
    chatbot_id uuid not null references chatbots on delete cascade,
    intent text,
    escalated_at timestamptz,
    escalation text,
    csat int check (csat between 1 and 5),
    csat_comment text,
    csat_at timestamptz,
    web boolean not null default false,
    unseen boolean not null default false,
    looked_position bigint not null default 0,
    created_at timestamptz not null default now()
);
create index on chatbot_talks (chatbot_id, session_id desc);
create index chatbot_talks_unseen on chatbot_talks (session_id) where unseen;

create function mark_unseen() returns trigger language plpgsql as $$
begin
    -- Also where it is set: whoever looks at this moment must not clear it over a message that is not committed.
    update chatbot_talks t set unseen = true from (select distinct session_id from added) a
    where t.session_id = a.session_id and t.web;
    return null;
end $$;
create trigger messages_unseen after insert on messages referencing new table as added
    for each statement execute function mark_unseen();
create index on chatbot_talks (account_id);

create table workflows (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    name text not null,
    version int not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index on workflows (account_id, id desc);

create table workflow_versions (
    workflow_id uuid not null references workflows on delete cascade,
    account_id uuid not null references accounts on delete cascade,
    version int not null,
    definition jsonb not null,
    created_at timestamptz not null default now(),
    primary key (workflow_id, version)
);
create index on workflow_versions (account_id);

create table workflow_runs (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    workflow_id uuid not null references workflows on delete cascade,
    version int not null,
    key_id uuid,
    input jsonb not null,
    status text not null default 'queued' check (status in ('queued', 'running', 'success', 'failed', 'cancelled')),
    output jsonb,
    error jsonb,
    cancelled boolean not null default false,
    due_at timestamptz default now(),
    owner text,
    epoch bigint not null default 0,
    lease_until timestamptz,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz
);
create index on workflow_runs (workflow_id, id desc);
create index on workflow_runs (account_id);
create index workflow_runs_due on workflow_runs (due_at) where due_at is not null;

create table workflow_steps (
    run_id uuid not null references workflow_runs on delete cascade,
    account_id uuid not null references accounts on delete cascade,
    name text not null,
    place int not null,
    type text not null,
    status text not null default 'queued'
        check (status in ('queued', 'running', 'success', 'failed', 'skipped', 'cancelled')),
    attempts int not null default 0,
    due_at timestamptz,
    started_at timestamptz,
    finished_at timestamptz,
    cost numeric(18, 8) not null default 0,
    output jsonb,
    error jsonb,
    primary key (run_id, name)
);
create index on workflow_steps (account_id);

create table webhook_endpoints (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    url text not null,
    events text[] not null,
    description text not null default '',
    secret bytea not null,
    enabled boolean not null default true,
    disabled_at timestamptz,
    disabled_reason text,
    failing_since timestamptz,
    next_at timestamptz not null default now(),
    owner text,
    epoch bigint not null default 0,
    lease_until timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index on webhook_endpoints (account_id, id desc);

-- place: their order; events of an account get theirs one after the other (see `emit`).
create table webhook_events (
    id uuid primary key,
    place bigint generated always as identity unique,
    account_id uuid not null references accounts on delete cascade,
    type text not null,
    data jsonb not null,
    created_at timestamptz not null default now()
);
create index on webhook_events (account_id, place);
create index on webhook_events (created_at);

create table webhook_deliveries (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    endpoint_id uuid not null references webhook_endpoints on delete cascade,
    event_id uuid not null references webhook_events on delete cascade,
    place bigint generated always as identity,
    replay boolean not null default false,
    state text not null default 'queued' check (state in ('queued', 'delivered', 'failed')),
    attempts jsonb not null default '[]',
    created_at timestamptz not null default now(),
    ended_at timestamptz
);
create index webhook_deliveries_queued on webhook_deliveries (endpoint_id, place) where state = 'queued';
create index on webhook_deliveries (endpoint_id, place desc);
create index on webhook_deliveries (account_id);
create index on webhook_deliveries (event_id);

-- An event and its deliveries, in the transaction of what it tells. The lock is held until that commits,
-- so that events of an account are seen in the order of their places.
create function emit(_account uuid, _id uuid, _type text, _data jsonb) returns int language plpgsql as $$
declare _count int;
begin
    perform pg_advisory_xact_lock(hashtextextended('emit ' || _account::text, 0));
    insert into webhook_events (id, account_id, type, data, created_at) values (_id, _account, _type, _data, clock_timestamp());
    insert into webhook_deliveries (id, account_id, endpoint_id, event_id)
        select gen_random_uuid(), _account, e.id, _id from webhook_endpoints e
        where e.account_id = _account and e.enabled and exists (
            select 1 from unnest(e.events) wanted
            where wanted = '*' or wanted = _type or (wanted like '%.*' and starts_with(_type, left(wanted, -1))));
    get diagnostics _count = row_count;
    return _count;
end $$;

-- Answers of requests with an Idempotency-Key, sealed: they may hold secrets that are shown once.
create table idempotency (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    key_id uuid not null references api_keys on delete cascade,
    name text not null,
    method text not null,
    path text not null,
    digest bytea not null,
    epoch bigint not null default 1,
    lease_until timestamptz,
    status int,
    headers jsonb,
    body bytea,
    created_at timestamptz not null default now(),
    unique (key_id, name, method, path)
);
create index on idempotency (created_at);
create index on idempotency (account_id);

create table requests (
    id bigint generated always as identity primary key,
    account_id uuid not null references accounts on delete cascade,
    key_id uuid not null,
    at timestamptz not null,
    ip text not null,
    user_agent text not null,
    method text not null,
    path text not null,
    status int not null,
    ms int not null
);
create index on requests (account_id, id desc);
create index on requests (at);

-- A key that was rotated works for one more day; its successor is known.
alter table api_keys add column replaced_by uuid;
