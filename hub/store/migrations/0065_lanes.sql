-- Nobody waits behind somebody else's crowd: what is due is found by integration (an account's web chats count as one), in turns.
drop index sessions_due;
create index sessions_due on sessions (coalesce(integration_id, account_id), due_at) where due_at is not null;
drop index outbox_queued;
create index outbox_queued on outbox (coalesce(integration_id, account_id), coalesce(not_before, '-infinity'::timestamptz)) where state = 'queued';

-- _lanes: how many are looked at, in order after that one. A row of the kind 'after' tells where to go on when there are more.
create function sweep_lanes(_limit int, _after uuid, _lanes int)
returns table (kind text, session_id uuid, account_id uuid, integration_id uuid) language plpgsql as $$
#variable_conflict use_column
declare
    _turns uuid[];
    _sends uuid[];
    _last uuid;
begin
    -- From one to the next by the index, however much waits in each.
    with recursive lanes(lane) as (
        select min_lane.lane from (select coalesce(s.integration_id, s.account_id) as lane from sessions s
            where s.due_at is not null and coalesce(s.integration_id, s.account_id) > _after order by 1 limit 1) min_lane
        union all
        select (select coalesce(s.integration_id, s.account_id) from sessions s
            where s.due_at is not null and coalesce(s.integration_id, s.account_id) > l.lane order by 1 limit 1)
        from lanes l where l.lane is not null)
    select array_agg(found.lane) into _turns from (select l.lane from lanes l where l.lane is not null limit _lanes) found;
    with recursive lanes(lane) as (
        select min_lane.lane from (select coalesce(o.integration_id, o.account_id) as lane from outbox o
            where o.state = 'queued' and coalesce(o.integration_id, o.account_id) > _after order by 1 limit 1) min_lane
        union all
        select (select coalesce(o.integration_id, o.account_id) from outbox o
            where o.state = 'queued' and coalesce(o.integration_id, o.account_id) > l.lane order by 1 limit 1)
        from lanes l where l.lane is not null)
    select array_agg(found.lane) into _sends from (select l.lane from lanes l where l.lane is not null limit _lanes) found;
    -- Both go on together: after the nearer of those two that had more than were looked at.
    if coalesce(cardinality(_turns), 0) >= _lanes or coalesce(cardinality(_sends), 0) >= _lanes then
        _last := least(case when cardinality(_turns) >= _lanes then _turns[_lanes] end,
                       case when cardinality(_sends) >= _lanes then _sends[_lanes] end);
        return query select 'after', _last, null::uuid, null::uuid;
    end if;
    return query
    select 'turn', found.id, found.account_id, found.integration_id
    from unnest(_turns) with ordinality l(lane, place) cross join lateral (
        select s.id, s.account_id, s.integration_id, row_number() over (order by s.due_at) as rank from sessions s
        where coalesce(s.integration_id, s.account_id) = l.lane and s.due_at <= now()
          and (s.lease_until is null or s.lease_until < now()) and s.last_seq > s.done_seq
        order by s.due_at limit greatest(5, _limit / cardinality(_turns))) found
    order by found.rank, l.place limit _limit;
    return query
    select distinct on (found.rank, l.place, found.session_id) 'send', found.session_id, found.account_id, found.integration_id
    from unnest(_sends) with ordinality l(lane, place) cross join lateral (
        select q.session_id, q.account_id, q.integration_id, row_number() over (order by coalesce(q.not_before, '-infinity'::timestamptz)) as rank from outbox q
        where coalesce(q.integration_id, q.account_id) = l.lane and q.state = 'queued'
          and coalesce(q.not_before, '-infinity'::timestamptz) <= now()
          and not exists (select 1 from outbox p where p.session_id = q.session_id and p.id < q.id
                          and (p.state in ('queued', 'sending') or (p.state = 'unknown' and p.closed_at is null)))
        order by coalesce(q.not_before, '-infinity'::timestamptz) limit greatest(5, _limit / cardinality(_sends))) found
    order by found.rank, l.place, found.session_id limit _limit;
end $$;

-- What older processes still call.
create or replace function sweep(_limit int) returns table (kind text, session_id uuid) language sql as $$
    select l.kind, l.session_id from sweep_lanes(_limit, '00000000-0000-0000-0000-000000000000', 1000) l where l.kind <> 'after';
$$;
