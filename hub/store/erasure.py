"""All that an account has of one person: to be given out, and to be erased."""

import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from hub.store import personal
from hub.store.db import Call, clean
from hub.store.files import opened_file
from hub.store.memories import said

SELVES = "select s as id from people p cross join selves(p.id) s where p.account_id = $1 and p.id = $2"
NAMES = "select i.key, i.value from identities i where i.account_id = $1 and i.person_id = any($2::uuid[])"
# External user ids by which they were met: of conversations, schedules and memories.
USERS = """
    select s.tag as name from sessions s where s.account_id = $1 and s.person_id = any($2::uuid[]) and s.tag is not null
    union select m.external_user from memories m where m.account_id = $1 and m.person_id = any($2::uuid[])
    union select c.external_user from schedules c join contacts k on k.id = c.contact_id
        where c.account_id = $1 and k.person_id = any($2::uuid[]) and c.external_user is not null
"""
# Every name and every external user id that an account knows.
EVERY_NAME = """
    select i.key as name from identities i where i.account_id = $1 union select i.value from identities i where i.account_id = $1
    union select k.value from contact_ids k join contacts c on c.id = k.contact_id where c.account_id = $1
    union select f from messages m cross join jsonb_array_elements_text(
        case when jsonb_typeof(m.content->'from') = 'array' then m.content->'from' else '[]' end) f where m.account_id = $1
    union select n from schedules c cross join unnest(c.names) n where c.account_id = $1
    union select n from activations a cross join unnest(a.names) n where a.account_id = $1
    union select 'phone:' || regexp_replace(d.value, '[^0-9]', '', 'g') from sessions s cross join jsonb_each_text(
        case jsonb_typeof(s.metadata) when 'object' then s.metadata else '{}' end) d
        where s.account_id = $1 and d.key like 'anon:%' and d.value ~ '^[+]?[0-9 ()./-]{6,30}$'
"""
EVERY_USER = """
    select s.tag as name from sessions s where s.account_id = $1 and s.tag is not null
    union select m.external_user from memories m where m.account_id = $1
    union select c.external_user from schedules c where c.account_id = $1 and c.external_user is not null
    union select a.external_user from activations a where a.account_id = $1 and a.external_user is not null
    union select l.external_user from conversations l where l.account_id = $1 and l.external_user is not null
    union select u.external_user from scheduled_users u join clients c on c.id = u.client_id where c.account_id = $1
    union select r.person from idempotency r where r.account_id = $1 and r.person is not null
    union select u.email from ares_users u where u.account_id = $1
    union select lower(d.value) from sessions s cross join jsonb_each_text(
        case jsonb_typeof(s.metadata) when 'object' then s.metadata else '{}' end) d
        where s.account_id = $1 and d.key like 'anon:%' and d.value like '%@%'
"""
# Who is nobody else and said an address or a phone of theirs: the conversation is theirs. Where it is somebody's, what was said goes.
LEFT = """
    with gone as (
        delete from sessions s where s.account_id = $1 and s.kind = 'web' and s.person_id is null and coalesce(s.tag, 'anon:') like 'anon:%'
            and said_of(s.metadata, $2, $3) <> '{}' returning s.id),
    told as (delete from happenings h using gone where h.account_id = $1 and h.session_id = gone.id)
    select id from gone
"""
UNADDRESSED = """
    update sessions set metadata = metadata - said_of(metadata, $2, $3) where account_id = $1 and said_of(metadata, $2, $3) <> '{}'
"""
NAMELESS = """
    select distinct s as id from accounts a cross join visitors_who_left(a.id, $2, $3) v cross join selves(v) s where a.id = $1
"""
ERASE = "select erase_person(a.id, $2, $3, $4, $5, $6) from accounts a where a.id = $1"
KEPT = """
    select id, body from idempotency where account_id = $1 and body is not null and ($2::uuid is null or id > $2) order by id limit 200
"""
GONE = "update idempotency set status = 410, headers = null, body = null where account_id = $1 and id = any($2::uuid[])"
RETAINING = """
    select a.id, a.parameters->'retentionDays' as days from accounts a left join retention_runs r on r.account_id = a.id
    where a.parameters ? 'retentionDays' and coalesce(r.day < current_date, true) order by a.id
"""
RETAINED = """
    insert into retention_runs (account_id, day) values ($1, current_date) on conflict (account_id) do update set day = excluded.day
"""
RETAIN = "select retain(a.id, $2, $3, $4) from accounts a where a.id = $1"

