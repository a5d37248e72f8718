-- What becomes of many turns, and of many parts, is written together, each under its own fence, as `complete` and `sent` write one by
-- one (which say what it means). Whatever somebody else holds locked is not waited for: it is left out, and whoever asks looks at it by
-- itself. No trouble of one takes longer from the others than `lock_timeout`.

-- Of plain turns: nothing scheduled, no reset. items: {session, epoch, since, upto, turn, messages, parts, charged}, where `charged` is
-- the account whose balance changes by it.
create function complete_each(items jsonb, _me text, _wire float8)
returns table (n int, ok boolean, taken boolean, more boolean, part jsonb)
language plpgsql
-- As in `ingest_plain`.
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set lock_timeout = '200ms'
as $$
#variable_conflict use_column
declare
    _free uuid[];
    _paid uuid[] := array(select distinct (i->>'charged')::uuid from jsonb_array_elements(items) i where i->>'charged' is not null);
    _n int[];
    _in uuid[];
    _more boolean[];
    _parts jsonb[];
    _wait boolean[];
begin
    _free := array(select s.id from sessions s where s.id = any(array(select (i->>'session')::uuid from jsonb_array_elements(items) i))
        order by s.id for no key update skip locked);
    if cardinality(_paid) > 0 then
        -- In the order in which `charge` locks them.
        _paid := array(select a.id from accounts a where a.id = any(_paid) order by a.id for no key update skip locked);
    end if;
    perform set_config('hub.marks', 'off', true);
    with item as materialized (
        select (e.place - 1)::int as n, i.*,
            -- What people wrote and read; what tools were asked and said is no message of theirs.
            (select count(*) from jsonb_array_elements(i.messages) m where m->>'role' = 'user'
                or (m->>'role' = 'assistant' and m->'content'->>'text' <> '')) as said,
            exists (select 1 from jsonb_array_elements(i.messages) m where m->>'role' = 'assistant'
                and not (i.turn->>'outcome' in ('failed', 'poison') and m->>'source' = 'system')
                and (m->'content'->>'text' <> '' or m->'content' ? 'attachments' or m->'content' ? 'tool_calls')) as spoken
        from jsonb_array_elements(items) with ordinality e(item, place)
        cross join lateral jsonb_to_record(e.item) as i(session uuid, epoch bigint, since bigint, upto bigint, turn jsonb, messages jsonb,
            parts jsonb, charged uuid)
        where i.session = any(_free) and (i.charged is null or i.charged = any(_paid))),
    fenced as (
        update sessions s set done_seq = i.upto, owner = null, lease_until = null, attempts = 0, crash_count = 0,
                placeholder = null, apologised_seq = null,
                due_at = case when s.last_seq <= i.upto then null when s.oldest_at is null then now() else s.due_at end,
                message_count = s.message_count + i.said,
                token_count = s.token_count + coalesce((i.turn->>'prompt_tokens')::int, 0) + coalesce((i.turn->>'completion_tokens')::int, 0),
                title = coalesce(s.title, i.turn->>'title'),
                last_message_at = case when i.spoken then now() else s.last_message_at end
            from item i where s.id = i.session and s.epoch = i.epoch and s.done_seq = i.since
            returning i.n, s.epoch, i.since, i.upto, i.turn, (i.turn->>'id')::uuid as id, i.messages, i.parts, i.spoken, s.id as session, s.account_id,
                s.integration_id, s.due_at, s.last_message_at, s.handoff_at is null as ours, is_unanswered(s) as open),
    -- What the trigger does one by one.
    rested as (delete from session_queue q using fenced f where q.session_id = f.session and f.due_at is null),
    queued as (
        insert into session_queue (session_id, account_id, lane, due_at)
        select f.session, f.account_id, coalesce(f.integration_id, f.account_id), f.due_at from fenced f
        where f.due_at is not null order by f.session
        on conflict (session_id) do update set due_at = excluded.due_at, lane = excluded.lane),
    placed as (
        insert into session_order (session_id, account_id, at, unanswered)
        select f.session, f.account_id, f.last_message_at, f.open from fenced f
        where f.last_message_at is not null and (f.spoken or f.open) order by f.session
        on conflict (session_id) do update set at = excluded.at, unanswered = excluded.unanswered),
    turned as (
        insert into turns (id, account_id, session_id, from_seq, upto_seq, epoch, gateway_id, model, outcome, error, prompt_tokens,
                           completion_tokens, cost, attempts, passages, timings)
        select f.id, f.account_id, f.session, f.since, f.upto, f.epoch, (f.turn->>'gateway_id')::uuid, f.turn->>'model',
               f.turn->>'outcome', f.turn->>'error', coalesce((f.turn->>'prompt_tokens')::int, 0),
               coalesce((f.turn->>'completion_tokens')::int, 0), coalesce((f.turn->>'cost')::numeric, 0),
               coalesce((f.turn->>'attempts')::int, 1), coalesce(f.turn->'passages', '[]'), coalesce(f.turn->'timings', '{}')
        from fenced f order by f.n),
    answered as (
        update inbox w set state = coalesce(f.turn->>'batch_state', 'answered'), turn_id = f.id
        from fenced f where w.session_id = f.session and w.seq > f.since and w.seq <= f.upto and w.state = 'waiting'),
    told as (
        insert into messages (id, account_id, session_id, role, source, content, turn_id, network_id, hidden)
        select (m->>'id')::uuid, f.account_id, f.session, m->>'role', m->>'source', m->'content', f.id,
               m->>'network_id', coalesce((m->>'hidden')::boolean, false)
        from fenced f cross join lateral jsonb_array_elements(f.messages) with ordinality e(m, o) order by f.n, e.o
        on conflict (id) do update set content = excluded.content, turn_id = excluded.turn_id, hidden = excluded.hidden
            where messages.session_id = excluded.session_id),
    billed as (
        insert into usage (account_id, gateway_id, session_id, turn_id, sku, quantity, unit_price, amount, description)
        select f.account_id, (f.turn->>'gateway_id')::uuid, f.session, f.id, u->>'sku', (u->>'quantity')::numeric,
               (u->>'unit_price')::numeric, (u->>'amount')::numeric, u->>'description'
        from fenced f cross join lateral jsonb_array_elements(coalesce(f.turn->'billed', '[]')) u),
    said as (
        -- Where nothing else of the conversation is on its way, and no person has it, the first part goes at once.
        insert into outbox (key, account_id, session_id, turn_id, message_id, part, integration_id, chat, body, sha, mode, placeholder,
                            expires_at, not_before, code, state, attempt, sender, wire_deadline)
        select (p->>'key')::uuid, f.account_id, f.session, f.id, (p->>'message_id')::uuid, (e.o - 1)::int,
               f.integration_id, p->>'chat', p->'body', p->>'sha', p->>'mode', p->>'placeholder',
               now() + case when p->>'hold' is not null then interval '7 days' else interval '24 hours' end,
               case when p->>'hold' is not null then 'infinity'::timestamptz end,
               case when p->>'hold' is not null then 'window_closed' end,
               case when g.goes then 'sending' else 'queued' end, case when g.goes then 1 else 0 end, case when g.goes then _me end,
               case when g.goes then now() + make_interval(secs => _wire) end
        from fenced f
        cross join lateral (select f.ours and not exists (select 1 from outbox o where o.session_id = f.session
            and (o.state in ('queued', 'sending') or (o.state = 'unknown' and o.closed_at is null))) as alone) a
        cross join lateral jsonb_array_elements(f.parts) with ordinality e(p, o)
        cross join lateral (select a.alone and e.o = 1 and p->>'hold' is null as goes) g
        order by f.n, e.o
        returning outbox.turn_id, outbox.part, outbox.state, to_jsonb(outbox) as row)
    select array_agg(f.n), array_agg(f.session), array_agg(f.due_at is not null), array_agg(p.row), array_agg(p.state = 'queued')
        into _n, _in, _more, _parts, _wait
        from fenced f left join said p on p.turn_id = f.id and p.part = 0;
    perform set_config('hub.marks', 'on', true);
    return query
        select d.n, true, false, d.more, case when d.waits then next_part(d.session, _me, _wire) when not d.waits then d.part end
        from unnest(_n, _in, _more, _parts, _wait) d(n, session, more, part, waits);
    if coalesce(cardinality(_n), 0) < jsonb_array_length(items) then
        return query
            select i.n, false, exists (select 1 from sessions s where s.id = i.session and s.handoff_at is not null
                and (s.handoff_until is null or s.handoff_until > now())), false, null::jsonb
            from (select (e.place - 1)::int as n, (e.item->>'session')::uuid as session, (e.item->>'charged')::uuid as charged
                from jsonb_array_elements(items) with ordinality e(item, place)) i
            where i.session = any(_free) and (i.charged is null or i.charged = any(_paid)) and i.n <> all(coalesce(_n, '{}'));
    end if;
