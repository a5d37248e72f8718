-- Messages of known people find their conversations one by one, by keys, whatever is thought of how large the tables are: plans that
-- were made while they were small, and kept, read all open conversations of the integration for each message.

create or replace function plain_items(items jsonb) returns table (n int, integration uuid, ext text, session_id uuid)
language sql stable as $$
    with item as materialized (
        select (i.place - 1)::int as n, i.kind, i.session, i.integration, i.ext, i.ids, i.who,
            i.migrated is not null or i.fate->>'state' = 'failed' as odd,
            i.kind = 'message' and i.session is null and i.rule is null and i.command is null and i.ext is not null
                and i.chat is not null and i.ids is not null
                and count(*) over (partition by coalesce(i.integration, i.session), i.ext) = 1 as may
        from rows from (jsonb_to_recordset(items) as (kind text, session uuid, integration uuid, ext text, ids text[], who jsonb,
            rule text, command text, chat text, migrated jsonb, fate jsonb)) with ordinality
            as i(kind, session, integration, ext, ids, who, rule, command, chat, migrated, fate, place)),
    -- Worked out once: a takeover, an edit and their like find their conversation by other ways.
    around as materialized (
        select coalesce(array_agg(distinct i.integration) filter (where i.kind in ('own', 'edit', 'revoke', 'reaction') or i.odd), '{}')
                as integrations,
            coalesce(array_agg(distinct i.session) filter (where i.session is not null), '{}') as sessions from item i),
    known as materialized (
        select i.n, i.integration, i.ext, i.ids[1] as name, k.contacts, i.may and k.count = cardinality(i.ids)
            and cardinality(k.contacts) = 1 and i.integration <> all((select a.integrations from around a)::uuid[])
            and exists (
                select 1 from contacts c where c.id = k.contacts[1] and c.person_id is not null
                    and (c.name, c.phone, c.username, c.language, c.chat) is not distinct from
                        (coalesce(i.who->>'name', c.name), coalesce(i.who->>'phone', c.phone),
                         coalesce(i.who->>'username', c.username), coalesce(i.who->>'language', c.language),
                         coalesce(i.who->>'chat', c.chat))
                    and not exists (select 1 from people p join people q on q.root_id = p.root_id
                        join contacts d on d.person_id = q.id where p.id = c.person_id and d.integration_id = i.integration
                            and d.id <> c.id)) as plain
        from item i cross join lateral (
            select count(*) as count, array_agg(distinct c.contact_id) as contacts from contact_ids c
            where c.integration_id = i.integration and c.value = any(i.ids)) k
        where i.kind = 'message' and i.session is null),
    judged as materialized (select k.*, bool_and(k.plain) over (partition by k.integration, k.name) as all_plain from known k),
    touched as materialized (
        select coalesce(array_agg(distinct t.contact), '{}') as contacts from judged o cross join unnest(o.contacts) t(contact)
        where not o.all_plain)
    select j.n, j.integration, j.ext, s.id from judged j
        cross join lateral (
            select s.id from sessions s where s.integration_id = j.integration and s.contact_id = j.contacts[1]
                and s.kind = 'channel' and s.closed_at is null limit 1) s
    where j.all_plain and j.contacts[1] <> all((select t.contacts from touched t)::uuid[])
        and s.id <> all((select a.sessions from around a)::uuid[])
$$;

create or replace function ingest_plain(items jsonb)
returns table (n int, outcome text, session_id uuid, seq bigint, message_id uuid, due_in float8)
language plpgsql
-- A message that comes alone must not be planned anew each time; and the plans that are kept must not be those of tables that
-- were empty when they were made.
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    _n int[];
    _sessions uuid[];
    _twice int[];
    _good int[] := '{}';
    _seqs bigint[];
    _dues timestamptz[];
    _in uuid[];
