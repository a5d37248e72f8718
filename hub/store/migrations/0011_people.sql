-- One person, however they are written to: an id that never changes, the names they are known by, and joins that can
-- be taken back.

-- Like the ids that the hub makes: 48 bits of time, then chance.
create function new_id() returns uuid language sql volatile as $$
    select (lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0') || '7'
            || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid
$$;

alter table people rename to people_before;
alter index people_pkey rename to people_before_pkey;
drop index people_out;

-- root_id: the oldest of those who were joined to one person; their own id while they stand alone. Whatever hangs on
-- a person keeps the id it was written with, so that a split finds everything where it was. Of what was said about
-- unasked messages the last word of the whole person counts.
create table people (
    id uuid primary key default new_id(),
    account_id uuid not null references accounts on delete cascade,
    root_id uuid not null,
    kind text not null default 'person' check (kind in ('person', 'group')),
    zone text,
    zone_at timestamptz,
    opted_out_at timestamptz,
    opted_out_by text,
    opted_out_words text,
    opted_in_at timestamptz,
    created_at timestamptz not null default now()
);
create index people_root on people (root_id);
create index people_account on people (account_id, id desc);

-- Names of a person in an account. key: what is looked up (a phone in one form, see hub.phones), such as
-- phone:5531990000123, lid:..., bsuid:..., tg:..., user:<external id>, group:...; value: as it was last written.
create table identities (
    account_id uuid not null references accounts on delete cascade,
    key text not null,
    value text not null,
    person_id uuid not null references people on delete cascade,
    source text not null,
    created_at timestamptz not null default now(),
    primary key (account_id, key)
);
create index on identities (person_id);

-- Why two are held for one. split_at: it was taken back; what the hub finds out by itself does not join them again.
create table joins (
    id uuid primary key default new_id(),
    account_id uuid not null references accounts on delete cascade,
    a_id uuid not null references people on delete cascade,
    b_id uuid not null references people on delete cascade,
    evidence text not null,
    detail jsonb not null default '{}',
    by text not null,
    at timestamptz not null default clock_timestamp(),
    split_at timestamptz,
    split_by text
);
create index on joins (a_id);
create index on joins (b_id);
create index on joins (account_id, id desc);

-- chat: where this contact itself was last written to, whatever else its person is joined with.
alter table contacts add column person_id uuid references people on delete set null, add column chat text;
create index on contacts (person_id);
alter table memories add column person_id uuid references people on delete cascade;
create index memories_person on memories (person_id, format);
alter table activations add column person_id uuid;
-- person_id: whose it is. joined_into: the conversation that goes on with this one's context. gathers: it does so for others.
alter table sessions add column person_id uuid references people on delete set null, add column joined_into uuid,
    add column gathers boolean not null default false;
create index sessions_person on sessions (person_id, last_message_at desc);
create index sessions_joined on sessions (joined_into) where joined_into is not null;

-- A person as a whole, over all that was joined.
create view persons as
    select p.account_id, p.root_id as id, min(p.kind) as kind, min(p.created_at) as created_at,
        (array_agg(p.zone order by p.zone_at desc nulls last) filter (where p.zone_at is not null))[1] as zone,
        case when max(p.opted_out_at) > coalesce(max(p.opted_in_at), '-infinity') then max(p.opted_out_at) end as opted_out_at,
        case when max(p.opted_out_at) > coalesce(max(p.opted_in_at), '-infinity')
            then (array_agg(p.opted_out_by order by p.opted_out_at desc nulls last))[1] end as opted_out_by,
        case when max(p.opted_out_at) > coalesce(max(p.opted_in_at), '-infinity')
            then (array_agg(p.opted_out_words order by p.opted_out_at desc nulls last))[1] end as opted_out_words
    from people p group by p.account_id, p.root_id;

-- All ids of the same person.
create function selves(_person uuid) returns setof uuid
language sql stable rows 2 as $$
    select q.id from people p join people q on q.root_id = p.root_id where p.id = _person
$$;

-- What a person is called where one name must do: the phone, else another name.
create function person_label(_person uuid) returns text
language sql stable as $$
    select i.value from people p join people q on q.root_id = p.root_id join identities i on i.person_id = q.id
    where p.id = _person
    order by array_position(array['phone', 'tg', 'bsuid', 'lid', 'user', 'group'], split_part(i.key, ':', 1)) nulls last, i.created_at,
        i.key limit 1
$$;

-- The contacts of one integration that are the same person as a contact, the oldest first.
create function contacts_of(_integration uuid, _contact uuid) returns uuid[]
language sql stable as $$
    select coalesce(array_agg(k.id order by k.id), array[_contact])
    from contacts c join people p on p.id = c.person_id join people q on q.root_id = p.root_id
    join contacts k on k.person_id = q.id and k.integration_id = _integration
    where c.id = _contact
$$;

-- One conversation for one person at each number: the oldest goes on, the others stay readable and are its context.
-- Whoever of the business has one of them has the conversation.
create function gather(_person uuid) returns void
language plpgsql as $$
declare
    _kept record;
    _held sessions;
begin
    for _kept in select s.integration_id, (array_agg(s.id order by s.id))[1] as id, array_agg(s.id) as every from sessions s
            where s.person_id in (select selves(_person)) and s.kind = 'channel' and s.closed_at is null and s.integration_id is not null
            group by s.integration_id having count(*) > 1 order by s.integration_id loop
        select * into _held from sessions o where o.id = any(_kept.every) and o.id <> _kept.id and o.handoff_at is not null
            and (o.handoff_until is null or o.handoff_until > now()) order by o.handoff_at desc limit 1;
        if found and exists (select 1 from sessions s where s.id = _kept.id and s.handoff_at is null) then
            perform set_aside(_kept.id);
            update sessions s set handoff_at = _held.handoff_at, handoff_by = _held.handoff_by, handoff_until = _held.handoff_until
                where s.id = _kept.id;
        end if;
        -- What is being answered is not taken away; the next message looks again.
        update sessions s set closed_at = now(), due_at = null, joined_into = _kept.id
            where s.id = any(_kept.every) and s.id <> _kept.id and s.closed_at is null and s.last_seq = s.done_seq
              and s.lease_until is null;
        if found then
            update sessions s set gathers = true where s.id = _kept.id;
        end if;
    end loop;
end $$;

-- The root of a person, locked: nobody joins or splits them meanwhile.
create function lock_root(_account uuid, _person uuid) returns uuid
language plpgsql as $$
declare
    _root uuid;
begin
    loop
        select p.root_id into _root from people p where p.account_id = _account and p.id = _person;
        perform 1 from people p where p.id = _root for no key update;
        exit when not found or exists (select 1 from people p where p.id = _person and p.root_id = _root);
    end loop;
    return _root;
end $$;

-- Hold two for one person. Null: they are already, or (unless `_again`) somebody has said that they are not.
create function join_people(_account uuid, _a uuid, _b uuid, _evidence text, _detail jsonb, _by text, _again boolean) returns uuid
language plpgsql as $$
declare
    _roots uuid[];
    _id uuid;
begin
    -- In one order; whoever comes second sees what the first has made of it.
    for _try in 1..5 loop
        select array_agg(distinct p.root_id order by p.root_id) into _roots from people p
            where p.account_id = _account and p.id in (_a, _b) and p.kind = 'person';
        perform 1 from people p where p.id = any(_roots) order by p.id for no key update;
        exit when _roots = (select array_agg(distinct p.root_id order by p.root_id) from people p
            where p.account_id = _account and p.id in (_a, _b) and p.kind = 'person');
    end loop;
    if coalesce(cardinality(_roots), 0) <> 2 then
        return null;
    end if;
    if not _again and exists (select 1 from joins j join people x on x.id = j.a_id join people y on y.id = j.b_id
            where j.split_at is not null and x.root_id = any(_roots) and y.root_id = any(_roots) and x.root_id <> y.root_id) then
        return null;
    end if;
    insert into joins (account_id, a_id, b_id, evidence, detail, by) values (_account, _a, _b, _evidence, coalesce(_detail, '{}'), _by)
        returning id into _id;
    update people p set root_id = _roots[1] where p.root_id = _roots[2];
    perform gather(_roots[1]);
    return _id;
end $$;

-- Each person's root anew, from the joins that stand among them.
create function regroup(_members uuid[]) returns void
language plpgsql as $$
begin
    update people p set root_id = p.id where p.id = any(_members);
    loop
        update people p set root_id = n.root from (
            select m.id, least(min(m.root_id::text), min(o.root_id::text))::uuid as root
            from people m join joins j on (j.a_id = m.id or j.b_id = m.id) and j.split_at is null
            join people o on o.id = case when j.a_id = m.id then j.b_id else j.a_id end
            where m.id = any(_members) group by m.id) n
            where p.id = n.id and p.root_id <> n.root;
        exit when not found;
    end loop;
end $$;

-- Two are not one person after all: conversations that gave way to another's go on by themselves, and who had one of
-- them does not have the other's for that.
create function ungather(_members uuid[]) returns void
language plpgsql as $$
declare
    _gone record;
begin
    for _gone in select s.id, s.handoff_at, s.kind, k.id as kept from sessions s join sessions k on k.id = s.joined_into
            join people ps on ps.id = s.person_id join people pk on pk.id = k.person_id
            where s.person_id = any(_members) and ps.root_id <> pk.root_id order by s.id loop
        update sessions k set handoff_at = null, handoff_by = null, handoff_until = null
            where k.id = _gone.kept and k.handoff_at = _gone.handoff_at;
        update sessions s set joined_into = null where s.id = _gone.id;
        update sessions s set closed_at = null where s.id = _gone.id
            and not exists (select 1 from sessions o where o.id <> s.id and o.closed_at is null and o.kind = s.kind
                and case when s.kind = 'channel' then o.integration_id = s.integration_id and o.contact_id = s.contact_id
                        else o.client_id = s.client_id and o.tag = s.tag end);
    end loop;
    -- Answers go to whoever the conversation is with, not to where the other one last wrote from.
    update sessions s set chat = c.chat from contacts c
        where s.person_id = any(_members) and s.kind = 'channel' and s.closed_at is null and c.id = s.contact_id
          and c.chat is not null and s.chat is distinct from c.chat;
end $$;

-- Take a join back. False: there is none of this id that stands.
create function split_join(_account uuid, _join uuid, _by text) returns boolean
language plpgsql as $$
declare
    _j joins;
    _root uuid;
    _members uuid[];
begin
    select * into _j from joins j where j.account_id = _account and j.id = _join and j.split_at is null for update;
    if not found then
        return false;
    end if;
    _root := lock_root(_account, _j.a_id);
    update joins set split_at = clock_timestamp(), split_by = _by where id = _join;
    select array_agg(p.id) into _members from people p where p.root_id = _root;
    perform regroup(_members);
    perform ungather(_members);
    perform gather(_j.a_id);
    perform gather(_j.b_id);
    return true;
end $$;

-- One name is somebody else's after all: they are a person of their own from now on. Null: not a name of this person,
-- or the only one.
create function split_name(_account uuid, _person uuid, _key text, _by text) returns uuid
language plpgsql as $$
declare
    _i identities;
    _new uuid := new_id();
begin
    perform lock_root(_account, _person);
    select * into _i from identities i where i.account_id = _account and i.key = _key and i.person_id in (select selves(_person)) for update;
    if not found or not exists (select 1 from identities o where o.person_id = _i.person_id and o.key <> _key) then
        return null;
    end if;
    insert into people (id, account_id, root_id) values (_new, _account, _new);
    update identities set person_id = _new where account_id = _account and key = _key;
    delete from contact_ids c using contacts k
        where c.value = _key and k.id = c.contact_id and k.account_id = _account and k.person_id = _i.person_id;
    insert into joins (account_id, a_id, b_id, evidence, detail, by, split_at, split_by)
        values (_account, _i.person_id, _new, _i.source, jsonb_build_object('name', _i.value), _i.source, clock_timestamp(), _by);
    return _new;
end $$;

-- The person of some names, made when nobody has them; the first name decides when they are several people's who are
-- known not to be one. Names that stand together in `_keys` belong together: that is the evidence. `_said`: the names as
-- they were written, in the same order.
create function person_for(_account uuid, _keys text[], _said text[], _source text) returns uuid
language plpgsql as $$
declare
    _id uuid;
    _other uuid;
    _made int;
begin
    for _try in 1..5 loop
        select i.person_id into _id from identities i where i.account_id = _account and i.key = any(_keys)
            order by array_position(_keys, i.key) limit 1;
        if _id is null then
            _id := new_id();
            insert into people (id, account_id, root_id, kind)
                values (_id, _account, _id, case when _keys[1] like 'group:%' then 'group' else 'person' end);
            insert into identities (account_id, key, value, person_id, source)
                select _account, k.key, coalesce(_said[k.n], k.key), _id, _source from unnest(_keys) with ordinality k(key, n) order by k.key
                on conflict do nothing;
            get diagnostics _made = row_count;
            if _made > 0 then
                exit;
            end if;
            -- Somebody made the same person at the same moment.
            delete from people where id = _id;
            _id := null;
        else
            insert into identities (account_id, key, value, person_id, source)
                select _account, k.key, coalesce(_said[k.n], k.key), _id, _source from unnest(_keys) with ordinality k(key, n)
                where not exists (select 1 from identities i where i.account_id = _account and i.key = k.key) order by k.key
                on conflict do nothing;
            exit;
        end if;
    end loop;
    if _id is null then
        raise exception 'no person could be found' using errcode = 'serialization_failure';
    end if;
    for _other in select distinct i.person_id from identities i where i.account_id = _account and i.key = any(_keys)
            and i.person_id not in (select selves(_id)) order by 1 loop
        perform join_people(_account, _id, _other, _source, jsonb_build_object('names', to_jsonb(_keys)), 'hub', false);
    end loop;
    return _id;
end $$;

-- The oldest contact of whoever has these names at this integration; made when there is none.
create or replace function resolve_contact(_account uuid, _integration uuid, _ids text[], _who jsonb) returns uuid
language plpgsql as $$
declare
    _found uuid[];
    _all uuid[];
    _known int;
    _id uuid;
    _person uuid;
begin
    select array_agg(distinct c.contact_id), count(*) into _found, _known
        from contact_ids c where c.integration_id = _integration and c.value = any(_ids);
    if _known = cardinality(_ids) then
        _all := contacts_of(_integration, _found[1]);
        _id := _all[1];
    end if;
    if _id is null or not _found <@ _all or exists (select 1 from contacts c where c.id = _id and c.person_id is null) then
        _person := person_for(_account, _ids, array(select jsonb_array_elements_text(_who->'said')), 'message');
        -- Two messages of somebody new at the same moment make one contact.
        perform 1 from people p where p.id = _person for no key update;
        update contacts c set person_id = _person where c.id = any(_found) and c.person_id is null;
        select (array_agg(c.id order by c.id))[1] into _id from contacts c
            where c.integration_id = _integration and c.person_id in (select selves(_person));
        if _id is null then
            insert into contacts (id, account_id, integration_id, person_id, name, phone, username, language)
                values ((_who->>'id')::uuid, _account, _integration, _person, _who->>'name', _who->>'phone', _who->>'username',
                        _who->>'language')
                returning id into _id;
        end if;
        -- Names of others, whom somebody has said not to be the same, stay theirs.
        insert into contact_ids (integration_id, value, contact_id)
            select _integration, i.key, _id from identities i
            where i.account_id = _account and i.key = any(_ids) and i.person_id in (select selves(_person)) order by i.key
            on conflict (integration_id, value) do nothing;
    end if;
    -- What the network tells is kept with the contact that wrote, not with another of the same person.
    update contacts c set name = coalesce(_who->>'name', c.name), phone = coalesce(_who->>'phone', c.phone),
            username = coalesce(_who->>'username', c.username), language = coalesce(_who->>'language', c.language),
            chat = coalesce(_who->>'chat', c.chat)
        where c.id = (select k.contact_id from contact_ids k where k.integration_id = _integration and k.value = any(_ids)
                      order by array_position(_ids, k.value) limit 1)
          and (c.name, c.phone, c.username, c.language, c.chat) is distinct from
            (coalesce(_who->>'name', c.name), coalesce(_who->>'phone', c.phone), coalesce(_who->>'username', c.username),
             coalesce(_who->>'language', c.language), coalesce(_who->>'chat', c.chat));
    return _id;
end $$;

-- The live session of a person at an integration, locked; an expired one is closed and a new one opened.
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
                    coalesce((select o.tag from sessions o where o.contact_id = any(_all) and o.client_id = (_item->>'client')::uuid
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

-- Every conversation of a chat client belongs to a person as soon as one is named.
create function own_session() returns trigger
language plpgsql as $$
declare
    _key text := 'user:' || new.tag;
    _other uuid;
begin
    if new.contact_id is not null then
        select c.person_id into new.person_id from contacts c where c.id = new.contact_id;
        if new.person_id is null or new.tag is null then
            return new;
        end if;
        -- The hub's own name for the contact. Somebody may have written under it before the contact did; but a name
        -- that is another contact's (a user name that has passed on) stays theirs.
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
create trigger sessions_own before insert on sessions for each row
    when (new.person_id is null and new.client_id is not null and (new.contact_id is not null or (new.kind = 'web' and new.tag is not null)))
    execute function own_session();

-- A person says stop (or is allowed again). What is queued for them and was not asked for is not sent.
drop function opt(uuid, text, boolean, text, text);
create function opt(_account uuid, _person uuid, _out boolean, _by text, _words text) returns boolean
language plpgsql as $$
declare
    _root uuid;
    _was boolean;
begin
    _root := lock_root(_account, _person);
    if _root is null then
        return false;
    end if;
    select w.opted_out_at is not null into _was from persons w where w.id = _root;
    if _out then
        -- Their own word, which stays theirs when they are split from the others.
        update people p set opted_out_at = clock_timestamp(), opted_out_by = _by, opted_out_words = _words
            where p.id = _person and not (_was and coalesce(p.opted_out_at > coalesce(p.opted_in_at, '-infinity'), false));
        update outbox o set state = 'cancelled', code = 'opted_out', error = 'The contact has opted out.', closed_at = now()
            from activations a where a.account_id = _account and a.person_id in (select selves(_person))
                and a.admitted_at > now() - interval '8 days' and o.turn_id = a.turn_id and o.state = 'queued';
    else
        update people p set opted_in_at = clock_timestamp() where p.id = _person;
    end if;
    return _was is distinct from _out;
end $$;
