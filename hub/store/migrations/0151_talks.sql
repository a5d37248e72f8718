-- What was said in a conversation within a quarter of an hour (any day of any time zone is made of whole ones), so that
-- figures read no message. Filled behind what happens, up to `talks_until()`; what comes after is read from the messages.
-- asked, answered, by_people: messages. tokens, cost, failures: of turns. reply: seconds from a message to the first answer
-- of that quarter; -1 where the message is kept no longer.
create table talk_quarters (
    session_id uuid not null,
    at timestamptz not null,
    account_id uuid not null,
    asked int not null,
    answered int not null,
    by_people int not null,
    tokens bigint not null,
    cost float8 not null,
    failures int not null,
    reply float8,
    primary key (session_id, at)
);
create index talk_quarters_at on talk_quarters (account_id, at)
    include (session_id, asked, answered, by_people, tokens, cost, failures, reply);
create table talk_marks (one boolean primary key default true check (one), until timestamptz not null);

create function talks_until() returns timestamptz language sql stable security definer set search_path from current as $$
    select coalesce((select m.until from talk_marks m), '-infinity')
$$;
create function quarter(_at timestamptz) returns timestamptz language sql immutable parallel safe as $$
    select date_bin('15 minutes', _at, '2000-01-01T00:00:00Z'::timestamptz)
$$;

-- The rows as messages and turns say them. _account, _session: null for all.
create function talks_raw(_account uuid, _session uuid, _since timestamptz, _until timestamptz) returns setof talk_quarters
language sql stable as $$
    select session_id, at, coalesce(m.account_id, t.account_id), coalesce(m.asked, 0), coalesce(m.answered, 0),
        coalesce(m.by_people, 0), coalesce(t.tokens, 0), coalesce(t.cost, 0), coalesce(t.failures, 0), t.reply
    from (
        select m.session_id, quarter(m.created_at) as at, m.account_id, count(*) filter (where m.role = 'user')::int as asked,
            count(*) filter (where m.role = 'assistant')::int as answered,
            count(*) filter (where m.source in ('operator', 'human'))::int as by_people
        from messages m where (_account is null or m.account_id = _account) and (_session is null or m.session_id = _session)
            and m.created_at >= _since and m.created_at < _until and m.role in ('user', 'assistant') group by 1, 2, 3) m
    full join (
        select t.session_id, quarter(t.created_at) as at, t.account_id, sum(t.prompt_tokens + t.completion_tokens)::bigint as tokens,
            sum(t.cost)::float8 as cost, count(*) filter (where t.outcome in ('failed', 'poison'))::int as failures,
            (array_agg(coalesce(extract(epoch from t.created_at - i.received_at), -1)::float8 order by t.created_at)
                filter (where t.outcome in ('answered', 'failed')))[1] as reply
        from turns t left join inbox i on i.session_id = t.session_id and i.seq = t.from_seq + 1
        where (_account is null or t.account_id = _account) and (_session is null or t.session_id = _session)
            and t.created_at >= _since and t.created_at < _until group by 1, 2, 3) t using (session_id, at)
$$;

-- An account's rows in a span of time: whole quarters from what is filled, the rest as it is said.
create function talks(_account uuid, _since timestamptz, _until timestamptz) returns setof talk_quarters language plpgsql stable as $$
declare
    _first timestamptz := case when quarter(_since) = _since then _since else quarter(_since) + interval '15 minutes' end;
    _last timestamptz := greatest(_first, least(quarter(_until), talks_until()));
begin
    if _first > _since then
        return query select * from talks_raw(_account, null, _since, least(_first, _until));
    end if;
    if _last > _first then
        return query select q.* from talk_quarters q where q.account_id = _account and q.at >= _first and q.at < _last;
    end if;
    if _until > _last then
        return query select * from talks_raw(_account, null, _last, _until);
    end if;
end $$;

-- What is filled is filled in the order of time, by one process at a time, and never while anything of it is being deleted.
-- Ten minutes later nothing can come that began before: a statement may take seconds. Returns whether there is more.
create function fold_talks() returns boolean language plpgsql as $$
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
        select coalesce(quarter(least((select min(m.created_at) from messages m), (select min(t.created_at) from turns t))), _end) into _from;
    end if;
    _to := least(_end, _from + interval '1 day');
    if _to <= _from then
        return false;
    end if;
    insert into talk_quarters select * from talks_raw(null, null, _from, _to);
    insert into talk_marks (until) values (_to) on conflict (one) do update set until = excluded.until;
    return _to < _end;
end $$;

-- A quarter of a conversation is counted anew.
create function recount_talk(_session uuid, _at timestamptz) returns void language plpgsql as $$
begin
    delete from talk_quarters q where q.session_id = _session and q.at = _at;
    if _at < talks_until() then
        insert into talk_quarters select * from talks_raw(null, _session, _at, _at + interval '15 minutes');
    end if;
end $$;
create function recount_talks() returns trigger language plpgsql as $$
begin
    if tg_level = 'ROW' then
        perform pg_advisory_xact_lock_shared(7151, 0);
        perform recount_talk(new.session_id, quarter(new.created_at));
    elsif exists (select from gone) then
        perform pg_advisory_xact_lock_shared(7151, 0);
        perform recount_talk(g.session_id, g.at) from (
            select distinct g.session_id, quarter(g.created_at) as at from gone g order by 1, 2) g;
    end if;
    return null;
end $$;
create trigger messages_uncounted after delete on messages referencing old table as gone for each statement
    execute function recount_talks();
create trigger turns_uncounted after delete on turns referencing old table as gone for each statement
    execute function recount_talks();
-- Nobody writes what was long ago but who fills a database; it costs others a comparison.
create trigger messages_counted_late after insert on messages for each row
    when (new.created_at < now() - interval '5 minutes') execute function recount_talks();
create trigger turns_counted_late after insert on turns for each row
    when (new.created_at < now() - interval '5 minutes') execute function recount_talks();

create function forget_talks() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared(7151, 0);
    delete from talk_quarters q where q.session_id = old.id;
    return null;
end $$;
create trigger sessions_uncounted after delete on sessions for each row execute function forget_talks();

select raise_wall();
