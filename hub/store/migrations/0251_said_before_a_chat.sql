-- Under which names a visitor said an address of _users, or a phone of _names: in a form before the chat, or to be answered at.
create function said_of(_metadata jsonb, _users text[], _names text[]) returns text[] language sql immutable as $$
    select coalesce(array_agg(d.key), '{}') from jsonb_each_text(
        case jsonb_typeof(_metadata) when 'object' then _metadata else '{}' end) d
    where d.key like 'anon:%' and ((d.value like '%@%' and lower(d.value) = any(_users))
        or (d.value ~ '^[+]?[0-9 ()./-]{6,30}$' and 'phone:' || regexp_replace(d.value, '[^0-9]', '', 'g') = any(_names)))
$$;
