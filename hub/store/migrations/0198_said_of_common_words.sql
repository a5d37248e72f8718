-- As before, and what was not looked at is told by a row of its own (kind: cut): a common word stands in more messages than
-- a statement has the time for.
create or replace function said(_owner uuid, _words text[], _key text, _each int)
returns table (kind text, id uuid, session_id uuid, place bigint, at timestamptz, text text, nearness real)
language sql stable security definer set search_path from current set pg_trgm.word_similarity_threshold = 0.5 as $$
    with found as materialized (
        (select 'message' as kind, m.id, m.session_id, m.position as place, m.created_at as at, m.content->>'text' as text
            from messages m where m.account_id = _owner and m.role in ('user', 'assistant') and not m.hidden
            and bare(m.content->>'text') %> _key limit _each)
        union all
        (select 'note', n.id, n.session_id, null, n.created_at, n.text from session_notes n
            where n.account_id = _owner and bare(n.text) %> _key limit _each)
        union all
        (select 'file', coalesce(f.message_id, f.id), f.session_id, null, f.created_at, f.name from files f
            where f.account_id = _owner and f.session_id is not null and bare(f.name) %> _key limit _each)),
    near as (
        select f.*, (select min(word_similarity(w, bare(f.text))) from unnest(_words) w) as nearness from found f)
    select n.kind, n.id, n.session_id, coalesce(n.place, (select max(m.position) from messages m
            where m.session_id = n.session_id and m.created_at <= n.at)), n.at, n.text, n.nearness
    from near n where n.nearness >= 0.5
        and (_owner = account_now() or current_setting('role') <> 'hub_tenant')
    union all
    select 'cut', null, null, null, null, null, null from (
        select from found f group by f.kind having count(*) >= _each limit 1) c
    where _owner = account_now() or current_setting('role') <> 'hub_tenant'
$$;
