-- What is deleted is gone wherever it stood: what was told of it to webhooks, answers that are kept for who asks again
-- with the same Idempotency-Key, logs, and what happened around it. subject: the conversation, document, voice, chatbot,
-- workflow or run that a copy is about.
alter table webhook_events add column subject uuid;
create index on webhook_events (subject) where subject is not null;
alter table idempotency add column subject uuid;
create index on idempotency (subject) where subject is not null;

-- Whether there is such a thing; it stays until the transaction ends, or its deletion is waited for.
create function alive(_subject uuid) returns boolean language plpgsql as $$
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
    return found;
end $$;

create function forget_copies() returns trigger language plpgsql as $$
begin
    -- Their deliveries go with them.
    delete from webhook_events where subject = old.id;
    -- The place stays taken: the same request must not make it anew.
    update idempotency set status = 410, headers = null, body = null, lease_until = null
        where (subject = old.id or id = old.id) and status is not null and status <> 410;
    return null;
end $$;

create function forget_conversation() returns trigger language plpgsql as $$
begin
    delete from conversations where account_id = old.account_id and token = old.id::text;
    -- Ratings count on, without their words.
    update happenings set detail = detail - 'comment' where session_id = old.id and kind = 'feedback' and detail ? 'comment';
    delete from happenings where session_id = old.id and kind <> 'feedback';
    return null;
end $$;

create trigger sessions_copies after delete on sessions for each row execute function forget_copies();
create trigger sessions_words after delete on sessions for each row execute function forget_conversation();
create trigger writings_copies after delete on writings for each row execute function forget_copies();
create trigger voices_copies after delete on voices for each row execute function forget_copies();
create trigger chatbots_copies after delete on chatbots for each row execute function forget_copies();
create trigger workflows_copies after delete on workflows for each row execute function forget_copies();
create trigger workflow_runs_copies after delete on workflow_runs for each row execute function forget_copies();

-- As before, and not of what is gone.
create function emit(_account uuid, _id uuid, _type text, _data jsonb, _subject uuid) returns int language plpgsql as $$
declare _count int;
begin
    if _subject is not null and not alive(_subject) then
        return 0;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('emit ' || _account::text, 0));
    insert into webhook_events (id, account_id, type, data, created_at, subject)
        values (_id, _account, _type, _data, clock_timestamp(), _subject);
    insert into webhook_deliveries (id, account_id, endpoint_id, event_id)
        select gen_random_uuid(), _account, e.id, _id from webhook_endpoints e
        where e.account_id = _account and e.enabled and exists (
            select 1 from unnest(e.events) wanted
            where wanted = '*' or wanted = _type or (wanted like '%.*' and starts_with(_type, left(wanted, -1))));
    get diagnostics _count = row_count;
    return _count;
end $$;
drop function emit(uuid, uuid, text, jsonb);

-- What was told of threads that are gone already.
delete from webhook_events v where v.type = 'chat.message.created' and not exists (
    select 1 from sessions s where s.account_id = v.account_id and s.kind = 'thread' and s.name = v.data->>'thread_id');
update webhook_events v set subject = s.id from sessions s
    where v.type = 'chat.message.created' and s.account_id = v.account_id and s.kind = 'thread' and s.name = v.data->>'thread_id';
