-- A reaction to an answer is what its reader thinks of it; the last one of each reader counts, one that is taken back does not.

-- What a reaction says of an answer, null where it says nothing. The first sign decides: shades of skin do not matter.
create function liking(_emoji text) returns text language sql immutable as $$
    select case when left(_emoji, 1) in ('👍', '❤', '🔥', '🎉', '👏', '🙏', '😍', '🥰', '💯', '👌', '😁', '🤩', '😊', '✅') then 'up'
                when left(_emoji, 1) in ('👎', '💩', '😡', '🤬', '🤮', '😢', '😠', '🤦', '❌') then 'down' end
$$;

create function rated_by_reaction(_s sessions, _item jsonb) returns void
language plpgsql as $$
declare
    _who text := encode(sha256(convert_to(coalesce(_item->'ids'->>0, ''), 'UTF8')), 'hex');
    _says text := liking(_item->'body'->>'text');
    _answer uuid;
begin
    select o.message_id into _answer from outbox o join messages m on m.id = o.message_id and m.role = 'assistant'
        where o.session_id = _s.id and o.network_id = _item->>'network_id' order by o.id desc limit 1;
    if _answer is null then
        return;
    end if;
    delete from happenings where session_id = _s.id and message_id = _answer and kind = 'feedback' and detail->>'who' = _who;
    if _says is not null then
        perform note(_item, _s.id, _answer, 'feedback', jsonb_build_object('rating', _says, 'who', _who));
    end if;
end $$;

-- As before, and reactions count.
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
    if _kind = 'reaction' then
        perform rated_by_reaction(_s, _item);
    end if;
    perform note(_item, _s.id, _row.id, _kind,
        jsonb_build_object('text', case when _kind <> 'revoke' then _item->'body'->>'text' end, 'to', _id));
    return 'recorded';
end $$;
