-- Whoever did not write a message changes nothing of it; and a picture whose caption was changed before it came is not lost.

-- Whether two sets of names are two people's: of a kind that both have they share none. Of somebody who is only told by
-- another kind (a phone here, WhatsApp's own number there) nobody knows.
create function strangers(_one text[], _other text[]) returns boolean
language sql immutable as $$
    select not coalesce(_one && _other, false) and exists (
        select 1 from unnest(_one) a(name) join unnest(_other) b(name) on split_part(a.name, ':', 1) = split_part(b.name, ':', 1))
$$;

-- Whether a change is told of somebody else than who wrote the message (`_body`). A deletion within its own group may be an
-- administrator's.
create function by_another(_s sessions, _item jsonb, _body jsonb) returns boolean
language plpgsql stable as $$
declare
    _names text[] := array(select c.value from contact_ids c where c.integration_id = _s.integration_id and c.contact_id = _s.contact_id);
begin
    if _body is null or _item->'speaker' is null then
        return false;
    end if;
    if _item->>'kind' = 'revoke' and _item->'ids'->>0 like 'group:%' and _item->'ids'->>0 = any(_names) then
        return false;
    end if;
    if _body->'from' is not null then
        _names := array(select jsonb_array_elements_text(_body->'from'));
    end if;
    return strangers(_names, array(select jsonb_array_elements_text(_item->'speaker')));
end $$;

-- As before, but for who it is.
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
    if by_another(_s, _item, coalesce(_row.body, (select m.content from messages m
            where m.session_id = _s.id and m.network_id = _id and m.role = 'user' limit 1))) then
        -- The author's own change may bear the same key.
        delete from inbox_dedupe d where d.integration_id = _s.integration_id and d.ext = _item->>'ext';
        perform note(_item, null, null, _kind, jsonb_build_object('to', _id));
        return 'recorded';
    end if;
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
    if _kind = 'reaction' then
        perform rated_by_reaction(_s, _item);
    end if;
    perform note(_item, _s.id, _row.id, _kind,
        jsonb_build_object('text', case when _kind <> 'revoke' then _item->'body'->>'text' end, 'to', _id));
    return 'recorded';
end $$;

-- Of a message with files that is not stored since a change of it came first: the words of that change, with which it is stored
-- now. What was stored of it then is not answered any more, unless it was; null where it is there with its files.
create function words_before_files(_item jsonb) returns jsonb
language plpgsql as $$
declare
    _row inbox;
    _s sessions;
begin
    select i.* into _row from inbox i join sessions s on s.id = i.session_id
        where i.network_id = _item->>'network_id' and s.integration_id = (_item->>'integration')::uuid
            and (not _item->>'tag' like 'zp_telegram:%' or s.chat = _item->>'chat')
        order by i.seq limit 1;
    if not found or _row.ext = _item->>'ext' or _row.body->'edited' is null or _row.body->'revoked' is not null
        or jsonb_path_exists(_row.body, '$.attachments[*].file_id') then
        return null;
    end if;
    select s.* into _s from sessions s where s.id = _row.session_id for no key update;
    select i.* into _row from inbox i where i.id = _row.id for no key update;
    if exists (select 1 from inbox i where i.session_id = _row.session_id and i.network_id = _row.network_id
            and i.ext = _item->>'ext') then
        return null;
    end if;
    if by_another(_s, _item, _row.body) then
        return '{}';
    end if;
    if _row.state = 'waiting' then
        update inbox set state = 'ignored', rule = 'pictured' where id = _row.id;
        update sessions set epoch = epoch + 1, owner = null, lease_until = null, attempts = greatest(0, attempts - 1),
                due_at = now(), oldest_at = coalesce(oldest_at, now())
            where id = _row.session_id and lease_until is not null;
    end if;
    return jsonb_build_object('text', _row.body->>'text', 'edited', true);
end $$;

-- As before, but for such files.
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
    _words jsonb;
begin
    for n, _item in select (e.ordinality - 1)::int, e.value from jsonb_array_elements(items) with ordinality e order by 1 loop
        _words := null; outcome := null; session_id := null; seq := null; message_id := null; due_in := null; epoch := null;
        if _item->>'ext' is not null then
            insert into inbox_dedupe (integration_id, ext)
                values (coalesce(_item->>'integration', _item->>'session')::uuid, _item->>'ext')
                on conflict do nothing;
            if not found then
                if _item->>'session' is not null then
                    select i.id, i.seq, i.session_id into message_id, seq, session_id from inbox i
                        where i.session_id = (_item->>'session')::uuid and i.ext = _item->>'ext' limit 1;
                elsif _item->>'files' is not null then
                    _words := words_before_files(_item);
                end if;
                if _words is null then
                    outcome := 'duplicate';
                    return next;
                    continue;
                end if;
                _item := jsonb_set(_item, '{body}', _item->'body' || _words);
            end if;
        end if;
        -- What is changed may come later than its change: it is then known by this, and not stored any more.
        if _item->>'original' is not null then
            insert into inbox_dedupe (integration_id, ext) values ((_item->>'integration')::uuid, _item->>'original')
                on conflict do nothing;
            if found and _item->>'kind' = 'edit' then
                _item := _item || '{"kind": "message"}';
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
            if _item->>'consent' is not null then
                _contact := resolve_contact((_item->>'account')::uuid, (_item->>'integration')::uuid,
                    array(select jsonb_array_elements_text(_item->'ids')), _item->'who');
                perform opt(c.account_id, c.person_id, _item->>'consent' = 'optout', 'contact', _item->'body'->>'text')
                    from contacts c where c.id = _contact and c.person_id is not null;
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
