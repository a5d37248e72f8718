-- As before, but: a file of an album that goes one by one, and of which nobody knows whether it arrived, is not closed at once in any
-- mode: whoever settles it (see hub/chat/outbound/doubts.py) goes on with those behind it, which have no rows yet.
create or replace function sent(_id bigint, _attempt int, _me text, _state text, _network_id text, _code text, _error text,
                     _after float8, _hold boolean, _wire float8, _trace jsonb) returns jsonb
language plpgsql as $$
declare
    _o outbox;
begin
    update outbox o set
            state = _state,
            network_id = coalesce(_network_id, o.network_id),
            code = case when _state = 'sent' then null else _code end,
            error = case when _state = 'sent' then null else _error end,
            not_before = case when _hold then 'infinity'::timestamptz
                              when _state = 'queued' then now() + make_interval(secs => _after) else null end,
            wire_deadline = case when _state = 'unknown' then now() + make_interval(secs => _after) else null end,
            fate = case when _state = 'sent' then coalesce(o.fate, 'sent') else o.fate end,
            closed_at = case when _state in ('sent', 'dead') then now()
                             when _state = 'unknown' and not (o.body ? 'rest' or o.mode = 'reconcile'
                                 or (o.mode = 'placeholder_edit' and not fills_in(o.mode, o.body))) then now() else null end
        -- A late word about a part given up as unknown counts only if it settles it; an echo is never undone.
        where o.id = _id and o.attempt = _attempt
          and (o.state = 'sending' or (o.state = 'unknown' and _state in ('sent', 'dead')) or (o.state = 'sent' and _state = 'sent'))
        returning * into _o;
    if not found then
        return null;
    end if;
    insert into attempts (delivery_id, outcome, code, error, milliseconds, request, response)
        values (_id, _state, _code, _error, (_trace->>'milliseconds')::int, _trace->'request', _trace->'response');
    if _o.state = 'sent' and _o.message_id is not null and _o.part = 0 then
        update messages set network_id = _o.network_id where id = _o.message_id and network_id is null;
    end if;
    return next_part(_o.session_id, _me, _wire);
end $$;

-- As before, with the same.
create or replace function reap(_reconcile float8) returns table (session_id uuid)
language plpgsql as $$
#variable_conflict use_column
begin
    return query
    with late as (
        select o.id, o.mode = 'at_least_once' or fills_in(o.mode, o.body) as again from outbox o
        where o.state = 'sending' and o.wire_deadline < now()
        order by o.wire_deadline limit 200 for no key update skip locked),
    moved as (
        update outbox o set
            state = case when not late.again then 'unknown' when o.failures >= 9 then 'dead' else 'queued' end,
            not_before = null,
            failures = o.failures + 1,
            wire_deadline = case when not late.again and (o.mode <> 'at_most_once' or o.body ? 'rest') then now() + make_interval(secs => _reconcile) end,
            code = 'sender_lost', error = 'The sender stopped before the network had answered.',
            closed_at = case when (o.mode = 'at_most_once' and not o.body ? 'rest') or (late.again and o.failures >= 9) then now() end
        from late where o.id = late.id returning o.id, o.session_id, o.state),
    noted as (
        insert into attempts (delivery_id, outcome, code, error)
        select m.id, 'lost', 'sender_lost', 'The sender stopped before the network had answered.' from moved m),
    old as (
        select o.id from outbox o where o.state = 'queued' and o.expires_at < now() limit 200 for no key update skip locked),
    expired as (
        update outbox o set state = 'dead', code = 'expired', error = 'Not sent within its time.', closed_at = now()
        from old where o.id = old.id returning o.session_id)
    select m.session_id from moved m union select x.session_id from expired x;
end $$;
