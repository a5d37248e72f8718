-- How many conversations a list holds, by statements whose plans each connection keeps: to plan a page's seven took longer than to
-- count them, and a list that holds none says so by one look at an index. _show: as `desk_terms` knows it; whoever changes that
-- makes this anew. Made once for every account, such a plan may not weigh what was there when it was made: it goes by indexes,
-- row by row, and stops at _most.
create function make_desk_count() returns void language plpgsql as $make$
declare
    _branches text := '';
    _show text;
    _first text;
begin
    for _show, _first in values
        ('all', ''), ('any', ''), ('bot', ''),
        ('mine', 'exists (select from session_order w where w.assignee_id = _eyes) or exists (select from sessions h'
            ' where h.account_id = _account and h.handoff_at is not null and h.handoff_by = _eyes)'),
        ('team', 'exists (select from team_members t where t.operator_id = _eyes and t.account_id = _account)'),
        ('unassigned', 'exists (select from session_order w where w.account_id = _account and w.status = ''open'''
            ' and w.assignee_id is null and w.team_id is null)'),
        ('waiting', 'exists (select from session_order w where w.account_id = _account and w.unanswered)'),
        ('asked', 'exists (select from human_requests q where q.account_id = _account and q.state <> ''answered'')'),
        ('mentions', 'exists (select from operator_notices n where n.operator_id = _eyes and n.account_id = _account'
            ' and n.seen_at is null)'),
        ('person', 'exists (select from sessions h where h.account_id = _account and h.handoff_at is not null)'),
        ('snoozed', 'exists (select from session_order w where w.account_id = _account and w.status = ''snoozed'')'),
        ('closed', 'exists (select from session_order w where w.account_id = _account and w.status = ''closed'')')
    loop
        _branches := _branches || format(E'    when %L then\n', _show)
            || case when _first <> '' then format(E'        if not (%s) then\n            return 0;\n        end if;\n', _first) else '' end
            || format(E'        select count(*)::int into _n from (select 1 %s limit _most) w;\n', desk_rows(_show, '{}', false));
    end loop;
    execute format($text$
create or replace function desk_count(_account uuid, _eyes uuid, _show text, _most int) returns int language plpgsql stable
    set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $body$
declare
    _n int;
begin
    case _show
%s    else
        return desk_count(_account, _eyes, 'all', _most);
    end case;
    return _n;
end $body$
    $text$, _branches);
end $make$;
select make_desk_count();

create or replace function desk_counts(_account uuid, _eyes uuid, _lists jsonb, _most int) returns jsonb language plpgsql stable as $$
declare
    _some boolean := exists (select from session_order o where o.account_id = _account);
    _one jsonb;
    _n int;
    _done jsonb := '{}';
begin
    for _one in select l from jsonb_array_elements(_lists) l loop
        if not _some then
            _n := 0;
        elsif _one->'filter' = '{}' then
            _n := desk_count(_account, _eyes, _one->>'show', _most);
        else
            execute 'select count(*)::int from (select 1 ' || desk_rows(_one->>'show', _one->'filter', false) || ' limit $5) w'
                into _n using _account, _eyes, _one->'filter', null::uuid[], _most;
        end if;
        _done := _done || jsonb_build_object(_one->>'name', _n);
    end loop;
    return _done;
end $$;
