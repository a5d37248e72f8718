-- Names are found with their accents left out and with a slip.
create index contacts_near on contacts using gin (account_id, bare(coalesce(name, '') || ' ' || coalesce(username, '')) gin_trgm_ops)
    with (gin_pending_list_limit = 256);
create index sessions_near on sessions using gin (account_id, bare(coalesce(metadata->>'name', metadata->>'anon:name')) gin_trgm_ops)
    with (gin_pending_list_limit = 256) where coalesce(metadata->>'name', metadata->>'anon:name') is not null;

-- For the hub itself, as `conversations_with`.
create function conversations_near(_account uuid, _near text) returns setof uuid
language sql stable set pg_trgm.word_similarity_threshold = 0.6 as $$
    select s.id from contacts k join sessions s on s.contact_id = k.id
        where k.account_id = _account and s.account_id = _account
            and bare(coalesce(k.name, '') || ' ' || coalesce(k.username, '')) %> bare(_near)
    union
    select s.id from sessions s where s.account_id = _account
        and coalesce(s.metadata->>'name', s.metadata->>'anon:name') is not null
        and bare(coalesce(s.metadata->>'name', s.metadata->>'anon:name')) %> bare(_near)
$$;
