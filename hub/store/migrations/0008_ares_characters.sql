-- People who sign in to the ARES API: end users of one account.
create table ares_users (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    email text not null,
    name text not null,
    password text not null,
    created_at timestamptz not null default now()
);
create unique index ares_users_email on ares_users ((lower(email)));
create index on ares_users (account_id, id);

-- Refresh tokens by their SHA-256, each good for one use. All that came of one sign-in are a family.
create table ares_tokens (
    hash bytea primary key,
    account_id uuid not null references accounts on delete cascade,
    user_id uuid not null references ares_users on delete cascade,
    family uuid not null,
    expires_at timestamptz not null,
    spent_at timestamptz
);
create index on ares_tokens (account_id);
create index on ares_tokens (family);
create index on ares_tokens (user_id);
create index on ares_tokens (expires_at);

-- Which gateway the agents use that come with the hub; without a row, or with none: the account's first.
create table ares_settings (
    account_id uuid primary key references accounts on delete cascade,
    gateway_id uuid references gateways on delete set null
);

-- An account's own agents; one with the name of an agent of the hub takes its place.
create table ares_agents (
    account_id uuid not null references accounts on delete cascade,
    name text not null,
    gateway_id uuid not null references gateways on delete cascade,
    description text,
    instructions text,
    updated_at timestamptz not null default now(),
    primary key (account_id, name)
);
create index on ares_agents (gateway_id);
create index on ares_settings (gateway_id);

create table ares_preferences (
    account_id uuid not null references accounts on delete cascade,
    user_id uuid not null references ares_users on delete cascade,
    category text not null,
    key text not null,
    value text not null,
    confidence double precision not null,
    updated_at timestamptz not null default now(),
    primary key (user_id, category, key)
);
create index on ares_preferences (account_id);

create table ares_facts (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    user_id uuid not null references ares_users on delete cascade,
    category text not null,
    fact_key text not null,
    fact_value text not null,
    confidence double precision not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (user_id, category, fact_key)
);
create index on ares_facts (account_id);

-- What is still to be learned: one row an answered message (its id), gone when it was learned from.
create table ares_lessons (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    user_id uuid not null references ares_users on delete cascade,
    session_id uuid not null references sessions on delete cascade,
    gateway_id uuid references gateways on delete set null,
    tries int not null default 0,
    due_at timestamptz not null default now()
);
create index on ares_lessons (due_at);
create index on ares_lessons (account_id);
create index on ares_lessons (gateway_id);
create index on ares_lessons (user_id);
create index on ares_lessons (session_id);

-- Characters: agents with a look, and the images made for them or asked for.
create table character_agents (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    name text not null,
    age int check (age >= 18),
    appearance text not null default '',
    personality text not null default '',
    description text not null default '',
    avatar_file uuid references files on delete set null,
    avatar_token text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index on character_agents (account_id, id);
create index on character_agents (avatar_file);

create table character_images (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    prompt text not null,
    model text not null,
    file_id uuid not null references files on delete cascade,
    token text not null,
    created_at timestamptz not null default now()
);
create index on character_images (account_id, id desc);
create index on character_images (file_id);
