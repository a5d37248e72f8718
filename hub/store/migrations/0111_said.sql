-- Words without case and accents, for indexes: unaccent is only called stable because its dictionary could be exchanged.
create function bare(text) returns text language sql immutable parallel safe strict set search_path from current as $$
    select lower(unaccent($1))
$$;

create index messages_said on messages using gin (account_id, bare(content->>'text') gin_trgm_ops)
    where role in ('user', 'assistant') and not hidden;
create index notes_said on session_notes using gin (account_id, bare(text) gin_trgm_ops);
create index files_named on files using gin (account_id, bare(name) gin_trgm_ops) where session_id is not null;

-- What was said, noted and sent that has nearly these words; `_key` is the longest of them, which the index looks for.
-- Behind the wall the index could not be asked, so the function looks over it, for the account that the connection names
-- and no other. place: from where the thread is read back so that it is in view.
create function said(_owner uuid, _words text[], _key text, _each int)
returns table (kind text, id uuid, session_id uuid, place bigint, at timestamptz, text text, nearness real)
language sql stable security definer set search_path from current set pg_trgm.word_similarity_threshold = 0.5 as $$
    with found as (
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
    from near n where n.nearness >= 0.5 and _owner = account_now()
$$;
