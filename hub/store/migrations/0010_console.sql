-- People who sign in to the console. Addresses are unique across accounts: they are all that a login names.
create table operators (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    email text not null,
    name text not null,
    role text not null check (role in ('owner', 'admin', 'agent', 'viewer')),
    password text,
    created_at timestamptz not null default now(),
    seen_at timestamptz
);
create unique index operators_email on operators (lower(email));
create index on operators (account_id, id);

-- Signed in browsers: the SHA-256 of their cookie. linked: signed in by a one-time link, not with a password.
create table operator_sessions (
    hash bytea primary key,
    operator_id uuid not null references operators on delete cascade,
    created_at timestamptz not null default now(),
    seen_at timestamptz not null default now(),
    expires_at timestamptz not null,
    linked boolean not null default false
);
create index on operator_sessions (operator_id);
create index on operator_sessions (expires_at);

-- Links that sign in once.
create table operator_links (
    hash bytea primary key,
    operator_id uuid not null references operators on delete cascade,
    expires_at timestamptz not null
);
create index on operator_links (operator_id);

-- handoff_by: the operator who has it; null: somebody at the phone, or the API. handoff_until: when the
-- assistant gets it back; null: when somebody gives it back.
alter table sessions add column handoff_by uuid, add column handoff_until timestamptz;
create index sessions_handoff on sessions (handoff_until) where handoff_until is not null;
create index sessions_inbox on sessions (account_id, last_message_at desc, id desc) where last_message_at is not null;
create index sessions_waiting on sessions (account_id, last_message_at desc, id desc)
    where last_user_at = last_message_at and due_at is null and closed_at is null and client_id is not null;
create index sessions_held on sessions (account_id, last_message_at desc, id desc) where handoff_at is not null;
create index outbox_message on outbox (message_id) where message_id is not null;
create index outbox_failed on outbox (account_id, id desc) where state in ('dead', 'unknown');
-- Figures over days read blocks of time; a summary of blocks costs the pipeline next to nothing.
create index turns_times on turns using brin (created_at);
create index messages_times on messages using brin (created_at);
create index happenings_rated on happenings (account_id, at) where kind = 'feedback';
create index schedules_next on schedules (account_id, next_at) where state <> 'done';

create table session_reads (
    operator_id uuid not null references operators on delete cascade,
    session_id uuid not null references sessions on delete cascade,
    at timestamptz not null default now(),
    primary key (operator_id, session_id)
);
create index on session_reads (session_id);

-- What operators tell each other about a conversation; the contact never sees it.
create table session_notes (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    session_id uuid not null references sessions on delete cascade,
    operator_id uuid,
    author text not null,
    text text not null,
    created_at timestamptz not null default now()
);
create index on session_notes (session_id, id);
create index on session_notes (account_id);

create table canned_replies (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    shortcut text not null,
    text text not null,
    created_at timestamptz not null default now()
);
create unique index canned_replies_shortcut on canned_replies (account_id, lower(shortcut));

-- What was sent and what came back, without secrets; kept as long as the delivery.
alter table attempts add column milliseconds int, add column request jsonb, add column response jsonb;

-- When a conversation taken over now goes back by itself: `handoffMinutes` of the account (30), 0: never.
create function handoff_end(_account uuid) returns timestamptz
language sql stable as $$
    select now() + make_interval(mins => nullif(coalesce((a.parameters->>'handoffMinutes')::int, 30), 0))
    from accounts a where a.id = _account
$$;

-- A person has the session: the turn that runs cannot commit any more, what waits for an answer is theirs, what
-- nobody asked for is put off, and what the model has still to say is not sent. Commands go on waiting for their turn.
create function set_aside(_session uuid) returns void
language plpgsql as $$
declare
    _s sessions;
    _next bigint;
