-- Answers of POST /v1/responses that are kept, so that the next question can go on from them. input and answer are what their
-- owner is shown, talk is what they add to the conversation as a model is told it. They belong to the key that asked, and to
-- the keys that took its place. previous_id: the one it goes on from, which may be deleted; root_id: the first of them, by
-- which the log of requests knows the conversation.
create table responses (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    key_id uuid not null references api_keys on delete cascade,
    previous_id uuid,
    root_id uuid not null,
    external_user text,
    input jsonb not null,
    answer jsonb not null,
    talk jsonb not null,
    size int not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create index on responses (account_id, key_id, id);
create index on responses (key_id);
create index on responses (expires_at);
create index on responses (account_id, external_user) where external_user is not null;

-- A key, and those whose place it took.
create function keys_of(_account uuid, _key uuid) returns setof uuid language sql stable as $$
    with recursive mine as (
        select k.id from api_keys k where k.account_id = _account and k.id = _key
        union select k.id from api_keys k join mine m on k.replaced_by = m.id where k.account_id = _account)
    select id from mine
$$;

-- As before, and responses.
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
    return found;
end $$;

-- The log has the whole conversation, so it goes with any part of it.
create function forget_response() returns trigger language plpgsql as $$
begin
    delete from conversations where account_id = old.account_id and token = old.root_id::text;
    return null;
end $$;

create trigger responses_copies after delete on responses for each row execute function forget_copies();
create trigger responses_words after delete on responses for each row execute function forget_response();

-- As before, and the responses too.
create or replace function erase_person(_account uuid, _people uuid[], _names text[], _users text[], _quoted text[], _patterns text[])
returns jsonb language plpgsql as $$
declare
    _contacts uuid[];
    _sessions uuid[];
    _messages uuid[];
    _groups uuid[];
    _done jsonb := '{}';
    _n bigint;
begin
    -- Nothing new may hang itself on them meanwhile.
    perform 1 from people p where p.account_id = _account and p.id = any(_people) order by p.id for update;
    select coalesce(array_agg(c.id), '{}') into _contacts from contacts c where c.account_id = _account and (
        c.person_id = any(_people) or exists (select 1 from contact_ids i where i.contact_id = c.id and i.value = any(_names)));
    select coalesce(array_agg(s.id), '{}') into _sessions from sessions s where s.account_id = _account and (
        s.person_id = any(_people) or s.contact_id = any(_contacts) or (s.kind = 'web' and s.tag = any(_users)));
    -- What they said in groups, which go on without them.
    select coalesce(array_agg(m.id), '{}') into _messages from messages m join sessions s on s.id = m.session_id
        where s.account_id = _account and s.kind = 'channel' and not s.id = any(_sessions) and m.content->'from' ?| _names;
    delete from files f where f.account_id = _account and (f.message_id = any(_messages) or f.message_id in (
        select i.id from inbox i join sessions s on s.id = i.session_id where s.account_id = _account and i.body->'from' ?| _names));
    delete from inbox i using sessions s where s.id = i.session_id and s.account_id = _account and s.kind = 'channel'
        and i.body->'from' ?| _names and not s.id = any(_sessions);
    delete from happenings h where h.account_id = _account and h.message_id = any(_messages);
    select coalesce(array_agg(distinct m.session_id), '{}') into _groups from messages m where m.id = any(_messages);
    -- A title is made of what was said first.
    update sessions s set title = null where s.id = any(_groups) and s.title is not null;
    delete from messages m where m.id = any(_messages);
    get diagnostics _n = row_count;
    select _n + count(*) into _n from messages m where m.session_id = any(_sessions);
    _done := _done || jsonb_build_object('messages', _n, 'conversations', cardinality(_sessions),
        'files', (select count(*) from files f where f.session_id = any(_sessions)));
    delete from happenings h where h.account_id = _account and (h.session_id = any(_sessions)
        or exists (select 1 from unnest(_quoted) q where position(q in h.detail::text) > 0) or h.detail::text ~ any(_patterns));
    -- Their triggers take copies, logs and kept answers along.
    delete from sessions s where s.id = any(_sessions);
    delete from memories m where m.account_id = _account and (m.person_id = any(_people) or m.external_user = any(_users));
    get diagnostics _n = row_count;
    _done := _done || jsonb_build_object('memories', _n);
    delete from activations a where a.account_id = _account and (a.person_id = any(_people) or a.contact_id = any(_contacts)
        or a.external_user = any(_users) or a.names && _names);
    get diagnostics _n = row_count;
    _done := _done || jsonb_build_object('activations', _n);
    delete from schedules s where s.account_id = _account and (s.contact_id = any(_contacts) or s.external_user = any(_users) or s.names && _names);
    get diagnostics _n = row_count;
    _done := _done || jsonb_build_object('schedules', _n);
    delete from scheduled_users u using clients c where c.id = u.client_id and c.account_id = _account and u.external_user = any(_users);
    delete from conversations c where c.account_id = _account and (c.external_user = any(_users)
        or exists (select 1 from unnest(_quoted) q where position(q in c.metadata::text) > 0));
    get diagnostics _n = row_count;
    _done := _done || jsonb_build_object('logs', _n);
    delete from responses r where r.account_id = _account and (r.external_user = any(_users)
        or exists (select 1 from unnest(_quoted) q where position(q in r.answer::text) > 0 or position(q in r.input::text) > 0)
        or r.answer::text ~ any(_patterns) or r.input::text ~ any(_patterns));
    get diagnostics _n = row_count;
    _done := _done || jsonb_build_object('responses', _n);
    delete from webhook_events e where e.account_id = _account and (
        exists (select 1 from unnest(_quoted) q where position(q in e.data::text) > 0) or e.data::text ~ any(_patterns));
    update idempotency i set status = 410, headers = null, body = null, person = null
        where i.account_id = _account and i.person = any(_users) and i.body is not null;
    get diagnostics _n = row_count;
    _done := _done || jsonb_build_object('answers', _n);
    delete from quarantine q where q.account_id = _account and (encode(q.raw, 'escape') ~ any(_patterns)
        or exists (select 1 from unnest(_quoted) w where position(convert_to(w, 'UTF8') in q.raw) > 0));
    get diagnostics _n = row_count;
    _done := _done || jsonb_build_object('quarantine', _n);
    delete from requests r where r.account_id = _account and (r.path ~ any(_patterns)
        or exists (select 1 from unnest(_quoted) q where position(trim(both '"' from q) in r.path) > 0));
    delete from contacts c where c.id = any(_contacts);
    delete from people p where p.account_id = _account and p.id = any(_people);
    return _done || jsonb_build_object('sessions', to_jsonb(_sessions), 'groups', to_jsonb(_groups));
end $$;

-- As before, and the responses too.
create or replace function retain(_account uuid, _kind text, _days int, _most int) returns bigint language plpgsql as $$
declare
    _before timestamptz := date_trunc('day', now()) - make_interval(days => _days);
    _n bigint := 0;
    _m bigint := 0;
begin
    case _kind
        when 'conversations' then
            delete from sessions where id in (select s.id from sessions s where s.account_id = _account
                and coalesce(s.last_message_at, s.created_at) < _before and s.due_at is null and s.lease_until is null
                and not exists (select 1 from outbox o where o.session_id = s.id and o.state in ('queued', 'sending', 'unknown'))
                limit _most);
            get diagnostics _n = row_count;
            delete from messages where id in (select m.id from sessions s join messages m on m.session_id = s.id
                where s.account_id = _account and m.created_at < _before limit _most * 20);
            get diagnostics _m = row_count;
            delete from inbox where id in (select i.id from sessions s join inbox i on i.session_id = s.id
                where s.account_id = _account and i.received_at < _before and i.state <> 'waiting' limit _most * 20);
            delete from outbox where id in (select o.id from outbox o where o.account_id = _account and o.created_at < _before
                and o.state in ('sent', 'dead', 'cancelled') limit _most * 20);
            delete from turns where id in (select t.id from sessions s join turns t on t.session_id = s.id
                where s.account_id = _account and t.created_at < _before limit _most * 20);
            _n := _n + _m;
            delete from responses where id in (select r.id from responses r where r.account_id = _account and r.created_at < _before
                limit _most);
            get diagnostics _m = row_count;
            _n := _n + _m;
        when 'files' then
            delete from files where id in (select f.id from files f where f.account_id = _account and f.session_id is not null
                and f.created_at < _before limit _most);
            get diagnostics _n = row_count;
        when 'memories' then
            delete from memories where id in (select m.id from memories m where m.account_id = _account
                and greatest(m.updated_at, m.ends_at) < _before limit _most);
            get diagnostics _n = row_count;
        when 'logs' then
            delete from conversations where id in (select c.id from conversations c where c.account_id = _account and c.updated_at < _before limit _most);
            get diagnostics _n = row_count;
            delete from requests where id in (select r.id from requests r where r.account_id = _account and r.at < _before limit _most * 20);
            get diagnostics _m = row_count;
            _n := _n + _m;
        when 'events' then
            delete from webhook_events where id in (select e.id from webhook_events e where e.account_id = _account and e.created_at < _before limit _most);
            get diagnostics _n = row_count;
            delete from happenings where id in (select h.id from happenings h where h.account_id = _account and h.at < _before limit _most * 20);
            get diagnostics _m = row_count;
            _n := _n + _m;
        when 'quarantine' then
            delete from quarantine where id in (select q.id from quarantine q where q.account_id = _account and q.at < _before limit _most);
            get diagnostics _n = row_count;
        when 'outreach' then
            delete from activations where id in (select a.id from activations a where a.account_id = _account
                and a.closed_at < _before limit _most * 20);
            get diagnostics _n = row_count;
        when 'audit' then
            _n := audit_trim(_account, _before);
    end case;
    return _n;
end $$;