# What is given out, one kind after another. $2: ids, $3: names, $4: external user ids.
EXPORT_PEOPLE = """
    select p.id, p.root_id, p.zone, p.opted_out_at, p.opted_out_by, p.opted_out_words, p.opted_in_at, p.created_at
    from people p where p.account_id = $1 and p.id = any($2::uuid[]) and ($3::text[] is null or $4::text[] is null or true) order by p.id
"""
EXPORT_IDENTITIES = """
    select i.key, i.value, i.source, i.person_id, i.created_at from identities i
    where i.account_id = $1 and i.person_id = any($2::uuid[]) and ($3::text[] is null or $4::text[] is null or true) order by i.key
"""
EXPORT_CONTACTS = """
    select c.id, c.integration_id, c.name, c.phone, c.username, c.language, c.created_at from contacts c where c.account_id = $1
        and (c.person_id = any($2::uuid[]) or exists (select 1 from contact_ids i where i.contact_id = c.id and i.value = any($3::text[])))
        and ($4::text[] is null or true) order by c.id
"""
EXPORT_FIELDS = """
    select f.key, f.name, v.value, v.person_id, v.updated_at from contact_values v join contact_fields f on f.id = v.field_id
    where v.account_id = $1 and v.person_id = any($2::uuid[]) and ($3::text[] is null or $4::text[] is null or true) order by f.key
"""
EXPORT_PERSON_NOTES = """
    select n.id, n.person_id, n.author, n.text, n.created_at from contact_notes n
    where n.account_id = $1 and n.person_id = any($2::uuid[]) and ($3::text[] is null or $4::text[] is null or true) order by n.id
"""
EXPORT_CONSENTS = """
    select c.person_id, c.state, c.by, c.words, c.at from consents c
    where c.account_id = $1 and c.person_id = any($2::uuid[]) and ($3::text[] is null or $4::text[] is null or true) order by c.id
"""
EXPORT_ORIGINS = """
    select o.person_id, o.at, o.channel, o.client_id, o.ad, o.ad_at from contact_origins o
    where o.account_id = $1 and o.person_id = any($2::uuid[]) and ($3::text[] is null or $4::text[] is null or true) order by o.at
"""
EXPORT_SESSIONS = """
    select s.id, s.kind, s.client_id, s.tag, s.chat, s.title, s.extra_context, s.metadata, s.created_at, s.last_message_at
    from sessions s where s.account_id = $1 and (s.person_id = any($2::uuid[]) or (s.kind = 'web' and s.tag = any($4::text[]))
        or (s.kind = 'web' and s.person_id is null and coalesce(s.tag, 'anon:') like 'anon:%' and said_of(s.metadata, $4, $3) <> '{}')
        or s.contact_id in (select i.contact_id from contact_ids i where i.value = any($3::text[]))) order by s.id
"""
EXPORT_MEMORIES = """
    select m.id, m.external_user, m.format, m.content, m.details, m.starts_at, m.ends_at, m.created_at, m.expires_at from memories m
    where m.account_id = $1 and (m.person_id = any($2::uuid[]) or m.external_user = any($4::text[]))
        and ($3::text[] is null or true) order by m.id
"""
EXPORT_SCHEDULES = """
    select s.id, s.kind, s.external_user, s.channel, s.address, s.instruction, s.context, s.state, s.next_at, s.created_at
    from schedules s where s.account_id = $1 and (s.external_user = any($4::text[]) or s.names && $3::text[]
        or s.contact_id in (select c.id from contacts c where c.person_id = any($2::uuid[]))) order by s.id
"""
EXPORT_ACTIVATIONS = """
    select a.id, a.campaign_id, a.schedule_id, a.channel, a.address, a.variables, a.state, a.fire_at, a.created_at
    from activations a where a.account_id = $1 and (a.person_id = any($2::uuid[]) or a.external_user = any($4::text[])
        or a.names && $3::text[]) order by a.id
"""
EXPORT_LOGS = """
    select c.id, c.model, c.external_user, c.metadata, c.messages, c.created_at from conversations c
    where c.account_id = $1 and c.external_user = any($4::text[]) and ($2::uuid[] is null or $3::text[] is null or true) order by c.id
"""
EXPORT_RESPONSES = """
    select r.id, r.external_user, r.input, r.answer, r.created_at, r.expires_at from responses r
    where r.account_id = $1 and r.external_user = any($4::text[]) and ($2::uuid[] is null or $3::text[] is null or true) order by r.id
"""
EXPORT_IN_GROUPS = """
    select m.id, m.session_id, m.role, m.content, m.created_at from messages m join sessions s on s.id = m.session_id
    where s.account_id = $1 and s.kind = 'channel' and m.content->'from' ?| $3::text[]
        and ($2::uuid[] is null or $4::text[] is null or true) order by m.position
"""
MESSAGES = """
    select m.id, m.session_id, m.role, m.source, m.content, m.created_at, m.position from messages m
    where m.account_id = $1 and m.session_id = $2 and m.position > $3 order by m.position limit 500
"""
FILES = """
    select f.id, f.session_id, f.message_id, f.name, f.mime, f.size, f.created_at, encode(coalesce((
        select string_agg(p.content, '' order by p.number) from file_pieces p where p.file_id = f.id), f.content), 'base64') as content, f.place, f.sealed_by
    from files f where f.account_id = $1 and f.session_id = $2 and ($3::uuid is null or f.id > $3) order by f.id limit 1
"""
FEEDBACK = """
    select h.id, h.session_id, h.message_id, h.kind, h.detail, h.at from happenings h
    where h.account_id = $1 and h.session_id = $2 and h.kind = 'feedback' order by h.id limit 1000
"""
NOTES = """
    select n.id, n.session_id, n.author, n.text, n.created_at from session_notes n where n.account_id = $1 and n.session_id = $2
    order by n.id limit 10000
"""
LABELS = """
    select x.session_id, l.name from session_labels x join labels l on l.id = x.label_id
    where x.account_id = $1 and x.session_id = $2 order by l.name limit 1000
"""
PLANNED = """
    select p.id, p.session_id, p.author, p.content, p.at, p.state, p.created_at from planned_messages p
    where p.account_id = $1 and p.session_id = $2 order by p.id limit 10000
"""
USER = "select id, email, name, created_at from ares_users where account_id = $1 and id = $2"
USER_FACTS = "select category, fact_key, fact_value, created_at from ares_facts where account_id = $1 and user_id = $2 order by id"
USER_PREFERENCES = "select category, key, value, updated_at from ares_preferences where account_id = $1 and user_id = $2"
USER_TALKS = """
    select s.id, s.kind, s.name, s.title, s.created_at, s.last_message_at from sessions s
    where s.account_id = $1 and s.user_id = $2 and s.kind = 'ares' order by s.id
"""
USERS_TALKS = "select s.id from sessions s where s.account_id = $1 and s.user_id = any($2::uuid[]) and s.kind = 'ares'"
EXPORTS: Mapping[str, str] = {
    "person": EXPORT_PEOPLE, "identity": EXPORT_IDENTITIES, "contact": EXPORT_CONTACTS, "memory": EXPORT_MEMORIES,
    "schedule": EXPORT_SCHEDULES, "activation": EXPORT_ACTIVATIONS, "log": EXPORT_LOGS, "response": EXPORT_RESPONSES,
    "group_message": EXPORT_IN_GROUPS, "field": EXPORT_FIELDS, "person_note": EXPORT_PERSON_NOTES,
    "consent": EXPORT_CONSENTS, "first_seen": EXPORT_ORIGINS,
}
KINDS = ("conversations", "files", "memories", "logs", "events", "quarantine", "outreach", "audit")
PIECE = 500

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """One person: all their ids, the names of their identities in every spelling, their external user ids."""

    people: tuple[UUID, ...]
    names: tuple[str, ...]
    users: tuple[str, ...]


