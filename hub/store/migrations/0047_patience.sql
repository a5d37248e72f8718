-- A turn that was cut off is begun again without a mark; trouble of a model that passes is waited for.

-- since: it has told that it lives without a gap since then.
alter table worker_beats add column began timestamptz not null default now(), add column since timestamptz not null default now();
-- Up to where the contact was told that no answer could be made; the answer may still come.
alter table sessions add column apologised_seq bigint;
create index sessions_owner on sessions (owner) where lease_until is not null;
-- failed: the contact got an apology in place of an answer.
alter table inbox drop constraint inbox_state_check;
alter table inbox add constraint inbox_state_check check (state in ('waiting', 'answered', 'ignored', 'dead', 'failed'));

-- Whether the process that held a lease has died by its own doing: others went on telling that they live, it did not.
-- While the database was away nobody could tell, and that says nothing of anybody.
create function has_died(_owner text, _me text, _lease float8) returns boolean language sql stable as $$
    select case
        when _owner = _me then false
        when o.id is null then true
        when o.at > now() - g.gap or o.at < pg_postmaster_start_time() then false
        when exists (select 1 from worker_beats b where b.id <> _owner and b.began <= o.at and b.since > o.at) then false
        when exists (select 1 from worker_beats b where b.id = _me and b.at < now() - g.gap) then false
        else true end
    from (select make_interval(secs => least(15, _lease / 2)) as gap) g left join worker_beats o on o.id = _owner
$$;

-- As before, and: only a death counts as one.
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
            crash_count = s.crash_count + case when s.lease_until is not null and has_died(s.owner, _me, _lease) then 1 else 0 end,
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

-- As before, and: after an apology the contact's words stay the last ones.
create or replace function complete(_session uuid, _epoch bigint, _from bigint, _upto bigint, _me text,
                         _turn jsonb, _messages jsonb, _parts jsonb, _wire float8) returns jsonb
language plpgsql as $$
declare
    _s sessions;
    -- What people wrote and read; what tools were asked and said is no message of theirs.
    _said int := (select count(*) from jsonb_array_elements(_messages) m where m->>'role' = 'user'
        or (m->>'role' = 'assistant' and m->'content'->>'text' <> ''));
    -- Words of ours: without any, the contact's stay the last. An apology is no answer.
    _spoken boolean := exists (select 1 from jsonb_array_elements(_messages) m where m->>'role' = 'assistant'
        and not (_turn->>'outcome' in ('failed', 'poison') and m->>'source' = 'system')
        and (m->'content'->>'text' <> '' or m->'content' ? 'attachments' or m->'content' ? 'tool_calls'));
    _state text := coalesce(_turn->>'batch_state', 'answered');
    _act jsonb := _turn->'activation';
begin
    update sessions s set done_seq = _upto, owner = null, lease_until = null, attempts = 0, crash_count = 0,
            placeholder = null, apologised_seq = null,
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

-- The contact is told that no answer could be made, and the question goes on waiting: when the model is back and nothing else
-- was written, the answer comes after all.
create function apologise(_session uuid, _epoch bigint, _from bigint, _upto bigint, _me text, _turn jsonb, _messages jsonb,
                          _parts jsonb, _wire float8, _after float8) returns jsonb
language plpgsql as $$
declare
    _s sessions;
begin
    update sessions s set owner = null, lease_until = null, attempts = 0, crash_count = 0, placeholder = null, apologised_seq = _upto,
            due_at = case when s.last_seq > _upto then least(s.due_at, now() + make_interval(secs => _after))
                          else now() + make_interval(secs => _after) end,
            oldest_at = coalesce(s.oldest_at, now())
        where s.id = _session and s.epoch = _epoch and s.done_seq = _from and s.lease_until is not null returning * into _s;
    if not found then
        return jsonb_build_object('ok', false, 'taken', exists (select 1 from sessions s where s.id = _session
            and s.handoff_at is not null and (s.handoff_until is null or s.handoff_until > now())));
    end if;
    insert into messages (id, account_id, session_id, role, source, content, network_id, hidden)
        select (m->>'id')::uuid, _s.account_id, _session, m->>'role', m->>'source', m->'content', m->>'network_id',
               coalesce((m->>'hidden')::boolean, false)
        from jsonb_array_elements(_messages) with ordinality e(m, o) order by e.o
        on conflict (id) do nothing;
    insert into happenings (account_id, client_id, integration_id, session_id, message_id, kind, detail)
        select _s.account_id, _s.client_id, _s.integration_id, _session, i.id, 'apologised', jsonb_build_object('error', _turn->>'error')
        from inbox i where i.session_id = _session and i.seq > _from and i.seq <= _upto and i.state = 'waiting';
    insert into outbox (key, account_id, session_id, message_id, part, integration_id, chat, body, sha, mode, placeholder, expires_at)
        select (p->>'key')::uuid, _s.account_id, _session, (p->>'message_id')::uuid, (e.o - 1)::int, _s.integration_id, p->>'chat',
               p->'body', p->>'sha', p->>'mode', p->>'placeholder', now() + interval '24 hours'
        from jsonb_array_elements(_parts) with ordinality e(p, o) order by e.o;
    return jsonb_build_object('ok', true, 'more', false,
        'part', case when jsonb_array_length(_parts) > 0 then next_part(_session, _me, _wire) end);
end $$;
