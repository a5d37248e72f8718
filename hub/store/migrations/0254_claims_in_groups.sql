-- Many conversations claimed at once, each as `claim` does it. A conversation that somebody else holds locked is not waited for: it
-- is `busy`, and whoever asks looks at it by itself.
create function claim_each(_sessions uuid[], _me text, _lease float8, _history int)
returns table (session uuid, busy boolean, claimed jsonb)
language plpgsql as $$
declare
    _free uuid[] := array(select s.id from sessions s where s.id = any(_sessions) order by s.id for no key update skip locked);
begin
    foreach session in array _sessions loop
        busy := session <> all(_free);
        claimed := case when not busy then claim(session, _me, _lease, _history, false) end;
        return next;
    end loop;
end $$;

select raise_wall();
