-- Who did what, written by the database itself: a door says in whose name it works (the setting hub.deed, JSON, for as long
-- as the transaction lasts), and the first row that changes in that name leaves one row here, in the same transaction.
alter table audit add column deed uuid;
alter table audit add column seq bigint;
alter table audit add column hash bytea;
create unique index audit_deed on audit (account_id, deed) where deed is not null;
create unique index audit_seq on audit (account_id, seq);

-- The end of each account's chain, and where it begins since older rows were dropped.
create table audit_heads (
    account_id uuid primary key references accounts on delete cascade,
    seq bigint not null default 0,
    hash bytea not null default '',
    anchor_seq bigint not null default 0,
    anchor_hash bytea not null default ''
);

create function audit_hash(_before bytea, _row audit) returns bytea language sql stable as $$
    select sha256(_before || convert_to(jsonb_build_array(
        _row.seq, _row.id, _row.account_id, to_char(_row.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), _row.actor_kind,
        _row.actor_id, _row.actor, _row.action, _row.object, _row.detail, _row.deed)::text, 'UTF8'))
$$;

-- A row takes its place in the chain at the very end of its transaction, so that an account's chain is locked for a commit
-- and not for a change, and after everything else, so that two changes cannot wait for each other in a circle.
create function audit_link() returns trigger language plpgsql security definer set search_path from current as $$
declare
    _row audit;
    _head audit_heads;
    _deed jsonb := nullif(current_setting('hub.deed', true), '')::jsonb;
begin
    select * into _row from audit where id = new.id;
    if not found then
        return null;
    end if;
    if _row.deed = (_deed->>'id')::uuid then
        _row.action := _deed->>'action';
        _row.object := coalesce(_deed->>'object', _row.object);
        _row.detail := _row.detail || (_deed->'detail');
    end if;
    insert into audit_heads (account_id) values (new.account_id) on conflict do nothing;
    select * into _head from audit_heads where account_id = new.account_id for no key update;
    _row.seq := _head.seq + 1;
    _row.hash := audit_hash(_head.hash, _row);
    update audit set action = _row.action, object = _row.object, detail = _row.detail, seq = _row.seq, hash = _row.hash
        where id = _row.id;
    update audit_heads set seq = _row.seq, hash = _row.hash where account_id = new.account_id;
    return null;
end $$;

-- What is there already begins the chain.
do $$
declare
    _row audit;
    _account uuid;
    _hash bytea := '';
    _seq bigint := 0;
begin
    for _row in select * from audit order by account_id, id loop
        if _account is distinct from _row.account_id then
            _account := _row.account_id; _hash := ''; _seq := 0;
        end if;
        _seq := _seq + 1;
        _row.seq := _seq;
        _hash := audit_hash(_hash, _row);
        update audit set seq = _seq, hash = _hash where id = _row.id;
        insert into audit_heads (account_id, seq, hash) values (_account, _seq, _hash)
            on conflict (account_id) do update set seq = excluded.seq, hash = excluded.hash;
    end loop;
end $$;

create constraint trigger audit_chained after insert on audit deferrable initially deferred
    for each row execute function audit_link();

-- The columns that differ, without what only tells that something was used.
create function audit_columns(_table oid, _old anyelement, _new anyelement) returns text[] language plpgsql as $$
declare
    _sql text;
    _found text[];
begin
    select 'select array_remove(array[' || string_agg(format('case when ($1).%1$I is distinct from ($2).%1$I then %1$L end', attname), ',')
           || '], null)' into _sql
        from pg_attribute a where a.attrelid = _table and a.attnum > 0 and not a.attisdropped
            and a.attname not in ('used_at', 'updated_at', 'seen_at');
    execute _sql into _found using _old, _new;
    return _found;
end $$;

