-- Who was known before becomes a person, as far as it is certain who is who. Phones that are written with and without
-- Brazil's ninth digit, Mexico's 1 and Argentina's 9 are one (hub.phones knows the same for what comes from now on).
create function pg_temp.one_phone(_key text) returns text language sql immutable as $$
    select case
        when _key ~ '^phone:55[1-9][1-9][6-9]\d{7}$' then left(_key, 10) || '9' || substr(_key, 11)
        when _key ~ '^phone:521[2-9]\d{9}$' then 'phone:52' || substr(_key, 10)
        when _key ~ '^phone:549[1-9]\d{9}$' then 'phone:54' || substr(_key, 10)
        else _key end
$$;

create temporary table named on commit drop as
    select c.account_id, c.id as contact_id, pg_temp.one_phone(k.value) as key, k.value, c.created_at, c.id as label
    from contact_ids k join contacts c on c.id = k.contact_id;
-- A phone that only the contact itself tells, where no contact of the account has it for a name.
insert into named
    select c.account_id, c.id, pg_temp.one_phone('phone:' || d.digits), 'phone:' || d.digits, c.created_at, c.id
    from contacts c cross join lateral (select regexp_replace(c.phone, '\D', '', 'g') as digits) d
    where d.digits <> '' and not exists (select 1 from named n where n.account_id = c.account_id
        and n.key = pg_temp.one_phone('phone:' || d.digits));
create index on named (account_id, key);
create index on named (contact_id);
-- Contacts that share a name are one person: each takes the oldest label around it until nothing changes.
do $$
begin
    loop
        update named n set label = l.label from (
            select m.contact_id, min(o.label::text)::uuid as label from named m
            join named o on o.account_id = m.account_id and o.key = m.key group by m.contact_id) l
            where n.contact_id = l.contact_id and n.label <> l.label;
        exit when not found;
    end loop;
end $$;

insert into people (id, account_id, root_id, kind, created_at)
    select n.label, n.account_id, n.label, case when bool_and(n.key like 'group:%') then 'group' else 'person' end, min(n.created_at)
    from named n group by n.label, n.account_id;
insert into identities (account_id, key, value, person_id, source)
    select distinct on (n.account_id, n.key) n.account_id, n.key, n.value, n.label, 'message' from named n
    order by n.account_id, n.key, n.contact_id desc;
update contacts c set person_id = n.label from named n where n.contact_id = c.id;
update contacts c set chat = s.chat from (
    select distinct on (contact_id) contact_id, chat from sessions where contact_id is not null and chat is not null
    order by contact_id, id desc) s where s.contact_id = c.id;
-- One form of a phone from now on; of two at one integration the older contact's stays.
delete from contact_ids k using contact_ids o
    where o.integration_id = k.integration_id and o.value <> k.value and pg_temp.one_phone(o.value) = pg_temp.one_phone(k.value)
      and (o.contact_id, o.value) < (k.contact_id, k.value);
update contact_ids k set value = pg_temp.one_phone(k.value) where k.value <> pg_temp.one_phone(k.value);
update schedules s set names = array(select distinct pg_temp.one_phone(n) from unnest(s.names) n) where s.names <> '{}';
update activations a set names = array(select distinct pg_temp.one_phone(n) from unnest(a.names) n) where a.names <> '{}';

update sessions s set person_id = c.person_id from contacts c where c.id = s.contact_id;
-- The hub's own names for contacts, where each was one person's only.
insert into identities (account_id, key, value, person_id, source)
    select s.account_id, 'user:' || s.tag, 'user:' || s.tag, (array_agg(s.person_id))[1], 'session' from sessions s
    where s.kind = 'channel' and s.tag is not null and s.person_id is not null
    group by s.account_id, s.tag having count(distinct s.person_id) = 1
    on conflict do nothing;