begin
    select * into _s from sessions s where s.id = _session for no key update;
    with back as (
        delete from inbox i where i.session_id = _session and i.seq > _s.done_seq and i.state = 'waiting'
            and i.command = 'activation' returning i.id),
    due as (
        update activations a set state = 'due', reason = 'handoff', result = 'Waiting: a person has taken the conversation over',
            not_before = now() + interval '15 minutes', admitted_at = null, session_id = null
        from back where a.id = back.id and a.state = 'admitted' returning a.schedule_id)
    update schedules s set execution_count = greatest(0, s.execution_count - 1) from due where s.id = due.schedule_id;
    with kept as (
        update inbox i set state = 'ignored', rule = 'handoff' where i.session_id = _session and i.seq > _s.done_seq
            and i.state = 'waiting' and i.command is null returning i.*),
    noted as (
        insert into happenings (account_id, client_id, integration_id, session_id, message_id, kind, detail)
        select k.account_id, _s.client_id, _s.integration_id, _session, k.id, 'ignored', '{"rule": "handoff"}' from kept k)
    insert into messages (id, account_id, session_id, role, source, content, network_id)
        select k.id, k.account_id, _session, coalesce(k.body->>'role', 'user'), 'contact', k.body, k.network_id from kept k order by k.seq
        on conflict (id) do nothing;
    update outbox o set state = 'cancelled', code = 'handoff', error = 'A person has taken the conversation over.', closed_at = now()
        where o.session_id = _session and o.state = 'queued' and o.resolution is distinct from 'replayed'
          and exists (select 1 from turns t where t.id = o.turn_id and t.outcome not like 'command:%');
    select min(i.seq) into _next from inbox i where i.session_id = _session and i.seq > _s.done_seq and i.state = 'waiting';
    update sessions s set epoch = s.epoch + 1, owner = null, lease_until = null, attempts = 0, crash_count = 0, placeholder = null,
            done_seq = coalesce(_next - 1, s.last_seq), due_at = case when _next is not null then now() end,
            oldest_at = case when _next is not null then coalesce(s.oldest_at, now()) end
        where s.id = _session;
end $$;

-- As before, and: in a person's conversation nothing of the model's is sent.
create or replace function next_part(_session uuid, _me text, _wire float8) returns jsonb
language plpgsql as $$
declare
    _o outbox;
    _id bigint;
begin
    -- A part that was on the wire when a person took the conversation over is not tried again, unless they want it.
    update outbox o set state = 'cancelled', code = 'handoff', error = 'A person has taken the conversation over.', closed_at = now()
        where o.session_id = _session and o.state = 'queued' and o.resolution is distinct from 'replayed'
          and exists (select 1 from sessions s where s.id = _session and s.handoff_at is not null
                      and (s.handoff_until is null or s.handoff_until > now()))
          and exists (select 1 from turns t where t.id = o.turn_id and t.outcome not like 'command:%');
    select o.id into _id from outbox o where o.session_id = _session and o.state = 'queued'
        order by o.id limit 1 for no key update;
    if _id is null then
        return null;
    end if;
    update outbox o set state = 'sending', attempt = o.attempt + 1, sender = _me,
            wire_deadline = now() + make_interval(secs => _wire)
        where o.id = _id and o.state = 'queued' and (o.not_before is null or o.not_before <= now()) and o.expires_at > now()
          and not exists (select 1 from outbox p where p.session_id = _session and p.id < o.id
                          and (p.state = 'sending' or (p.state = 'unknown' and p.closed_at is null)))
        returning * into _o;
    return case when _o.id is null then null else to_jsonb(_o) end;
end $$;

-- The time for which a person had the session has passed: the assistant answers what came after the last word of ours.
-- Returns null when it was not so, 0 when there is nothing to answer, else a number to ring with.
create function hand_back(_session uuid) returns bigint
language plpgsql as $$
declare
    _s sessions;
    _last bigint;
    _first bigint;