-- Arguments: the table's columns that hold the account and the object.
create function audit_change() returns trigger language plpgsql security definer set search_path from current as $$
declare
    _deed jsonb := current_setting('hub.deed')::jsonb;
    _account uuid;
    _object text;
    _changed text[];
    _noted text := current_setting('hub.noted', true);
    -- What is made may not be the first row that is written: the deed tells its table.
    _made boolean := tg_op = 'INSERT' and tg_table_name = _deed->>'table' and _deed->>'object' is null;
begin
    if _noted = _deed->>'id' || ' made' or (_noted = _deed->>'id' and not _made) then
        return null;
    end if;
    if tg_op = 'DELETE' then
        execute format('select ($1).%I, ($1).%I::text', tg_argv[0], tg_argv[1]) into _account, _object using old;
    else
        execute format('select ($1).%I, ($1).%I::text', tg_argv[0], tg_argv[1]) into _account, _object using new;
    end if;
    -- Threads and conversations of characters are known by their names alone.
    if tg_table_name = 'sessions' then
        select s.name into _object from sessions s where s.id = _object::uuid and s.name ~ '^(thr|conv)_'
            union all select _object limit 1;
    end if;
    -- What else the same request wakes is not its deed.
    if _account is distinct from (_deed->>'account')::uuid then
        return null;
    end if;
    if tg_op = 'UPDATE' then
        _changed := audit_columns(tg_relid, old, new);
        if cardinality(_changed) = 0 then
            return null;
        end if;
    end if;
    insert into audit (account_id, actor_kind, actor_id, actor, action, object, detail, deed)
        values (_account, _deed->>'kind', (_deed->>'actor_id')::uuid, _deed->>'actor', _deed->>'action',
                coalesce(_deed->>'object', _object),
                case when _changed is null then '{}' else jsonb_build_object('changed', _changed) end, (_deed->>'id')::uuid)
        on conflict (account_id, deed) where deed is not null do nothing;
    if _made then
        update audit set object = _object where account_id = _account and deed = (_deed->>'id')::uuid and hash is null;
    end if;
    perform set_config('hub.noted', _deed->>'id' || case when _made then ' made' else '' end, true);
    return null;
end $$;

-- Watch every table of accounts. Left out is what no person changes: counters, copies, the marks of requests themselves.
create function audit_watch() returns void language plpgsql as $$
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
            and c.relname not in ('audit', 'audit_heads', 'usage', 'requests', 'idempotency', 'chunks', 'webhook_events', 'ares_tokens')
            and not exists (select 1 from pg_trigger g where g.tgrelid = c.oid and g.tgname = 'audited')
    loop
        execute format(
            'create trigger audited after insert or update or delete on %I for each row'
            ' when (current_setting(''hub.deed'', true) <> '''') execute function audit_change(%L, %L)',
            _t.name, _t.account, _t.object);
    end loop;
end $$;

-- Drop what is older. The chain goes on from where it was cut; a cut less than thirty days back is refused, whoever asks.
create function audit_trim(_account uuid, _before timestamptz) returns bigint
language plpgsql security definer set search_path from current as $$
declare
    _last audit;
    _count bigint;
begin
    if _before > now() - interval '30 days' then
        raise exception 'the audit log of the last 30 days is kept' using errcode = 'insufficient_privilege';
    end if;
    perform 1 from audit_heads where account_id = _account for no key update;
    select * into _last from audit where account_id = _account and at < _before
        and seq < coalesce((select min(seq) from audit where account_id = _account and at >= _before), 9223372036854775807)
        order by seq desc limit 1;
    if not found then
        return 0;
    end if;
    update audit_heads set anchor_seq = _last.seq, anchor_hash = _last.hash where account_id = _account;
    delete from audit where account_id = _account and seq <= _last.seq;
    get diagnostics _count = row_count;
    return _count;
end $$;

-- These run as the owner: nobody but the hub's own roles, which are granted them by name, may call them.
revoke all on function audit_trim(uuid, timestamptz) from public;
