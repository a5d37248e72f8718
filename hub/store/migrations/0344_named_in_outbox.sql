-- What a network calls a message of ours stands in `outbox`, which is kept as long as the message. Written into `messages` as well,
-- it wrote the whole message once more, and its words into their index. There it stays for what others wrote, who know it at once.
-- The same functions as before, without that.
create or replace function sent(_id bigint, _attempt integer, _me text, _state text, _network_id text, _code text, _error text, _after double precision, _hold boolean, _wire double precision, _trace jsonb)
returns jsonb language plpgsql as $$
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
    return next_part(_o.session_id, _me, _wire);
end $$;

create or replace function go_on(_id bigint, _attempt integer, _me text, _state text, _network_id text, _code text, _error text, _key uuid, _gone jsonb, _next jsonb, _wire double precision, _trace jsonb)
returns jsonb language plpgsql as $$
declare
    _o outbox;
    _was bigint;
begin
    select * into _o from outbox o where o.id = _id and o.attempt = _attempt and o.state in ('sending', 'unknown') for no key update;
    if not found then
        return null;
    end if;
    update outbox set key = _key, body = _next, state = 'queued', failures = 0, not_before = null, wire_deadline = null, placeholder = null,
            network_id = null, fate = null, code = null, error = null, closed_at = null, resolution = null,
            expires_at = greatest(expires_at, now() + interval '1 hour')
        where id = _id;
    insert into outbox (key, account_id, session_id, message_id, part, integration_id, chat, body, sha, mode, state, attempt,
                        network_id, fate, code, error, created_at, closed_at)
        values (_o.key, _o.account_id, _o.session_id, _o.message_id, _o.part, _o.integration_id, _o.chat, _gone, _o.sha, _o.mode,
                _state, _o.attempt, _network_id, case when _state = 'sent' then 'sent' end, _code, _error, _o.created_at, now())
        returning id into _was;
    update attempts set delivery_id = _was where delivery_id = _id;
    insert into attempts (delivery_id, outcome, code, error, milliseconds, request, response)
        values (_was, _state, _code, _error, (_trace->>'milliseconds')::int, _trace->'request', _trace->'response');
    return next_part(_o.session_id, _me, _wire);
end $$;

-- A message waits in `inbox`, and is said to be answered where it stands: there is room for that in its page.
alter table inbox set (fillfactor = 70);

select raise_wall();