begin
    update sessions s set handoff_at = null, handoff_by = null, handoff_until = null
        where s.id = _session and s.handoff_until <= now() returning * into _s;
    if not found then
        return null;
    end if;
    if _s.closed_at is not null then
        return 0;
    end if;
    select coalesce(max(m.position), 0) into _last from messages m where m.session_id = _session and m.role = 'assistant'
        and not m.hidden;
    with again as (
        update inbox i set state = 'waiting', rule = null from messages m
            where i.session_id = _session and i.state = 'ignored' and i.rule = 'handoff' and m.id = i.id
              and m.session_id = _session and m.position > _last and not m.hidden
            returning i.seq)
    select min(a.seq) into _first from again a;
    if _first is null then
        return 0;
    end if;
    update sessions s set done_seq = least(s.done_seq, _first - 1), due_at = coalesce(s.due_at, now()), oldest_at = coalesce(s.oldest_at, now())
        where s.id = _session;
    return _s.last_seq;
end $$;

-- As before, and: a person's conversation is not taken for a turn.
create or replace function claim(_session uuid, _me text, _lease float8, _history int, _now boolean) returns jsonb
language plpgsql as $$
declare
    _s sessions;
    _stop bigint;
    _one boolean;
    _crashes int;
begin
    -- Nothing but commands is answered while a person has it, however it came to wait (before an upgrade, beside a switch).
    perform 1 from sessions s where s.id = _session and s.handoff_at is not null and (s.handoff_until is null or s.handoff_until > now())
        and s.last_seq > s.done_seq and (s.lease_until is null or s.lease_until < now()) for no key update;
    if found then
        perform set_aside(_session);
    end if;
    update sessions s set epoch = s.epoch + 1, attempts = s.attempts + 1, owner = _me,
            crash_count = s.crash_count + case when s.lease_until is not null then 1 else 0 end,
            lease_until = now() + make_interval(secs => _lease),
            due_at = now() + make_interval(secs => _lease),
            oldest_at = null
        where s.id = _session and s.last_seq > s.done_seq and (s.due_at <= now() or _now)
          and (s.lease_until is null or s.lease_until < now())
        returning * into _s;
    if not found then
        return null;
    end if;
    _one := _s.crash_count >= 2 or _s.attempts >= 4;
    select case when i.command is not null then i.seq else null end into _stop from inbox i
        where i.session_id = _session and i.seq > _s.done_seq and i.state = 'waiting' order by i.seq limit 1;
    if _stop is null and _one then
        select min(i.seq) into _stop from inbox i
            where i.session_id = _session and i.seq > _s.done_seq and i.state = 'waiting';
    elsif _stop is null then
        select min(i.seq) - 1 into _stop from inbox i
            where i.session_id = _session and i.seq > _s.done_seq and i.state = 'waiting' and i.command is not null;
    end if;
    _stop := coalesce(_stop, _s.last_seq);
    return jsonb_build_object(
        'session', to_jsonb(_s) - 'key_hash' - 'key_sealed' || jsonb_build_object('behind',
            exists (select 1 from outbox o where o.session_id = _session and o.state in ('queued', 'sending', 'unknown')
                    and o.closed_at is null)),
        'upto', _stop,
        'poison', _s.crash_count >= 3 or _s.attempts >= 6,
        'batch', (select coalesce(jsonb_agg(to_jsonb(i) order by coalesce(i.provider_at, i.received_at), i.seq), '[]')
                  from inbox i where i.session_id = _session and i.seq > _s.done_seq and i.seq <= _stop and i.state = 'waiting'),
        'history', (select coalesce(jsonb_agg(to_jsonb(h) order by h.position), '[]') from (
                    select m.id, m.role, m.source, m.content, m.position, m.created_at from messages m
                    where m.session_id = _session and not m.hidden
                        and m.id <> all(array(select w.id from inbox w
                            where w.session_id = _session and w.seq > _s.done_seq and w.state = 'waiting'))
                    order by m.position desc limit _history) h),
        'client', (select to_jsonb(c) from clients c where c.id = _s.client_id),
        'gateway', (select to_jsonb(g) - 'secrets' || jsonb_build_object('secrets', encode(g.secrets, 'base64'))
                    from gateways g join clients c on c.gateway_id = g.id where c.id = _s.client_id),
        'integration', (select to_jsonb(i) - 'secrets' - 'secret_hash' || jsonb_build_object('secrets', encode(i.secrets, 'base64'))
                        from integrations i where i.id = _s.integration_id),
        'contact', (select to_jsonb(c) from contacts c where c.id = _s.contact_id),
        'account', (select jsonb_build_object('id', a.id, 'name', a.name, 'balance', a.balance, 'parameters', a.parameters)
                    from accounts a where a.id = _s.account_id),
        'files', (select coalesce(jsonb_agg(jsonb_build_object('id', f.id, 'message_id', f.message_id, 'token', f.token, 'name', f.name,
                    'mime', f.mime, 'kind', f.kind, 'size', f.size) order by f.id), '[]')
                  from files f where f.session_id = _session));
