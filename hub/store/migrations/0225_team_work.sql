-- Work in a team: groups of operators, who is to see to a conversation, what it is about and how it stands.
create table teams (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    name text not null,
    created_at timestamptz not null default now()
);
create unique index teams_name on teams (account_id, lower(name));

create table team_members (
    team_id uuid not null references teams on delete cascade,
    operator_id uuid not null references operators on delete cascade,
    account_id uuid not null references accounts on delete cascade,
    primary key (team_id, operator_id)
);
create index on team_members (operator_id);
create index on team_members (account_id);

-- colour: a name of the console's palette, whose inks can be read in both themes.
create table labels (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    name text not null,
    colour text not null check (colour in ('grey', 'red', 'orange', 'yellow', 'green', 'teal', 'blue', 'purple', 'pink')),
    created_at timestamptz not null default now()
);
create unique index labels_name on labels (account_id, lower(name));

create table session_labels (
    session_id uuid not null references sessions on delete cascade,
    label_id uuid not null references labels on delete cascade,
    account_id uuid not null references accounts on delete cascade,
    primary key (session_id, label_id)
);
create index on session_labels (label_id, session_id);
create index on session_labels (account_id);

-- What an operator looks for again and again: theirs alone.
create table inbox_views (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    operator_id uuid not null references operators on delete cascade,
    name text not null,
    filter jsonb not null,
    sort text not null check (sort in ('newest', 'priority')),
    created_at timestamptz not null default now()
);
create unique index inbox_views_name on inbox_views (operator_id, lower(name));
create index on inbox_views (account_id);

-- What an operator is told of a conversation: a colleague named them in a note, or its rest is over.
create table operator_notices (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    operator_id uuid not null references operators on delete cascade,
    session_id uuid not null references sessions on delete cascade,
    kind text not null check (kind in ('mention', 'rested')),
    created_at timestamptz not null default now(),
    seen_at timestamptz
);
create index on operator_notices (operator_id, session_id);
create index on operator_notices (session_id);
create index on operator_notices (account_id);
create index operator_notices_old on operator_notices (created_at);

-- A conversation's place in the lists, and now also whose it is and how it stands. assignee, team: who is to see to it, whoever
-- answers (handoff_by is who has taken it over). snoozed without a time: until the person writes. priority: 0 low, 1, 2 high, 3 urgent.
alter table session_order
    add column assignee_id uuid references operators on delete set null,
    add column team_id uuid references teams on delete set null,
    add column status text not null default 'open' check (status in ('open', 'snoozed', 'closed')),
    add column snoozed_until timestamptz,
    add column snoozed_by uuid references operators on delete set null,
    add column priority smallint not null default 1 check (priority between 0 and 3);
-- What changes with every message stands in no more than these; those of the others are narrow.
create index session_order_unassigned on session_order (account_id, at desc, session_id desc)
    where status = 'open' and assignee_id is null and team_id is null;
create index session_order_assignee on session_order (assignee_id, at desc, session_id desc) where assignee_id is not null;
create index session_order_team on session_order (team_id, at desc, session_id desc) where team_id is not null;
create index session_order_put_away on session_order (account_id, status, at desc, session_id desc) where status <> 'open';
create index session_order_rest on session_order (snoozed_until) where snoozed_until is not null;
create index session_order_snoozer on session_order (snoozed_by) where snoozed_by is not null;
create index session_order_urgent on session_order (account_id, priority, at desc, session_id desc) where priority <> 1;

-- What was put away comes back when its person writes.
create function wake_conversation() returns trigger language plpgsql as $$
begin
    update session_order o set status = 'open', snoozed_until = null, snoozed_by = null from sessions s
        where o.session_id = new.session_id and s.id = o.session_id and s.last_user_at = s.last_message_at and o.status <> 'open';
    return null;
end $$;
create trigger session_order_woken after update of at on session_order for each row
    when (old.status <> 'open' and old.at is distinct from new.at) execute function wake_conversation();

-- Who writes again after a conversation ended comes to those who saw to it.
create function inherit_conversation() returns trigger language plpgsql as $$
declare
    _o session_order;
begin
    select o.* into _o from sessions me join sessions s on s.contact_id = me.contact_id and s.id <> me.id
        join session_order o on o.session_id = s.id
        where me.id = new.session_id and s.account_id = new.account_id order by o.at desc limit 1;
    if _o.session_id is null or _o.status = 'closed' or (_o.assignee_id is null and _o.team_id is null and _o.priority = 1) then
        return null;
    end if;
    update session_order set assignee_id = _o.assignee_id, team_id = _o.team_id, priority = _o.priority
        where session_id = new.session_id;
    return null;
end $$;
create trigger session_order_inherited after insert on session_order for each row execute function inherit_conversation();

