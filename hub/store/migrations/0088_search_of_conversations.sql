-- Conversations are found by a part of a word wherever it stands, in all of them: groups of three letters have an index. What is
-- not sorted in yet is read by every search, so there is little of it.
create index sessions_grams on sessions using gin (account_id, title gin_trgm_ops, tag gin_trgm_ops) with (gin_pending_list_limit = 256);
create index contacts_grams on contacts using gin (account_id,
    (coalesce(name, '') || ' ' || coalesce(phone, '') || ' ' || coalesce(username, '')) gin_trgm_ops)
    with (gin_pending_list_limit = 256);

-- _words: a pattern of `ilike`. _person: whose phone the words are. For the hub itself: behind the wall no such index is used.
create function conversations_with(_account uuid, _words text, _person uuid) returns setof uuid language sql stable as $$
    select s.id from sessions s where s.account_id = _account and (s.title ilike _words or s.tag ilike _words)
    union
    select s.id from contacts k join sessions s on s.contact_id = k.id
        where k.account_id = _account and s.account_id = _account
            and (coalesce(k.name, '') || ' ' || coalesce(k.phone, '') || ' ' || coalesce(k.username, '')) ilike _words
    union
    select s.id from sessions s where s.account_id = _account and s.person_id in (select selves(_person))
$$;

select raise_wall();
