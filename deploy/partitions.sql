-- Tables that grow by the month, in partitions; how and when: deploy/PARTITIONS.md. Run by the owner of the tables.

-- The first UUID of version 7 of a moment: ids of messages are in the order of time, so they are cut by months.
create or replace function uuid_at(_at timestamptz) returns uuid language sql immutable strict parallel safe as $$
    select (lpad(to_hex((extract(epoch from _at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- The table as it is becomes the first partition, without a row being moved: whatever is below the bound stays where it
-- is. A check "<table>_bound" that says so has been validated before (it is what makes this a matter of milliseconds).
create or replace function partition_begin(_table text, _column text, _bound text) returns void language plpgsql as $$
declare
    _old text := _table || '_before';
    _i record;
    _next bigint;
    _serial text;
    _indexes text[] := '{}';
    _foreign text[] := '{}';
    _inward text[] := '{}';
    _triggers text[] := '{}';
    _policies text[] := '{}';
    _grants text[] := '{}';
begin
    perform 1 from pg_constraint where conname = _table || '_bound' and conrelid = _table::regclass and convalidated;
    if not found then
        raise exception 'Add and validate the check %_bound first.', _table;
    end if;
    execute format('lock table %I in access exclusive mode', _table);
    -- What the new one has to have as well.
    for _i in select c.relname, i.indisunique, pg_get_indexdef(i.indexrelid) as def, k.contype,
            exists (select 1 from pg_attribute a where a.attrelid = i.indrelid and a.attname = _column and a.attnum = any(i.indkey)) as whole,
            pg_get_constraintdef(k.oid) as constraintdef
        from pg_index i join pg_class c on c.oid = i.indexrelid left join pg_constraint k on k.conindid = i.indexrelid and k.conrelid = i.indrelid
        where i.indrelid = _table::regclass
    loop
        execute format('alter index %I rename to %I', _i.relname, _i.relname || '_before');
        -- Unique within each partition alone, where the column that is cut by is not in it.
        if _i.contype is not null and _i.whole then
            _indexes := _indexes || format('alter table %I add constraint %I %s', _table, _i.relname, _i.constraintdef);
        elsif not _i.indisunique then
            _indexes := _indexes || _i.def;
        end if;
    end loop;
    for _i in select conname, pg_get_constraintdef(oid) as def from pg_constraint where conrelid = _table::regclass and contype = 'f' loop
        _foreign := _foreign || format('alter table %I add constraint %I %s', _table, _i.conname, _i.def);
    end loop;
    for _i in select conname, conrelid::regclass as other, pg_get_constraintdef(oid) as def from pg_constraint
        where confrelid = _table::regclass and contype = 'f'
    loop
        execute format('alter table %s drop constraint %I', _i.other, _i.conname);
        _inward := _inward || format('alter table %s add constraint %I %s not valid', _i.other, _i.conname, _i.def);
    end loop;
    for _i in select tgname, pg_get_triggerdef(oid) as def from pg_trigger where tgrelid = _table::regclass and not tgisinternal loop
        execute format('drop trigger %I on %I', _i.tgname, _table);
        _triggers := _triggers || _i.def;
    end loop;
    for _i in select p.polname, pg_get_expr(p.polqual, p.polrelid) as rule, pg_get_expr(p.polwithcheck, p.polrelid) as checked,
            (select string_agg(r::regrole::text, ', ') from unnest(p.polroles) r) as roles
        from pg_policy p where p.polrelid = _table::regclass
    loop
        _policies := _policies || format('create policy %I on %I to %s using (%s) with check (%s)', _i.polname, _table, _i.roles,
            _i.rule, coalesce(_i.checked, _i.rule));
    end loop;
    for _i in select a.grantee::regrole as role, string_agg(a.privilege_type, ', ') as rights
        from pg_class c, aclexplode(c.relacl) a where c.oid = _table::regclass and a.grantee <> c.relowner group by a.grantee
    loop
        _grants := _grants || format('grant %s on %I to %s', _i.rights, _table, _i.role);
    end loop;
    select attname into _serial from pg_attribute where attrelid = _table::regclass and attidentity <> '';
    if _serial is not null then
        execute format('select coalesce(pg_sequence_last_value(%L::regclass), 0) + 1', pg_get_serial_sequence(_table, _serial)) into _next;
        execute format('alter table %I alter column %I drop identity', _table, _serial);
    end if;

    execute format('alter table %I rename to %I', _table, _old);
    execute format('create table %I (like %I including defaults including generated including storage including constraints)
        partition by range (%I)', _table, _old, _column);
    execute format('alter table %I drop constraint %I', _table, _table || '_bound');
    if _serial is not null then
        execute format('alter table %I alter column %I add generated always as identity (start with %s)', _table, _serial, _next);
    end if;
    execute coalesce((select string_agg(s, ';') from unnest(_indexes || _foreign) s), 'select 1');
    execute format('alter table %I attach partition %I for values from (minvalue) to (%L)', _table, _old, _bound);
    execute format('alter table %I drop constraint %I', _old, _table || '_bound');
    -- The wall between accounts stands before the new table as well; the partitions themselves are nobody's.
    execute format('alter table %I enable row level security', _table);
    execute coalesce((select string_agg(s, ';') from unnest(_triggers || _policies || _grants || _inward) s), 'select 1');
    if _serial is not null and exists (select 1 from pg_roles where rolname = 'hub_system') then
        execute format('grant usage on sequence %s to hub_tenant, hub_system', pg_get_serial_sequence(_table, _serial));
    end if;
    -- Open connections have functions compiled with rows of the old table: put in anew, each compiles them again.
    for _i in select pg_get_functiondef(p.oid) as def from pg_proc p join pg_language l on l.oid = p.prolang
        where p.pronamespace = current_schema()::regnamespace and l.lanname in ('plpgsql', 'sql') and p.prosrc ~ ('\m' || _table || '\M')
    loop
        execute _i.def;
    end loop;
    -- What fits nowhere is kept, not refused; nothing should ever be in here.
    perform partition_add(_table, null, null, _table || '_rest');
end $$;

-- One more partition, from one bound to the next; without bounds, the one for whatever fits nowhere.
create or replace function partition_add(_table text, _from text, _to text, _name text) returns void language plpgsql as $$
begin
    if to_regclass(_name) is not null then
        return;
    end if;
    -- As the rest is, which always is there.
    execute format('create table %I (like %I including defaults including generated including storage including indexes including constraints)',
        _name, _table || case when to_regclass(_table || '_rest') is null then '_before' else '_rest' end);
    execute format('revoke all on %I from public', _name);
    if _from is null then
        execute format('alter table %I attach partition %I default', _table, _name);
    else
        execute format('alter table %I attach partition %I for values from (%L) to (%L)', _table, _name, _from, _to);
    end if;
    execute format('alter table %I enable row level security', _name);
end $$;

-- A month of what has been cut by months, made before it begins; as often as you like.
create or replace function partition_month(_month date) returns void language plpgsql as $$
declare
    _name text := to_char(_month, '"_"YYYY"_"MM');
    _from timestamptz := date_trunc('month', _month)::timestamp at time zone 'UTC';
    _to timestamptz := (date_trunc('month', _month) + interval '1 month')::timestamp at time zone 'UTC';
begin
    if exists (select 1 from pg_partitioned_table where partrelid = 'messages'::regclass) then
        perform partition_add('messages', uuid_at(_from)::text, uuid_at(_to)::text, 'messages' || _name);
    end if;
    if exists (select 1 from pg_partitioned_table where partrelid = 'usage'::regclass) then
        perform partition_add('usage', _from::text, _to::text, 'usage' || _name);
    end if;
end $$;
