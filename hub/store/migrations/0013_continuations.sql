-- Codes with which the visitor of a web chat goes on with it on another network: shown to whoever has its access key,
-- good once and for a short time, sent by the person from there. hash: SHA-256 of the code.
create table continuations (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    session_id uuid not null references sessions on delete cascade,
    hash bytea not null unique,
    expires_at timestamptz not null,
    used_at timestamptz,
    into_session uuid,
    join_id uuid,
    created_at timestamptz not null default now()
);
create index on continuations (session_id);
create index on continuations (account_id);
create index on continuations (expires_at);

-- The web chat goes on in the conversation from which its code was sent; the one on the web ends, so that nobody who
-- still has it open reads what is said elsewhere. False: the code is no longer good, or the turn belongs to another.
create function continue_here(_account uuid, _hash bytea, _session uuid, _epoch bigint) returns boolean
language plpgsql as $$
declare
    _c continuations;
    _s sessions;
    _w sessions;
begin
    select * into _s from sessions s where s.id = _session and s.account_id = _account and s.epoch = _epoch
        and s.lease_until is not null and s.person_id is not null for no key update;
    if not found then
        return false;
    end if;
    update continuations c set used_at = now(), into_session = _session
        from sessions w where c.account_id = _account and c.hash = _hash and c.used_at is null and c.expires_at > now()
            and w.id = c.session_id and w.client_id = _s.client_id and w.closed_at is null
        returning c.* into _c;
    if not found then
        return false;
    end if;
    select * into _w from sessions w where w.id = _c.session_id for no key update;
    if _w.person_id is null then
        _w.person_id := new_id();
        insert into people (id, account_id, root_id) values (_w.person_id, _account, _w.person_id);
    end if;
    update sessions w set person_id = _w.person_id, joined_into = _session, closed_at = now(),
            due_at = case when w.last_seq > w.done_seq then w.due_at end
        where w.id = _w.id;
    update sessions s set gathers = true where s.id = _session;
    update continuations c set join_id = join_people(_account, _s.person_id, _w.person_id, 'code',
            jsonb_build_object('from', _w.id, 'to', _session, 'as', _w.tag), 'contact', true)
        where c.id = _c.id;
    return true;
end $$;

-- As before, and: two ids of a group are one group; a group and a person never are one.
create or replace function join_people(_account uuid, _a uuid, _b uuid, _evidence text, _detail jsonb, _by text, _again boolean) returns uuid
language plpgsql as $$
declare
    _roots uuid[];
    _id uuid;
begin
    -- In one order; whoever comes second sees what the first has made of it.
    for _try in 1..5 loop
        select array_agg(distinct p.root_id order by p.root_id) into _roots from people p
            where p.account_id = _account and p.id in (_a, _b);
        perform 1 from people p where p.id = any(_roots) order by p.id for no key update;
        exit when _roots = (select array_agg(distinct p.root_id order by p.root_id) from people p
            where p.account_id = _account and p.id in (_a, _b));
    end loop;
    if coalesce(cardinality(_roots), 0) <> 2 or (select count(distinct p.kind) from people p where p.id = any(_roots)) > 1 then
        return null;
    end if;
    if not _again and exists (select 1 from joins j join people x on x.id = j.a_id join people y on y.id = j.b_id
            where j.split_at is not null and x.root_id = any(_roots) and y.root_id = any(_roots) and x.root_id <> y.root_id) then
        return null;
    end if;
    insert into joins (account_id, a_id, b_id, evidence, detail, by) values (_account, _a, _b, _evidence, coalesce(_detail, '{}'), _by)
        returning id into _id;
    update people p set root_id = _roots[1] where p.root_id = _roots[2];
    perform gather(_roots[1]);
    return _id;
end $$;
