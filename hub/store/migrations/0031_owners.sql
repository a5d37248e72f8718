-- What is kept for people belongs to who they are at their network: a number, an id, a phone. A user name is for show:
-- it changes hands.

-- Whether a name that the hub gave a contact (zp_<network>:<name>@<chat client>) lasts: a number or a phone does.
create function lasting(_tag text) returns boolean
language sql immutable as $$
    select _tag !~* '^\s*zp_' or _tag ~ '^zp_[a-z]+:-?[0-9]+(@|$)'
$$;

-- As before; but nobody is found by a user name, and nobody becomes somebody else's by one.
create or replace function own_session() returns trigger
language plpgsql as $$
declare
    _key text := 'user:' || new.tag;
    _other uuid;
begin
    if new.contact_id is not null then
        select c.person_id into new.person_id from contacts c where c.id = new.contact_id;
        if new.person_id is null or new.tag is null or not lasting(new.tag) then
            return new;
        end if;
        insert into identities (account_id, key, value, person_id, source)
            values (new.account_id, _key, _key, new.person_id, 'session') on conflict do nothing;
        select i.person_id into _other from identities i where i.account_id = new.account_id and i.key = _key
            and i.person_id not in (select selves(new.person_id));
        if _other is not null and not exists (select 1 from identities i where i.person_id in (select selves(_other))
                                              and i.key not like 'user:%') then
            perform join_people(new.account_id, new.person_id, _other, 'session', jsonb_build_object('names', jsonb_build_array(_key)),
                                'hub', false);
        end if;
    else
        new.person_id := person_for(new.account_id, array[_key], array[_key], 'session');
    end if;
    return new;
end $$;

-- Who is known by what lasts is found by that alone from now on. What was kept for them stays theirs: it hangs on the
-- person, not on the name.
delete from identities i where i.key like 'user:%' and not lasting(substr(i.key, 6))
    and exists (select 1 from identities o where o.person_id = i.person_id and o.key not like 'user:%');
-- What was kept under a name before people had ids is theirs where only one contact ever had the name.
update memories m set person_id = s.person_id from (
    select s.account_id, s.tag, (array_agg(s.person_id))[1] as person_id from sessions s
    where s.kind = 'channel' and s.tag is not null and s.person_id is not null
    group by s.account_id, s.tag having count(distinct s.person_id) = 1) s
    where m.person_id is null and m.account_id = s.account_id and m.external_user = s.tag;
