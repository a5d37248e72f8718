-- What changes after it was said: edits, deletions, upgraded groups, echoes under another name.

-- What a turn commits of a person's words is how they stand by then, not the copy it began with; deleted words are gone.
create function as_by_then() returns trigger
language plpgsql as $$
declare
    _body jsonb;
    _rule text;
begin
    select i.body, i.rule into _body, _rule from inbox i where i.id = new.id;
    if _rule = 'revoked' then
        new.content := without_words(new.content);
    elsif _body->>'edited' is not null then
        new.content := new.content || jsonb_build_object('text', _body->>'text', 'edited', true);
    end if;
    return new;
end $$;
create trigger messages_by_then before insert or update of content on messages for each row
    when (new.role = 'user' and new.source = 'contact') execute function as_by_then();

create function without_words(_content jsonb) returns jsonb
language sql immutable as $$
    select _content - array['attachments', 'quote', 'quoted', 'ad', 'button', 'detail'] || '{"text": "", "revoked": true}'
$$;

-- An edit, a deletion or a reaction. What is being answered just now is answered anew, as it is now.
create or replace function accept_change(_s sessions, _item jsonb) returns text
language plpgsql as $$
declare
    _kind text := _item->>'kind';
    _id text := _item->>'network_id';
    _row inbox;
    _new jsonb := jsonb_build_object('text', _item->'body'->>'text', 'edited', true);
begin
    select * into _row from inbox i where i.session_id = _s.id and i.network_id = _id
        order by i.seq desc limit 1 for no key update;
    if _kind = 'edit' then
        update inbox set body = body || _new where id = _row.id;
        update messages set content = content || _new where session_id = _s.id and network_id = _id and role = 'user'
            and content->>'revoked' is null;
    elsif _kind = 'revoke' then
        update inbox set body = without_words(body), rule = 'revoked', state = case when state = 'waiting' then 'ignored' else state end
            where id = _row.id;
        update messages set content = without_words(content) where session_id = _s.id and network_id = _id and role = 'user';
        update messages set content = content - array['quote', 'quoted'] where session_id = _s.id and content->>'reply_to' = _id;
        update inbox set body = body - array['quote', 'quoted'] where session_id = _s.id and body->>'reply_to' = _id;
        delete from files where message_id = _row.id and account_id = _s.account_id;
    end if;
    if _kind in ('edit', 'revoke') and _row.state = 'waiting' and _s.lease_until is not null then
        update sessions set epoch = epoch + 1, owner = null, lease_until = null, attempts = greatest(0, attempts - 1),
                due_at = now(), oldest_at = coalesce(oldest_at, now())
            where id = _s.id;
    end if;
    perform note(_item, _s.id, _row.id, _kind,
        jsonb_build_object('text', case when _kind <> 'revoke' then _item->'body'->>'text' end, 'to', _id));
    return 'recorded';
end $$;

-- The conversation in which a message is, or, of one that is not known, the open one of whoever it is from; none is opened.
create function session_of_change(_item jsonb) returns sessions
language plpgsql as $$
declare
    _s sessions;
    _id uuid := (_item->>'integration')::uuid;
    -- Only Telegram counts the messages of each of its groups from one.
    _chat text := case when _item->>'tag' like 'zp_telegram:%' then split_part(_item->>'chat', ':', 1) end;
begin
    select s.* into _s from inbox i join sessions s on s.id = i.session_id
        where i.network_id = _item->>'network_id' and s.integration_id = _id and (_chat is null or split_part(s.chat, ':', 1) = _chat)
        order by i.received_at desc limit 1 for no key update of s;
    if not found then
        select s.* into _s from outbox o join sessions s on s.id = o.session_id
            where o.integration_id = _id and o.network_id = _item->>'network_id' and (_chat is null or split_part(o.chat, ':', 1) = _chat)
            order by o.id desc limit 1 for no key update of s;
    end if;
    if not found then
        select s.* into _s from contact_ids c join sessions s on s.contact_id = c.contact_id
            where c.integration_id = _id and c.value = any(array(select jsonb_array_elements_text(_item->'ids')))
              and s.integration_id = _id and s.kind = 'channel' and s.closed_at is null
            order by s.id limit 1 for no key update of s;
    end if;
    return _s;
end $$;

-- The conversation of a delivery that an echo is about: by the message's id, else by its words while they are on the wire, for
-- somebody who is not known by the name that the echo bears. What the id says, says also that both names are one person's.
create function session_of_echo(_item jsonb) returns sessions
language plpgsql as $$
declare
    _s sessions;
    _id uuid := (_item->>'integration')::uuid;
    _ids text[] := array(select jsonb_array_elements_text(_item->'ids'));
    _at uuid;
    _sure boolean := true;
