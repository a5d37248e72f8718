-- The stored functions of the hot path: each is one statement, one commit, one flight for its caller.
-- All times are the database's clock, so the clocks of the workers do not matter.

create function resolve_contact(_account uuid, _integration uuid, _ids text[], _who jsonb) returns uuid
language plpgsql as $$
declare
    _found uuid[];
    _id uuid;
begin
    for _try in 1..3 loop
        select array_agg(distinct c.contact_id) into _found
            from contact_ids c where c.integration_id = _integration and c.value = any(_ids);
        if _found is null then
            insert into contacts (id, account_id, integration_id, name, phone, username, language)
                values ((_who->>'id')::uuid, _account, _integration, _who->>'name', _who->>'phone',
                        _who->>'username', _who->>'language')
                on conflict (id) do nothing;
            _id := (_who->>'id')::uuid;
        else
            -- The oldest wins: UUIDv7 sort by time.
            select min(f::text)::uuid into _id from unnest(_found) f;
        end if;
        insert into contact_ids (integration_id, value, contact_id)
            select _integration, v, _id from unnest(_ids) v order by v
            on conflict (integration_id, value) do nothing;
        if _found is not null then
            exit;
        end if;
        -- Somebody may have made the same contact at the same moment: whoever holds the names wins.
        if not exists (select 1 from contact_ids c where c.integration_id = _integration
                       and c.value = any(_ids) and c.contact_id <> _id) then
            return _id;
        end if;
        delete from contacts where id = _id
            and not exists (select 1 from sessions s where s.contact_id = _id);
    end loop;
    if array_length(_found, 1) > 1 then
        update contact_ids set contact_id = _id where contact_id = any(_found) and contact_id <> _id;
        -- The older conversation goes on; the other stays readable as a closed one.
        update sessions set closed_at = now(), due_at = null
            where contact_id = any(_found) and contact_id <> _id and kind = 'channel' and closed_at is null
              and last_seq = done_seq and lease_until is null;
    end if;
    update contacts set name = coalesce(_who->>'name', name), phone = coalesce(_who->>'phone', phone),
            username = coalesce(_who->>'username', username), language = coalesce(_who->>'language', language)
        where id = _id and (name, phone, username, language) is distinct from
            (coalesce(_who->>'name', name), coalesce(_who->>'phone', phone),
             coalesce(_who->>'username', username), coalesce(_who->>'language', language));
    return _id;
end $$;

-- The live session of a contact, locked; an expired one is closed and a new one opened.
create function live_session(_item jsonb, _contact uuid) returns sessions
language plpgsql as $$
declare
    _s sessions;
    _old sessions;
begin
    for _try in 1..3 loop
        select * into _s from sessions s
            where s.integration_id = (_item->>'integration')::uuid and s.contact_id = _contact
              and s.kind = 'channel' and s.closed_at is null
            for no key update;
        if found and _s.expires_at < now() and _s.last_seq = _s.done_seq and _s.handoff_at is null then
            update sessions set closed_at = now(), due_at = null where id = _s.id;
            _old := _s;
        elsif found then
            return _s;
        end if;
        insert into sessions (id, account_id, client_id, integration_id, contact_id, kind, tag, chat, expires_at,
                              hour_start, hour_count, hour_told)
            values ((_item->>'new_session')::uuid, (_item->>'account')::uuid, (_item->>'client')::uuid,
                    (_item->>'integration')::uuid, _contact, 'channel', _item->>'tag', _item->>'chat',
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

create function note(_item jsonb, _session uuid, _message uuid, _kind text, _detail jsonb) returns void
language sql as $$
    insert into happenings (account_id, client_id, integration_id, session_id, message_id, kind, detail)
    values ((_item->>'account')::uuid, (_item->>'client')::uuid, (_item->>'integration')::uuid,
            _session, _message, _kind, coalesce(_detail, '{}'));
$$;

create function say(_s sessions, _item jsonb, _text text) returns void
language sql as $$
    insert into outbox (key, account_id, session_id, integration_id, chat, body, sha, mode)
    select gen_random_uuid(), _s.account_id, _s.id, _s.integration_id, _item->>'chat',
           jsonb_build_object('text', _text, 'plain', _text, 'notice', true),
           encode(sha256(convert_to(_text, 'UTF8')), 'hex'), 'at_most_once'
    where _text is not null and _s.integration_id is not null;
$$;

-- Accept one message into a session that is locked by this transaction.
create function accept_message(_s sessions, _item jsonb, out outcome text, out seq bigint, out due timestamptz)
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

-- A message of ours seen by the network: an echo of a delivery, or a human's own answer.
create function accept_own(_s sessions, _item jsonb) returns text
language plpgsql as $$
declare
    _delivery bigint;
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
                case when _item->>'by' = 'human' then 'human' else 'operator' end, _item->'body', _item->>'network_id');
    update sessions set message_count = message_count + 1, last_message_at = now() where id = _s.id;
    perform note(_item, _s.id, (_item->>'id')::uuid, 'own', jsonb_build_object('by', _item->>'by'));
    return 'recorded';