end $$;

-- As before, and: who has a conversation by now is told; what nobody answered stays the last word.
create or replace function complete(_session uuid, _epoch bigint, _from bigint, _upto bigint, _me text,
                         _turn jsonb, _messages jsonb, _parts jsonb, _wire float8) returns jsonb
language plpgsql as $$
declare
    _s sessions;
    -- What people wrote and read; what tools were asked and said is no message of theirs.
    _said int := (select count(*) from jsonb_array_elements(_messages) m where m->>'role' = 'user'
        or (m->>'role' = 'assistant' and m->'content'->>'text' <> ''));
    -- Words of ours: without any, the contact's stay the last.
    _spoken boolean := exists (select 1 from jsonb_array_elements(_messages) m where m->>'role' = 'assistant'
        and (m->'content'->>'text' <> '' or m->'content' ? 'attachments' or m->'content' ? 'tool_calls'));
    _state text := coalesce(_turn->>'batch_state', 'answered');
    _act jsonb := _turn->'activation';
begin
    update sessions s set done_seq = _upto, owner = null, lease_until = null, attempts = 0, crash_count = 0,
            placeholder = null,
            due_at = case when s.last_seq <= _upto then null when s.oldest_at is null then now() else s.due_at end,
            message_count = case when _turn->>'reset' is not null then 0 else s.message_count + _said end,
            token_count = s.token_count + coalesce((_turn->>'prompt_tokens')::int, 0) + coalesce((_turn->>'completion_tokens')::int, 0),
            title = coalesce(s.title, _turn->>'title'),
            last_message_at = case when _spoken then now() else s.last_message_at end
        where s.id = _session and s.epoch = _epoch and s.done_seq = _from
        returning * into _s;
    if not found then
        return jsonb_build_object('ok', false, 'taken', exists (select 1 from sessions s where s.id = _session
            and s.handoff_at is not null and (s.handoff_until is null or s.handoff_until > now())));
    end if;
    insert into turns (id, account_id, session_id, from_seq, upto_seq, epoch, gateway_id, model, outcome, error, prompt_tokens,
                       completion_tokens, cost, attempts, passages, timings)
        values ((_turn->>'id')::uuid, _s.account_id, _session, _from, _upto, _epoch, (_turn->>'gateway_id')::uuid, _turn->>'model',
                _turn->>'outcome', _turn->>'error', coalesce((_turn->>'prompt_tokens')::int, 0),
                coalesce((_turn->>'completion_tokens')::int, 0), coalesce((_turn->>'cost')::numeric, 0),
                coalesce((_turn->>'attempts')::int, 1), coalesce(_turn->'passages', '[]'), coalesce(_turn->'timings', '{}'));
    update inbox i set state = _state, turn_id = (_turn->>'id')::uuid
        where i.session_id = _session and i.seq > _from and i.seq <= _upto and i.state = 'waiting';
    if _turn->>'reset' is not null then
        update messages set hidden = true where session_id = _session and not hidden;
    end if;
    insert into messages (id, account_id, session_id, role, source, content, turn_id, network_id, hidden)
        select (m->>'id')::uuid, _s.account_id, _session, m->>'role', m->>'source', m->'content', (_turn->>'id')::uuid,
               m->>'network_id', coalesce((m->>'hidden')::boolean, false)
        from jsonb_array_elements(_messages) with ordinality e(m, o) order by e.o
        -- What was said to a person and is answered by the assistant after all is there already.
        on conflict (id) do update set content = excluded.content, turn_id = excluded.turn_id, hidden = excluded.hidden
            where messages.session_id = excluded.session_id;
    insert into usage (account_id, gateway_id, session_id, turn_id, sku, quantity, unit_price, amount, description)
        select _s.account_id, (_turn->>'gateway_id')::uuid, _session, (_turn->>'id')::uuid, u->>'sku', (u->>'quantity')::numeric,
               (u->>'unit_price')::numeric, (u->>'amount')::numeric, u->>'description'
        from jsonb_array_elements(coalesce(_turn->'billed', '[]')) u;
    insert into outbox (key, account_id, session_id, turn_id, message_id, part, integration_id, chat, body, sha, mode, placeholder,
                        expires_at, not_before, code)
        select (p->>'key')::uuid, _s.account_id, _session, (_turn->>'id')::uuid, (p->>'message_id')::uuid, (e.o - 1)::int,
               _s.integration_id, p->>'chat', p->'body', p->>'sha', p->>'mode', p->>'placeholder',
               now() + case when p->>'hold' is not null then interval '7 days' else interval '24 hours' end,
               case when p->>'hold' is not null then 'infinity'::timestamptz end,
               case when p->>'hold' is not null then 'window_closed' end
        from jsonb_array_elements(_parts) with ordinality e(p, o) order by e.o;
    if _act is not null then
        update activations a set state = _act->>'state', reason = _act->>'reason', result = _act->>'result',
                turn_id = (_turn->>'id')::uuid, closed_at = now(),
                said_at = case when (_act->>'said')::boolean then now() end
            where a.id = (_act->>'id')::uuid;
        if (_act->>'said')::boolean then
            insert into scheduled_users as u (client_id, external_user, said_at)
                values (_s.client_id, coalesce(_act->>'user', _s.tag, _s.chat, _s.id::text), now())
                on conflict (client_id, external_user) do update set said_at = excluded.said_at;
        end if;
    end if;
    return jsonb_build_object('ok', true, 'more', _s.due_at is not null,
        'part', case when jsonb_array_length(_parts) > 0 then next_part(_session, _me, _wire) end);
