-- What is typed with a slip has no word in common with what was meant, but most of its groups of three letters. A piece
-- has hundreds of groups: unlike its words they are sorted in later, for few searches ask for them.
create index chunks_grams on chunks using gin (account_id, content gin_trgm_ops);

-- One question for each word that carries something in the languages the question may be in: "sus" says nothing in
-- Spanish and much in Portuguese. The Portuguese plural "-coes" typed without its accents is the one ending that the
-- dictionaries cannot know.
-- `beside`: of each word those of the same idea, in whatever language, with "or" between.
create function asked_words(words text[], beside text[], languages text[])
returns table (word text, q tsquery, others tsquery) language sql stable as $$
    select w, q, websearch_to_tsquery('portuguese', b) || websearch_to_tsquery('english', b)
        || websearch_to_tsquery('spanish', b) from (
        select w, b,
            plainto_tsquery('portuguese', w) || plainto_tsquery('english', w) || plainto_tsquery('spanish', w)
            || plainto_tsquery('portuguese', bare) || plainto_tsquery('english', bare) || plainto_tsquery('spanish', bare)
            || plainto_tsquery('portuguese', regexp_replace(regexp_replace(bare, 'coes$', 'ções'), 'soes$', 'sões')) as q
        from unnest(words, beside) as asked(w, b) cross join lateral unaccent(w) as bare
        where not ('pt' = any(languages) and numnode(plainto_tsquery('portuguese', w)) = 0)
            and not ('en' = any(languages) and numnode(plainto_tsquery('english', w)) = 0)
            and not ('es' = any(languages) and numnode(plainto_tsquery('spanish', w)) = 0)) found
    where numnode(q) > 0
$$;

-- Pieces that have nearly this word.
create function nearly(owner uuid, shelves uuid[], word text) returns table (id bigint, likeness real)
language sql stable set pg_trgm.word_similarity_threshold = 0.5 as $$
    select c.id, word_similarity(word, c.content) from chunks c
    where c.account_id = owner and c.collection_id = any(shelves) and c.content %> word limit 200
$$;
