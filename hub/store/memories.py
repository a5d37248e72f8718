"""What is remembered about the people an account talks to. A memory that has expired is not there."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from hub.ids import uuid7
from hub.later import later
from hub.store import personal
from hub.store.chunks import vector_text, words
from hub.store.db import Call, Row, clean

if TYPE_CHECKING:
    import numpy as np
else:
    np = later("numpy")

ADD = """
    insert into memories (id, account_id, external_user, format, content, details, starts_at, ends_at, embedding, words,
        expires_at, person_id)
    select $1, $2, $3, $4, $5, $6, $7::timestamptz, $8::timestamptz, $9::text::vector, stemmed($10),
        greatest(now(), $8::timestamptz) + make_interval(days => $11), $13::uuid
    where (select count(*) from memories where account_id = $2 and person_id in (select selves($13::uuid)) and format = $4
        and expires_at > now()) < $12
"""
EDIT = """
    update memories set content = $5, details = $6, starts_at = $7, ends_at = $8, embedding = $9::text::vector,
        words = stemmed($10), updated_at = now(),
        expires_at = case when $11::int is null then expires_at
            else greatest(now(), $8::timestamptz) + make_interval(days => $11) end
    where account_id = $1 and person_id in (select selves($2)) and id = $3 and format = $4 and expires_at > now()
"""
GET = """
    select id, external_user, format, content, details, starts_at, ends_at, created_at, expires_at from memories
    where account_id = $1 and id = $2 and expires_at > now()
"""
OWNED = """
    select id, external_user, format, content, details, starts_at, ends_at, created_at, expires_at from memories
    where account_id = $1 and person_id in (select selves($2)) and id = $3 and format = $4 and expires_at > now()
"""
LIST = """
    select id, external_user, format, case when starts_with(content, 'sealed.1.') then content else left(content, $5) end as content, details, starts_at, ends_at, created_at, expires_at
    from memories where account_id = $1 and expires_at > now() and ($2::text is null or format = $2)
        and ($3 = '' or position(lower($3) in id::text) > 0 or (not starts_with(content, 'sealed.1.') and position(lower($3) in lower(content)) > 0)
            or position(lower($3) in lower(external_user)) > 0) and ($6::uuid is null or id < $6) order by id desc limit $4
"""
COUNT = """
    select count(*) from memories where account_id = $1 and expires_at > now() and ($2::text is null or format = $2)
        and ($3 = '' or position(lower($3) in id::text) > 0 or (not starts_with(content, 'sealed.1.') and position(lower($3) in lower(content)) > 0)
            or position(lower($3) in lower(external_user)) > 0)
"""
NEWEST = """
    select id, external_user, format, content, details, starts_at, ends_at, created_at, expires_at from memories
    where account_id = $1 and person_id in (select selves($2)) and format = $3 and expires_at > now() order by id desc limit $4
