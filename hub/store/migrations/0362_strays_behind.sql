-- Until when one was missed: it stands before what was said till then, or before the next.
alter table sessions add column stray_until timestamptz;

-- One is looked for when it has had the time to come, also where another was looked for before.
create or replace function mark_stray() returns trigger language plpgsql as $$
begin
    if exists (select 1 from integrations i where i.id = new.integration_id and i.mode = 'placeholder_edit') then
        new.stray_at := coalesce(new.stray_at, now());
        new.stray_until := now();
        new.stray_asked := now();
        new.stray_tries := 0;
        new.stray_reach := 0;
    end if;
    return new;
end $$;
create or replace function mark_stray_part() returns trigger language plpgsql as $$
begin
    update sessions set stray_at = coalesce(stray_at, now()), stray_until = now(), stray_asked = now(), stray_tries = 0, stray_reach = 0
        where id = new.session_id;
    return null;
end $$;
