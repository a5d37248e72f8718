-- Where answers stay away again and again (a disk or a second server that takes longer than a call may), what was asked anew was done as
-- well, and claimed the next part once more, for nobody.

-- As in 0346; what it claims bears the first claim's fraction of a second in its deadline, by which it is known if this is not heard of
-- either. Whatever else is claimed has that by chance in one of a million cases. What was claimed for nobody was no attempt: how often
-- a part was sent says whether it may be sent once more.
create or replace function next_part_again(_session uuid, _me text, _at timestamptz, _wire float8) returns jsonb
language plpgsql as $$
declare
    _first timestamptz := _at + make_interval(secs => _wire);
    _fraction interval := _first - date_trunc('second', _first);
    _part jsonb;
begin
    update outbox o set state = 'queued', attempt = o.attempt - 1, sender = null, wire_deadline = null
        where o.session_id = _session and o.state = 'sending' and o.sender = _me
          and o.wire_deadline >= _first and o.wire_deadline - date_trunc('second', o.wire_deadline) = _fraction;
    _part := next_part(_session, _me, _wire);
    if _part is null then
        return null;
    end if;
    update outbox o set wire_deadline = date_trunc('second', o.wire_deadline) + _fraction + interval '1 second'
        where o.id = (_part->>'id')::bigint returning to_jsonb(o) into _part;
    return _part;
end $$;
