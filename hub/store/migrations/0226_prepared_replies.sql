-- Prepared replies in several languages, and with files. texts: by language; text is said in all others.
alter table canned_replies add column texts jsonb not null default '{}';

create table canned_files (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    reply_id uuid not null references canned_replies on delete cascade,
    name text not null,
    mime text not null,
    size int not null,
    content bytea not null,
    created_at timestamptz not null default now()
);
create index on canned_files (reply_id);
create index on canned_files (account_id);

select audit_watch();
select raise_wall();
