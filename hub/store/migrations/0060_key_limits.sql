-- Keys with limits of their own. limits: {models, requests, tokens, budget: {day, month, total}}; what is not there is no limit.
alter table api_keys add column limits jsonb not null default '{}', add column tags text[] not null default '{}';
create index usage_key on usage (key_id, at) where key_id is not null;

-- What a key with a budget has spent in its period of now; usage stays the truth that it is counted from.
create table key_spend (
    key_id uuid not null references api_keys on delete cascade,
    account_id uuid not null references accounts on delete cascade,
    period text not null check (period in ('day', 'month', 'total')),
    starts timestamptz not null,
    spent numeric not null default 0,
    primary key (key_id, period)
);
create index on key_spend (account_id);

-- What calls that are under way may cost. One that nobody gives back, as its process died, ends by itself.
create table key_holds (
    id uuid primary key,
    key_id uuid not null references api_keys on delete cascade,
    account_id uuid not null references accounts on delete cascade,
    amount numeric not null,
    until timestamptz not null
);
create index on key_holds (key_id);
create index on key_holds (account_id);

-- Half, four fifths, all of a budget: told once in each period.
create table key_alerts (
    id bigint generated always as identity primary key,
    key_id uuid not null references api_keys on delete cascade,
    account_id uuid not null references accounts on delete cascade,
    period text not null,
    starts timestamptz not null,
    threshold int not null,
    spent numeric not null,
    budget numeric not null,
    at timestamptz not null default now(),
    unique (key_id, period, starts, threshold)
);
create index on key_alerts (account_id, at);

-- When the period of now began, in UTC.
create function key_period(_period text) returns timestamptz language sql stable as $$
    select case _period when 'day' then date_trunc('day', now(), 'UTC') when 'month' then date_trunc('month', now(), 'UTC')
        else 'epoch'::timestamptz end
$$;

-- When it ends; never for the whole.
create function key_period_ends(_period text) returns timestamptz language sql stable as $$
    select case _period when 'day' then date_trunc('day', now(), 'UTC') + interval '1 day'
        when 'month' then (date_trunc('month', now() at time zone 'UTC') + interval '1 month') at time zone 'UTC' end
$$;

create function key_alerted(_keys uuid[]) returns void language plpgsql as $$
declare _a record;
begin
    for _a in
        insert into key_alerts (account_id, key_id, period, starts, threshold, spent, budget)
            select s.account_id, s.key_id, s.period, s.starts, t, s.spent, (k.limits->'budget'->>s.period)::numeric
            from key_spend s join api_keys k on k.id = s.key_id cross join unnest(array[50, 80, 100]) t
            where s.key_id = any(_keys) and s.starts = key_period(s.period)
                and (k.limits->'budget'->>s.period)::numeric * t <= s.spent * 100
            order by s.key_id, s.period, t
            on conflict do nothing returning *
    loop
        perform emit(_a.account_id, gen_random_uuid(), 'key.budget.reached', jsonb_build_object(
            'key_id', _a.key_id, 'label', (select k.label from api_keys k where k.id = _a.key_id), 'period', _a.period,
            'threshold', _a.threshold, 'spent', _a.spent, 'budget', _a.budget), null);
    end loop;
end $$;

-- Usage of one moment, and what it makes of the budgets of its keys. Whoever gives a key a budget holds its row, so that
-- what is written meanwhile is counted once.
create function usage_add(_rows jsonb) returns void language plpgsql as $$
declare _keys uuid[];
begin
    insert into usage (account_id, key_id, gateway_id, session_id, user_id, sku, quantity, unit_price, amount, description)
        select u.account, u.key, u.gateway, u.session, u."user", u.sku, u.quantity, u.unit_price, u.amount, u.description
        from jsonb_to_recordset(_rows) u(account uuid, key uuid, gateway uuid, session uuid, "user" uuid, sku text,
            quantity numeric, unit_price numeric, amount numeric, description text);
    _keys := array(select distinct u.key from jsonb_to_recordset(_rows) u(key uuid) where u.key is not null);
    if cardinality(_keys) = 0 then
        return;
    end if;
    perform 1 from api_keys k where k.id = any(_keys) order by k.id for key share;
    _keys := array(select k.id from api_keys k where k.id = any(_keys) and k.limits ? 'budget' order by k.id);
    if cardinality(_keys) = 0 then
        return;
    end if;
    insert into key_spend as s (key_id, account_id, period, starts, spent)
        select k.id, k.account_id, p.period, key_period(p.period), sum(u.amount)
        from jsonb_to_recordset(_rows) u(key uuid, amount numeric) join api_keys k on k.id = u.key
            cross join lateral jsonb_object_keys(k.limits->'budget') p(period)
        where k.id = any(_keys) group by 1, 2, 3 order by 1, 3
        on conflict (key_id, period) do update set starts = excluded.starts,
            spent = excluded.spent + case when s.starts = excluded.starts then s.spent else 0 end;
    perform key_alerted(_keys);