begin
    select o.session_id into _at from outbox o
        where o.integration_id = _id and (o.network_id = _item->>'network_id' or o.key::text = _item->>'key') limit 1;
    if not found and not exists (select 1 from contact_ids c where c.integration_id = _id and c.value = any(_ids)) then
        _sure := false;
        select case when count(*) = 1 then min(o.session_id::text)::uuid end into _at from outbox o
            where o.integration_id = _id and o.state in ('sending', 'unknown') and o.sha = _item->>'sha'
              and o.created_at > now() - interval '10 minutes';
    end if;
    select * into _s from sessions s where s.id = _at for no key update;
    if found and _sure and _s.contact_id is not null and not _ids[1] like 'group:%'
        and exists (select 1 from unnest(_ids) i where not exists (select 1 from contact_ids c
                    where c.integration_id = _id and c.value = i and c.contact_id = _s.contact_id)) then
        perform resolve_contact(_s.account_id, _id,
            array(select c.value from contact_ids c where c.integration_id = _id and c.contact_id = _s.contact_id order by c.value)
                || array(select i from unnest(_ids) i where not exists (select 1 from contact_ids c
                         where c.integration_id = _id and c.value = i and c.contact_id = _s.contact_id)),
            jsonb_build_object('id', _item->'who'->>'id'));
    end if;
    return _s;
end $$;

-- A group has a new id: what is known of it goes on under that.
create function follow_group(_item jsonb) returns void
language plpgsql as $$
declare
    _id uuid := (_item->>'integration')::uuid;
    _old text := _item->'migrated'->>'from';
    _new text := _item->'migrated'->>'to';
    _contact uuid;
begin
    if not exists (select 1 from contact_ids c where c.integration_id = _id and c.value = 'group:' || _old) then
        return;
    end if;
    _contact := resolve_contact((_item->>'account')::uuid, _id, array['group:' || _old, 'group:' || _new], _item->'who');
    update sessions s set chat = _new where s.integration_id = _id and s.chat = _old;
    update outbox o set chat = _new, body = o.body - 'reply_to', placeholder = null
        where o.integration_id = _id and o.chat = _old and o.state = 'queued';
end $$;

-- As before, and: what changes something finds its conversation by the message; an echo by its delivery; a group goes on
-- under its new id.
create or replace function ingest(items jsonb)
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
            if _item->'migrated' is not null then
                perform follow_group(_item);
            end if;
            perform note(_item, null, null, 'event', _item->'body');
            outcome := 'recorded';
        else
            _s := null;
            if _item->>'session' is not null then
                select * into _s from sessions s where s.id = (_item->>'session')::uuid
                    and s.account_id = (_item->>'account')::uuid and s.closed_at is null for no key update;
                if not found then
                    outcome := 'gone';
                    return next;
                    continue;
                end if;
            elsif _item->>'kind' in ('edit', 'revoke', 'reaction') then
                _s := session_of_change(_item);
                if _s.id is null then
                    perform note(_item, null, null, _item->>'kind', jsonb_build_object('to', _item->>'network_id'));
                    outcome := 'recorded';
                    return next;
                    continue;
                end if;
            elsif _item->>'kind' = 'own' then
                _s := session_of_echo(_item);
            end if;
            if _s.id is null then
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

-- As before, and: an echo may bear our own delivery's id; what the API sent while something that is no plain text is on the
-- wire is taken for that.
create or replace function accept_own(_s sessions, _item jsonb) returns text
language plpgsql as $$
declare
    _delivery bigint;
    _human boolean := _item->>'by' = 'human';
begin
    select o.id into _delivery from outbox o
        where o.session_id = _s.id and o.integration_id = _s.integration_id
          and (o.network_id = _item->>'network_id' or o.key::text = _item->>'key'
               or (o.sha = _item->>'sha' and o.state in ('sending', 'unknown') and o.created_at > now() - interval '10 minutes')
               or (o.sha = _item->>'sha' and o.state = 'sent' and o.closed_at > now() - interval '2 minutes'
                   and o.network_id is null)
               or (not _human and o.state = 'sending' and (o.body ? 'file' or o.body ? 'template')
                   and not exists (select 1 from outbox p where p.session_id = _s.id and p.network_id = _item->>'network_id')))
        order by o.network_id = _item->>'network_id' desc nulls last, o.sha = _item->>'sha' desc, o.id limit 1;
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
