-- Two who are one person and write for the first time at the same moment make one contact: the person is locked, not each of
-- the two by itself.
do $do$
declare
    _f record;
    _def text;
begin
    for _f in select * from (values
        ('resolve_contact', 'where p.id = _person for no key update',
         'where p.id = _person or p.id = (select q.root_id from people q where q.id = _person) order by p.id for no key update'),
        ('ingest_first', 'where p.id = any(_persons) order by p.id for no key update',
         'where p.id in (select unnest(array[q.id, q.root_id]) from people q where q.id = any(_persons)) order by p.id for no key update')
    ) f(name, old, new)
    loop
        _def := pg_get_functiondef(_f.name::regproc);
        if position(_f.old in _def) = 0 then
            raise exception 'the function % is another one', _f.name;
        end if;
        execute replace(_def, _f.old, _f.new);
    end loop;
end $do$;
