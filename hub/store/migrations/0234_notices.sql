-- How an operator is told of what waits for a person (hub.accounts.notices): push, mail: minutes, of: mine, open, all,
-- quietStart, quietEnd, zone.
alter table operators add column notices jsonb not null default '{}';

-- Browsers that are told while no page of ours is open: an operator's until they sign out there, a visitor's for as long as
-- their conversation. told_at: up to when a visitor was told.
create table push_subscriptions (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    operator_id uuid references operators on delete cascade,
    browser bytea references operator_sessions (hash) on delete cascade,
    session_id uuid references sessions on delete cascade,
    endpoint text not null,
    p256dh text not null,
    auth text not null,
    failures int not null default 0,
    told_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    check ((operator_id is null) = (browser is null) and (operator_id is null) <> (session_id is null))
);
create unique index push_subscriptions_once on push_subscriptions (md5(endpoint), coalesce(operator_id, session_id));
create index on push_subscriptions (account_id);
create index on push_subscriptions (operator_id);
create index on push_subscriptions (browser);
create index on push_subscriptions (session_id);

-- Of which message somebody was told last, in which way. at: when it was written.
create table notices (
    operator_id uuid not null references operators on delete cascade,
    session_id uuid not null references sessions on delete cascade,
    account_id uuid not null references accounts on delete cascade,
    way text not null check (way in ('push', 'mail')),
    at timestamptz not null,
    told_at timestamptz not null default now(),
    primary key (operator_id, session_id, way)
);
create index on notices (session_id);
create index on notices (account_id);
create index on notices (told_at);
create index human_requests_unanswered on human_requests (asked_at) where state in ('waiting', 'left');

-- Whether somebody does not want to be told at this hour of theirs; over midnight where the end is earlier.
create function is_quiet(_notices jsonb, _at timestamptz) returns boolean language sql stable as $$
    select coalesce((select case when x.a < x.b then x.now >= x.a and x.now < x.b else x.now >= x.a or x.now < x.b end
        from (select (_notices->>'quietStart')::time as a, (_notices->>'quietEnd')::time as b,
            (_at at time zone coalesce(nullif(_notices->>'zone', ''), 'UTC'))::time as now where _notices->>'quietStart' <> ''
                and _notices->>'quietEnd' <> '') x where x.a <> x.b), false)
$$;

select raise_wall();
