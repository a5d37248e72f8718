-- A network without an order may tell of a change before what it changes: words that were taken back are then not stored when
-- they come, and words that were changed are those of the change.

-- And WhatsApp lets people stop a business's marketing messages, and allow them again, without writing to it.

-- As in 0017, but for the key of the original, and for what somebody said to the network about being written to.
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
