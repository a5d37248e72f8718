-- What happens in the conversations of chat clients, for webhooks. The transaction of a fact writes no more than which row it
-- is about, and only where an endpoint wants it: no lock of the account, no copy of a word. A folder makes events of it
-- (hub/studio/session_events.py), in the order of the transactions.
create table webhook_facts (
    id bigint generated always as identity primary key,
    tx xid8 not null default pg_current_xact_id(),
    account_id uuid not null references accounts on delete cascade,
    type text not null,
    session_id uuid,
    -- The row: of the inbox, messages, outbox, happenings, contacts, campaigns or operators.
    object text,
    at timestamptz not null default clock_timestamp()
);
create index on webhook_facts (account_id, tx, id);

create function wants(_account uuid, _type text) returns boolean language sql stable as $$
    select exists (
        select 1 from webhook_endpoints e, unnest(e.events) w where e.account_id = _account and e.enabled
            and (w = '*' or w = _type or (w like '%.*' and starts_with(_type, left(w, -1)))))
$$;

create function fact(_account uuid, _type text, _session uuid, _object text) returns void language plpgsql as $$
begin
    if wants(_account, _type) then
        insert into webhook_facts (account_id, type, session_id, object) values (_account, _type, _session, _object);
    end if;
end $$;

create function tell_received() returns trigger language plpgsql as $$
begin
    -- Nearly always nobody asks.
    if exists (select 1 from added a join webhook_endpoints e on e.account_id = a.account_id and e.enabled) then
        perform fact(a.account_id, 'session.message.received', a.session_id, a.id::text) from added a
            join sessions s on s.id = a.session_id
            where s.client_id is not null and a.command is distinct from 'activation' order by a.session_id, a.seq;
    end if;
    return null;
end $$;
create trigger inbox_told after insert on inbox referencing new table as added
    for each statement execute function tell_received();

create function tell_answered() returns trigger language plpgsql as $$
begin
    if exists (select 1 from added a join webhook_endpoints e on e.account_id = a.account_id and e.enabled
            where a.role = 'assistant') then
        perform fact(a.account_id, 'session.message.answered', a.session_id, a.id::text) from added a
            join sessions s on s.id = a.session_id
            where s.client_id is not null and a.role = 'assistant' and not a.hidden order by a.position;
    end if;
    return null;
end $$;
create trigger messages_told after insert on messages referencing new table as added
    for each statement execute function tell_answered();

create function tell_session() returns trigger language plpgsql as $$
begin
    -- Who took it over: by the time it is told it may be handed back.
    perform fact(new.account_id, tg_argv[0], new.id, new.handoff_by::text);
    return null;
end $$;
create trigger sessions_told_taken after update of handoff_at on sessions for each row
    when (old.handoff_at is null and new.handoff_at is not null and new.client_id is not null)
    execute function tell_session('session.taken_over');
create trigger sessions_told_back after update of handoff_at on sessions for each row
    when (old.handoff_at is not null and new.handoff_at is null and new.client_id is not null)
    execute function tell_session('session.handed_back');
create trigger sessions_told_closed after update of closed_at on sessions for each row
    when (old.closed_at is null and new.closed_at is not null and new.client_id is not null)
    execute function tell_session('session.closed');
create trigger sessions_told_unanswered after update of apologised_seq on sessions for each row
    when (new.apologised_seq is not null and new.apologised_seq is distinct from old.apologised_seq and new.client_id is not null)
    execute function tell_session('session.answer.failed');

create function tell_undelivered() returns trigger language plpgsql as $$
begin
    perform fact(new.account_id, 'session.message.failed', new.session_id, new.id::text);
    return null;
end $$;
create trigger outbox_told after update of state on outbox for each row
    when (new.state in ('dead', 'unknown') and old.state not in ('dead', 'unknown'))
    execute function tell_undelivered();

create function tell_rated() returns trigger language plpgsql as $$
begin
    perform fact(new.account_id, 'session.rated', new.session_id, new.id::text);
    return null;
end $$;
create trigger happenings_told after insert on happenings for each row
    when (new.kind = 'feedback' and new.client_id is not null) execute function tell_rated();

create function tell_joined() returns trigger language plpgsql as $$
begin
    perform fact(new.account_id, 'contact.joined', null, new.id::text);
    return null;
end $$;
create trigger contacts_told after insert on contacts for each row execute function tell_joined();

create function tell_campaign() returns trigger language plpgsql as $$
begin
    perform fact(new.account_id, 'campaign.completed', null, new.id::text);
    return null;
end $$;
create trigger campaigns_told after update of state on campaigns for each row
    when (new.state = 'done' and old.state <> 'done') execute function tell_campaign();

-- An event about a contact or a campaign goes with it.
create or replace function alive(_subject uuid) returns boolean language plpgsql as $$
begin
    perform 1 from sessions where id = _subject for key share;
    if found then return true; end if;
    perform 1 from writings where id = _subject for key share;
    if found then return true; end if;
    perform 1 from workflow_runs where id = _subject for key share;
    if found then return true; end if;
    perform 1 from workflows where id = _subject for key share;
    if found then return true; end if;
    perform 1 from voices where id = _subject for key share;
    if found then return true; end if;
    perform 1 from chatbots where id = _subject for key share;
    if found then return true; end if;
    perform 1 from responses where id = _subject for key share;
    if found then return true; end if;
    perform 1 from contacts where id = _subject for key share;
    if found then return true; end if;
    perform 1 from campaigns where id = _subject for key share;
    return found;
end $$;
create trigger contacts_copies after delete on contacts for each row execute function forget_copies();
create trigger campaigns_copies after delete on campaigns for each row execute function forget_copies();

select raise_wall();
