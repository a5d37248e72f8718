-- Who is new is found to be new by keys, as whoever is known is (0280): plans that were made while these tables were small, and kept, read
-- all people of the integration, of the account and all of its conversations for each of them.
do $do$
declare
    _f record;
    _def text;
begin
    for _f in select * from (values
        ('first_items',
         'select 1 from people q join contacts d on d.person_id = q.id
                where q.root_id = a.roots[1] and d.integration_id = a.integration',
         'select 1 from (select q.id from people q where q.root_id = a.roots[1] offset 0) q cross join lateral (
                select d.integration_id from contacts d where d.person_id = q.id offset 0) d where d.integration_id = a.integration'),
        ('first_items',
         'select 1 from people q join contacts d on d.person_id = q.id
                where q.root_id = a.theirs[1] and d.integration_id = a.integration and d.id <> c.id',
         'select 1 from (select q.id from people q where q.root_id = a.theirs[1] offset 0) q cross join lateral (
                select d.id, d.integration_id from contacts d where d.person_id = q.id offset 0) d
                where d.integration_id = a.integration and d.id <> c.id'),
        ('ingest_first',
         'select 1 from identities i join people q on q.id = i.person_id
                where i.account_id = p.account_id and i.key = k.key and q.root_id = p.root_id',
         'select 1 from (select i.person_id from identities i where i.account_id = p.account_id and i.key = k.key offset 0) i
                cross join lateral (select q.root_id from people q where q.id = i.person_id offset 0) q where q.root_id = p.root_id')
    ) f(name, old, new)
    loop
        _def := pg_get_functiondef(_f.name::regproc);
        if position(_f.old in _def) = 0 then
            raise exception 'the function % is another one', _f.name;
        end if;
        execute replace(_def, _f.old, _f.new);
    end loop;
end $do$;

-- As in 0225, but for how conversations are found.
create or replace function inherit_conversation() returns trigger language plpgsql as $$
declare
    _o session_order;
begin
    select x.* into _o from (
        select o.* from sessions me cross join lateral (
            select s.id, s.account_id from sessions s where s.contact_id = me.contact_id and s.id <> me.id offset 0) s
        cross join lateral (select b.* from session_order b where b.session_id = s.id limit 1) o
        where me.id = new.session_id and s.account_id = new.account_id offset 0) x
        order by x.at desc limit 1;
    if _o.session_id is null or _o.status = 'closed' or (_o.assignee_id is null and _o.team_id is null and _o.priority = 1) then
        return null;
    end if;
    update session_order set assignee_id = _o.assignee_id, team_id = _o.team_id, priority = _o.priority
        where session_id = new.session_id;
    return null;
end $$;
