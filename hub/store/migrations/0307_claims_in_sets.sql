-- Conversations that are claimed at the same moment are claimed in one set, and what they have in common is read once: the chat client,
-- its gateway, the network's integration, the account. `claim` says what it means, and does whatever is not plain: a person has or had
-- the conversation, a worker has died over it, it was tried before, a command waits.

-- As before; it can be put into the statement that asks, as it is nothing but its words.
create or replace function messages_since(_begun timestamptz) returns uuid language sql stable parallel safe as $$
    select (lpad(to_hex(greatest(0, (extract(epoch from _begun) * 1000)::bigint - 32 * 86400000::bigint)), 12, '0') || repeat('0', 20))::uuid
$$;

-- Of those that nobody else holds locked. claimed: as `claim` gives it (null: nothing is to be done), without what is in `shared`, which
-- comes with the first row: {clients, gateways (by their client), integrations, accounts} by their ids. What `claim` gave is whole.
create function claim_all(_sessions uuid[], _me text, _lease float8, _history int)
returns table (session uuid, claimed json, shared json)
language plpgsql
-- As in `ingest_plain`.
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    _free uuid[] := array(select s.id from sessions s where s.id = any(_sessions) order by s.id for no key update skip locked);
    _in uuid[];
    _claimed json[];
    _clients uuid[];
    _integrations uuid[];
    _accounts uuid[];
begin
    perform set_config('hub.marks', 'off', true);
    with plain as materialized (
        select s.id from unnest(_free) f(id)
        cross join lateral (
            select s.id, s.done_seq from sessions s where s.id = f.id and s.client_id is not null and s.handoff_at is null
                and s.lease_until is null and s.attempts < 3 and s.crash_count < 2 and s.last_seq > s.done_seq and s.due_at <= now()
            limit 1) s
        where not exists (select 1 from inbox i where i.session_id = s.id and i.seq > s.done_seq and i.state = 'waiting'
            and i.command is not null)),
    taken as (
        update sessions s set epoch = s.epoch + 1, attempts = s.attempts + 1, owner = _me,
            lease_until = now() + make_interval(secs => _lease), due_at = now() + make_interval(secs => _lease), oldest_at = null
        from plain p where s.id = p.id returning s.*),
    -- What the trigger does one by one.
    queued as (
        insert into session_queue (session_id, account_id, lane, due_at)
        select t.id, t.account_id, coalesce(t.integration_id, t.account_id), t.due_at from taken t order by t.id
        on conflict (session_id) do update set due_at = excluded.due_at, lane = excluded.lane)
    select array_agg(t.id), array_agg(json_build_object(
            'session', row_to_json(t), 'upto', t.last_seq,
            'behind', exists (select 1 from outbox o where o.session_id = t.id and o.state in ('queued', 'sending', 'unknown')
                and o.closed_at is null),
            'batch', (select coalesce(json_agg(row_to_json(i) order by coalesce(i.provider_at, i.received_at), i.seq), '[]')
                from inbox i where i.session_id = t.id and i.seq > t.done_seq and i.seq <= t.last_seq and i.state = 'waiting'),
            'history', (select coalesce(json_agg(row_to_json(h) order by h.position), '[]') from (
                select m.id, m.role, m.source, m.content, m.position, m.created_at from messages m
                where m.session_id = t.id and not m.hidden
                    and (m.id >= messages_since(t.created_at) or m.id < '01800000-0000-0000-0000-000000000000')
                    and m.id <> all(array(select w.id from inbox w
                        where w.session_id = t.id and w.seq > t.done_seq and w.state = 'waiting'))
                order by m.position desc limit _history) h),
            'contact', (select row_to_json(c) from contacts c where c.id = t.contact_id),
            'files', (select coalesce(json_agg(json_build_object('id', f.id, 'message_id', f.message_id, 'token', f.token, 'name', f.name,
                    'mime', f.mime, 'kind', f.kind, 'size', f.size) order by f.id), '[]') from files f where f.session_id = t.id),
            'known', case when exists (select 1 from contact_fields d where d.account_id = t.account_id and d.bot)
                then told_of(t.account_id, t.person_id) end)),
            array_agg(distinct t.client_id), array_agg(distinct t.integration_id), array_agg(distinct t.account_id)
        into _in, _claimed, _clients, _integrations, _accounts from taken t;
    perform set_config('hub.marks', 'on', true);
    if cardinality(_in) > 0 then
        return query select d.session, d.claimed, case when d.place = 1 then json_build_object(
            'clients', (select json_object_agg(c.id, row_to_json(c)) from clients c where c.id = any(_clients)),
            'gateways', (select coalesce(json_object_agg(c.id, to_jsonb(g) - 'secrets'
                    || jsonb_build_object('secrets', encode(g.secrets, 'base64'))), '{}')
                from clients c join gateways g on g.id = c.gateway_id where c.id = any(_clients)),
            'integrations', (select coalesce(json_object_agg(i.id, to_jsonb(i) - 'secrets' - 'secret_hash'
                    || jsonb_build_object('secrets', encode(i.secrets, 'base64'))), '{}')
                from integrations i where i.id = any(_integrations)),
            'accounts', (select json_object_agg(a.id, json_build_object('id', a.id, 'name', a.name, 'balance', a.balance,
                'parameters', a.parameters)) from accounts a where a.id = any(_accounts))) end
        from unnest(_in, _claimed) with ordinality d(session, claimed, place);
    end if;
    if coalesce(cardinality(_in), 0) < cardinality(_free) then
        return query select f.id, claim(f.id, _me, _lease, _history, false, true)::json, null::json
            from unnest(_free) f(id) where f.id <> all(coalesce(_in, '{}'));
    end if;
end $$;

select raise_wall();
