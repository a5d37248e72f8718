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