end $$;

create or replace function accept_message(_s sessions, _item jsonb, out outcome text, out seq bigint, out due timestamptz)
language plpgsql as $$
declare
    _rule text := _item->>'rule';
    _command text := _item->>'command';
    _hour int := (_item->>'per_hour')::int;
    _fresh boolean := _s.hour_start is null or _s.hour_start < now() - interval '1 hour';
    _told boolean := _s.hour_told and not _fresh;
    _count int := case when _fresh then 0 else _s.hour_count end;
    _say text;
begin
    if _s.handoff_until <= now() and hand_back(_s.id) is not null then
        -- Nobody has taken care of it within the time: the assistant has it again.
        select * into _s from sessions s where s.id = _s.id;
        perform note(_item, _s.id, null, 'handoff', '{"active": false, "by": null}');
    end if;
    if _rule is null and _command is null then
        if _s.handoff_at is not null then
            _rule := 'handoff';
        elsif _hour > 0 and _count >= _hour then
            _rule := 'messagesPerHour';
            _say := case when not _told then _item->>'limit_text' end;
            _told := true;
        elsif (_item->>'max_messages')::int > 0 and _s.message_count >= (_item->>'max_messages')::int then
            _rule := 'maxMessages';
            _say := case when not _told then _item->>'blocked_text' end;
            _told := true;
        end if;
    end if;
    seq := _s.last_seq + 1;
    if _rule is null then
        outcome := 'accepted';
        due := case when _command is not null then now() else
            least(now() + make_interval(secs => (_item->>'debounce')::float8),
                  coalesce(_s.oldest_at, now()) + make_interval(secs => (_item->>'max_wait')::float8)) end;
    else
        outcome := 'ignored';
    end if;
    insert into inbox (id, account_id, session_id, seq, ext, network_id, command, body, provider_at, state, rule)
        values ((_item->>'id')::uuid, _s.account_id, _s.id, seq, _item->>'ext', _item->>'network_id', _command,
                _item->'body', (_item->>'at')::timestamptz,
                case when _rule is null then 'waiting' else 'ignored' end, _rule);
    update sessions s set
        last_seq = seq,
        done_seq = case when _rule is not null and s.done_seq = seq - 1 then seq else s.done_seq end,
        due_at = case when _rule is null then due else s.due_at end,
        oldest_at = case when _rule is null then coalesce(s.oldest_at, now()) else s.oldest_at end,
        chat = coalesce(_item->>'chat', s.chat),
        hour_start = case when _fresh then now() else s.hour_start end,
        hour_count = _count + case when _rule is null and _command is null then 1 else 0 end,
        hour_told = _told,
        last_user_at = now(),
        last_message_at = now(),
        expires_at = case when s.kind = 'channel'
            then now() + make_interval(secs => (_item->>'session_s')::float8)
            else greatest(s.expires_at, now() + interval '30 minutes') end
        where s.id = _s.id;
    if _rule is not null then
        perform note(_item, _s.id, (_item->>'id')::uuid, 'ignored', jsonb_build_object('rule', _rule));
    end if;
    if _rule = 'handoff' then
        insert into messages (id, account_id, session_id, role, source, content, network_id)
            values ((_item->>'id')::uuid, _s.account_id, _s.id, 'user', 'contact', _item->'body', _item->>'network_id');
    end if;
    if _say is not null then
        perform say(_s, _item, _say);
    end if;
    if _item->>'release' is not null then
        -- Text that waited for the contact to open WhatsApp's 24 hour window.
        update outbox o set not_before = null, expires_at = now() + interval '24 hours'
            where o.session_id = _s.id and o.state = 'queued' and o.not_before = 'infinity';
    end if;