begin
    perform set_config('hub.marks', 'off', true);
    with found as materialized (select p.n, p.integration, p.ext, p.session_id from plain_items(items) p),
    kept as (
        insert into inbox_dedupe (integration_id, ext) select f.integration, f.ext from found f order by f.n
        on conflict do nothing returning integration_id, ext),
    new as materialized (
        select f.n, f.session_id from found f join kept k on k.integration_id = f.integration and k.ext = f.ext)
    select array(select w.n from new w order by w.n), array(select w.session_id from new w order by w.n),
        array(select f.n from found f where f.n not in (select w.n from new w))
        into _n, _sessions, _twice;
    if cardinality(_n) > 0 then
        perform 1 from sessions s where s.id = any(_sessions) order by s.id for no key update;
        perform set_config('hub.marks', 'off', true);
        with numbered as (
            select u.n, s.id as session, s.account_id, s.integration_id, s.oldest_at, s.message_count, j.*,
                s.last_seq + row_number() over (partition by s.id order by u.n) as seq,
                s.last_seq + count(*) over (partition by s.id) as last_seq,
                count(*) over (partition by s.id) as many,
                least(now() + make_interval(secs => j.debounce),
                      coalesce(s.oldest_at, now()) + make_interval(secs => j.max_wait)) as due,
                s.hour_start >= now() - interval '1 hour' as in_hour, s.hour_start, s.hour_count, s.hour_told
            from unnest(_n, _sessions) u(n, session)
            cross join lateral (
                select s.id, s.account_id, s.integration_id, s.oldest_at, s.message_count, s.last_seq, s.done_seq, s.hour_start,
                    s.hour_count, s.hour_told, s.closed_at, s.handoff_at, s.expires_at
                from sessions s where s.id = u.session limit 1) s
            cross join lateral jsonb_to_record(items->u.n) as j(id uuid, ext text, network_id text, body jsonb,
                at timestamptz, chat text, session_s float8, release boolean, debounce float8, max_wait float8, per_hour int,
                max_messages int)
            where s.closed_at is null and s.handoff_at is null
                and (coalesce(s.expires_at >= now(), true) or s.last_seq > s.done_seq)),
        judged as (
            select m.*, bool_and(
                    coalesce(not (m.per_hour > 0 and case when m.in_hour then m.hour_count else 0 end + m.many > m.per_hour), true)
                    and coalesce(not (m.max_messages > 0 and m.message_count >= m.max_messages), true))
                over (partition by m.session) as fits from numbered m),
        good as materialized (select * from judged g where g.fits),
        stored as (
            insert into inbox (id, account_id, session_id, seq, ext, network_id, body, provider_at)
            select g.id, g.account_id, g.session, g.seq, g.ext, g.network_id, g.body, g.at from good g order by g.session, g.seq),
        moved as (
            update sessions s set last_seq = g.seq, due_at = g.due, oldest_at = coalesce(g.oldest_at, now()), chat = g.chat,
                hour_start = case when g.in_hour then g.hour_start else now() end,
                hour_count = case when g.in_hour then g.hour_count else 0 end + g.many,
                hour_told = g.hour_told and coalesce(g.in_hour, false),
                last_user_at = now(), last_message_at = now(), expires_at = now() + make_interval(secs => g.session_s)
            from good g where s.id = g.session and g.seq = g.last_seq),
        -- What the trigger does one by one.
        queued as (
            insert into session_queue (session_id, account_id, lane, due_at)
            select g.session, g.account_id, g.integration_id, g.due from good g where g.seq = g.last_seq order by g.session
            on conflict (session_id) do update set due_at = excluded.due_at, lane = excluded.lane),
        placed as (
            insert into session_order (session_id, account_id, at, unanswered)
            select g.session, g.account_id, now(), false from good g where g.seq = g.last_seq order by g.session
            on conflict (session_id) do update set at = excluded.at, unanswered = excluded.unanswered),
        released as (
            -- Text that waited for the contact to open WhatsApp's 24 hour window.
            update outbox o set not_before = null, expires_at = now() + interval '24 hours'
            from (select distinct g.session from good g where g.release is not null) g
            where o.session_id = g.session and o.state = 'queued' and o.not_before = 'infinity')
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
    perform set_config('hub.marks', 'on', true);
end $$;
