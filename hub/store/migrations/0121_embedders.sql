-- Embedders of an account's own: their vectors beside the hub's, made in the background, used from one moment on.

-- state: filling (its vectors are being made), active (searches use it), leaving (its vectors are being removed).
-- width: how many numbers its vectors have, once that is known; dimension: how many were asked for. low and high: its
-- cosines of what does not and what does belong together.
create table embedders (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    address text not null,
    model text not null,
    dimension int,
    width int,
    low real,
    high real,
    secret bytea,
    state text not null default 'filling' check (state in ('filling', 'active', 'leaving')),
    error text,
    attempts int not null default 0,
    ring_at timestamptz not null default now(),
    leased_until timestamptz,
    created_at timestamptz not null default now(),
    active_at timestamptz
);
create unique index embedders_one on embedders (account_id, state) where state <> 'leaving';
create index on embedders (account_id);
create index on embedders (ring_at);

-- upto: up to which piece of a collection an embedder's vectors are there.
create table embedder_shelves (
    embedder_id uuid not null references embedders on delete cascade,
    account_id uuid not null,
    collection_id uuid not null references collections on delete cascade,
    upto bigint not null default 0,
    primary key (embedder_id, collection_id)
);
create index on embedder_shelves (collection_id);

create table vectors (
    piece_id bigint not null references chunks on delete cascade,
    embedder_id uuid not null references embedders on delete cascade,
    account_id uuid not null,
    collection_id uuid not null,
    embedding vector not null,
    signs bit varying generated always as (binary_quantize(embedding)) stored,
    primary key (piece_id, embedder_id)
);
create index vectors_shelf on vectors (account_id, collection_id, embedder_id, piece_id) include (signs);
create index vectors_embedder on vectors (embedder_id);

-- Watch every table of accounts, as before; vectors are copies of pieces, and how far they are is nobody's deed.
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
                'ares_tokens', 'vectors', 'embedder_shelves')
            and not exists (select 1 from pg_trigger g where g.tgrelid = c.oid and g.tgname = 'audited')
    loop
        execute format(
            'create trigger audited after insert or update or delete on %I for each row'
            ' when (current_setting(''hub.deed'', true) <> '''') execute function audit_change(%L, %L)',
            _t.name, _t.account, _t.object);
    end loop;
end $$;

select audit_watch();
select raise_wall();
