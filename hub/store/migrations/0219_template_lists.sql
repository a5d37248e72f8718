-- What WhatsApp lists of an integration's templates, asked for at most once a minute, and as its events say since.
create table template_lists (
    integration_id uuid primary key references integrations (id) on delete cascade,
    account_id uuid not null references accounts (id) on delete cascade,
    templates jsonb not null,
    read_at timestamptz not null
);
create index template_lists_account on template_lists (account_id);

-- Why a campaign was paused by the hub itself; nothing where a person did it.
alter table campaigns add column halted text;

select raise_wall();