end $$;

create function accept_status(_item jsonb) returns text
language plpgsql as $$
declare
    _fate jsonb := _item->'fate';
    _n int;
begin
    update outbox o set
            fate = case when coalesce(array_position(array['queued', 'sent', 'delivered', 'read', 'played', 'failed'], o.fate), 0)
                        <= coalesce(array_position(array['queued', 'sent', 'delivered', 'read', 'played', 'failed'], _fate->>'state'), 0)
                   then _fate->>'state' else o.fate end,
            state = case when _fate->>'state' = 'failed' then 'dead'
                         when o.state in ('unknown', 'sending') then 'sent' else o.state end,
            code = coalesce(_fate->>'code', o.code),
            error = coalesce(_fate->>'text', o.error),
            network_id = coalesce(o.network_id, _fate->'message_ids'->>0),
            resolution = case when o.state = 'unknown' then 'status' else o.resolution end,
            closed_at = coalesce(o.closed_at, now())
        where o.integration_id = (_item->>'integration')::uuid and o.state <> 'cancelled'
          and (o.network_id in (select jsonb_array_elements_text(_fate->'message_ids'))
               or o.key::text = _fate->>'callback');
    get diagnostics _n = row_count;
    if _n = 0 or _fate->>'state' = 'failed' then
        perform note(_item, null, null, 'status', _fate);
    end if;
    return case when _fate->>'state' = 'failed' then 'failed' else 'recorded' end;
end $$;

-- An edit, a deletion or a reaction.
create function accept_change(_s sessions, _item jsonb) returns text
language plpgsql as $$
declare
    _kind text := _item->>'kind';
    _row inbox;
begin
    select * into _row from inbox i where i.session_id = _s.id and i.network_id = _item->>'network_id'
        order by i.seq desc limit 1 for no key update;
    if _kind = 'edit' and _row.state = 'waiting' then
        update inbox set body = body || jsonb_build_object('text', _item->'body'->>'text', 'edited', true) where id = _row.id;
    elsif _kind = 'edit' then
        update messages set content = content || jsonb_build_object('text', _item->'body'->>'text', 'edited', true)
            where session_id = _s.id and network_id = _item->>'network_id' and role = 'user';
    elsif _kind = 'revoke' and _row.state = 'waiting' then
        update inbox set state = 'ignored', rule = 'revoked' where id = _row.id;
    elsif _kind = 'revoke' then
        update messages set content = content || '{"revoked": true}'::jsonb
            where session_id = _s.id and network_id = _item->>'network_id' and role = 'user';
    end if;
    perform note(_item, _s.id, _row.id, _kind, jsonb_build_object('text', _item->'body'->>'text', 'to', _item->>'network_id'));
    return 'recorded';
end $$;

-- Store a group of arrived items, each once, in order. Result rows carry the item's place `n`.
create function ingest(items jsonb)
returns table (n int, outcome text, session_id uuid, seq bigint, message_id uuid, due_in float8, epoch bigint)
language plpgsql as $$
#variable_conflict use_column
declare
    _item jsonb;
    _s sessions;
    _contact uuid;
    _got record;
    _due timestamptz;
begin
    for n, _item in select (e.ordinality - 1)::int, e.value from jsonb_array_elements(items) with ordinality e order by 1 loop
        outcome := null; session_id := null; seq := null; message_id := null; due_in := null; epoch := null;
        if _item->>'ext' is not null then
            insert into inbox_dedupe (integration_id, ext)
                values (coalesce(_item->>'integration', _item->>'session')::uuid, _item->>'ext')
                on conflict do nothing;
            if not found then
                outcome := 'duplicate';
                if _item->>'session' is not null then
                    select i.id, i.seq, i.session_id into message_id, seq, session_id from inbox i
                        where i.session_id = (_item->>'session')::uuid and i.ext = _item->>'ext' limit 1;
                end if;
                return next;
                continue;
            end if;
        end if;
        if _item->>'kind' = 'status' then
            outcome := accept_status(_item);
        elsif _item->>'kind' = 'event' then
            if _item->>'connection' is not null then
                update integrations set connection = _item->>'connection' where id = (_item->>'integration')::uuid;
            end if;
            perform note(_item, null, null, 'event', _item->'body');
            outcome := 'recorded';
        else
            if _item->>'session' is not null then
                select * into _s from sessions s where s.id = (_item->>'session')::uuid
                    and s.account_id = (_item->>'account')::uuid and s.closed_at is null for no key update;
                if not found then
                    outcome := 'gone';
                    return next;
                    continue;
                end if;
            elsif _item->>'kind' in ('edit', 'revoke') and _item->'ids' is null then
                -- Some networks name only the message that changed.
                select s.* into _s from inbox i join sessions s on s.id = i.session_id
                    where i.network_id = _item->>'network_id' and s.integration_id = (_item->>'integration')::uuid
                    order by i.received_at desc limit 1 for no key update of s;
                if not found then
                    perform note(_item, null, null, _item->>'kind', jsonb_build_object('to', _item->>'network_id'));
                    outcome := 'recorded';
                    return next;
                    continue;
                end if;
            else
                _contact := resolve_contact((_item->>'account')::uuid, (_item->>'integration')::uuid,
                    array(select jsonb_array_elements_text(_item->'ids')), _item->'who');
                _s := live_session(_item, _contact);
            end if;
            session_id := _s.id;
            message_id := (_item->>'id')::uuid;
            if _item->>'kind' = 'message' then
                select a.outcome, a.seq, a.due into _got from accept_message(_s, _item) a;
                outcome := _got.outcome; seq := _got.seq; _due := _got.due;
                due_in := greatest(0, extract(epoch from _due - now()));
            elsif _item->>'kind' = 'own' then
                outcome := accept_own(_s, _item);
            else
                outcome := accept_change(_s, _item);
            end if;
        end if;
        return next;
    end loop;
