-- Who is new is found to be new by keys, as whoever is known is (0280): plans that were made while these tables were small, and kept, read
-- all people of the integration, of the account and all of its conversations for each of them.

-- As in 0252, but for how contacts are found.
create or replace function first_items(items jsonb, _rest int[])
returns table (n int, integration uuid, ext text, talker int, contact uuid, person uuid, old uuid, tag text)
language sql stable as $$
    with item as materialized (
        select r.n, i.kind, i.account, i.client, i.integration, i.session, i.ext, i.ids, i.tag, i.who, i.per_hour,
            min(r.n) over (partition by i.account, i.integration, i.ids) as talker,
            i.migrated is not null or i.fate->>'state' = 'failed' as odd,
            i.kind = 'message' and i.session is null and i.rule is null and i.command is null and i.ext is not null
                and i.chat is not null and i.tag is not null and i.who->>'id' is not null and cardinality(i.ids) > 0
                and count(*) over (partition by coalesce(i.integration, i.session), i.ext) = 1 as may
        from unnest(_rest) r(n) cross join lateral jsonb_to_record(items->r.n) as i(kind text, account uuid, client uuid,
            integration uuid, session uuid, ext text, ids text[], tag text, who jsonb, rule text, command text, chat text,
            per_hour int, migrated jsonb, fate jsonb)),
    around as materialized (
        select coalesce(array_agg(distinct i.integration) filter (where i.kind in ('own', 'edit', 'revoke', 'reaction') or i.odd), '{}')
                as integrations,
            coalesce(array_agg(distinct i.session) filter (where i.session is not null), '{}') as sessions from item i),
    talker as materialized (
        select i.talker, i.account, i.integration, i.ids, max(i.tag) as tag, (array_agg(i.client))[1] as client,
            (array_agg(i.who))[1] as who, count(*) as many, min(i.per_hour) filter (where i.per_hour > 0) as per_hour,
            bool_and(coalesce(i.may, false)) and min(i.tag) = max(i.tag) and count(distinct i.client) = 1
                and count(distinct i.who - 'id') = 1 and i.integration <> all((select a.integrations from around a)::uuid[])
                and (select count(distinct k) from unnest(i.ids) k) = cardinality(i.ids) as may
        from item i where i.ids is not null group by i.talker, i.account, i.integration, i.ids),
    known as materialized (
        select t.*, c.count, coalesce(c.contacts, '{}') as contacts, coalesce(p.persons, '{}') as persons,
            coalesce(p.roots, '{}') as roots, u.root as tagged,
            (select coalesce(array_agg(distinct q.root_id), '{}') from contacts k join people q on q.id = k.person_id
                where k.id = any(c.contacts)) as theirs
        from talker t
        cross join lateral (
            select count(*) as count, array_agg(distinct c.contact_id) as contacts from contact_ids c
            where c.integration_id = t.integration and c.value = any(t.ids)) c
        cross join lateral (
            select array_agg(distinct i.person_id) as persons, array_agg(distinct p.root_id) as roots
            from identities i join people p on p.id = i.person_id where i.account_id = t.account and i.key = any(t.ids)) p
        left join lateral (
            select p.root_id as root from identities i join people p on p.id = i.person_id
            where i.account_id = t.account and i.key = 'user:' || t.tag and lasting(t.tag)) u on true),
    shared as materialized (
        select coalesce(array_agg(s.talker), '{}') as talkers from (
            select unnest(array_agg(distinct h.talker)) as talker from (
                select k.talker, k.account || v as what from known k cross join lateral unnest(k.ids || ('user:' || k.tag)) v
                union all select k.talker, v::text from known k cross join lateral unnest(k.contacts || k.roots || k.theirs || k.tagged) v) h
            where h.what is not null group by h.what having count(distinct h.talker) > 1) s),
    alone as materialized (
        select k.* from known k where k.may and k.talker <> all((select s.talkers from shared s)::int[])),
    begun as (
        -- Nobody here has one of their names: at most somebody who is known to the account from elsewhere.
        select a.talker, null::uuid as contact, a.persons[1] as person, null::uuid as old, a.tag from alone a
        where a.count = 0 and cardinality(a.persons) <= 1 and (a.tagged is null or a.tagged = a.roots[1])
            and coalesce(a.many <= a.per_hour, true)
            and not exists (select 1 from (select q.id from people q where q.root_id = a.roots[1] offset 0) q cross join lateral (
                select d.integration_id from contacts d where d.person_id = q.id offset 0) d where d.integration_id = a.integration)
        union all
        -- Somebody known by all their names, of whom nothing changed, and whose conversation has ended or run out.
        select a.talker, c.id, c.person_id, s.id, l.tag from alone a
        join contacts c on c.id = a.contacts[1] and (c.name, c.phone, c.username, c.language, c.chat) is not distinct from
            (coalesce(a.who->>'name', c.name), coalesce(a.who->>'phone', c.phone), coalesce(a.who->>'username', c.username),
             coalesce(a.who->>'language', c.language), coalesce(a.who->>'chat', c.chat))
        left join sessions s on s.integration_id = a.integration and s.contact_id = c.id and s.kind = 'channel' and s.closed_at is null
        cross join lateral (select coalesce((select o.tag from sessions o where o.contact_id = c.id and o.client_id = a.client
            and o.tag is not null order by o.id desc limit 1), a.tag) as tag) l
        where a.count = cardinality(a.ids) and cardinality(a.contacts) = 1 and cardinality(a.theirs) = 1
            and not exists (select 1 from (select q.id from people q where q.root_id = a.theirs[1] offset 0) q cross join lateral (
                select d.id, d.integration_id from contacts d where d.person_id = q.id offset 0) d
                where d.integration_id = a.integration and d.id <> c.id)
            and (not lasting(l.tag) or exists (select 1 from identities i join people p on p.id = i.person_id
                where i.account_id = a.account and i.key = 'user:' || l.tag and p.root_id = a.theirs[1]))
            and (s.id is null or (s.expires_at < now() and s.last_seq = s.done_seq and s.handoff_at is null
                and s.id <> all((select r.sessions from around r)::uuid[])))
            and coalesce(case when s.hour_start >= now() - interval '1 hour' then s.hour_count else 0 end + a.many <= a.per_hour, true))
    select i.n, i.integration, i.ext, b.talker, b.contact, b.person, b.old, b.tag
    from begun b join item i on i.talker = b.talker