end $$;

-- The last question again: it and the answers of the assistant make way for it, all in one commit or nothing of it.
-- What people have written stays. outcome: accepted, duplicate, ignored (a limit), none (nothing was asked), busy (an
-- answer is being made), person, gone.
create function ask_again(_item jsonb, out outcome text, out message_id uuid, out body jsonb, out gone uuid[])
language plpgsql as $$
declare
    _s sessions;
    _last bigint;
begin
    select * into _s from sessions s where s.id = (_item->>'session')::uuid
        and s.account_id = (_item->>'account')::uuid and s.closed_at is null for no key update;
    if not found then
        outcome := 'gone';
        return;
    end if;
    if _item->>'ext' is not null then
        select i.id, i.body into message_id, body from inbox i where i.session_id = _s.id and i.ext = _item->>'ext' limit 1;
        if found then
            outcome := 'duplicate';
            return;
        end if;
    end if;
    select m.position, m.content into _last, body from messages m
        where m.session_id = _s.id and m.role = 'user' and not m.hidden order by m.position desc limit 1;
    outcome := case when _s.handoff_at is not null and (_s.handoff_until is null or _s.handoff_until > now()) then 'person'
                    when _s.last_seq > _s.done_seq then 'busy' when _last is null then 'none' end;
    if outcome is not null then
        return;
    end if;
    if _item->>'ext' is not null then
        insert into inbox_dedupe (integration_id, ext) values (_s.id, _item->>'ext') on conflict do nothing;
    end if;
    message_id := (_item->>'id')::uuid;
    select a.outcome into outcome from accept_message(_s, _item || jsonb_build_object('body', body)) a;
    if outcome <> 'accepted' then
        return;
    end if;
    with hid as (
        update messages m set hidden = true where m.session_id = _s.id and not m.hidden
            and (m.position = _last or (m.position > _last and m.source not in ('operator', 'human'))) returning m.id)
    select array(select h.id from hid h) into gone;
    update sessions s set message_count = greatest(0, s.message_count - cardinality(gone)) where s.id = _s.id;
end $$;

create or replace function accept_own(_s sessions, _item jsonb) returns text
language plpgsql as $$
declare
    _delivery bigint;
    _human boolean := _item->>'by' = 'human';
