-- Placeholders that may stand in a chat though nobody knows their id, each by itself: it stands before what was said between
-- `since` and `at`, when it was missed, or before the next after that. What sessions noted of them (their columns that begin with
-- stray_) is written no more.
create table stray_placeholders (
    id bigint generated always as identity primary key,
    session_id uuid not null references sessions on delete cascade,
    account_id uuid not null references accounts on delete cascade,
    since timestamptz not null default now(),
    at timestamptz not null default now(),
    asked_at timestamptz,
    tries smallint not null default 0,
    reach int not null default 0
);
create index on stray_placeholders (at);
create index on stray_placeholders (session_id);
create index on stray_placeholders (account_id);
insert into stray_placeholders (session_id, account_id, since)
    select id, account_id, stray_at from sessions where stray_at is not null;

drop trigger sessions_stray on sessions;
drop function mark_stray();
-- A turn is taken over, or handed back, before its placeholder was noted.
create function note_stray() returns trigger language plpgsql as $$
begin
    if exists (select 1 from integrations i where i.id = new.integration_id and i.mode = 'placeholder_edit') then
        insert into stray_placeholders (session_id, account_id) values (new.id, new.account_id);
    end if;
    return null;
end $$;
create trigger sessions_stray after update of epoch on sessions for each row
    when (new.epoch > old.epoch and old.lease_until is not null and old.placeholder is null and new.integration_id is not null)
    execute function note_stray();
create or replace function mark_stray_part() returns trigger language plpgsql as $$
begin
    insert into stray_placeholders (session_id, account_id) values (new.session_id, new.account_id);
    return null;
end $$;

select raise_wall();