-- Everybody else who is named: visitors of the web, owners of memories, people the policy knows.
create temporary table others on commit drop as
    select s.account_id, 'user:' || s.tag as key, min(s.created_at) as created_at from sessions s
        where s.kind = 'web' and s.tag is not null group by 1, 2
    union all
    select m.account_id, 'user:' || trim(m.external_user), min(m.created_at) from memories m
        where trim(m.external_user) <> '' group by 1, 2
    union all
    select p.account_id, case when p.person ~ '^web:[0-9a-f-]{36}:' then 'user:' || substr(p.person, 42) else pg_temp.one_phone(p.person) end,
        min(p.created_at) from people_before p group by 1, 2
    union all
    select a.account_id, case when a.person ~ '^web:[0-9a-f-]{36}:' then 'user:' || substr(a.person, 42) else pg_temp.one_phone(a.person) end,
        min(a.created_at) from activations a where a.person is not null group by 1, 2;
create temporary table newcomers on commit drop as
    select o.account_id, o.key, min(o.created_at) as created_at, new_id() as id from others o
    where not exists (select 1 from identities i where i.account_id = o.account_id and i.key = o.key)
        -- A name that several contacts had is nobody's for certain.
        and not exists (select 1 from sessions s where s.account_id = o.account_id and s.kind = 'channel' and o.key = 'user:' || s.tag)
    group by o.account_id, o.key;
insert into people (id, account_id, root_id, kind, created_at)
    select n.id, n.account_id, n.id, case when n.key like 'group:%' then 'group' else 'person' end, n.created_at from newcomers n;
insert into identities (account_id, key, value, person_id, source)
    select n.account_id, n.key, n.key, n.id, 'session' from newcomers n;

update sessions s set person_id = i.person_id from identities i
    where s.kind = 'web' and s.tag is not null and i.account_id = s.account_id and i.key = 'user:' || s.tag;
update memories m set person_id = i.person_id from identities i
    where i.account_id = m.account_id and i.key = 'user:' || trim(m.external_user);
update activations a set person_id = i.person_id from identities i where a.person is not null and i.account_id = a.account_id
    and i.key = case when a.person ~ '^web:[0-9a-f-]{36}:' then 'user:' || substr(a.person, 42) else pg_temp.one_phone(a.person) end;
-- Stop counts, whichever way the name was written when it was said.
update people p set zone = b.zone, zone_at = case when b.zone is not null then b.created_at end, opted_out_at = b.opted_out_at,
        opted_out_by = b.opted_out_by, opted_out_words = b.opted_out_words
    from (select i.person_id, min(x.created_at) as created_at,
            (array_agg(x.zone order by x.created_at desc) filter (where x.zone is not null))[1] as zone,
            (array_agg(x.opted_out_at order by x.opted_out_at) filter (where x.opted_out_at is not null))[1] as opted_out_at,
            (array_agg(x.opted_out_by order by x.opted_out_at) filter (where x.opted_out_at is not null))[1] as opted_out_by,
            (array_agg(x.opted_out_words order by x.opted_out_at) filter (where x.opted_out_at is not null))[1] as opted_out_words
          from people_before x join identities i on i.account_id = x.account_id
            and i.key = case when x.person ~ '^web:[0-9a-f-]{36}:' then 'user:' || substr(x.person, 42) else pg_temp.one_phone(x.person) end
          group by i.person_id) b
    where p.id = b.person_id;

drop table people_before;
drop index activations_person;
alter table activations drop column person;
create index activations_person on activations (account_id, person_id, admitted_at) where admitted_at is not null;
create index activations_whose on activations (person_id, id desc) where person_id is not null;
drop function person_of(uuid, text[]);

-- Who had two conversations at one number has one.
select gather(p.person_id) from (
    select s.person_id from sessions s where s.kind = 'channel' and s.closed_at is null and s.person_id is not null
    group by s.person_id, s.integration_id having count(*) > 1) p;

-- As before, and: whoever a recipient turns out to be, the conversation and the last word are that person's.
create or replace function admit(items jsonb) returns table (activation uuid, outcome text, session_id uuid, seq bigint)
language plpgsql as $$
#variable_conflict use_column
declare
    _item jsonb;
    _a activations;
    _s sessions;
    _contact uuid;
    _direct boolean;
