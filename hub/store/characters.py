"""Characters: agents with a look, and images."""

from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

ADD = """
    insert into character_agents
        (id, account_id, name, age, appearance, personality, description, avatar_file, avatar_token)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
GET = """
    select id, name, age, appearance, personality, description, avatar_file, avatar_token from character_agents
    where account_id = $1 and id = $2
"""
LOCK = """
    select id, name, age, appearance, personality, description, avatar_file, avatar_token from character_agents
    where account_id = $1 and id = $2 for no key update
"""
LIST = """
    select id, name, age, appearance, personality, description, avatar_file, avatar_token from character_agents
    where account_id = $1 order by id
"""
EDIT = """
    update character_agents set name = $3, age = $4, appearance = $5, personality = $6, description = $7,
        avatar_file = $8, avatar_token = $9, updated_at = now()
    where account_id = $1 and id = $2
"""
REMOVE = "delete from character_agents where account_id = $1 and id = $2"
UNLINK = """
    update sessions set settings = settings || '{"agent_id": null}'
    where account_id = $1 and kind = 'character' and settings->>'agent_id' = $2
"""
ADD_IMAGE = """
    insert into character_images (id, account_id, prompt, model, file_id, token) values ($1, $2, $3, $4, $5, $6)
    returning created_at
"""
IMAGE = "select id, prompt, token, created_at from character_images where account_id = $1 and id = $2"
IMAGES = """
    select id, prompt, token, created_at from character_images where account_id = $1
    order by id desc limit $2 offset $3
"""
COUNT = "select count(*) from character_images where account_id = $1"

Json = dict[str, Any]


async def add(db: Call, account: UUID, agent: Json) -> None:
    await db.run(ADD, agent["id"], account, *_columns(agent))


async def get(db: Call, account: UUID, id: UUID) -> Json | None:
    row = await db.row(GET, account, id)
    return dict(row) if row else None


async def lock(db: Call, account: UUID, id: UUID) -> Json | None:
    """For who is about to change it."""
    row = await db.row(LOCK, account, id)
    return dict(row) if row else None


async def listed(db: Call, account: UUID) -> list[Json]:
    """The oldest first."""
    return [dict(r) for r in await db.fetch(LIST, account)]


async def edit(db: Call, account: UUID, agent: Json) -> bool:
    return await db.run(EDIT, account, agent["id"], *_columns(agent)) == 1


async def remove(db: Call, account: UUID, id: UUID) -> bool:
    return await db.run(REMOVE, account, id) == 1


async def unlink(db: Call, account: UUID, agent: str) -> None:
    """Conversations with this agent go on without one."""
    await db.run(UNLINK, account, agent)


def _columns(agent: Json) -> tuple[Any, ...]:
    texts = (clean(agent[n]) for n in ("appearance", "personality", "description"))
    return clean(agent["name"]), agent["age"], *texts, agent["avatar_file"], agent["avatar_token"]


async def add_image(db: Call, account: UUID, id: UUID, prompt: str, model: str, file: UUID, token: str) -> Json:
    """The image as it is listed."""
    at = await db.value(ADD_IMAGE, id, account, clean(prompt), model, file, token)
    return {"id": id, "prompt": prompt, "token": token, "created_at": at}


async def image(db: Call, account: UUID, id: UUID) -> Json | None:
    row = await db.row(IMAGE, account, id)
    return dict(row) if row else None


async def images(db: Call, account: UUID, limit: int, offset: int) -> tuple[list[Json], int]:
    """The newest first, and how many there are."""
    rows = [dict(r) for r in await db.fetch(IMAGES, account, limit, offset)]
    return rows, int(await db.value(COUNT, account))
