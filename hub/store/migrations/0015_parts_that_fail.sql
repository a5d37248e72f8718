-- No part of an answer stands at the head of a conversation for ever.

-- Tries in a row that failed although the network itself was there.
alter table outbox add column failures int not null default 0;

-- A part that cannot go as it is makes way for what stands for it (its link, its plain text): the part stays in its place
-- with another body, and a copy of what it was is kept, dead and with the reason. `_attempt` null: the network took it and
-- refused it afterwards.
create function fall_back(_id bigint, _attempt int, _me text, _copy uuid, _body jsonb, _sha text, _code text, _error text,
                          _wire float8, _trace jsonb) returns jsonb
language plpgsql as $$
declare
    _o outbox;
    _was bigint;
begin
    select * into _o from outbox o where o.id = _id
        and ((o.attempt = _attempt and o.state = 'sending') or (_attempt is null and o.state = 'dead')) for no key update;
    if not found then
        return null;
    end if;
    insert into outbox (key, account_id, session_id, message_id, part, integration_id, chat, body, sha, mode, state, attempt,
                        network_id, fate, code, error, created_at, closed_at)
        values (_copy, _o.account_id, _o.session_id, _o.message_id, _o.part, _o.integration_id, _o.chat, _o.body, _o.sha, _o.mode,
                'dead', _o.attempt, _o.network_id, _o.fate, _code, _error, _o.created_at, now())
        returning id into _was;
    update attempts set delivery_id = _was where delivery_id = _id;
    if _attempt is not null then
        insert into attempts (delivery_id, outcome, code, error, milliseconds, request, response)
            values (_was, 'dead', _code, _error, (_trace->>'milliseconds')::int, _trace->'request', _trace->'response');
    end if;
    update outbox set state = 'queued', body = _body, sha = _sha, failures = 0, not_before = null, wire_deadline = null, placeholder = null,
            network_id = null, fate = null, code = null, error = null, closed_at = null, resolution = 'instead',
            expires_at = greatest(expires_at, now() + interval '1 hour')
        where id = _id;
    return next_part(_o.session_id, _me, _wire);
end $$;

-- As before, and: a part that loses its senders again and again is not handed out for ever.
create or replace function reap(_reconcile float8) returns table (session_id uuid)
language plpgsql as $$
#variable_conflict use_column
begin
    return query
    with late as (
        select o.id from outbox o where o.state = 'sending' and o.wire_deadline < now()
        order by o.wire_deadline limit 200 for no key update skip locked),
    moved as (
        update outbox o set
            state = case when o.mode not in ('at_least_once', 'placeholder_edit') then 'unknown'
                         when o.failures >= 9 then 'dead' else 'queued' end,
            not_before = null,
            failures = o.failures + 1,
            wire_deadline = case when o.mode = 'reconcile' then now() + make_interval(secs => _reconcile) end,
            code = 'sender_lost', error = 'The sender stopped before the network had answered.',
            closed_at = case when o.mode = 'at_most_once' or (o.mode <> 'reconcile' and o.failures >= 9) then now() end
        from late where o.id = late.id returning o.id, o.session_id, o.state),
    noted as (
        insert into attempts (delivery_id, outcome, code, error)
        select m.id, 'lost', 'sender_lost', 'The sender stopped before the network had answered.' from moved m),
    echoless as (
        select o.id from outbox o where o.state = 'unknown' and o.closed_at is null and o.wire_deadline < now()
        order by o.wire_deadline limit 200 for no key update skip locked),
    again as (
        update outbox o set
            state = case when o.attempt < 2 then 'queued' else 'dead' end,
            not_before = null, wire_deadline = null,
            resolution = case when o.attempt < 2 then 'resent' else o.resolution end,
            code = case when o.attempt < 2 then o.code else 'unconfirmed' end,
            closed_at = case when o.attempt < 2 then null else now() end
        from echoless e where o.id = e.id returning o.session_id),
    old as (
        select o.id from outbox o where o.state = 'queued' and o.expires_at < now() limit 200 for no key update skip locked),
    expired as (
        update outbox o set state = 'dead', code = 'expired', error = 'Not sent within its time.', closed_at = now()
        from old where o.id = old.id returning o.session_id)
    select m.session_id from moved m union select a.session_id from again a union select x.session_id from expired x;
end $$;