async def selves(db: Call, account: UUID, person: UUID) -> list[UUID]:
    """The ids of everybody who is held for the same person."""
    return [r["id"] for r in await db.fetch(SELVES, account, person)]


async def names(db: Call, account: UUID, people: Sequence[UUID]) -> list[str]:
    """The names of people, as they are looked up and as they were written."""
    return [n for r in await db.fetch(NAMES, account, list(people)) for n in (r["key"], r["value"])]


async def users(db: Call, account: UUID, people: Sequence[UUID]) -> list[str]:
    return [r["name"] for r in await db.fetch(USERS, account, list(people))]


async def everybody(db: Call, account: UUID) -> Subject:
    """All names and external user ids that an account knows, whosever they are."""
    names = [r["name"] for r in await db.fetch(EVERY_NAME, account)]
    return Subject((), tuple(names), tuple([r["name"] for r in await db.fetch(EVERY_USER, account)]))


async def nameless(db: Call, account: UUID, users: Sequence[str], names: Sequence[str]) -> list[UUID]:
    """Visitors whom nobody has named, and who left one of these in a conversation; with all who are held for the same."""
    rows = await db.fetch(NAMELESS, account, clean(list(users)), clean(list(names)))
    return [r["id"] for r in rows]


async def erase(db: Call, account: UUID, who: Subject, quoted: Sequence[str], patterns: Sequence[str]) -> Json:
    """How much of each kind there was, and the ids of the conversations."""
    given = [clean(list(words)) for words in (who.names, who.users, quoted, patterns)]
    return dict(await db.value(ERASE, account, list(who.people), *given))


