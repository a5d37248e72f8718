-- What operators have written to be sent later. content: sealed as people's words are. at: when; zone: in whose words it is shown.
-- look_at: when somebody looks at it again who did not come to an end with it; tries: how often that was.
create table planned_messages (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    session_id uuid not null references sessions on delete cascade,
    operator_id uuid references operators on delete set null,
    author text not null,
    content jsonb not null,
    at timestamptz not null,
    zone text not null default 'UTC',
    state text not null default 'planned' check (state in ('planned', 'sent', 'cancelled', 'failed')),
    reason text check (reason in ('ended', 'network', 'window', 'trouble')),
    look_at timestamptz not null,
    tries int not null default 0,
    created_at timestamptz not null default now(),
    closed_at timestamptz,
    check ((state = 'failed') = (reason is not null))
);
create index planned_messages_due on planned_messages (look_at) where state = 'planned';
create index planned_messages_session on planned_messages (session_id, at);
create index on planned_messages (account_id);
create index on planned_messages (operator_id);
create index planned_messages_old on planned_messages (closed_at) where closed_at is not null;

select audit_watch();
select raise_wall();
