create extension if not exists vector;
create extension if not exists pg_trgm;
create extension if not exists unaccent;
create extension if not exists btree_gin;

create table accounts (
    id uuid primary key,
    name text not null,
    salt text not null,
    parameters jsonb not null default '{}',
    plan text not null default 'pro',
    balance numeric(18, 8) not null default 0,
    created_at timestamptz not null default now()
);

create table api_keys (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    hash bytea not null unique,
    tail text not null,
    label text not null,
    kind text not null default 'private' check (kind in ('private', 'public')),
    expires_at timestamptz,
    used_at timestamptz,
    created_at timestamptz not null default now()
);
create index on api_keys (account_id);

create table gateways (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    name text not null,
    slug text not null,
    parameters jsonb not null,
    secrets bytea,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (account_id, slug)
);

create table clients (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    name text not null,
    gateway_id uuid references gateways on delete set null,
    limits jsonb not null default '{}',
    parameters jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index on clients (account_id);
create index on clients (gateway_id);

-- One network account of one chat client. `settings` hold no secret; `secrets` is a sealed JSON object
-- of the provider's keys and of `webhookSecret`, the random part of the webhook's path.
create table integrations (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    client_id uuid not null references clients on delete cascade,
    channel text not null check (channel in ('telegram', 'zapi', 'evolution', 'kapso')),
    settings jsonb not null default '{}',
    secrets bytea not null,
    secret_hash bytea not null,
    mode text not null,
    handle text,
    state text not null default 'pending' check (state in ('pending', 'registered', 'not_registered')),
    state_text text,
    connection text,
    session_seconds int not null default 10800,
    groups text not null default 'ignore' check (groups in ('ignore', 'mention', 'all')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (client_id, channel)
);
create index on integrations (account_id);

create table contacts (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    integration_id uuid not null references integrations on delete cascade,
    name text,
    phone text,
    username text,
    language text,
    created_at timestamptz not null default now()
);
create index on contacts (integration_id);

-- All names one person has at one integration (phone, LID, business scoped id), merged to one contact.
create table contact_ids (
    integration_id uuid not null references integrations on delete cascade,
    value text not null,
    contact_id uuid not null references contacts on delete cascade,
    primary key (integration_id, value)
);
create index on contact_ids (contact_id);

create table sessions (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    client_id uuid not null references clients on delete cascade,
    integration_id uuid references integrations on delete set null,
    contact_id uuid references contacts on delete set null,
    kind text not null default 'web' check (kind in ('web', 'channel')),
    tag text,
    chat text,
    key_hash bytea unique,
    key_sealed bytea,
    title text,
    extra_context text,
    context_location text,
    metadata jsonb not null default '{}',
    expires_at timestamptz,
    closed_at timestamptz,
    handoff_at timestamptz,
    last_seq bigint not null default 0,
    done_seq bigint not null default 0,
    due_at timestamptz,
    oldest_at timestamptz,
    epoch bigint not null default 0,
    owner text,
    lease_until timestamptz,
    attempts int not null default 0,
    crash_count int not null default 0,
    placeholder text,
    message_count int not null default 0,
    token_count bigint not null default 0,
    hour_start timestamptz,
    hour_count int not null default 0,
    hour_told boolean not null default false,
    last_user_at timestamptz,
    last_message_at timestamptz,
    created_at timestamptz not null default now()
) with (fillfactor = 70);
create index sessions_due on sessions (due_at) where due_at is not null;
create unique index sessions_live on sessions (integration_id, contact_id)
    where kind = 'channel' and closed_at is null;
create unique index sessions_tag on sessions (client_id, tag) where kind = 'web' and tag is not null and closed_at is null;
create index sessions_client on sessions (client_id, id desc);
create index on sessions (account_id);
create index on sessions (contact_id);

-- Narrow, kept 30 days: longer than the longest replay of any network.
create table inbox_dedupe (
    integration_id uuid not null,
    ext text not null,
    at timestamptz not null default now(),
    primary key (integration_id, ext)
);
create index on inbox_dedupe using brin (at);

-- Accepted messages of contacts. state: waiting, answered, ignored (by `rule`), dead.
create table inbox (
    id uuid primary key,
    account_id uuid not null,
    session_id uuid not null references sessions on delete cascade,
    seq bigint not null,
    ext text,
    network_id text,
    command text,
    body jsonb not null,
    provider_at timestamptz,
    received_at timestamptz not null default now(),
    state text not null default 'waiting' check (state in ('waiting', 'answered', 'ignored', 'dead')),
    rule text,
    turn_id uuid,
    unique (session_id, seq)
);
create index on inbox (network_id) where network_id is not null;

create table turns (
    id uuid primary key,
    account_id uuid not null,
    session_id uuid not null references sessions on delete cascade,
    from_seq bigint not null,
    upto_seq bigint not null,
    epoch bigint not null,
    gateway_id uuid,
    model text,
    outcome text not null,
    error text,
    prompt_tokens int not null default 0,
    completion_tokens int not null default 0,
    cost numeric(18, 8) not null default 0,
    attempts int not null default 1,
    passages jsonb not null default '[]',
    timings jsonb not null default '{}',
    created_at timestamptz not null default now(),
    unique (session_id, upto_seq)
);

-- The conversation as everyone sees it. `position` orders a session; source: contact, model, human
-- (typed on the phone), operator, system. network_id is the provider's message id.
create table messages (
    id uuid primary key,
    account_id uuid not null,
    session_id uuid not null references sessions on delete cascade,
    position bigint generated always as identity,
    role text not null check (role in ('user', 'assistant', 'tool', 'system')),
    source text not null,
    content jsonb not null,
    turn_id uuid,
    network_id text,
    hidden boolean not null default false,
    created_at timestamptz not null default now()
);
create index messages_session on messages (session_id, position);
create index on messages (session_id, network_id) where network_id is not null;
create index on messages (turn_id) where turn_id is not null;

-- One row per provider call's worth of answer ("delivery" in the API).
create table outbox (
    id bigint generated always as identity primary key,
    key uuid not null unique,
    account_id uuid not null,
    session_id uuid not null references sessions on delete cascade,
    turn_id uuid,
    message_id uuid,
    part int not null default 0,
    integration_id uuid references integrations on delete cascade,
    chat text not null,
    body jsonb not null,
    sha text not null,
    mode text not null,
    state text not null default 'queued'
        check (state in ('queued', 'sending', 'sent', 'unknown', 'dead', 'cancelled')),
    attempt int not null default 0,
    not_before timestamptz,
    expires_at timestamptz not null default now() + interval '24 hours',
    sender text,
    wire_deadline timestamptz,
    placeholder text,
    network_id text,
    fate text,
    code text,
    error text,
    resolution text,
    created_at timestamptz not null default now(),
    closed_at timestamptz
);
create unique index on outbox (turn_id, part) where turn_id is not null;
create index outbox_session on outbox (session_id, id) where state in ('queued', 'sending', 'unknown');
create index outbox_queued on outbox (not_before) where state = 'queued';
create index outbox_sending on outbox (wire_deadline) where state = 'sending';
create index outbox_unknown on outbox (wire_deadline) where state = 'unknown';
create index on outbox (integration_id, network_id) where network_id is not null;
create index outbox_account on outbox (account_id, id desc);

-- Every call of a delivery to its provider.
create table attempts (
    delivery_id bigint not null references outbox on delete cascade,
    at timestamptz not null default now(),
    outcome text not null,
    code text,
    error text
);
create index on attempts (delivery_id);

-- What happened beside messages: ignored by a rule, reactions, edits, statuses, connections.
create table happenings (
    id bigint generated always as identity primary key,
    account_id uuid not null,
    client_id uuid,
    integration_id uuid,
    session_id uuid,
    message_id uuid,
    kind text not null,
    detail jsonb not null default '{}',
    at timestamptz not null default clock_timestamp()
);
create index on happenings (message_id) where message_id is not null;
create index on happenings (session_id) where session_id is not null;
create index happenings_account on happenings (account_id, id desc);

-- Bodies that were answered with 200 and could not be read.
create table quarantine (
    id uuid primary key,
    account_id uuid,
    integration_id uuid,
    at timestamptz not null default now(),
    sha256 bytea not null,
    raw bytea not null,
    headers jsonb not null default '{}',
    reason text not null
);
create index on quarantine (account_id, id desc);

-- Uploaded and received files. owner: session or account wide.
create table files (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    session_id uuid references sessions on delete cascade,
    message_id uuid,
    token text not null unique,
    name text not null,
    mime text not null,
    kind text not null,
    size bigint not null,
    sha256 bytea not null,
    content bytea not null,
    expires_at timestamptz,
    created_at timestamptz not null default now()
);
create index on files (session_id);

create table collections (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    name text not null,
    context text,
    tags text[] not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index on collections (account_id);

create table documents (
    id uuid primary key,
    account_id uuid not null,
    collection_id uuid not null references collections on delete cascade,
    name text not null,
    contents text not null,
    reference text,
    tags text[] not null default '{}',
    metadata jsonb not null default '{}',
    sha256 bytea not null,
    version int not null default 1,
    indexed_version int not null default 0,
    state text not null default 'Queued' check (state in ('Queued', 'Cancelled', 'Indexed')),
    error text,
    attempts int not null default 0,
    ring_at timestamptz not null default now(),
    leased_until timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    indexed_at timestamptz,
    unique (collection_id, name)
);
create index on documents (collection_id, id);
create index documents_queued on documents (ring_at) where state = 'Queued';
create index on documents (collection_id, reference) where reference is not null;

-- Pieces of documents. Search is exact within one account's collections (btree), so recall is whole.
create table chunks (
    id bigint generated always as identity primary key,
    account_id uuid not null,
    collection_id uuid not null,
    document_id uuid not null references documents on delete cascade,
    ordinal int not null,
    content text not null,
    embedding vector(384) not null,
    words tsvector not null
);
-- Inline: a search reads every vector of the collections it asks, and must not fetch each from elsewhere.
alter table chunks alter column embedding set storage plain;
create index chunks_collection on chunks (account_id, collection_id);
create index on chunks (document_id, ordinal);
create index chunks_words on chunks using gin (account_id, words);

create table usage (
    id bigint generated always as identity primary key,
    account_id uuid not null,
    key_id uuid,
    gateway_id uuid,
    session_id uuid,
    turn_id uuid,
    sku text not null,
    quantity numeric not null,
    unit_price numeric not null default 0,
    amount numeric not null default 0,
    description text,
    at timestamptz not null default now()
);
create index on usage (account_id, at);

create table worker_beats (
    id text primary key,
    kind text not null,
    at timestamptz not null default now()
);

create table leader (
    name text primary key,
    epoch bigint not null default 0,
    holder text,
    until timestamptz
);
