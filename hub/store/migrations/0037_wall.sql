-- Row level security: what the role hub_tenant may see and change is what belongs to the account that its connection names in
-- the setting hub.account; without one it sees nothing. hub_system is the hub itself. Neither owns anything.

create function account_now() returns uuid language sql stable as $$
    select nullif(current_setting('hub.account', true), '')::uuid
$$;

-- A view shows what its reader may see, not what its owner may.
alter view persons set (security_invoker = true);

create function raise_wall() returns void language plpgsql as $$
declare
    _t record;
    _rule text;
    -- Tables without an account of their own, and what they hang on. A kept key of a web chat's message names its session.
    _parents jsonb := '{
        "contact_ids": "exists (select 1 from contacts p where p.id = contact_ids.contact_id)",
        "inbox_dedupe": "exists (select 1 from integrations p where p.id = inbox_dedupe.integration_id) or exists (select 1 from sessions p where p.id = inbox_dedupe.integration_id)",
        "attempts": "exists (select 1 from outbox p where p.id = attempts.delivery_id)",
        "scheduled_users": "exists (select 1 from clients p where p.id = scheduled_users.client_id)",
        "number_paces": "exists (select 1 from integrations p where p.id = number_paces.integration_id)",
        "turn_steps": "exists (select 1 from sessions p where p.id = turn_steps.session_id)",
        "operator_sessions": "exists (select 1 from operators p where p.id = operator_sessions.operator_id)",
        "operator_links": "exists (select 1 from operators p where p.id = operator_links.operator_id)",
        "operator_devices": "exists (select 1 from operators p where p.id = operator_devices.operator_id)",
        "operator_totp": "exists (select 1 from operators p where p.id = operator_totp.operator_id)",
        "operator_recovery_codes": "exists (select 1 from operators p where p.id = operator_recovery_codes.operator_id)",
        "operator_passkeys": "exists (select 1 from operators p where p.id = operator_passkeys.operator_id)",
        "operator_pending": "exists (select 1 from operators p where p.id = operator_pending.operator_id)",
        "operator_identities": "exists (select 1 from operators p where p.id = operator_identities.operator_id)",
        "session_reads": "exists (select 1 from sessions p where p.id = session_reads.session_id)"
    }';
    _schema text := quote_ident(current_schema());
begin
    if (select count(*) from pg_roles where rolname in ('hub_tenant', 'hub_system')) < 2 then
        return;
    end if;
    execute format('grant usage on schema %s to hub_tenant, hub_system', _schema);
    execute format('grant usage on all sequences in schema %s to hub_tenant, hub_system', _schema);
    for _t in
        select c.relname as name, exists (select 1 from pg_attribute a where a.attrelid = c.oid and a.attname = 'account_id'
                and not a.attisdropped) as owned, c.relrowsecurity and (select count(*) = 2 from pg_policy p where p.polrelid = c.oid
                    and p.polname in ('tenant', 'system')) as raised, c.relkind = 'v' as is_view
        from pg_class c where c.relkind in ('r', 'v') and c.relnamespace = current_schema()::regnamespace
            and not exists (select 1 from pg_depend d where d.objid = c.oid and d.deptype = 'e')
    loop
        if _t.is_view then
            execute format('grant select on %I to hub_tenant, hub_system', _t.name);
            continue;
        end if;
        _rule := case when _t.name = 'accounts' then 'id = account_now()'
                      when _t.owned then 'account_id = account_now()'
                      else _parents->>_t.name end;
        if _t.name in ('audit', 'audit_heads', 'migrations') then
            -- Only ever added to: its places in the chain and what is too old are the business of functions of the owner.
            execute format('revoke all on %I from hub_tenant, hub_system', _t.name);
            execute format('grant select on %I to hub_tenant, hub_system', _t.name);
            if _t.name = 'audit' then
                execute 'grant insert on audit to hub_tenant, hub_system';
            end if;
        else
            execute format('grant select, insert, update, delete on %I to hub_system', _t.name);
            if _rule is not null then
                execute format('grant select, insert, update, delete on %I to hub_tenant', _t.name);
            end if;
        end if;
        if _rule is null or _t.raised then
            continue;
        end if;
        -- A restored dump has the one without the other where the roles were not there.
        execute format('alter table %I enable row level security', _t.name);
        execute format('drop policy if exists tenant on %I', _t.name);
        execute format('drop policy if exists system on %I', _t.name);
        execute format('create policy tenant on %I to hub_tenant using (%s) with check (%s)', _t.name, _rule, _rule);
        execute format('create policy system on %I to hub_system using (true) with check (true)', _t.name);
    end loop;
    grant execute on function audit_trim(uuid, timestamptz) to hub_system;
end $$;