async def left(db: Call, account: UUID, who: Subject) -> list[UUID]:
    """Erase where an address or a phone was left by which nobody else is known; the ids of the conversations."""
    given = clean(list(who.users)), clean(list(who.names))
    gone = [r["id"] for r in await db.fetch(LEFT, account, *given)]
    await db.run(UNADDRESSED, account, *given)
    return gone


async def kept(db: Call, account: UUID) -> AsyncIterator[tuple[UUID, bytes]]:
    """Sealed answers to requests with an Idempotency-Key."""
    last: UUID | None = None
    while rows := await db.fetch(KEPT, account, last):
        last = rows[-1]["id"]
        for kept_one in rows:
            yield kept_one["id"], bytes(kept_one["body"])


async def gone(db: Call, account: UUID, answers: Sequence[UUID]) -> None:
    """The answers are kept no more; their places stay taken."""
    await db.run(GONE, account, list(answers))


async def export(db: Call, account: UUID, who: Subject) -> AsyncIterator[tuple[str, Json]]:
    """All there is, as (kind, row): what hangs on the person, then each conversation with what was said and sent in it."""
    given = (account, list(who.people), clean(list(who.names)), clean(list(who.users)))
    for kind, ROWS in EXPORTS.items():
        for row in await db.fetch(ROWS, *given):
            yield kind, dict(row) | ({"content": said(db, row["content"])} if kind == "memory" else {})
    for session in await db.fetch(EXPORT_SESSIONS, *given):
        yield "conversation", dict(session)
        async for what, found in _talk(db, account, session["id"]):
            yield what, found


async def user(db: Call, account: UUID, id: UUID) -> AsyncIterator[tuple[str, Json]]:
    """The same of a user of ARES."""
    for kind, ROWS in (("ares_user", USER), ("ares_fact", USER_FACTS), ("ares_preference", USER_PREFERENCES)):
        for one in await db.fetch(ROWS, account, id):
            yield kind, dict(one)
    for session in await db.fetch(USER_TALKS, account, id):
        yield "conversation", dict(session)
        async for what, found in _talk(db, account, session["id"]):
            yield what, found


async def users_talks(db: Call, account: UUID, users: Sequence[UUID]) -> list[UUID]:
    """Conversations of users of ARES."""
    return [r["id"] for r in await db.fetch(USERS_TALKS, account, list(users))]


async def _talk(db: Call, account: UUID, session: UUID) -> AsyncIterator[tuple[str, Json]]:
    last, file = 0, None
    while rows := await db.fetch(MESSAGES, account, session, last):
        last = rows[-1]["position"]
        for one in rows:
            yield "message", {k: v for k, v in one.items() if k != "position"}
    while (sent := await db.row(FILES, account, session, file)) is not None:
        file = sent["id"]
        yield "file", await _with_object(db, dict(sent))
    for kind, ROWS in (("feedback", FEEDBACK), ("note", NOTES), ("label", LABELS), ("planned", PLANNED)):
        for one in await db.fetch(ROWS, account, session):
            yield kind, dict(one)


async def _with_object(db: Call, sent: Json) -> Json:
    """A file whose content is kept beside the database, with it."""
    place, sealed_by = sent.pop("place"), sent.pop("sealed_by")
    if place is not None and db.blobs is not None:
        sent["content"] = base64.b64encode(await db.blobs.get(place, 0, sent["size"])).decode()
    if sealed_by is not None:
        opened = await opened_file(db, sealed_by, sent["id"], base64.b64decode(sent["content"]))
        sent |= {"name": personal.told(db, sent["name"]), "content": base64.b64encode(opened).decode()}
    return sent


async def retaining(db: Call) -> dict[UUID, Json]:
    """For how many days accounts keep each kind, where they say so and were not looked at today."""
    return {r["id"]: r["days"] or {} for r in await db.fetch(RETAINING)}


async def retained(db: Call, account: UUID) -> None:
    """It was looked at today."""
    await db.run(RETAINED, account)


async def retain(db: Call, account: UUID, kind: str, days: int) -> int:
    """Drop what is older, in pieces that a statement's time limit allows."""
    total = 0
    while count := int(await db.value(RETAIN, account, kind, days, PIECE) or 0):
        total += count
    return total