"""
# A person has few memories, so that all are compared. The score is the rescaled cosine, and a part of
# what is missing to 1 by the share of the asked words that is found.
SEARCH = """
    with stems as materialized (select q from asked_stems($5::text[]) as q),
    total as materialized (select nullif(count(*), 0)::real as n from stems),
    judged as (
        select m.*, greatest(0, least(1, (coalesce(-(m.embedding <#> $4::text::vector), $6::real) - $6::real) / ($7::real - $6::real))) as near,
            coalesce((select count(*) from stems where m.words @@ stems.q) / total.n, 0) as share
        from memories m cross join total
        where m.account_id = $1 and m.person_id in (select selves($2)) and m.format = $3 and m.expires_at > now()
            and ($9::timestamptz is null or m.ends_at >= $9) and ($10::timestamptz is null or m.starts_at < $10))
    select id, external_user, format, content, details, starts_at, ends_at, created_at, expires_at
    from judged order by near + (1 - near) * $8::real * share desc, id desc limit $11
"""
# What is sealed is compared by its reader; of so many at most.
ALL = """
    select id, external_user, format, content, details, starts_at, ends_at, created_at, expires_at, embedding from memories
    where account_id = $1 and person_id in (select selves($2)) and format = $3 and expires_at > now()
        and ($4::timestamptz is null or ends_at >= $4) and ($5::timestamptz is null or starts_at < $5)
    order by id desc limit 2000
"""
BETWEEN = """
    select id, external_user, format, content, details, starts_at, ends_at, created_at, expires_at from memories
    where account_id = $1 and person_id in (select selves($2)) and format = 'DateReminder' and expires_at > now()
        and ($3::timestamptz is null or ends_at >= $3) and ($4::timestamptz is null or starts_at < $4)
    order by starts_at, id limit $5
"""
REMOVE = """
    delete from memories where account_id = $1 and id = $2 and expires_at > now()
    returning id, external_user, format, content, details, starts_at, ends_at, created_at, expires_at
"""
REMOVE_OWNED = """
    delete from memories
    where account_id = $1 and person_id in (select selves($2)) and id = $3 and format = $4 and expires_at > now()
"""
CLEAR = """
    delete from memories where account_id = $1 and person_id in (select selves($2)) and format = $3 and expires_at > now()
"""
CLEAR_NAMED = """
    with gone as (
        delete from memories where account_id = $1 and format = $3
            and (external_user = $2 or ($4 <> '' and starts_with(external_user, $4 || '@')
                and substr(external_user, length($4) + 2) ~ '^[0-9a-f]{12}$'))
        returning expires_at)
    select count(*) from gone where expires_at > now()
"""
EXPIRED = "delete from memories where id in (select id from memories where expires_at <= now() limit 1000)"

Json = dict[str, Any]
Vector = Sequence[float]


@dataclass(frozen=True, slots=True)
class Memory:
    """`details`, `starts_at` and `ends_at` only of a DateReminder."""

    id: UUID
    external_user: str
    format: str
    content: str
    details: Json | None
    starts_at: datetime | None
    ends_at: datetime | None
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Given:
    """What is written. `days` it is kept after now, or after the end of the event; None: as it was."""

    content: str
    embedding: Vector
    days: int | None
    details: Json | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    @property
    def format(self) -> str:
        return "Text" if self.details is None else "DateReminder"

    async def sealed(self, db: Call, account: UUID, person: UUID) -> tuple[Any, ...]:
        """The columns where people's words are sealed: neither words nor meaning stand beside them."""
        packed = base64.b64encode(np.asarray(self.embedding, dtype="<f4").tobytes()).decode()
        content = await personal.whole(db, account, f"person:{person}", {"content": self.content, "vector": packed})
        details = await personal.whole(db, account, f"person:{person}", self.details)
        nothing = vector_text([0.0] * len(self.embedding))
        return content, details, self.starts_at, self.ends_at, nothing, "", self.days

    @property
    def columns(self) -> tuple[Any, ...]:
        plain = clean(" ".join(words(self.content)))
        return (
            clean(self.content), clean(self.details), self.starts_at, self.ends_at, vector_text(self.embedding), plain,
            self.days,
        )


async def add(db: Call, account: UUID, person: UUID, user: str, given: Given, most: int) -> UUID | None:
    """The new id; None when the person has `most` of this format already. user: the name under which it is kept."""
    id = uuid7()
    columns = given.columns if db.keys is None else await given.sealed(db, account, person)
    added = await db.run(ADD, id, account, clean(user), given.format, *columns, most, person)
    return id if added else None


async def edit(db: Call, account: UUID, person: UUID, id: UUID, given: Given) -> bool:
    columns = given.columns if db.keys is None else await given.sealed(db, account, person)
    return await db.run(EDIT, account, person, id, given.format, *columns) == 1


async def get(db: Call, account: UUID, id: UUID) -> Memory | None:
    return _first(db, await db.row(GET, account, id))


async def owned(db: Call, account: UUID, person: UUID, id: UUID, format: str) -> Memory | None:
    return _first(db, await db.row(OWNED, account, person, id, format))


async def listed(
    db: Call, account: UUID, format: str | None, filter: str, cut: int, before: UUID | None, limit: int
) -> list[Memory]:
    """Newest first, the content cut; `filter` is part of id, content (unless that is sealed) or external user id."""
    found = _all(db, await db.fetch(LIST, account, format, clean(filter), limit, cut, before))
    return [replace(one, content=one.content[:cut]) for one in found]


async def count(db: Call, account: UUID, format: str | None, filter: str) -> int:
    return int(await db.value(COUNT, account, format, clean(filter)))


async def newest(db: Call, account: UUID, person: UUID, format: str, limit: int) -> list[Memory]:
    return _all(db, await db.fetch(NEWEST, account, person, format, limit))


async def search(
    db: Call, account: UUID, person: UUID, format: str, vector: Vector | None, asked: list[str],
    *, scale: tuple[float, float], support: float, limit: int,
    since: datetime | None = None, until: datetime | None = None,
) -> list[Memory]:
    """The nearest by meaning and by words, best first, by words alone without a vector; of events those between two
    times. Where words are sealed, by meaning alone while there is a vector."""
    if db.keys is not None:
        return _nearest(db, await db.fetch(ALL, account, person, format, since, until), vector, asked)[:limit]
    args = (None if vector is None else vector_text(vector), clean(asked), *scale, support, since, until, limit)
    return _all(db, await db.fetch(SEARCH, account, person, format, *args))


async def between(
    db: Call, account: UUID, person: UUID, since: datetime | None, until: datetime | None, limit: int
) -> list[Memory]:
    """Events that touch the time, the earliest first."""
    return _all(db, await db.fetch(BETWEEN, account, person, since, until, limit))


async def remove(db: Call, account: UUID, id: UUID) -> Memory | None:
    """What was removed."""
    return _first(db, await db.row(REMOVE, account, id))


async def remove_owned(db: Call, account: UUID, person: UUID, id: UUID, format: str) -> bool:
    return await db.run(REMOVE_OWNED, account, person, id, format) == 1


async def clear(db: Call, account: UUID, person: UUID, format: str) -> int:
    return await db.run(CLEAR, account, person, format)


async def clear_named(db: Call, account: UUID, user: str, name: str, format: str) -> int:
    """Remove what belongs to an external user id, and to `name` at any chat client ("": to none); return how many were
    not expired."""
    return int(await db.value(CLEAR_NAMED, account, clean(user), format, clean(name)))


async def purge(db: Call) -> int:
    return await db.run(EXPIRED)


def _first(db: Call, row: Row | None) -> Memory | None:
    return _all(db, [row])[0] if row else None


def _all(db: Call, rows: Sequence[Row]) -> list[Memory]:
    return [Memory(**dict(r) | {"content": said(db, r["content"])}) for r in rows]


def said(db: Call, content: str) -> str:
    """What a memory says."""
    found = personal.told(db, content)
    return str(found["content"] if isinstance(found, dict) else found)


def _nearest(db: Call, rows: Sequence[Row], vector: Vector | None, asked: Sequence[str]) -> list[Memory]:
    """By meaning, or by words without a vector, the newest first among those that are alike."""
    near: list[tuple[float, int]] = []
    for place, row in enumerate(rows):
        found = personal.told(db, row["content"])
        if vector is None:
            held = frozenset(words(said(db, row["content"]).lower()))
            near.append((-float(sum(w.lower() in held for w in asked)), place))
            continue
        packed = found.get("vector") if isinstance(found, dict) else None
        own = np.frombuffer(base64.b64decode(packed), dtype="<f4") if packed else np.asarray(row["embedding"])
        near.append((-float(np.dot(own, np.asarray(vector))), place))
    order = [rows[place] for _, place in sorted(near)]
    return [Memory(**{k: v for k, v in r.items() if k != "embedding"} | {"content": said(db, r["content"])}) for r in order]