end $$;

-- Of parts that the network took. items: {id, attempt, network_id, trace}; part: the next one of the conversation, marked as being sent.
create function sent_each(items jsonb, _me text, _wire float8)
returns table (n int, part jsonb)
language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set lock_timeout = '200ms'
as $$
#variable_conflict use_column
declare
    _free bigint[];
    _n int[];
    _in uuid[];
begin
    _free := array(select o.id from outbox o where o.id = any(array(select (i->>'id')::bigint from jsonb_array_elements(items) i))
        order by o.id for no key update skip locked);
    with item as materialized (
        select (e.place - 1)::int as n, i.* from jsonb_array_elements(items) with ordinality e(item, place)
        cross join lateral jsonb_to_record(e.item) as i(id bigint, attempt int, network_id text, trace jsonb)
        where i.id = any(_free)),
    closed as (
        update outbox o set state = 'sent', network_id = coalesce(i.network_id, o.network_id), code = null, error = null,
                not_before = null, wire_deadline = null, fate = coalesce(o.fate, 'sent'), closed_at = now()
            from item i where o.id = i.id and o.attempt = i.attempt and o.state in ('sending', 'unknown', 'sent')
            returning i.n, i.trace, o.id, o.session_id),
    tried as (
        insert into attempts (delivery_id, outcome, milliseconds, request, response)
        select c.id, 'sent', (c.trace->>'milliseconds')::int, c.trace->'request', c.trace->'response' from closed c order by c.id)
    select array_agg(c.n), array_agg(c.session_id) into _n, _in from closed c;
    -- What came to wait meanwhile, too: its bell was rung while this one was on the wire.
    return query
        select d.n, case when exists (select 1 from outbox o where o.session_id = d.session and o.state = 'queued')
            then next_part(d.session, _me, _wire) end
        from unnest(_n, _in) d(n, session)
        union all
        select (e.place - 1)::int, null from jsonb_array_elements(items) with ordinality e(item, place)
        where (e.item->>'id')::bigint = any(_free) and (e.place - 1)::int <> all(coalesce(_n, '{}'));
end $$;

select raise_wall();
