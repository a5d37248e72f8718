-- Figures are summed up in steps that one statement has the time for, however much was said in a day.

-- What is old of it is found by account and time.
drop index if exists usage_old;

-- Where an index tells which pages hold a time, pages that nobody looked at yet are read by everyone who asks for any time:
-- they are looked at soon, not when a fifth of the table is new.
do $$
declare
    _i record;
begin
    for _i in select i.oid, i.relname as name from pg_class i join pg_am a on a.oid = i.relam and a.amname = 'brin'
        where i.relkind = 'i' and i.relnamespace = current_schema()::regnamespace
    loop
        execute format('alter index %I set (autosummarize = on)', _i.name);
        perform brin_summarize_new_values(_i.oid);
    end loop;
end $$;

-- The longest of these spans from then on in which less than so many messages and turns are, or a quarter of an hour.
create function talks_step(_from timestamptz, _most int) returns interval language plpgsql stable set enable_seqscan = off as $$
declare
    _step interval;
    _there bigint;
begin
    foreach _step in array array['1 day', '4 hours', '1 hour']::interval[] loop
        select (select count(*) from (select from messages m where m.created_at >= _from and m.created_at < _from + _step limit _most) m)
            + (select count(*) from (select from turns t where t.created_at >= _from and t.created_at < _from + _step limit _most) t)
            into _there;
        if _there < _most then
            return _step;
        end if;
    end loop;
    return interval '15 minutes';
end $$;

-- The quarter in which the first of all was said. Ids are in the order of time, but for what was written late: of what is
-- older than the first of them the index of times knows the few pages.
create function talks_begin() returns timestamptz language plpgsql stable set enable_seqscan = off as $$
declare
    _first timestamptz := least((select m.created_at from messages m order by m.id limit 1), (select t.created_at from turns t order by t.id limit 1));
begin
    return quarter(least(_first, (select min(m.created_at) from messages m where m.created_at < _first),
        (select min(t.created_at) from turns t where t.created_at < _first)));
end $$;

-- As before, in smaller steps.
create or replace function fold_talks() returns boolean language plpgsql set enable_seqscan = off as $$
declare
    _from timestamptz;
    _end timestamptz := quarter(now() - interval '10 minutes');
    _to timestamptz;
begin
    if not pg_try_advisory_xact_lock(7151, 0) then
        return false;
    end if;
    select m.until into _from from talk_marks m;
    if _from is null then
        _from := coalesce(talks_begin(), _end);
    end if;
    if _from >= _end then
        return false;
    end if;
    _to := least(_end, _from + talks_step(_from, 50000));
    insert into talk_quarters select * from talks_raw(null, null, _from, _to);
    insert into talk_marks (until) values (_to) on conflict (one) do update set until = excluded.until;
    return _to < _end;
end $$;

-- As before; whoever deletes from the same quarter at the same time finds it counted by the other, and counts it anew.
create or replace function recount_talk(_session uuid, _at timestamptz) returns void language plpgsql as $$
begin
    delete from talk_quarters q where q.session_id = _session and q.at = _at;
    if _at < talks_until() then
        insert into talk_quarters select * from talks_raw(null, _session, _at, _at + interval '15 minutes')
            on conflict (session_id, at) do update set asked = excluded.asked, answered = excluded.answered,
                by_people = excluded.by_people, tokens = excluded.tokens, cost = excluded.cost, failures = excluded.failures,
                reply = excluded.reply;
    end if;
end $$;
