"""Brand voices."""

from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

ADD = """
    insert into voices (id, account_id, name, sample, profile, sliders, banned_phrases)
    values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing
"""
GET = """
    select id, account_id, name, sample, profile, sliders, banned_phrases, created_at, updated_at from voices
    where account_id = $1 and id = $2
"""
LIST = """
    select id, account_id, name, sample, profile, sliders, banned_phrases, created_at, updated_at from voices
    where account_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3
"""
EDIT = """
    update voices set name = coalesce($3, name), sample = coalesce($4, sample), profile = coalesce($5, profile),
        sliders = sliders || $6, banned_phrases = coalesce($7, banned_phrases), updated_at = now()
    where account_id = $1 and id = $2
"""
REMOVE = "delete from voices where account_id = $1 and id = $2"
WEAR = """
    update clients c set studio = jsonb_set(coalesce(c.studio, '{}'), '{voice}', coalesce($3::jsonb, 'null'))
    from chatbots b where b.account_id = $1 and b.voice_id = $2 and c.id = b.client_id and c.account_id = $1
"""

Json = dict[str, Any]


async def add(
    db: Call, account: UUID, id: UUID, name: str, sample: str, profile: Json, sliders: Json, banned: list[str]
) -> bool:
    """False when there is one of this id."""
    return await db.run(ADD, id, account, clean(name), clean(sample), clean(profile), sliders, clean(banned)) == 1


async def get(db: Call, account: UUID, id: UUID) -> Json | None:
    row = await db.row(GET, account, id)
    return dict(row) if row else None


async def listed(db: Call, account: UUID, before: UUID | None, limit: int) -> list[Json]:
    return [dict(r) for r in await db.fetch(LIST, account, before, limit)]


async def edit(
    db: Call, account: UUID, id: UUID, name: str | None, sample: str | None, profile: Json | None, sliders: Json,
    banned: list[str] | None,
) -> bool:
    """What is None stays; `sliders` are added to those there are."""
    return await db.run(EDIT, account, id, clean(name), clean(sample), clean(profile), sliders, clean(banned)) == 1


async def remove(db: Call, account: UUID, id: UUID) -> bool:
    return await db.run(REMOVE, account, id) == 1


async def wear(db: Call, account: UUID, id: UUID, voice: Json | None) -> None:
    """What chat clients of chatbots with this voice are told of it."""
    await db.run(WEAR, account, id, clean(voice))