end $$;

-- Take a session for a turn: a lease with a new epoch, the waiting batch, and all that the turn needs.
create function claim(_session uuid, _me text, _lease float8, _history int, _now boolean) returns jsonb
language plpgsql as $$
declare
    _s sessions;
    _stop bigint;
    _one boolean;
    _crashes int;
begin
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
                    where m.session_id = _session and not m.hidden order by m.position desc limit _history) h),
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

create function next_part(_session uuid, _me text, _wire float8) returns jsonb
language plpgsql as $$
declare
    _o outbox;
    _id bigint;
begin
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

-- Close a turn: fence, answer, outgoing parts; the first part is handed to the caller.
create function complete(_session uuid, _epoch bigint, _from bigint, _upto bigint, _me text,
                         _turn jsonb, _messages jsonb, _parts jsonb, _wire float8) returns jsonb
language plpgsql as $$
declare
    _s sessions;
    _said int := jsonb_array_length(_messages);
    _state text := coalesce(_turn->>'batch_state', 'answered');
begin
    update sessions s set done_seq = _upto, owner = null, lease_until = null, attempts = 0, crash_count = 0,
            placeholder = null,
            due_at = case when s.last_seq <= _upto then null when s.oldest_at is null then now() else s.due_at end,
            message_count = case when _turn->>'reset' is not null then 0 else s.message_count + _said end,
            token_count = s.token_count + coalesce((_turn->>'prompt_tokens')::int, 0) + coalesce((_turn->>'completion_tokens')::int, 0),
            title = coalesce(s.title, _turn->>'title'),
            last_message_at = now()
        where s.id = _session and s.epoch = _epoch and s.done_seq = _from
        returning * into _s;
    if not found then
        return jsonb_build_object('ok', false);
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
        from jsonb_array_elements(_messages) with ordinality e(m, o) order by e.o;
    insert into usage (account_id, gateway_id, session_id, turn_id, sku, quantity, unit_price, amount, description)
        select _s.account_id, (_turn->>'gateway_id')::uuid, _session, (_turn->>'id')::uuid, u->>'sku', (u->>'quantity')::numeric,
               (u->>'unit_price')::numeric, (u->>'amount')::numeric, u->>'description'
        from jsonb_array_elements(coalesce(_turn->'billed', '[]')) u;
    insert into outbox (key, account_id, session_id, turn_id, message_id, part, integration_id, chat, body, sha, mode, placeholder, expires_at)
        select (p->>'key')::uuid, _s.account_id, _session, (_turn->>'id')::uuid, (p->>'message_id')::uuid, (e.o - 1)::int,
               _s.integration_id, p->>'chat', p->'body', p->>'sha', p->>'mode', p->>'placeholder', now() + interval '24 hours'
        from jsonb_array_elements(_parts) with ordinality e(p, o) order by e.o;
    return jsonb_build_object('ok', true, 'more', _s.due_at is not null,
        'part', case when jsonb_array_length(_parts) > 0 then next_part(_session, _me, _wire) end);
end $$;

-- Give a session back without an answer; it is due again after `_after` seconds.
create function release(_session uuid, _epoch bigint, _after float8) returns boolean
language sql as $$
    with gone as (
        update sessions s set owner = null, lease_until = null,
            due_at = now() + make_interval(secs => _after), oldest_at = coalesce(s.oldest_at, now())
        where s.id = _session and s.epoch = _epoch and s.lease_until is not null returning 1)
    select exists (select 1 from gone);
$$;

