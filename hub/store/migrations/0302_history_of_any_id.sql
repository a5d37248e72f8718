-- What operators say has an id that a form or a caller gave it, which may be any: one from before there was a hub is in no order of
-- time, and belongs to the history of its conversation whenever that began.
do $do$
declare
    _def text := pg_get_functiondef('claim(uuid, text, double precision, integer, boolean)'::regprocedure);
    _old text := 'and m.id >= _since and';
begin
    if position(_old in _def) = 0 then
        raise exception 'the function claim is another one';
    end if;
    execute replace(_def, _old, 'and (m.id >= _since or m.id < ''01800000-0000-0000-0000-000000000000'') and');
end $do$;