-- What makes a conversation one of those that are looked for. _p: its row of session_order, _s: of sessions.
-- $1: the account, $2: whose eyes, $3: the filter, $4: among which conversations, or null.
create function desk_terms(_show text, _filter jsonb, _among boolean, _p text, _s text) returns text language sql immutable as $$
    select replace(replace(
        '@p.account_id = $1 and @s.client_id is not null'
        || case when _show in ('closed', 'snoozed') then format(' and @p.status = %L', _show)
                when _show = 'any' then '' else ' and @p.status = ''open''' end
        || case _show
            when 'mine' then ' and @p.session_id in (select w.session_id from session_order w where w.account_id = $1'
                || ' and w.assignee_id = $2 union all select h.id from sessions h where h.account_id = $1 and h.handoff_at is not null'
                || ' and h.handoff_by = $2)'
            when 'team' then ' and @p.team_id in (select t.team_id from team_members t where t.operator_id = $2 and t.account_id = $1)'
            when 'unassigned' then ' and @p.assignee_id is null and @p.team_id is null and @s.handoff_by is null'
            when 'waiting' then ' and @p.unanswered'
            when 'bot' then ' and @s.handoff_at is null and @s.closed_at is null'
            when 'person' then ' and @p.session_id in (select h.id from sessions h where h.account_id = $1 and h.handoff_at is not null)'
            when 'asked' then ' and @p.session_id in (select q.session_id from human_requests q where q.account_id = $1'
                || ' and q.state <> ''answered'' and (@s.closed_at is null or q.asked_at > now() - interval ''7 days''))'
            when 'mentions' then ' and @p.session_id in (select n.session_id from operator_notices n where n.operator_id = $2'
                || ' and n.account_id = $1 and n.seen_at is null)'
            else '' end
        || case when _filter ? 'label' then ' and @p.session_id in (select l.session_id from session_labels l'
                || ' where l.label_id = ($3->>''label'')::uuid and l.account_id = $1)' else '' end
        || case when _filter ? 'team' then ' and @p.team_id = ($3->>''team'')::uuid' else '' end
        || case when _filter ? 'assignee' then ' and @p.assignee_id = ($3->>''assignee'')::uuid' else '' end
        || case when _filter ? 'priority' then format(' and @p.priority = %s', (_filter->>'priority')::int) else '' end
        || case when _among then ' and @p.session_id = any($4)' else '' end, '@p', _p), '@s', _s)
$$;

-- The same, and: of one person the latest stands for all.
create function desk_rows(_show text, _filter jsonb, _among boolean) returns text language sql immutable as $$
    select 'from session_order p join sessions s on s.id = p.session_id where ' || desk_terms(_show, _filter, _among, 'p', 's')
        || ' and not exists (select 1 from people me join people m on m.root_id = me.root_id join sessions n on n.person_id = m.id'
        || ' join session_order o on o.session_id = n.id where me.id = s.person_id and (o.at, o.session_id) > (p.at, p.session_id)'
        || ' and ' || desk_terms(_show, _filter, _among, 'o', 'n') || ')'
$$;

-- A page of a list. _by_priority: the more urgent first, level by level; else all of them. After: a place in it.
create function desk_page(_account uuid, _eyes uuid, _show text, _filter jsonb, _by_priority boolean, _level int, _at timestamptz,
                          _id uuid, _limit int, _among uuid[]) returns setof uuid language plpgsql stable as $$
declare
    _rows text := desk_rows(_show, _filter, _among is not null);
    _left int := _limit;
    _got int;
begin
    if not _by_priority then
        return query execute 'select p.session_id ' || _rows || ' and ($5::timestamptz is null or (p.at, p.session_id) < ($5, $6))'
            || ' order by p.at desc, p.session_id desc limit $7' using _account, _eyes, _filter, _among, _at, _id, _limit;
        return;
    end if;
    for _n in reverse coalesce(_level, 3)..0 loop
        return query execute 'select p.session_id ' || _rows || format(' and p.priority = %s', _n)
            || ' and ($5::timestamptz is null or (p.at, p.session_id) < ($5, $6)) order by p.at desc, p.session_id desc limit $7'
            using _account, _eyes, _filter, _among, case when _n = _level then _at end, _id, _left;
        get diagnostics _got = row_count;
        _left := _left - _got;
        exit when _left <= 0;
    end loop;
end $$;

-- How many each of several lists holds, at most so many: {name: count} of [{name, show, filter}].
create function desk_counts(_account uuid, _eyes uuid, _lists jsonb, _most int) returns jsonb language plpgsql stable as $$
declare
    _one jsonb;
    _n int;
    _done jsonb := '{}';
begin
    for _one in select l from jsonb_array_elements(_lists) l loop
        execute 'select count(*)::int from (select 1 ' || desk_rows(_one->>'show', _one->'filter', false) || ' limit $5) w'
            into _n using _account, _eyes, _one->'filter', null::uuid[], _most;
        _done := _done || jsonb_build_object(_one->>'name', _n);
    end loop;
    return _done;
end $$;

select audit_watch();
select raise_wall();

-- `session_order` names operators and teams now, so that whoever empties their accounts empties it along: what is being emptied
-- cannot be emptied once more from within.
create or replace function unmark_session() returns trigger language plpgsql as $$
begin
    if tg_op = 'TRUNCATE' then
        delete from session_queue;
        delete from session_order;
        return null;
    end if;
    delete from session_queue where session_id = old.id;
    delete from session_order where session_id = old.id;
    return null;
end $$;
