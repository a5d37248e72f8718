-- A process whose connection is lost at a commit asks again. Where the commit was made, so was what it claimed with it: the part
-- that it was to send next, which it never heard of and so never sent.

-- Give such a part back and claim the next one anew. _at: the time of that commit, which is in the part's deadline too.
create function next_part_again(_session uuid, _me text, _at timestamptz, _wire float8) returns jsonb
language plpgsql as $$
begin
    update outbox o set state = 'queued', sender = null, wire_deadline = null
        where o.session_id = _session and o.state = 'sending' and o.sender = _me
          and o.wire_deadline = _at + make_interval(secs => _wire);
    return next_part(_session, _me, _wire);
end $$;

-- As `sent`, of a part that the network took, when nobody heard what became of the same call before.
create function sent_again(_id bigint, _attempt integer, _me text, _network_id text, _wire double precision, _trace jsonb) returns jsonb
language plpgsql as $$
declare
    _o outbox;
begin
    select * into _o from outbox o where o.id = _id for no key update;
    if _o.state = 'sent' and _o.attempt = _attempt and _o.closed_at is not null then
        update outbox o set network_id = coalesce(o.network_id, _network_id) where o.id = _id and o.network_id is null;
        return next_part_again(_o.session_id, _me, _o.closed_at, _wire);
    end if;
    return sent(_id, _attempt, _me, 'sent', _network_id, null, null, 0, false, _wire, _trace);
end $$;

-- What `complete` says of a turn that is stored; null where it is not.
create function completed(_session uuid, _turn uuid, _me text, _wire double precision) returns jsonb
language sql as $$
    select jsonb_build_object('ok', true, 'more', s.due_at is not null, 'part', next_part_again(s.id, _me, t.created_at, _wire))
    from turns t join sessions s on s.id = t.session_id where t.id = _turn and t.session_id = _session
$$;
