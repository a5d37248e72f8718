"""Skills: instructions that a model takes up when it needs them, and tools that come with them."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

import orjson
from pydantic import AfterValidator, Field

from hub import ids
from hub.accounts import addresses
from hub.accounts.destinations import Entry, bare, masked, not_a_value, queried, unmasked, unqueried
from hub.accounts.parameters import LONG, SkillOptions
from hub.domain import Skill
from hub.errors import Invalid, NotFound
from hub.guarded_http import Guard
from hub.pydantic_base import merged
from hub.sealing import Sealer
from hub.store import skills
from hub.store.db import Call, Db

PLACE = "skills.secrets"
Slug = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$", description="1-64 letters, digits, _ . and -.")]
Description = Annotated[str, Field(max_length=4000)]
Json = dict[str, Any]


def _said(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value


Instructions = Annotated[str, Field(max_length=LONG), AfterValidator(_said)]


async def every(db: Call, account: UUID) -> list[Json]:
    """id, slug, description, created_at and the number of allowed tools, newest first."""
    return await skills.every(db, account)


async def get(db: Call, sealer: Sealer, account: UUID, id: UUID) -> Skill:
    row = await skills.get(db, account, id)
    if row is None:
        raise _missing(id)
    return opened(row, sealer)


async def chosen(db: Call, sealer: Sealer, account: UUID, ids: list[UUID]) -> list[Skill]:
    """Those of a gateway's skills that (still) are the account's, in its order."""
    return [opened(row, sealer) for row in await skills.chosen(db, account, ids)] if ids else []


async def add(
    db: Call, sealer: Sealer, guard: Guard, account: UUID,
    slug: str, description: str | None, instructions: str, options: SkillOptions,
) -> UUID:
    """Raise Invalid naming the field, also for a slug that the account has already."""
    _whole(unmask(options, None))
    check(guard, options)
    id = ids.uuid7()
    stored, secrets = sealed(options, id, sealer)
    if not await skills.add(
        db, account, id, slug=slug, description=description or None, instructions=instructions, options=stored,
        secrets=secrets,
    ):
        raise taken(slug)
    return id


async def edit(db: Db, sealer: Sealer, guard: Guard, account: UUID, id: UUID, changes: Mapping[str, Any]) -> None:
    """`changes`: any of slug, description, instructions, options; options are merged shallowly."""
    async with db.transaction() as tx:
        row = await skills.get(tx, account, id, lock=True)
        if row is None:
            raise _missing(id)
        old = opened(row, sealer)
        options = merged(SkillOptions, old.options, changes.get("options") or {}, "options")
        _whole(unmask(options, old))
        check(guard, options)
        stored, secrets = sealed(options, id, sealer)
        slug = changes.get("slug", old.slug)
        if not await skills.edit(
            tx, account, id, slug=slug, description=changes.get("description", old.description) or None,
            instructions=changes.get("instructions", old.instructions), options=stored, secrets=secrets,
        ):
            raise taken(slug)


async def remove(db: Call, account: UUID, id: UUID) -> None:
    """Gateways that name it go on without it."""
    if not await skills.remove(db, account, id):
        raise _missing(id)


async def clear(db: Call, account: UUID) -> int:
    return await skills.clear(db, account)


def shown(skill: Skill, whole: bool = True) -> Json:
    """The options as they are shown and exported: header values masked. whole: with the queries of addresses."""
    sources = [
        {**one, "headers": masked(one["headers"]), "url": one["url"] if whole else unqueried(one["url"])}
        for one in skill.options["instructionSources"]
    ]
    return {**skill.options, "instructionSources": sources}


def opened(row: Json, sealer: Sealer) -> Skill:
    kept = orjson.loads(sealer.open(PLACE, row["id"], row["secrets"])) if row["secrets"] else []
    options: Json = row["options"]
    if isinstance(kept, dict):
        options = {**options, "instructionSources": kept["sources"]}
    elif kept:  # of a version of the hub that sealed only the headers
        sources = zip(options["instructionSources"], kept, strict=True)
        options = {**options, "instructionSources": [{**source, "headers": own} for source, own in sources]}
    return Skill(row["id"], row["slug"], row["description"], row["instructions"], options, row["created_at"])


def sealed(options: SkillOptions, id: UUID, sealer: Sealer) -> tuple[Json, bytes | None]:
    """What is stored open; and, with headers or queries of addresses, the sources under seal."""
    stored = options.stored()
    whole = stored["instructionSources"]
    stored["instructionSources"] = [{**one, "headers": {}, "url": bare(one["url"])} for one in whole]
    if stored["instructionSources"] == whole:
        return stored, None
    return stored, sealer.seal(PLACE, id, orjson.dumps({"sources": whole}).decode())


def unmask(options: SkillOptions, old: Skill | None) -> list[str]:
    """Put the values that masks stand for in their place, where the old skill has them for the same destination.

    Return the fields of the masks that stand for nothing; those headers are left out. Raise Invalid for an address
    whose query is a mask that stands for nothing.
    """
    before = old.options["instructionSources"] if old else ()
    known, urls = [Entry(s["name"], s["url"], s["headers"]) for s in before], [s["url"] for s in before]
    fields = []
    for n, source in enumerate(options.instruction_sources):
        place = f"options.instructionSources.{n}"
        source.url = queried(source.url, f"{place}.url", urls)
        source.headers, lost = unmasked(Entry(source.name, source.url, source.headers), known)
        fields += [f"{place}.headers.{name}" for name in lost]
    return fields


def check(guard: Guard, options: SkillOptions) -> None:
    for n, source in enumerate(options.instruction_sources):
        addresses.check(guard, source.url, f"options.instructionSources.{n}.url")


def taken(slug: str) -> Invalid:
    return Invalid(f"slug '{slug}' is the name of another skill; choose another.", field="slug")


def _whole(lost: list[str]) -> None:
    if lost:
        raise not_a_value(lost[0])


def _missing(id: UUID) -> NotFound:
    return NotFound(f"There is no skill {id}.")