$$;

-- As in 0252, but for how names are found.
create or replace function ingest_first(items jsonb, _rest int[])
returns table (n int, outcome text, session_id uuid, seq bigint, message_id uuid, due_in float8)
language plpgsql
-- As in `ingest_plain`.
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    -- Of each item its place and that of its talker's first; of each talker that place, and what is there of them.
    _n int[];
    _of int[];
    _twice int[];
    _talkers int[];
    _contacts uuid[];
    _persons uuid[];
    _olds uuid[];
    _tags text[];
    _made boolean[];
    _bad int[];
    _good int[] := '{}';
    _seqs bigint[];
    _dues timestamptz[];
    _in uuid[];
begin
    with found as materialized (select f.* from first_items(items, _rest) f),
    kept as (
        insert into inbox_dedupe (integration_id, ext) select f.integration, f.ext from found f order by f.n
        on conflict do nothing returning integration_id, ext),
    new as materialized (
        select f.*, min(f.n) over (partition by f.talker) as first from found f
        join kept k on k.integration_id = f.integration and k.ext = f.ext),
    one as materialized (select w.* from new w where w.n = w.first)
    select array(select w.n from new w order by w.n), array(select w.first from new w order by w.n),
        array(select f.n from found f where f.n not in (select w.n from new w)),
        array(select o.n from one o order by o.n), array(select o.contact from one o order by o.n),
        array(select o.person from one o order by o.n), array(select o.old from one o order by o.n),
        array(select o.tag from one o order by o.n)
        into _n, _of, _twice, _talkers, _contacts, _persons, _olds, _tags;
    if cardinality(_n) > 0 then
        -- Two messages of somebody new at the same moment make one contact. Whom another has met, or removed, in this moment
        -- goes one by one.
        perform 1 from people p where p.id = any(_persons) order by p.id for no key update;
        perform 1 from contacts c where c.id = any(_contacts) order by c.id for key share;
        _bad := array(
            select u.talker from unnest(_talkers, _contacts, _persons) u(talker, contact, person)
            where (u.contact is not null and not exists (select 1 from contacts c where c.id = u.contact and c.person_id = u.person))
                or (u.contact is null and u.person is not null and (
                    not exists (select 1 from people p where p.id = u.person)
                    or exists (select 1 from people p join people q on q.root_id = p.root_id join contacts d on d.person_id = q.id
                        where p.id = u.person and d.integration_id = (items->u.talker->>'integration')::uuid))));
        select array_agg(u.person is null order by u.talker), array_agg(coalesce(u.person, new_id()) order by u.talker)
            into _made, _persons from unnest(_talkers, _persons) u(talker, person);
        insert into people (id, account_id, root_id, kind)
            select u.person, (items->u.talker->>'account')::uuid, u.person,
                case when items->u.talker->'ids'->>0 like 'group:%' then 'group' else 'person' end
            from unnest(_talkers, _persons, _made) u(talker, person, made) where u.made and u.talker <> all(_bad);
        insert into identities (account_id, key, value, person_id, source)
            select (items->u.talker->>'account')::uuid, k.key, k.value, u.person, k.source
            from unnest(_talkers, _contacts, _persons) u(talker, contact, person) cross join lateral names_of(items->u.talker) k
            where u.contact is null and u.talker <> all(_bad) order by 1, 2 on conflict do nothing;
        _bad := _bad || array(
            select distinct u.talker from unnest(_talkers, _contacts, _persons) u(talker, contact, person)
            join people p on p.id = u.person cross join lateral names_of(items->u.talker) k
            where u.contact is null and u.talker <> all(_bad) and not exists (
                select 1 from (select i.person_id from identities i where i.account_id = p.account_id and i.key = k.key offset 0) i
                cross join lateral (select q.root_id from people q where q.id = i.person_id offset 0) q where q.root_id = p.root_id));
        if cardinality(_bad) > 0 then
            delete from people p using unnest(_talkers, _persons, _made) u(talker, person, made)
                where u.made and u.talker = any(_bad) and p.id = u.person;
        end if;
        if exists (select 1 from unnest(_olds) o(id) where o.id is not null) then
            perform 1 from sessions s where s.id = any(_olds) order by s.id for no key update;
            with ended as (
                update sessions s set closed_at = now(), due_at = null from unnest(_talkers, _olds) o(talker, id)
                where s.id = o.id and o.talker <> all(_bad) and s.closed_at is null and s.expires_at < now()
                    and s.last_seq = s.done_seq and s.handoff_at is null
                returning o.talker)
            select _bad || array(select o.talker from unnest(_talkers, _olds) o(talker, id)
                where o.id is not null and o.talker not in (select e.talker from ended e)) into _bad;
        end if;
        perform set_config('hub.marks', 'off', true);
        with who as materialized (
            select u.talker, u.contact is null as met, u.person, u.tag, j.*, coalesce(u.contact, (j.who->>'id')::uuid) as contact,
                o.hour_start >= now() - interval '1 hour' as in_hour, o.hour_start, o.hour_count, o.hour_told
            from unnest(_talkers, _contacts, _persons, _olds, _tags) u(talker, contact, person, old, tag)
            cross join lateral jsonb_to_record(items->u.talker) as j(account uuid, client uuid, integration uuid, ids text[], who jsonb,
                new_session uuid)
            left join sessions o on o.id = u.old
            where u.talker <> all(_bad)),
        met as (
            insert into contacts (id, account_id, integration_id, person_id, name, phone, username, language, chat)
            select w.contact, w.account, w.integration, w.person, w.who->>'name', w.who->>'phone', w.who->>'username',
                w.who->>'language', w.who->>'chat' from who w where w.met order by w.talker),
        named as (
            insert into contact_ids (integration_id, value, contact_id)
            select w.integration, k.value, w.contact from who w cross join unnest(w.ids) k(value) where w.met order by 1, 2
            on conflict do nothing),
        numbered as materialized (
            select u.n, w.new_session as session, w.account as owner, w.integration as place, j.*,
                row_number() over (partition by u.talker order by u.n) as seq, count(*) over (partition by u.talker) as last_seq,
                now() + make_interval(secs => least(j.debounce, j.max_wait)) as due, u.talker
            from unnest(_n, _of) u(n, talker) join who w on w.talker = u.talker
            cross join lateral jsonb_to_record(items->u.n) as j(id uuid, ext text, network_id text, body jsonb, at timestamptz,
                chat text, session_s float8, debounce float8, max_wait float8)),
        opened as (
            insert into sessions (id, account_id, client_id, integration_id, contact_id, person_id, kind, tag, chat, expires_at,
                hour_start, hour_count, hour_told, last_seq, due_at, oldest_at, last_user_at, last_message_at)
            select w.new_session, w.account, w.client, w.integration, w.contact, w.person, 'channel', w.tag, g.chat,
                now() + make_interval(secs => g.session_s), case when w.in_hour then w.hour_start else now() end,
                case when w.in_hour then w.hour_count else 0 end + g.last_seq, coalesce(w.hour_told and w.in_hour, false),
                g.last_seq, g.due, now(), now(), now()
            from numbered g join who w on w.talker = g.talker where g.seq = g.last_seq order by w.talker
            on conflict do nothing returning id),
        good as materialized (select g.* from numbered g join opened o on o.id = g.session),
        stored as (
            insert into inbox (id, account_id, session_id, seq, ext, network_id, body, provider_at)
            select g.id, g.owner, g.session, g.seq, g.ext, g.network_id, g.body, g.at from good g order by g.n),
        queued as (
            insert into session_queue (session_id, account_id, lane, due_at)
            select g.session, g.owner, g.place, g.due from good g where g.seq = g.last_seq order by g.n),
        placed as (
            insert into session_order (session_id, account_id, at, unanswered)
            select g.session, g.owner, now(), false from good g where g.seq = g.last_seq order by g.n),
        released as (
            -- What waited for WhatsApp's window goes out whichever conversation of the contact it was written in.
            update outbox o set not_before = null, expires_at = now() + interval '24 hours'
            from who w join sessions s on s.integration_id = w.integration and s.contact_id = w.contact
            where not w.met and o.session_id = s.id and o.state = 'queued' and o.not_before = 'infinity')
        select coalesce(array_agg(g.n order by g.n), '{}'), array_agg(g.seq order by g.n), array_agg(g.due order by g.n),
            array_agg(g.session order by g.n) into _good, _seqs, _dues, _in from good g;
        perform set_config('hub.marks', 'on', true);
    end if;
    return query
        select t.n, 'duplicate', null::uuid, null::bigint, null::uuid, null::float8 from unnest(_twice) t(n)
        union all
        select g.n, 'accepted', g.session, g.seq, (items->g.n->>'id')::uuid, greatest(0, extract(epoch from g.due - now()))::float8
        from unnest(_good, _in, _seqs, _dues) g(n, session, seq, due);
    -- What did not fit after all begins anew.
    if cardinality(_good) < cardinality(_n) then
        delete from inbox_dedupe d using unnest(_n) u(n)
            where u.n <> all(_good) and d.integration_id = (items->u.n->>'integration')::uuid and d.ext = items->u.n->>'ext';
    end if;
end $$;

-- As in 0225, but for how conversations are found.
create or replace function inherit_conversation() returns trigger language plpgsql as $$
declare
    _o session_order;
begin
    select x.* into _o from (
        select o.* from sessions me cross join lateral (
            select s.id, s.account_id from sessions s where s.contact_id = me.contact_id and s.id <> me.id offset 0) s
        cross join lateral (select b.* from session_order b where b.session_id = s.id limit 1) o
        where me.id = new.session_id and s.account_id = new.account_id offset 0) x
        order by x.at desc limit 1;
    if _o.session_id is null or _o.status = 'closed' or (_o.assignee_id is null and _o.team_id is null and _o.priority = 1) then
        return null;
    end if;
    update session_order set assignee_id = _o.assignee_id, team_id = _o.team_id, priority = _o.priority
        where session_id = new.session_id;
    return null;
end $$;