begin
    for _item in select e.value from jsonb_array_elements(items) with ordinality e order by e.ordinality loop
        activation := (_item->>'id')::uuid; outcome := 'admitted'; session_id := null; seq := null;
        select * into _a from activations a where a.id = activation and a.state = 'due';
        if not found then
            continue;
        end if;
        if _a.schedule_id is not null then
            update schedules s set last_at = now(), execution_count = s.execution_count + 1,
                    state = case when s.kind = 'once' or s.execution_count + 1 >= s.max_executions then 'done' else s.state end,
                    next_at = case when s.execution_count + 1 >= s.max_executions then null else s.next_at end
                where s.id = _a.schedule_id and (s.max_executions is null or s.execution_count < s.max_executions);
            if not found then
                update activations set state = 'cancelled', reason = 'finished', closed_at = now(),
                    result = 'Cancelled: the schedule was removed or has had all its executions' where id = activation;
                outcome := 'cancelled';
                return next;
                continue;
            end if;
        end if;
        if _item->>'integration' is not null then
            _contact := coalesce(_a.contact_id, (_item->>'contact')::uuid);
            if _contact is null then
                _contact := resolve_contact(_a.account_id, (_item->>'integration')::uuid, _a.names, _item->'who');
            end if;
            _s := live_session(_item, _contact);
        else
            _contact := null;
            select * into _s from sessions s where s.client_id = _a.client_id and s.tag = _a.external_user and s.kind = 'web'
                and s.closed_at is null for no key update;
            if not found then
                insert into sessions (id, account_id, client_id, kind, tag, key_hash, key_sealed, expires_at)
                    values ((_item->>'new_session')::uuid, _a.account_id, _a.client_id, 'web', _a.external_user,
                            decode(_item->>'key_hash', 'base64'), decode(_item->>'key_sealed', 'base64'),
                            now() + make_interval(secs => (_item->>'session_s')::float8))
                    returning * into _s;
            end if;
        end if;
        session_id := _s.id;
        _direct := _item->'message' is not null and _item->>'message' is not null;
        if _direct then
            insert into messages (id, account_id, session_id, role, source, content, turn_id)
                values ((_item->>'message')::uuid, _a.account_id, _s.id, 'assistant', 'campaign', _item->'content', activation);
            insert into outbox (key, account_id, session_id, turn_id, message_id, part, integration_id, chat, body, sha, mode,
                                not_before, code)
                select (p->>'key')::uuid, _a.account_id, _s.id, activation, (_item->>'message')::uuid, (e.o - 1)::int,
                       _s.integration_id, _s.chat, p->'body', p->>'sha', 'at_most_once',
                       case when p->>'hold' is not null then 'infinity'::timestamptz end,
                       case when p->>'hold' is not null then 'window_closed' end
                from jsonb_array_elements(_item->'parts') with ordinality e(p, o) order by e.o;
            update sessions s set message_count = s.message_count + 1, last_message_at = now(),
                    expires_at = greatest(s.expires_at, now() + make_interval(secs => (_item->>'session_s')::float8))
                where s.id = _s.id;
            insert into scheduled_users as u (client_id, external_user, said_at)
                values (_a.client_id, coalesce(_s.tag, _a.external_user, _a.address), now())
                on conflict (client_id, external_user) do update set said_at = excluded.said_at;
            outcome := 'said';
        else
            seq := _s.last_seq + 1;
            insert into inbox (id, account_id, session_id, seq, command, body)
                values (activation, _a.account_id, _s.id, seq, 'activation', _item->'body');
            -- What waits for its debounce goes on waiting; a turn that runs now is followed at once.
            update sessions s set last_seq = seq,
                    due_at = coalesce(s.due_at, now()),
                    oldest_at = case when s.lease_until is null then coalesce(s.oldest_at, now()) else s.oldest_at end,
                    expires_at = greatest(s.expires_at, now() + make_interval(secs => (_item->>'session_s')::float8))
                where s.id = _s.id;
        end if;
        update activations a set state = case when _direct then 'done' else 'admitted' end, reason = null, result = null,
                admitted_at = now(), session_id = _s.id, contact_id = _contact, external_user = coalesce(a.external_user, _s.tag),
                turn_id = case when _direct then activation end,
                said_at = case when _direct then now() end, closed_at = case when _direct then now() end
            where a.id = activation;
        return next;
    end loop;
end $$;