-- Close one call of a part and hand out the next part of the session.
create function sent(_id bigint, _attempt int, _me text, _state text, _network_id text, _code text, _error text,
                     _after float8, _hold boolean, _wire float8) returns jsonb
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
    insert into attempts (delivery_id, outcome, code, error) values (_id, _state, _code, _error);
    if _o.state = 'sent' and _o.message_id is not null and _o.part = 0 then
        update messages set network_id = _o.network_id where id = _o.message_id and network_id is null;
    end if;
    return next_part(_o.session_id, _me, _wire);
end $$;

-- Put a WhatsApp template before a part that waits for the contact to answer.
create function hold_for_template(_id bigint, _attempt int, _me text, _key uuid, _template jsonb, _error text, _wire float8) returns jsonb
language plpgsql as $$
declare
    _o outbox;
begin
    update outbox o set state = 'queued', not_before = 'infinity', code = 'window_closed', error = _error,
            expires_at = now() + interval '7 days', attempt = 0, closed_at = null, wire_deadline = null
        where o.id = _id and (o.attempt = _attempt or _attempt is null) and o.state in ('sending', 'dead', 'sent')
        returning * into _o;
    if not found then
        return null;
    end if;
    insert into attempts (delivery_id, outcome, code, error) values (_id, 'held', 'window_closed', _error);
    -- One template opens the window for all that waits.
    if exists (select 1 from outbox t where t.session_id = _o.session_id and t.body ? 'template'
               and t.created_at > now() - interval '24 hours' and t.state in ('queued', 'sending', 'sent')) then
        return null;
    end if;
    insert into outbox (key, account_id, session_id, turn_id, message_id, part, integration_id, chat, body, sha, mode, state, attempt,
                        sender, wire_deadline)
        values (_key, _o.account_id, _o.session_id, null, _o.message_id, 0, _o.integration_id, _o.chat, _template, '', 'at_most_once',
                'sending', 1, _me, now() + make_interval(secs => _wire))
        returning * into _o;
    return to_jsonb(_o);
end $$;

-- Repair what a dead process left: sends past their deadline by mode, expired parts.
create function reap(_reconcile float8) returns table (session_id uuid)
language plpgsql as $$
#variable_conflict use_column
begin
    return query
    with late as (
        select o.id from outbox o where o.state = 'sending' and o.wire_deadline < now()
        order by o.wire_deadline limit 200 for no key update skip locked),
    moved as (
        update outbox o set
            state = case when o.mode in ('at_least_once', 'placeholder_edit') then 'queued' else 'unknown' end,
            not_before = null,
            wire_deadline = case when o.mode = 'reconcile' then now() + make_interval(secs => _reconcile) end,
            code = 'sender_lost', error = 'The sender stopped before the network had answered.',
            closed_at = case when o.mode = 'at_most_once' then now() end
        from late where o.id = late.id returning o.id, o.session_id, o.state),
    noted as (
        insert into attempts (delivery_id, outcome, code, error)
        select m.id, 'lost', 'sender_lost', 'The sender stopped before the network had answered.' from moved m),
    echoless as (
        select o.id from outbox o where o.state = 'unknown' and o.closed_at is null and o.wire_deadline < now()
        order by o.wire_deadline limit 200 for no key update skip locked),
    again as (
        update outbox o set
            state = case when o.attempt < 2 then 'queued' else 'dead' end,
            not_before = null, wire_deadline = null,
            resolution = case when o.attempt < 2 then 'resent' else o.resolution end,
            code = case when o.attempt < 2 then o.code else 'unconfirmed' end,
            closed_at = case when o.attempt < 2 then null else now() end
        from echoless e where o.id = e.id returning o.session_id),
    old as (
        select o.id from outbox o where o.state = 'queued' and o.expires_at < now() limit 200 for no key update skip locked),
    expired as (
        update outbox o set state = 'dead', code = 'expired', error = 'Not sent within its time.', closed_at = now()
        from old where o.id = old.id returning o.session_id)
    select m.session_id from moved m union select a.session_id from again a union select x.session_id from expired x;
end $$;

-- Work that nobody rang for.
create function sweep(_limit int) returns table (kind text, session_id uuid)
language sql as $$
    (select 'turn', s.id from sessions s where s.due_at <= now() and (s.lease_until is null or s.lease_until < now())
        and s.last_seq > s.done_seq order by s.due_at limit _limit)
    union all
    (select distinct 'send', o.session_id from (
        select q.session_id from outbox q where q.state = 'queued' and (q.not_before is null or q.not_before <= now())
        and not exists (select 1 from outbox p where p.session_id = q.session_id and p.id < q.id
                        and (p.state = 'sending' or (p.state = 'unknown' and p.closed_at is null)
                             or (p.state = 'queued' and p.not_before > now())))
        order by q.id limit _limit) o);
$$;
