-- Whether calls could be stored at once is known by integration: what keeps one back leaves no doubts about what others sent.

-- When a call of an integration was last refused, or kept on disk. worker_beats.behind_at: of whose is not known.
create table integration_lags (
    integration_id uuid primary key references integrations on delete cascade,
    account_id uuid not null,
    at timestamptz not null default now()
);

-- Of one integration; calls of its that wait in the journal have not told yet what they tell.
create function receivers_were_there(_since timestamptz, _gap float8, _integration uuid) returns boolean language sql stable as $$
    select receivers_were_there(_since, _gap)
        and not exists (select 1 from integration_lags l where l.integration_id = _integration and l.at >= _since)
        and not exists (select 1 from arrivals a where a.integration_id = _integration)
$$;

select raise_wall();
