-- What proves who signs in, beside the password.

-- Codes of an app. secret: sealed. confirmed_at: a first code was right, from then on one is asked for.
-- last_step: the step of the newest code that was used; none is good twice.
create table operator_totp (
    operator_id uuid primary key references operators on delete cascade,
    secret bytea not null,
    confirmed_at timestamptz,
    last_step bigint not null default 0,
    created_at timestamptz not null default now()
);

-- Codes for the day the phone is lost, each good once, by their SHA-256.
create table operator_recovery_codes (
    operator_id uuid not null references operators on delete cascade,
    hash bytea not null,
    primary key (operator_id, hash)
);

-- id: of the credential, as the authenticator named it. signs: its counter, which only grows.
create table operator_passkeys (
    id bytea primary key,
    operator_id uuid not null references operators on delete cascade,
    public_key bytea not null,
    signs bigint not null,
    name text not null,
    created_at timestamptz not null default now(),
    used_at timestamptz
);
create index on operator_passkeys (operator_id);

-- Who has given the password and not yet the second factor, by the SHA-256 of a cookie. how: what the first one was.
create table operator_pending (
    hash bytea primary key,
    operator_id uuid not null references operators on delete cascade,
    how text not null,
    expires_at timestamptz not null
);
create index on operator_pending (operator_id);
create index on operator_pending (expires_at);

-- Who somebody is to an identity provider (OpenID Connect): bound at the first sign-in, by the subject that never changes.
create table operator_identities (
    issuer text not null,
    subject text not null,
    operator_id uuid not null references operators on delete cascade,
    created_at timestamptz not null default now(),
    primary key (issuer, subject)
);
create index on operator_identities (operator_id);

-- trusted: made at the terminal of the hub, where no second factor is asked for.
alter table operator_links add column trusted boolean not null default false;
