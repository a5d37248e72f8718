-- A try whose lease ran out though its process did not die bears no mark, as one that was handed back bears none: the process was
-- held up, or the database was away. What is cut off for ever is set aside some day. And whether a command waits is told, as nothing that
-- is asked one by one otherwise keeps anybody from waiting for a model.
do $do$
declare
    _f record;
    _def text := pg_get_functiondef('claim(uuid, text, double precision, integer, boolean)'::regprocedure);
begin
    for _f in select * from (values
        ('attempts = s.attempts + 1, owner = _me,',
            E'attempts = s.attempts + case when s.lease_until is null or has_died(s.owner, _me, _lease) or exists (\n'
            '                select 1 from inbox i where i.session_id = s.id and i.seq > s.done_seq and i.state = ''waiting''\n'
            '                    and i.received_at < now() - interval ''10 minutes'') then 1 else 0 end, owner = _me,'),
        (E'and o.closed_at is null)),\n        ''upto''',
            E'and o.closed_at is null),\n            ''commanded'', exists (select 1 from inbox i where i.session_id = _session\n'
            '                and i.seq > _stop and i.state = ''waiting'' and i.command is not null)),\n        ''upto''')
    ) f(old, new)
    loop
        if position(_f.old in _def) = 0 then
            raise exception 'the function claim is another one';
        end if;
        _def := replace(_def, _f.old, _f.new);
    end loop;
    execute _def;
end $do$;
