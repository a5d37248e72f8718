-- The first id that a message of a conversation can have that began then: ids are in the order of time, by the clocks of those who
-- took the calls in, and a call may have waited before it began the conversation. Where `messages` is kept by the month, no older
-- month is looked into for it.
create function messages_since(_begun timestamptz) returns uuid language sql stable strict parallel safe as $$
    select (lpad(to_hex(greatest(0, (extract(epoch from _begun) * 1000)::bigint - 32 * 86400000::bigint)), 12, '0') || repeat('0', 20))::uuid
$$;

do $do$
declare
    _f record;
    _def text := pg_get_functiondef('claim(uuid, text, double precision, integer, boolean)'::regprocedure);
begin
    for _f in select * from (values
        (E'    _crashes int;\n', E'    _crashes int;\n    _since uuid;\n'),
        (E'    _one := ', E'    _since := messages_since(_s.created_at);\n    _one := '),
        ('where m.session_id = _session and not m.hidden', 'where m.session_id = _session and m.id >= _since and not m.hidden')
    ) f(old, new)
    loop
        if position(_f.old in _def) = 0 then
            raise exception 'the function claim is another one';
        end if;
        _def := replace(_def, _f.old, _f.new);
    end loop;
    execute _def;
end $do$;
