-- A placeholder may stand in a chat whose id nobody learned: its sender died or was cut off. It is looked for a while later.
alter table sessions add column stray_at timestamptz, add column stray_asked timestamptz, add column stray_tries smallint not null default 0;
create index sessions_stray on sessions (stray_at) where stray_at is not null;

-- A turn is taken over, or handed back, before its placeholder was noted.
create function mark_stray() returns trigger language plpgsql as $$
begin
    if exists (select 1 from integrations i where i.id = new.integration_id and i.mode = 'placeholder_edit') then
        new.stray_at := coalesce(new.stray_at, now());
    end if;
    return new;
end $$;
create trigger sessions_stray before update of epoch on sessions for each row
    when (new.epoch > old.epoch and old.lease_until is not null and old.placeholder is null and new.integration_id is not null)
    execute function mark_stray();

-- The sender of a part is gone before its placeholder was noted.
create function mark_stray_part() returns trigger language plpgsql as $$
begin
    update sessions set stray_at = coalesce(stray_at, now()) where id = new.session_id;
    return null;
end $$;
create trigger outbox_stray after update of state on outbox for each row
    when (old.state = 'sending' and new.code = 'sender_lost' and coalesce(new.placeholder, '') = '' and fills_in(new.mode, new.body))
    execute function mark_stray_part();
