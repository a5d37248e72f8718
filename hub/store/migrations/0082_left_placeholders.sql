-- Placeholders that nothing will fill in any more, whose ids are known: their part died, expired or was cancelled, or a person
-- took the conversation over before the answer was made. They are taken away a while later.
create table left_placeholders (
    session_id uuid not null references sessions on delete cascade,
    account_id uuid not null references accounts on delete cascade,
    integration_id uuid not null references integrations on delete cascade,
    chat text not null,
    network_id text not null,
    at timestamptz not null default now(),
    asked_at timestamptz,
    tries smallint not null default 0,
    primary key (session_id, network_id)
);
create index on left_placeholders (at);
create index on left_placeholders (account_id);
create index on left_placeholders (integration_id);

-- Where an edit may have arrived although nobody knows, the words may stand in its place: those are left alone.
create function leave_placeholder() returns trigger language plpgsql as $$
begin
    if not exists (select 1 from attempts a where a.delivery_id = new.id and a.outcome in ('lost', 'unknown')) then
        insert into left_placeholders (session_id, account_id, integration_id, chat, network_id)
            select new.session_id, new.account_id, i.id, new.chat, new.placeholder from integrations i where i.id = new.integration_id
            on conflict do nothing;
    end if;
    return null;
end $$;
create trigger outbox_left after update of state on outbox for each row
    when (new.state in ('dead', 'cancelled') and old.state <> new.state and coalesce(new.placeholder, '') <> '' and new.network_id is null
        and new.code is distinct from 'sender_lost' and not new.body ? 'doubted')
    execute function leave_placeholder();

create function leave_placeholder_of_turn() returns trigger language plpgsql as $$
begin
    insert into left_placeholders (session_id, account_id, integration_id, chat, network_id)
        select new.id, new.account_id, i.id, new.chat, old.placeholder from integrations i where i.id = new.integration_id and new.chat is not null
        on conflict do nothing;
    return null;
end $$;
create trigger sessions_left after update of epoch on sessions for each row
    when (new.epoch > old.epoch and coalesce(old.placeholder, '') <> '' and new.placeholder is null and new.integration_id is not null)
    execute function leave_placeholder_of_turn();

select raise_wall();
