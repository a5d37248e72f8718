-- Files of an album that a network refuses go one by one: each has a row with its outcome, and the next takes its place in the
-- conversation's order, under a key of its own.
create function go_on(_id bigint, _attempt int, _me text, _state text, _network_id text, _code text, _error text, _key uuid,
                      _gone jsonb, _next jsonb, _wire float8, _trace jsonb) returns jsonb
language plpgsql as $$
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
    if _state = 'sent' and _o.message_id is not null and _o.part = 0 then
        update messages set network_id = _network_id where id = _o.message_id and network_id is null;
    end if;
    return next_part(_o.session_id, _me, _wire);
end $$;

select raise_wall();
