-- As before, and: a place, a contact and a list of choices come back in other words than they were sent with.
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
               or (not _human and o.state = 'sending' and o.body ?| array['file', 'template', 'choices', 'spot', 'card']
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

-- As before; neither does what is a message of the network's own.
create or replace function fills_in(_mode text, _body jsonb) returns boolean language sql immutable as $$
    select _mode = 'placeholder_edit' and not (_body ?| array['bare', 'file', 'template', 'spot', 'card'])
$$;
