-- A name that nobody has proved is nobody's: such a visitor is a person once they go on elsewhere.
drop trigger sessions_own on sessions;
create trigger sessions_own before insert on sessions for each row
    when (new.person_id is null and new.client_id is not null and (new.contact_id is not null
        or (new.kind = 'web' and new.tag is not null and new.tag not like 'anon:%')))
    execute function own_session();

-- As before; planned once for a connection, since every message asks it.
create or replace function contacts_of(_integration uuid, _contact uuid) returns uuid[]
language plpgsql stable as $$
begin
    return (select coalesce(array_agg(k.id order by k.id), array[_contact])
        from contacts c join people p on p.id = c.person_id join people q on q.root_id = p.root_id
        join contacts k on k.person_id = q.id and k.integration_id = _integration
        where c.id = _contact);
end $$;

-- As before; a new conversation has the name of its own contact, not of another that is held for the same person.
create or replace function live_session(_item jsonb, _contact uuid) returns sessions
language plpgsql as $$
declare
    _s sessions;
    _old sessions;
    _all uuid[] := contacts_of((_item->>'integration')::uuid, _contact);
begin
    if cardinality(_all) > 1 then
        perform gather(c.person_id) from contacts c where c.id = _contact;
    end if;
    for _try in 1..3 loop
        select * into _s from sessions s
            where s.integration_id = (_item->>'integration')::uuid and s.contact_id = any(_all)
              and s.kind = 'channel' and s.closed_at is null
            order by s.id limit 1 for no key update;
        if found and _s.expires_at < now() and _s.last_seq = _s.done_seq and _s.handoff_at is null then
            update sessions set closed_at = now(), due_at = null where id = _s.id;
            _old := _s;
        elsif found then
            return _s;
        end if;
        -- Who is known by a name to the business keeps it, however the network writes it today.
        insert into sessions (id, account_id, client_id, integration_id, contact_id, kind, tag, chat, expires_at,
                              hour_start, hour_count, hour_told)
            values ((_item->>'new_session')::uuid, (_item->>'account')::uuid, (_item->>'client')::uuid,
                    (_item->>'integration')::uuid, _contact, 'channel',
                    coalesce((select o.tag from sessions o where o.contact_id = _contact and o.client_id = (_item->>'client')::uuid
                              and o.tag is not null order by o.id desc limit 1), _item->>'tag'),
                    _item->>'chat',
                    now() + make_interval(secs => (_item->>'session_s')::float8),
                    _old.hour_start, coalesce(_old.hour_count, 0), coalesce(_old.hour_told, false))
            on conflict do nothing
            returning * into _s;
        if found then
            return _s;
        end if;
    end loop;
    raise exception 'no session could be opened' using errcode = 'serialization_failure';
end $$;
