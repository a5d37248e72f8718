-- What a business keeps about a person beside their conversations; it goes with them.
-- key: its name over the API. choices: of the type choice, in their order. bot: whether the bot is told.
create table contact_fields (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    key text not null,
    name text not null,
    type text not null check (type in ('text', 'number', 'date', 'choice', 'yes_no')),
    choices jsonb not null default '[]',
    place int not null default 0,
    bot boolean not null default false,
    created_at timestamptz not null default now()
);
create unique index contact_fields_key on contact_fields (account_id, key);

-- value: sealed as people's words are. Of people who were joined the latest counts; a split gives each what is theirs.
create table contact_values (
    person_id uuid not null references people on delete cascade,
    field_id uuid not null references contact_fields on delete cascade,
    account_id uuid not null references accounts on delete cascade,
    value jsonb not null,
    updated_at timestamptz not null default clock_timestamp(),
    primary key (person_id, field_id)
);
create index on contact_values (field_id);
create index on contact_values (account_id);

create table contact_notes (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    person_id uuid not null references people on delete cascade,
    operator_id uuid,
    author text not null,
    text jsonb not null,
    created_at timestamptz not null default now()
);
create index on contact_notes (person_id, id);
create index on contact_notes (account_id);

-- When somebody opted out and in again, and who said so.
create table consents (
    id bigint generated always as identity primary key,
    account_id uuid not null references accounts on delete cascade,
    person_id uuid not null references people on delete cascade,
    state text not null check (state in ('out', 'in')),
    by text,
    words text,
    at timestamptz not null
);
create index on consents (person_id, at);
create index on consents (account_id);

insert into consents (account_id, person_id, state, by, words, at)
    select p.account_id, p.id, 'out', p.opted_out_by, p.opted_out_words, p.opted_out_at from people p where p.opted_out_at is not null
    union all select p.account_id, p.id, 'in', null, null, p.opted_in_at from people p where p.opted_in_at is not null;

-- A person says stop (or is allowed again). What is queued for them and was not asked for is not sent.
create or replace function opt(_account uuid, _person uuid, _out boolean, _by text, _words text) returns boolean
language plpgsql as $$
declare
    _root uuid;
    _was boolean;
begin
    _root := lock_root(_account, _person);
    if _root is null then
        return false;
    end if;
    select w.opted_out_at is not null into _was from persons w where w.id = _root;
    if _out then
        -- Their own word, which stays theirs when they are split from the others.
        update people p set opted_out_at = clock_timestamp(), opted_out_by = _by, opted_out_words = _words
            where p.id = _person and not (_was and coalesce(p.opted_out_at > coalesce(p.opted_in_at, '-infinity'), false));
        if found then
            insert into consents (account_id, person_id, state, by, words, at)
                values (_account, _person, 'out', _by, _words, clock_timestamp());
        end if;
        update outbox o set state = 'cancelled', code = 'opted_out', error = 'The contact has opted out.', closed_at = now()
            from activations a where a.account_id = _account and a.person_id in (select selves(_person))
                and a.admitted_at > now() - interval '8 days' and o.turn_id = a.turn_id and o.state = 'queued';
    else
        update people p set opted_in_at = clock_timestamp() where p.id = _person;
        -- Said again, it is no other word.
        if (select c.state from consents c where c.person_id in (select selves(_person)) order by c.at desc, c.id desc limit 1)
                is distinct from 'in' then
            insert into consents (account_id, person_id, state, by, words, at)
                values (_account, _person, 'in', _by, _words, clock_timestamp());
        end if;
    end if;
    return _was is distinct from _out;
end $$;

-- Where somebody was first seen, and the first advertisement that brought them; it stays when conversations go by their age.
create table contact_origins (
    person_id uuid primary key references people on delete cascade,
    account_id uuid not null references accounts on delete cascade,
    at timestamptz not null,
    channel text not null,
    client_id uuid,
    ad jsonb,
    ad_at timestamptz
);
create index on contact_origins (account_id);

insert into contact_origins (person_id, account_id, at, channel, client_id)
    select distinct on (s.person_id) s.person_id, s.account_id, s.created_at, coalesce(i.channel, 'web'), s.client_id
    from sessions s join people p on p.id = s.person_id and p.kind = 'person' left join integrations i on i.id = s.integration_id
    where s.client_id is not null order by s.person_id, s.created_at, s.id;

update contact_origins o set ad = f.ad, ad_at = f.created_at from (
    select distinct on (s.person_id) s.person_id, m.content->'ad' as ad, m.created_at from messages m join sessions s on s.id = m.session_id
    where m.role = 'user' and m.content ? 'ad' order by s.person_id, m.created_at, m.position) f where f.person_id = o.person_id;

create function note_origin() returns trigger language plpgsql as $$
begin
    insert into contact_origins (person_id, account_id, at, channel, client_id)
        select p.id, p.account_id, new.created_at, coalesce((select i.channel from integrations i where i.id = new.integration_id), 'web'),
            new.client_id
        from people p where p.id = new.person_id and p.kind = 'person'
        on conflict (person_id) do nothing;
    return null;
end $$;
create trigger sessions_origin after insert or update of person_id on sessions for each row
    when (new.person_id is not null and new.client_id is not null) execute function note_origin();

create function note_ad() returns trigger language plpgsql as $$
begin
    update contact_origins o set ad = new.content->'ad', ad_at = new.created_at
        from sessions s where s.id = new.session_id and o.person_id = s.person_id and o.ad is null;
    return null;
end $$;
create trigger messages_ad after insert on messages for each row
    when (new.role = 'user' and new.content ? 'ad') execute function note_ad();

-- Of all who are held for the same person the latest value.
create function values_of(_account uuid, _person uuid) returns table (field_id uuid, key text, name text, bot boolean, place int, value jsonb)
language sql stable as $$
    select distinct on (f.id) f.id, f.key, f.name, f.bot, f.place, v.value from contact_fields f join contact_values v on v.field_id = f.id
    where f.account_id = _account and v.person_id in (select selves(_person)) order by f.id, v.updated_at desc, v.person_id
$$;

-- What the bot is told of a person, by the fields' names.
create function told_of(_account uuid, _person uuid) returns jsonb language sql stable as $$
    select case when exists (select 1 from contact_fields f where f.account_id = _account and f.bot) then (
        select jsonb_agg(jsonb_build_array(v.name, v.value) order by v.place, v.field_id) from values_of(_account, _person) v where v.bot) end
$$;

-- The same as claim, with what the bot is told of the person.
create function claim(_session uuid, _me text, _lease float8, _history int, _now boolean, _told boolean) returns jsonb
language sql volatile as $$
    select case when _told then c || jsonb_build_object('known',
        told_of((c->'session'->>'account_id')::uuid, (c->'session'->>'person_id')::uuid)) else c end
    from claim(_session, _me, _lease, _history, _now) c
$$;

select audit_watch();
select raise_wall();
