-- Tool calls of a turn: a turn that is run again (its worker died) finds here what was begun and what came of it.
create table turn_steps (
    session_id uuid not null references sessions on delete cascade,
    from_seq bigint not null,
    key text not null,
    name text not null,
    state text not null default 'started' check (state in ('started', 'done')),
    result jsonb,
    at timestamptz not null default now(),
    primary key (session_id, from_seq, key)
);
create index on turn_steps using brin (at);

-- Begin a step; only the owner of the turn may. Null: the turn belongs to somebody else by now.
create function begin_step(_session uuid, _epoch bigint, _from bigint, _key text, _name text) returns jsonb
language plpgsql as $$
declare
    _step turn_steps;
begin
    perform 1 from sessions s where s.id = _session and s.epoch = _epoch and s.done_seq = _from
        and s.lease_until is not null for share;
    if not found then
        return null;
    end if;
    insert into turn_steps (session_id, from_seq, key, name) values (_session, _from, _key, _name)
        on conflict do nothing;
    if found then
        return '{"state": "new"}';
    end if;
    select * into _step from turn_steps t where t.session_id = _session and t.from_seq = _from and t.key = _key;
    return jsonb_build_object('state', _step.state, 'result', _step.result);
end $$;

create function end_step(_session uuid, _epoch bigint, _from bigint, _key text, _result jsonb) returns boolean
language sql as $$
    with done as (
        update turn_steps t set state = 'done', result = _result
        where t.session_id = _session and t.from_seq = _from and t.key = _key
            and exists (select 1 from sessions s where s.id = _session and s.epoch = _epoch and s.lease_until is not null)
        returning 1)
    select exists (select 1 from done);
$$;

-- Inference requests of accounts that allow logging; `token` is the caller's idempotency_key, or ours.
create table conversations (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    token text not null,
    key_id uuid,
    gateway_id uuid,
    origin text not null,
    model text,
    external_user text,
    metadata jsonb not null default '{}',
    messages jsonb not null default '[]',
    usage jsonb not null default '[]',
    tokens int not null default 0,
    error text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (account_id, token)
);
create index conversations_account on conversations (account_id, id desc);
create index on conversations using brin (updated_at);

-- The balance is credits less usage. Accounts are locked in one order: two writes for the same ones never wait for
-- each other in turn.
create function charge() returns trigger language plpgsql as $$
begin
    perform 1 from accounts a where a.id in (select c.account_id from charged c where c.amount <> 0)
        order by a.id for no key update;
    update accounts a set balance = a.balance - c.amount
    from (select account_id, sum(amount) as amount from charged group by account_id) c
    where a.id = c.account_id and c.amount <> 0;
    return null;
end $$;
create trigger usage_charges after insert on usage
    referencing new table as charged for each statement execute function charge();
