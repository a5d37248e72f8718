-- Who somebody is whom nobody has named: of conversations that are one browser's, whatever is kept of them is kept with
-- one person, who has no name. Made when something is first kept.
create function person_of_visitor(_account uuid, _session uuid) returns uuid
language plpgsql as $$
declare
    _s sessions;
    _person uuid;
begin
    select * into _s from sessions s where s.id = _session and s.account_id = _account for no key update;
    if not found then
        return null;
    end if;
    if _s.person_id is not null then
        return _s.person_id;
    end if;
    -- Two conversations of one browser make one person.
    perform pg_advisory_xact_lock(hashtextextended('visitor:' || _s.client_id::text || ':' || coalesce(_s.tag, _s.id::text), 0));
    _person := visitor_known(_account, _session);
    if _person is null then
        _person := new_id();
        insert into people (id, account_id, root_id) values (_person, _account, _person);
    end if;
    update sessions s set person_id = _person where s.id = _session;
    return _person;
end $$;

-- The same, while there is one.
create function visitor_known(_account uuid, _session uuid) returns uuid language sql stable as $$
    select coalesce(s.person_id, (select o.person_id from sessions o where o.client_id = s.client_id and o.tag = s.tag
        and o.account_id = _account and o.person_id is not null order by o.id desc limit 1))
    from sessions s where s.id = _session and s.account_id = _account
$$;

-- Nameless ones of whom a conversation holds an address or a phone that was left in it.
create function visitors_who_left(_account uuid, _users text[], _names text[]) returns setof uuid language sql stable as $$
    select distinct s.person_id from sessions s where s.account_id = _account and s.kind = 'web' and s.person_id is not null
        and coalesce(s.tag, 'anon:') like 'anon:%' and said_of(s.metadata, _users, _names) <> '{}'
        and not exists (select 1 from selves(s.person_id) p join identities i on i.person_id = p)
$$;
