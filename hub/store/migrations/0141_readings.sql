-- Files that take long to read: scanned pages and pictures, recordings. They are read step by step beside everything else.

-- mark: the hash of the document's text as it was when the file came; a text that is put meanwhile has another one.
-- whole: the document waits for it and has no text of its own before. upto: pages that are read; told, starts, notes, seen
-- and hard: what was read of them, where they begin in it, what was not, which were guessed from their picture, and badly.
create table readings (
    document_id uuid primary key references documents on delete cascade,
    account_id uuid not null references accounts on delete cascade,
    collection_id uuid not null references collections on delete cascade,
    kind text not null check (kind in ('pdf', 'picture', 'audio')),
    name text not null,
    mime text not null,
    raw bytea not null,
    mark bytea not null,
    whole boolean not null,
    upto int not null default 0,
    told text not null default '',
    starts jsonb not null default '[]',
    notes text[] not null default '{}',
    seen int[] not null default '{}',
    hard int[] not null default '{}',
    attempts int not null default 0,
    error text,
    ring_at timestamptz not null default now(),
    leased_until timestamptz,
    created_at timestamptz not null default now()
);
-- A file is compressed already.
alter table readings alter column raw set storage external;
create index readings_due on readings (kind, ring_at);
create index on readings (account_id);
create index on readings (collection_id);

-- When a file of the collection was last read for a while: who had no turn for longest comes next.
alter table collections add column read_at timestamptz;

-- Watch every table of accounts, as before; a file that waits is a copy of what was sent.
create or replace function audit_watch() returns void language plpgsql as $$
declare
    _t record;
begin
    for _t in
        select c.oid, c.relname as name, case when c.relname = 'accounts' then 'id' else 'account_id' end as account,
            (select k from unnest(array['id', 'session_id', 'workflow_id', 'run_id', 'writing_id', 'user_id', 'name', 'account_id'])
                 with ordinality k(k, n)
             where exists (select 1 from pg_attribute a where a.attrelid = c.oid and a.attname = k.k and not a.attisdropped)
             order by n limit 1) as object
        from pg_class c where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace
            and (c.relname = 'accounts' or exists (
                select 1 from pg_attribute a where a.attrelid = c.oid and a.attname = 'account_id' and not a.attisdropped))
            and c.relname not in ('audit', 'audit_heads', 'usage', 'requests', 'idempotency', 'chunks', 'webhook_events',
                'ares_tokens', 'vectors', 'embedder_shelves', 'readings')
            and not exists (select 1 from pg_trigger g where g.tgrelid = c.oid and g.tgname = 'audited')
    loop
        execute format(
            'create trigger audited after insert or update or delete on %I for each row'
            ' when (current_setting(''hub.deed'', true) <> '''') execute function audit_change(%L, %L)',
            _t.name, _t.account, _t.object);
    end loop;
end $$;

select raise_wall();
