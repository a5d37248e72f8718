-- Messages nobody just asked for: schedules, campaigns, and the policy they all go through.

alter table accounts add column outreach jsonb not null default '{}';

-- kind once: fires at next_at and is done. recurring: by cron on the wall clock of `zone`; with every > 1 only
-- every n-th day, week or month counts from the anchor's on. names: ids of the contact ("phone:5511...").
create table schedules (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    client_id uuid not null references clients on delete cascade,
    kind text not null check (kind in ('once', 'recurring')),
    external_user text not null,
    channel text not null check (channel in ('telegram', 'zapi', 'evolution', 'kapso', 'web')),
    address text not null,
    names text[] not null default '{}',
    contact_id uuid references contacts on delete set null,
    instruction text not null,
    context text,
    zone text not null default 'UTC',
    cron text,
    every int not null default 1,
    unit text not null default 'day' check (unit in ('day', 'week', 'month')),
    anchor date not null default current_date,
    catch_up text not null default 'once' check (catch_up in ('skip', 'once', 'all')),
    within_seconds int,
    max_executions int,
    execution_count int not null default 0,
    asked boolean not null default false,
    origin text not null default 'operator' check (origin in ('operator', 'model')),
    state text not null default 'active' check (state in ('active', 'paused', 'done')),
    scheduled_at timestamptz,
    next_at timestamptz,
    last_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index schedules_due on schedules (next_at) where state = 'active';
create index schedules_client on schedules (client_id, id desc);
create index schedules_user on schedules (client_id, external_user);
create index on schedules (account_id);
create index on schedules (contact_id) where contact_id is not null;

-- One template, text or instruction for a list of people.
create table campaigns (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    client_id uuid not null references clients on delete cascade,
    name text not null,
    channel text not null check (channel in ('telegram', 'zapi', 'evolution', 'kapso')),
    message jsonb not null,
    per_minute int not null,
    state text not null default 'draft' check (state in ('draft', 'running', 'paused', 'stopped', 'done')),
    starts_at timestamptz,
    next_at timestamptz,
    size int not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index campaigns_due on campaigns (next_at) where state = 'running';
create index on campaigns (account_id, id desc);
create index on campaigns (client_id);

-- Every message that might go out unasked: an occurrence of a schedule, keyed by (schedule, time), or a
-- recipient of a campaign, keyed by (campaign, place). Its id is also the id of the instruction in the inbox.
create table activations (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    client_id uuid not null references clients on delete cascade,
    schedule_id uuid,
    campaign_id uuid references campaigns on delete cascade,
    place int,
    fire_at timestamptz not null,
    external_user text,
    channel text not null,
    address text not null,
    names text[] not null default '{}',
    contact_id uuid,
    person text,
    variables jsonb not null default '{}',
    asked boolean not null default false,
    state text not null default 'due'
        check (state in ('waiting', 'due', 'admitted', 'done', 'refused', 'failed', 'cancelled', 'missed')),
    not_before timestamptz not null default now(),
    paced boolean not null default false,
    reason text,
    result text,
    session_id uuid,
    turn_id uuid,
    admitted_at timestamptz,
    said_at timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    closed_at timestamptz,
    unique (schedule_id, fire_at),
    unique (campaign_id, place)
);
create index activations_due on activations (not_before) where state = 'due';
create index activations_person on activations (account_id, person, admitted_at) where admitted_at is not null;
create index activations_turn on activations (turn_id) where turn_id is not null;
create index activations_account on activations (account_id, id desc);
create index activations_client on activations (client_id);
create index activations_waiting on activations (campaign_id, place) where state = 'waiting';
create index activations_admitted on activations (admitted_at) where state = 'admitted';
create index activations_closed on activations (closed_at) where closed_at is not null;

-- What is known of a person across all bots of an account. person: "phone:5511...", or another id of the contact.
create table people (
    account_id uuid not null references accounts on delete cascade,
    person text not null,
    zone text,
    opted_out_at timestamptz,
    opted_out_by text,
    opted_out_words text,
    created_at timestamptz not null default now(),
    primary key (account_id, person)
);
create index people_out on people (account_id, opted_out_at) where opted_out_at is not null;

-- The last scheduled message of each user: who stays silent after it is inactive.
create table scheduled_users (
    client_id uuid not null references clients on delete cascade,
    external_user text not null,
    said_at timestamptz not null,
    primary key (client_id, external_user)
);

-- The next free place of each number, and how far its warm-up has come.
create table number_paces (
    integration_id uuid primary key references integrations on delete cascade,
    first_day date not null,
    slot_at timestamptz not null,
    day date not null,
    day_count int not null default 0
);

create index sessions_user on sessions (client_id, tag) where tag is not null;

create function person_of(_contact uuid, _names text[]) returns text
language sql stable as $$
    select coalesce(
        (select 'phone:' || regexp_replace(c.phone, '\D', '', 'g') from contacts c where c.id = _contact and c.phone ~ '\d'),
        (select min(n) from unnest(_names) n where n like 'phone:%'),
        (select min(k.value) from contact_ids k where k.contact_id = _contact),
        (select min(n) from unnest(_names) n));
$$;

-- Let activations out: each gets its session, and its instruction into the inbox or its parts into the outbox.
-- Items are sorted by contact, like those of `ingest`.
create function admit(items jsonb) returns table (activation uuid, outcome text, session_id uuid, seq bigint)
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
                values (_a.client_id, coalesce(_a.external_user, _s.tag, _a.address), now())
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

-- A person says stop (or is allowed again). What is queued for them and was not asked for is not sent.
create function opt(_account uuid, _person text, _out boolean, _by text, _words text) returns boolean
language plpgsql as $$
declare
    _was boolean;
begin
    insert into people (account_id, person) values (_account, _person) on conflict do nothing;
    select p.opted_out_at is not null into _was from people p
        where p.account_id = _account and p.person = _person for no key update;
    update people p set opted_out_at = case when _out then coalesce(p.opted_out_at, now()) end,
            opted_out_by = case when _out then _by end, opted_out_words = case when _out then _words end
        where p.account_id = _account and p.person = _person;
    if _out then
        update outbox o set state = 'cancelled', code = 'opted_out', error = 'The contact has opted out.', closed_at = now()
            from activations a where a.account_id = _account and a.person = _person
                and a.admitted_at > now() - interval '8 days' and o.turn_id = a.turn_id and o.state = 'queued';
    end if;
    return _was is distinct from _out;
end $$;

-- As before, and: parts that are held wait for the contact; an activation is closed with its turn.
create or replace function complete(_session uuid, _epoch bigint, _from bigint, _upto bigint, _me text,
                         _turn jsonb, _messages jsonb, _parts jsonb, _wire float8) returns jsonb
language plpgsql as $$
declare
    _s sessions;
    -- What people wrote and read; what tools were asked and said is no message of theirs.
    _said int := (select count(*) from jsonb_array_elements(_messages) m where m->>'role' = 'user'
        or (m->>'role' = 'assistant' and m->'content'->>'text' <> ''));
    _state text := coalesce(_turn->>'batch_state', 'answered');
    _act jsonb := _turn->'activation';
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

-- What waits for WhatsApp's window goes out whichever session of the contact it was written in.
create function release_held() returns trigger
language plpgsql as $$
begin
    update outbox o set not_before = null, expires_at = now() + interval '24 hours'
        from sessions s where s.integration_id = new.integration_id and s.contact_id = new.contact_id and s.id <> new.id
            and o.session_id = s.id and o.state = 'queued' and o.not_before = 'infinity';
    return null;
end $$;
-- Only a conversation that has just begun can have left something waiting in an older one.
create trigger sessions_release after update of last_user_at on sessions for each row
    when (old.last_user_at is null and new.last_user_at is not null and new.kind = 'channel')
    execute function release_held();
