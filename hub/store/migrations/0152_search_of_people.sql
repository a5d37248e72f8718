-- People are found by a part of any of their names in all of them, by groups of three letters.
create index identities_grams on identities using gin (account_id, value gin_trgm_ops) with (gin_pending_list_limit = 256);

-- _words: a pattern of `ilike`. _keys: names that the words may be. For the hub itself: behind the wall no such index is used.
create function people_with(_account uuid, _words text, _keys text[]) returns setof uuid language sql stable as $$
    with called as materialized (
        select i.person_id from identities i where i.account_id = _account and i.value ilike _words
        union all
        select i.person_id from identities i where i.account_id = _account and i.key = any(_keys)
        union all
        select c.person_id from contacts c where c.account_id = _account
            and (coalesce(c.name, '') || ' ' || coalesce(c.phone, '') || ' ' || coalesce(c.username, '')) ilike _words
            and (c.name ilike _words or c.username ilike _words))
    select distinct m.root_id from called c join people m on m.id = c.person_id where m.account_id = _account
$$;

select raise_wall();
