-- The journal: webhook calls that were acknowledged as they came, in a crowd, and are folded into conversations behind it.

-- Who was acknowledged before another was sent has the smaller id. A body is not compressed: it is gone in a moment.
create table arrivals (
    id bigint generated always as identity,
    account_id uuid not null,
    integration_id uuid not null references integrations on delete cascade,
    at timestamptz not null default now(),
    tries smallint not null default 0,
    headers jsonb not null,
    trace text,
    body bytea not null,
    primary key (integration_id, id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
alter table arrivals alter column body set storage external;

-- Which process folds the calls of an integration; who comes too late has another epoch.
create table arrival_folders (
    integration_id uuid primary key references integrations on delete cascade,
    account_id uuid not null,
    owner text not null,
    epoch bigint not null,
    until timestamptz not null
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
create sequence arrival_epochs;

-- The epoch in which `_me` folds the calls of this integration; null while somebody else does. Where the last one has died over
-- it, the calls that it may have died of count as tried six times: the first ones, or, once those are suspected, the first alone.
create function lease_arrivals(_integration uuid, _me text, _seconds float8) returns bigint language plpgsql as $$
declare
    _had arrival_folders;
    _first smallint;
    _epoch bigint;
begin
    if exists (select 1 from arrival_folders f where f.integration_id = _integration and f.owner <> _me and f.until > now()) then
        return null;
    end if;
    perform set_config('lock_timeout', '1s', true);
    _epoch := nextval('arrival_epochs');
    insert into arrival_folders (integration_id, account_id, owner, epoch, until)
        select i.id, i.account_id, _me, _epoch, now() + make_interval(secs => _seconds) from integrations i where i.id = _integration
        on conflict do nothing;
    if found then
        return _epoch;
    end if;
    select * into _had from arrival_folders f where f.integration_id = _integration for update;
    if not found or (_had.owner <> _me and _had.until > clock_timestamp()) then
        return null;
    end if;
    if _had.owner <> _me then
        select a.tries into _first from arrivals a where a.integration_id = _integration order by a.id limit 1;
        update arrivals a set tries = least(a.tries + 6, 1000) where a.integration_id = _integration and a.id in (
            select b.id from arrivals b where b.integration_id = _integration order by b.id
            limit case when _first >= 2 then 1 else 64 end);
    end if;
    update arrival_folders set owner = _me, epoch = _epoch, until = now() + make_interval(secs => _seconds)
        where integration_id = _integration;
    return _epoch;
end $$;

-- Processes of before do not know of the journal: nothing of theirs overtakes what waits there, they are told that it failed.
alter function ingest_group(jsonb) rename to ingest_together;

create function ingest_group(items jsonb)
returns table (n int, outcome text, session_id uuid, seq bigint, message_id uuid, due_in float8)
language plpgsql as $$
#variable_conflict use_column
begin
    if exists (select 1 from jsonb_to_recordset(items) as i(integration uuid) join arrivals a on a.integration_id = i.integration) then
        raise exception 'calls of this integration wait in the journal' using errcode = 'object_not_in_prerequisite_state';
    end if;
    return query select g.n, g.outcome, g.session_id, g.seq, g.message_id, g.due_in from ingest_together(items) g;
end $$;

-- Store what these calls brought, and drop them. Raise where somebody else folds by now: nothing has happened then.
create function fold_arrivals(_integration uuid, _me text, _epoch bigint, _seconds float8, _ids bigint[], items jsonb)
returns table (n int, outcome text, session_id uuid, seq bigint, message_id uuid, due_in float8)
language plpgsql as $$
#variable_conflict use_column
declare
    _count int;
begin
    perform set_config('lock_timeout', '1s', true);
    update arrival_folders set until = now() + make_interval(secs => _seconds)
        where integration_id = _integration and owner = _me and epoch = _epoch;
    get diagnostics _count = row_count;
    if _count = 1 then
        delete from arrivals where integration_id = _integration and id = any(_ids);
        get diagnostics _count = row_count;
    end if;
    if _count <> cardinality(_ids) then
        raise exception 'somebody else folds these calls' using errcode = 'object_not_in_prerequisite_state';
    end if;
    if jsonb_array_length(items) > 0 then
        return query select g.n, g.outcome, g.session_id, g.seq, g.message_id, g.due_in from ingest_together(items) g;
    end if;
end $$;

-- As `ingest_together`, for what comes past the journal: what belongs behind calls that wait there is not stored, but `behind`.
create function ingest_direct(items jsonb, _integrations uuid[])
returns table (n int, outcome text, session_id uuid, seq bigint, message_id uuid, due_in float8)
language plpgsql as $$
#variable_conflict use_column
declare
    _behind uuid[];
    _rest int[];
begin
    select array_agg(i) into _behind from unnest(_integrations) i
        where exists (select 1 from arrivals a where a.integration_id = i);
    if _behind is null then
        return query select g.n, g.outcome, g.session_id, g.seq, g.message_id, g.due_in from ingest_together(items) g;
        return;
    end if;
    select coalesce(array_agg(i.n order by i.n), '{}') into _rest from generate_series(0, jsonb_array_length(items) - 1) i(n)
        where not coalesce((items->i.n->>'integration')::uuid = any(_behind), false);
    return query
        select i.n, 'behind', null::uuid, null::bigint, null::uuid, null::float8
        from generate_series(0, jsonb_array_length(items) - 1) i(n) where i.n <> all(_rest);
    if cardinality(_rest) > 0 then
        return query
            select _rest[g.n + 1], g.outcome, g.session_id, g.seq, g.message_id, g.due_in
            from ingest_together((select jsonb_agg(items->r.n order by r.place) from unnest(_rest) with ordinality r(n, place))) g;
    end if;
end $$;

-- Integrations whose first call has waited so long, and nobody folds.
create function left_arrivals(_seconds float8) returns setof uuid language sql stable as $$
    with recursive each as (
        (select a.integration_id as id from arrivals a order by a.integration_id limit 1)
        union all
        select (select a.integration_id from arrivals a where a.integration_id > e.id order by a.integration_id limit 1)
        from each e where e.id is not null)
    select e.id from each e where e.id is not null
        and (select a.at from arrivals a where a.integration_id = e.id order by a.id limit 1) <= now() - make_interval(secs => _seconds)
        and not exists (select 1 from arrival_folders f where f.integration_id = e.id and f.until > now())
    limit 200
$$;

select raise_wall();
