-- What changes with every message stands in no index of `sessions`, so that its updates stay within a page (HOT): when a
-- conversation is due, and its place in an operator's list, are rows of two narrow tables. A trigger keeps both, whoever writes.

-- Conversations in which something waits, or is being answered. lane: whose crowd it belongs to (0065).
create table session_queue (
    session_id uuid primary key,
    account_id uuid not null,
    lane uuid not null,
    due_at timestamptz not null
) with (fillfactor = 70);
create index session_queue_due on session_queue (lane, due_at);

-- at: of the last message. unanswered: it is the contact's, and nobody is about to answer it.
create table session_order (
    session_id uuid primary key,
    account_id uuid not null,
    at timestamptz not null,
    unanswered boolean not null
) with (fillfactor = 70);
create index session_order_newest on session_order (account_id, at desc, session_id desc);
create index session_order_unanswered on session_order (account_id, at desc, session_id desc) where unanswered;

create function is_unanswered(_s sessions) returns boolean language sql immutable as $$
    select coalesce(_s.last_user_at = _s.last_message_at, false) and _s.due_at is null and _s.closed_at is null and _s.client_id is not null
$$;

create function mark_session() returns trigger language plpgsql as $$
declare
    _open boolean;
begin
    if new.due_at is null then
        if old.due_at is not null then
            delete from session_queue where session_id = new.id;
        end if;
    elsif old.due_at is distinct from new.due_at or old.integration_id is distinct from new.integration_id then
        insert into session_queue (session_id, account_id, lane, due_at)
            values (new.id, new.account_id, coalesce(new.integration_id, new.account_id), new.due_at)
            on conflict (session_id) do update set due_at = excluded.due_at, lane = excluded.lane;
    end if;
    _open := is_unanswered(new);
    if new.last_message_at is null then
        delete from session_order where session_id = new.id;
    elsif old.last_message_at is distinct from new.last_message_at or _open <> is_unanswered(old) then
        insert into session_order (session_id, account_id, at, unanswered) values (new.id, new.account_id, new.last_message_at, _open)
            on conflict (session_id) do update set at = excluded.at, unanswered = excluded.unanswered;
    end if;
    return null;
end $$;
create trigger sessions_mark after update of due_at, last_message_at, last_user_at, closed_at, integration_id on sessions for each row
    when (old.due_at is distinct from new.due_at or old.last_message_at is distinct from new.last_message_at
        or old.last_user_at is distinct from new.last_user_at or old.closed_at is distinct from new.closed_at
        or old.integration_id is distinct from new.integration_id)
    execute function mark_session();
create function mark_new_session() returns trigger language plpgsql as $$
begin
    if new.due_at is not null then
        insert into session_queue (session_id, account_id, lane, due_at)
            values (new.id, new.account_id, coalesce(new.integration_id, new.account_id), new.due_at);
    end if;
    if new.last_message_at is not null then
        insert into session_order (session_id, account_id, at, unanswered)
            values (new.id, new.account_id, new.last_message_at, is_unanswered(new));
    end if;
    return null;
end $$;
create trigger sessions_mark_new after insert on sessions for each row
    when (new.due_at is not null or new.last_message_at is not null) execute function mark_new_session();

create function unmark_session() returns trigger language plpgsql as $$
begin
    if tg_op = 'TRUNCATE' then
        truncate session_queue, session_order;
        return null;
    end if;
    delete from session_queue where session_id = old.id;
    delete from session_order where session_id = old.id;
    return null;
end $$;
create trigger sessions_unmark after delete on sessions for each row execute function unmark_session();
create trigger sessions_unmark_all after truncate on sessions for each statement execute function unmark_session();

insert into session_queue (session_id, account_id, lane, due_at)
    select s.id, s.account_id, coalesce(s.integration_id, s.account_id), s.due_at from sessions s where s.due_at is not null;
insert into session_order (session_id, account_id, at, unanswered)
    select s.id, s.account_id, s.last_message_at, is_unanswered(s) from sessions s where s.last_message_at is not null;

drop index sessions_due;
drop index sessions_owner;
drop index sessions_inbox;
drop index sessions_waiting;
drop index sessions_held;
drop index sessions_person;
create index sessions_held on sessions (account_id) where handoff_at is not null;
create index sessions_person on sessions (person_id);

-- As before, from the narrow table. What it says is looked up in the conversation itself: a row too many costs a look.
create or replace function sweep_lanes(_limit int, _after uuid, _lanes int)
returns table (kind text, session_id uuid, account_id uuid, integration_id uuid) language plpgsql as $$
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
        select s.id, s.account_id, s.integration_id, row_number() over (order by s.due_at) as rank
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

select raise_wall();
