-- Websites as sources of a collection: read page by page, again and again, what is gone there goes here.

-- state: waiting (for its time), fetching, failed. run: which reading it is at; kind is told by what stands at the address.
create table sources (
    id uuid primary key,
    account_id uuid not null,
    collection_id uuid not null references collections on delete cascade,
    address text not null,
    kind text not null default 'site' check (kind in ('site', 'sitemap')),
    depth int not null,
    most int not null,
    hours float8 not null,
    state text not null default 'fetching' check (state in ('waiting', 'fetching', 'failed')),
    error text,
    robots text,
    pause float8 not null default 0,
    run int not null default 1,
    attempts int not null default 0,
    due_at timestamptz not null default now(),
    leased_until timestamptz,
    read_at timestamptz,
    created_at timestamptz not null default now(),
    unique (collection_id, address)
);
create index sources_due on sources (due_at);

-- Addresses a source led to. run: the reading in which it was last seen; state: waiting, read, refused (error says why).
create table source_pages (
    source_id uuid not null references sources on delete cascade,
    account_id uuid not null,
    url text not null,
    depth int not null,
    run int not null,
    state text not null default 'waiting' check (state in ('waiting', 'read', 'refused')),
    error text,
    document_id uuid,
    primary key (source_id, url)
);
create index source_pages_waiting on source_pages (source_id, depth) where state = 'waiting';

select audit_watch();
select raise_wall();
