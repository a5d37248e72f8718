-- Conversations that are claimed together bring what the bot is told of the person too (0270).
create or replace function claim_each(_sessions uuid[], _me text, _lease float8, _history int)
returns table (session uuid, busy boolean, claimed jsonb)
language plpgsql as $$
declare
    _free uuid[] := array(select s.id from sessions s where s.id = any(_sessions) order by s.id for no key update skip locked);
begin
    foreach session in array _sessions loop
        busy := session <> all(_free);
        claimed := case when not busy then claim(session, _me, _lease, _history, false, true) end;
        return next;
    end loop;
end $$;

select raise_wall();
