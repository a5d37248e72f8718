-- Whichever placeholder was looked for, or was to be taken away, the longest ago is next.
create index stray_placeholders_turn on stray_placeholders (coalesce(asked_at, at));
create index left_placeholders_turn on left_placeholders (coalesce(asked_at, at));

-- A process of the version before this table still notes them in its sessions while it ends.
create function note_old_stray() returns trigger language plpgsql as $$
begin
    insert into stray_placeholders (session_id, account_id) values (new.id, new.account_id);
    return null;
end $$;
create trigger sessions_old_stray after update of stray_at on sessions for each row
    when (new.stray_at is not null and new.stray_asked is null) execute function note_old_stray();

select raise_wall();