begin
    select o.id into _delivery from outbox o
        where o.session_id = _s.id and o.integration_id = _s.integration_id
          and (o.network_id = _item->>'network_id'
               or (o.sha = _item->>'sha' and o.state in ('sending', 'unknown') and o.created_at > now() - interval '10 minutes')
               or (o.sha = _item->>'sha' and o.state = 'sent' and o.closed_at > now() - interval '2 minutes'
                   and o.network_id is null))
        order by o.network_id = _item->>'network_id' desc nulls last, o.id limit 1;
    if _delivery is not null then
        update outbox set network_id = coalesce(network_id, _item->>'network_id'),
                state = case when state in ('unknown', 'sending') then 'sent' else state end,
                resolution = case when state = 'unknown' then 'echo' else resolution end,
                closed_at = coalesce(closed_at, now())
            where id = _delivery;
        return 'echo';
    end if;
    -- Who answers from the phone has taken the conversation over, for as long as the account says. While a part of
    -- ours is on the wire, what comes may be its echo in other words: that must not silence the assistant. Nor must
    -- what a network that was away tells long afterwards.
    _human := _human and not exists (select 1 from outbox o where o.session_id = _s.id and o.state = 'sending')
        and coalesce((_item->>'at')::timestamptz > now() - interval '10 minutes', true);
    if _human then
        perform set_aside(_s.id);
    end if;
    insert into messages (id, account_id, session_id, role, source, content, network_id)
        values ((_item->>'id')::uuid, _s.account_id, _s.id, 'assistant',
                case when _item->>'by' = 'human' then 'human' else 'operator' end, _item->'body', _item->>'network_id');
    update sessions s set message_count = s.message_count + 1, last_message_at = now(),
            handoff_at = case when _human then coalesce(s.handoff_at, now()) else s.handoff_at end,
            handoff_until = case when not _human or (s.handoff_at is not null and s.handoff_until is null) then s.handoff_until
                                 else handoff_end(s.account_id) end
        where s.id = _s.id;
    if _human and _s.handoff_at is null then
        perform note(_item, _s.id, null, 'handoff', '{"active": true, "by": "Somebody at the phone"}');
    end if;
    perform note(_item, _s.id, (_item->>'id')::uuid, 'own', jsonb_build_object('by', _item->>'by'));
    return case when _human then 'taken' else 'recorded' end;
end $$;

drop function sent(bigint, int, text, text, text, text, text, float8, boolean, float8);
create function sent(_id bigint, _attempt int, _me text, _state text, _network_id text, _code text, _error text,
                     _after float8, _hold boolean, _wire float8, _trace jsonb) returns jsonb
language plpgsql as $$
declare
    _o outbox;
begin
    update outbox o set
            state = _state,
            network_id = coalesce(_network_id, o.network_id),
            code = case when _state = 'sent' then null else _code end,
            error = case when _state = 'sent' then null else _error end,
            not_before = case when _hold then 'infinity'::timestamptz
                              when _state = 'queued' then now() + make_interval(secs => _after) else null end,
            wire_deadline = case when _state = 'unknown' then now() + make_interval(secs => _after) else null end,
            fate = case when _state = 'sent' then coalesce(o.fate, 'sent') else o.fate end,
            closed_at = case when _state in ('sent', 'dead') then now()
                             when _state = 'unknown' and o.mode <> 'reconcile' then now() else null end
        -- A late word about a part given up as unknown counts only if it settles it; an echo is never undone.
        where o.id = _id and o.attempt = _attempt
          and (o.state = 'sending' or (o.state = 'unknown' and _state in ('sent', 'dead')) or (o.state = 'sent' and _state = 'sent'))
        returning * into _o;
    if not found then
        return null;
    end if;
    insert into attempts (delivery_id, outcome, code, error, milliseconds, request, response)
        values (_id, _state, _code, _error, (_trace->>'milliseconds')::int, _trace->'request', _trace->'response');
    if _o.state = 'sent' and _o.message_id is not null and _o.part = 0 then
        update messages set network_id = _o.network_id where id = _o.message_id and network_id is null;
    end if;
    return next_part(_o.session_id, _me, _wire);
end $$;