end $$;

-- A key's limits from now on; what it has spent already counts.
create function key_limited(_account uuid, _key uuid, _limits jsonb) returns void language plpgsql as $$
begin
    perform 1 from api_keys k where k.account_id = _account and k.id = _key for update;
    if not found then
        return;
    end if;
    update api_keys k set limits = _limits where k.id = _key and k.limits is distinct from _limits;
    delete from key_spend s where s.key_id = _key and not coalesce(_limits->'budget' ? s.period, false);
    insert into key_spend as s (key_id, account_id, period, starts, spent)
        select _key, _account, p.period, key_period(p.period), coalesce((
            select sum(u.amount) from usage u where u.key_id = _key and u.at >= key_period(p.period)), 0)
        from jsonb_object_keys(coalesce(_limits->'budget', '{}')) p(period) order by 3
        on conflict (key_id, period) do update set starts = excluded.starts,
            spent = case when s.starts = excluded.starts then s.spent else excluded.spent end;
    perform key_alerted(array[_key]);
end $$;

-- A key takes the place of another: with its limits, what was spent of them, and what was told of that.
create function key_succeeds(_account uuid, _old uuid, _new uuid) returns void language plpgsql as $$
begin
    perform 1 from api_keys k where k.account_id = _account and k.id = _old for update;
    update api_keys k set limits = o.limits from api_keys o where k.account_id = _account and k.id = _new and o.id = _old
        and o.account_id = _account and k.limits is distinct from o.limits;
    insert into key_spend (key_id, account_id, period, starts, spent)
        select _new, s.account_id, s.period, s.starts, s.spent from key_spend s where s.key_id = _old and s.account_id = _account;
    insert into key_alerts (key_id, account_id, period, starts, threshold, spent, budget, at)
        select _new, a.account_id, a.period, a.starts, a.threshold, a.spent, a.budget, a.at from key_alerts a
        where a.key_id = _old and a.account_id = _account and a.starts = key_period(a.period);
end $$;

-- Set aside what a call may cost. What is left may be less than that: then it is all set aside, and whoever comes meanwhile
-- is told to come again. Null: it may be made; else {period, limit, ends}, or with `busy` what others hold.
create function key_reserve(_account uuid, _key uuid, _hold uuid, _amount numeric, _seconds float8) returns jsonb
language plpgsql as $$
declare
    _limits jsonb;
    _held numeric;
    _b record;
    _room numeric := _amount;
begin
    select k.limits into _limits from api_keys k where k.account_id = _account and k.id = _key for no key update;
    if not found or not _limits ? 'budget' then
        return null;
    end if;
    delete from key_holds h where h.key_id = _key and h.until < now();
    select coalesce(sum(h.amount), 0) into _held from key_holds h where h.key_id = _key and h.id <> _hold;
    for _b in
        select b.key as period, b.value::numeric as budget, coalesce(s.spent, 0) as spent
        from jsonb_each_text(_limits->'budget') b
            left join key_spend s on s.key_id = _key and s.period = b.key and s.starts = key_period(b.key)
        order by key_period_ends(b.key) desc nulls first
    loop
        if _b.spent >= _b.budget then
            return jsonb_build_object('period', _b.period, 'limit', _b.budget, 'ends',
                extract(epoch from key_period_ends(_b.period) - now()));
        end if;
        if _b.spent + _held >= _b.budget then
            return jsonb_build_object('period', _b.period, 'limit', _b.budget, 'busy', true);
        end if;
        _room := least(_room, _b.budget - _b.spent - _held);
    end loop;
    insert into key_holds (id, key_id, account_id, amount, until)
        values (_hold, _key, _account, _room, now() + make_interval(secs => _seconds))
        on conflict (id) do update set amount = excluded.amount, until = excluded.until;
    return null;
end $$;
select raise_wall();
