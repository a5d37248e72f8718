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

-- Signed in browsers: the SHA-256 of their cookie.
create table operator_sessions (
    hash bytea primary key,
    operator_id uuid not null references operators on delete cascade,
    created_at timestamptz not null default now(),
    seen_at timestamptz not null default now(),
    expires_at timestamptz not null
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
    if _rule is null and _command is null then
        if _s.handoff_at is not null and (_s.handoff_until is null or _s.handoff_until > now()) then
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
        -- Nobody has taken care of it within the time: the assistant has it again.
        handoff_at = case when s.handoff_until <= now() then null else s.handoff_at end,
        handoff_by = case when s.handoff_until <= now() then null else s.handoff_by end,
        handoff_until = case when s.handoff_until <= now() then null else s.handoff_until end,
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
    insert into messages (id, account_id, session_id, role, source, content, network_id)
        values ((_item->>'id')::uuid, _s.account_id, _s.id, 'assistant',
                case when _human then 'human' else 'operator' end, _item->'body', _item->>'network_id');
    -- Who answers from the phone has taken the conversation over, for as long as the account says. While a part of
    -- ours is on the wire, what comes may be its echo in other words: that must not silence the assistant.
    _human := _human and not exists (select 1 from outbox o where o.session_id = _s.id and o.state = 'sending');
    update sessions s set message_count = s.message_count + 1, last_message_at = now(),
            handoff_at = case when _human then coalesce(s.handoff_at, now()) else s.handoff_at end,
            handoff_until = case when not _human or (s.handoff_at is not null and s.handoff_until is null) then s.handoff_until
                                 else handoff_end(s.account_id) end
        where s.id = _s.id;
    if _human and _s.handoff_at is null then
        perform note(_item, _s.id, null, 'handoff', '{"active": true, "by": "Somebody at the phone"}');
    end if;
    perform note(_item, _s.id, (_item->>'id')::uuid, 'own', jsonb_build_object('by', _item->>'by'));
    return 'recorded';
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
