-- Usage whose detail is kept no longer, summed up by days of UTC. day: its beginning. client_id: of the session it was for.
create table usage_days (
    account_id uuid not null,
    day timestamptz not null,
    key_id uuid,
    gateway_id uuid,
    client_id uuid,
    amount numeric not null,
    tokens_in numeric not null,
    tokens_cached numeric not null,
    tokens_out numeric not null,
    entries bigint not null,
    unique nulls not distinct (account_id, day, key_id, gateway_id, client_id)
);
create index usage_days_key on usage_days (key_id) where key_id is not null;
-- What is old lies together: a few pages tell where.
create index usage_old on usage using brin (at);
create index workflow_runs_finished on workflow_runs (finished_at) where finished_at is not null;

-- As before; what was spent of the whole is in the sums too.
create or replace function key_limited(_account uuid, _key uuid, _limits jsonb) returns void language plpgsql as $$
begin
    perform 1 from api_keys k where k.account_id = _account and k.id = _key for update;
    if not found then
        return;
    end if;
    update api_keys k set limits = _limits where k.id = _key and k.limits is distinct from _limits;
    delete from key_spend s where s.key_id = _key and not coalesce(_limits->'budget' ? s.period, false);
    insert into key_spend as s (key_id, account_id, period, starts, spent)
        select _key, _account, p.period, key_period(p.period), coalesce((
            select sum(u.amount) from usage u where u.key_id = _key and u.at >= key_period(p.period)), 0) + coalesce((
            select sum(d.amount) from usage_days d where d.key_id = _key and d.day >= key_period(p.period)), 0)
        from jsonb_object_keys(coalesce(_limits->'budget', '{}')) p(period) order by 3
        on conflict (key_id, period) do update set starts = excluded.starts,
            spent = case when s.starts = excluded.starts then s.spent else excluded.spent end;
    perform key_alerted(array[_key]);
end $$;

select raise_wall();
