-- How often somebody failed to sign in, by the SHA-256 of whom (a user of an address, an address, a device), and
-- until when the next try waits.
create table sign_in_waits (
    key bytea primary key,
    failures int not null,
    until timestamptz not null,
    at timestamptz not null
);
create index on sign_in_waits (at);

-- Where somebody has signed in before: there they get in, whoever else guesses at their password. A browser by the
-- SHA-256 of its cookie, a caller of the API by that of its network.
create table operator_devices (
    operator_id uuid not null references operators on delete cascade,
    hash bytea not null,
    seen_at timestamptz not null default now(),
    primary key (operator_id, hash)
);
create index on operator_devices (seen_at);

create table ares_devices (
    account_id uuid not null references accounts on delete cascade,
    user_id uuid not null references ares_users on delete cascade,
    hash bytea not null,
    seen_at timestamptz not null default now(),
    primary key (user_id, hash)
);
create index on ares_devices (account_id);
create index on ares_devices (seen_at);

-- Whether they made themselves: what these may spend has a limit of its own.
alter table ares_users add column registered boolean not null default false;
update ares_users set registered = true;

-- Which user an answer was for, where one is signed in.
alter table usage add column user_id uuid;
create index usage_user on usage (account_id, at) where user_id is not null;
