-- Instructions that a model takes up when it needs them. Header values of the instruction sources in
-- `options` are sealed in `secrets`.
create table skills (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    slug text not null,
    description text,
    instructions text not null,
    options jsonb not null,
    secrets bytea,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index skills_slug on skills (account_id, lower(slug));

-- The words of a text, stemmed as Portuguese, English and Spanish, as written and without accents.
create function stemmed(plain text) returns tsvector language sql stable as $$
    select to_tsvector('portuguese', plain) || to_tsvector('english', plain) || to_tsvector('spanish', plain)
        || to_tsvector('portuguese', bare) || to_tsvector('english', bare) || to_tsvector('spanish', bare)
    from unaccent(plain) as bare
$$;

-- One question for each word that is a stop word in none of the three languages. The Portuguese plural "-coes"
-- typed without its accents is the one ending that the dictionaries cannot know.
create function asked_stems(words text[]) returns setof tsquery language sql stable as $$
    select plainto_tsquery('portuguese', w) || plainto_tsquery('english', w) || plainto_tsquery('spanish', w)
        || plainto_tsquery('portuguese', bare) || plainto_tsquery('english', bare) || plainto_tsquery('spanish', bare)
        || plainto_tsquery('portuguese', regexp_replace(regexp_replace(bare, 'coes$', 'ções'), 'soes$', 'sões'))
    from unnest(words) as w cross join lateral unaccent(w) as bare
    where numnode(plainto_tsquery('portuguese', w)) > 0 and numnode(plainto_tsquery('english', w)) > 0
        and numnode(plainto_tsquery('spanish', w)) > 0
$$;

-- What is remembered about a person (Text), and their dates (DateReminder: `details` hold the event).
create table memories (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    external_user text not null,
    format text not null check (format in ('Text', 'DateReminder')),
    content text not null,
    details jsonb,
    starts_at timestamptz,
    ends_at timestamptz,
    embedding vector(384) not null,
    words tsvector not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    expires_at timestamptz not null,
    check ((format = 'DateReminder') = (details is not null and starts_at is not null and ends_at is not null))
);
alter table memories alter column embedding set storage plain;
create index memories_owner on memories (account_id, external_user, format);
create index memories_newest on memories (account_id, id desc);
create index memories_expired on memories (expires_at);
