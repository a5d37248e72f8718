-- Conversations of the other families live beside those of chat clients: no client, a name of their own.
alter table sessions alter column client_id drop not null;
alter table sessions drop constraint sessions_kind_check;
alter table sessions add constraint sessions_kind_check
    check (kind in ('web', 'channel', 'ares', 'character', 'thread', 'chatbot'));
alter table sessions add constraint sessions_client_check check ((client_id is null) = (kind not in ('web', 'channel')));
alter table sessions add column name text;
alter table sessions add column user_id uuid;
alter table sessions add column settings jsonb;
alter table sessions add column updated_at timestamptz;
-- Of the messages those that people see: questions and answers with words or files.
alter table sessions add column spoken_count int not null default 0;
create unique index sessions_name on sessions (account_id, kind, name) where name is not null;
create index sessions_newest on sessions (account_id, kind, user_id, updated_at desc, id desc) where name is not null;
create index sessions_made on sessions (account_id, kind, id desc) where name is not null;

-- What a key may do where families tell keys apart: a viewer only reads.
alter table api_keys add column role text not null default 'owner'
    check (role in ('owner', 'admin', 'member', 'viewer'));

-- Who did what: kept for the account's owner to read.
create table audit (
    id bigint generated always as identity primary key,
    account_id uuid not null references accounts on delete cascade,
    at timestamptz not null default now(),
    actor_kind text not null check (actor_kind in ('key', 'user', 'hub')),
    actor_id uuid,
    actor text not null,
    action text not null,
    object text,
    detail jsonb not null default '{}'
);
create index audit_account on audit (account_id, id desc);
