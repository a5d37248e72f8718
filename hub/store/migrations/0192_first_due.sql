-- As before, but ranked as the index of the queue has them: of a crowd only the first are looked at, not all each time.
create or replace function sweep_lanes(_limit int, _after uuid, _lanes int)
returns table (kind text, session_id uuid, account_id uuid, integration_id uuid) language plpgsql
-- By the indexes, which have them in this order: else all of a crowd is read and sorted, while little is known of these tables.
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    _turns uuid[];
    _sends uuid[];
    _last uuid;
begin
    -- From one to the next by the index, however much waits in each.
    with recursive lanes(lane) as (
        select min_lane.lane from (select q.lane from session_queue q where q.lane > _after order by 1 limit 1) min_lane
        union all
        select (select q.lane from session_queue q where q.lane > l.lane order by 1 limit 1) from lanes l where l.lane is not null)
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
        select s.id, s.account_id, s.integration_id, row_number() over (order by q.due_at) as rank
        from session_queue q join sessions s on s.id = q.session_id
        where q.lane = l.lane and q.due_at <= now() and s.due_at <= now()
          and (s.lease_until is null or s.lease_until < now()) and s.last_seq > s.done_seq
        order by q.due_at limit greatest(5, _limit / cardinality(_turns))) found
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
