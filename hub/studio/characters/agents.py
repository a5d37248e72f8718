"""Agents: who a character is, how it looks, what it says of itself to a model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from hub import ids
from hub.domain import Caller, Json
from hub.errors import Invalid, NotFound
from hub.language.ages import ADULT, OLDEST, minor, young
from hub.runtime import Hub
from hub.store import characters, files
from hub.store.db import Call
from hub.studio.characters import images

PREFIX = "agent"


@dataclass(frozen=True, slots=True)
class Character:
    id: UUID
    name: str
    age: int | None
    appearance: str
    personality: str
    description: str
    avatar_file: UUID | None = None
    avatar_token: str | None = None

    @property
    def looks(self) -> str:
        """The appearance as it is shown and drawn, the age before it."""
        return ", ".join(t for t in (_aged(self.age), self.appearance) if t)

    @property
    def told(self) -> str:
        """What a model is told to be."""
        parts = (f"You are {self.name}.", self.description, self.personality)
        return "\n".join(p for p in parts if p)


def _aged(age: int | None) -> str:
    return f"{age} years old" if age is not None else ""


async def listed(db: Call, account: UUID) -> list[Character]:
    return [Character(**row) for row in await characters.listed(db, account)]


async def find(db: Call, account: UUID, name: str, field: str | None = None) -> Character:
    """Raise NotFound."""
    id = ids.unnamed(PREFIX, name)
    row = await characters.get(db, account, id) if id else None
    if row is None:
        raise NotFound(f"{field} is no agent; GET /api/v1/agents lists them." if field else None, field=field)
    return Character(**row)


async def create(hub: Hub, who: Caller, given: Mapping[str, Any], painter: str | None) -> Character:
    """given: name, age, appearance, personality, description. Raise Invalid for who is under 18, and what
    `images.drawn` raises."""
    made = _checked(Character(ids.uuid7(), **given))
    picture = await _drawn(hub, who, made, painter)
    row = _row(made)
    async with hub.db.transaction() as t:
        if picture is not None:
            row["avatar_file"], row["avatar_token"] = await images.keep(
                t, who.account_id, picture, ids.named(PREFIX, made.id)
            )
        await characters.add(t, who.account_id, row)
    return Character(**row)


async def edit(hub: Hub, who: Caller, name: str, given: Mapping[str, Any], painter: str | None) -> Character:
    """Change what is given; a new avatar only when `painter` is. Raise as `create` does, and NotFound."""
    seen = await find(hub.db, who.account_id, name)
    picture = await _drawn(hub, who, _changed(seen, given), painter)
    async with hub.db.transaction() as t:
        # Drawing takes its time: what was changed meanwhile stays.
        there = await characters.lock(t, who.account_id, seen.id)
        if there is None:
            raise NotFound
        old = Character(**there)
        row = _row(_changed(old, given))
        if picture is not None:
            row["avatar_file"], row["avatar_token"] = await images.keep(t, who.account_id, picture, name)
        await characters.edit(t, who.account_id, row)
        if picture is not None and old.avatar_file is not None:
            await files.remove(t, who.account_id, old.avatar_file)
    return Character(**row)


def _changed(old: Character, given: Mapping[str, Any]) -> Character:
    """Raise Invalid for who would be under 18."""
    row = {**_row(old), **given}
    # The whole text as it was shown may come back, with the age that is kept apart.
    before = f"{_aged(old.age)}, "
    if old.age is not None and row["appearance"].startswith(before):
        row["appearance"] = row["appearance"].removeprefix(before)
    return _checked(Character(**row))


async def remove(hub: Hub, account: UUID, name: str) -> None:
    """With the avatar. Conversations go on without the agent. Raise NotFound."""
    old = await find(hub.db, account, name)
    async with hub.db.transaction() as t:
        if not await characters.remove(t, account, old.id):
            raise NotFound
        await characters.unlink(t, account, name)
        if old.avatar_file is not None:
            await files.remove(t, account, old.avatar_file)


def _row(one: Character) -> Json:
    return {
        "id": one.id, "name": one.name, "age": one.age, "appearance": one.appearance, "personality": one.personality,
        "description": one.description, "avatar_file": one.avatar_file, "avatar_token": one.avatar_token,
    }


def _checked(one: Character) -> Character:
    """Raise Invalid for who is under 18, by number or in words."""
    if one.age is not None and not ADULT <= one.age <= OLDEST:
        raise Invalid(f"age must be {ADULT} to {OLDEST}.", field="age")
    for field, text, forbids in (
        ("appearance_prompt", one.appearance, minor), ("name", one.name, minor),
        ("personality_prompt", one.personality, young), ("description", one.description, young),
    ):
        if forbids(text):
            raise Invalid(f"{field} describes somebody under {ADULT}; agents must be {ADULT} or older.", field=field)
    return one


async def _drawn(hub: Hub, who: Caller, one: Character, painter: str | None) -> images.Picture | None:
    if painter is None:
        return None
    prompt = f"Portrait of {one.name}: {one.looks}" if one.looks else f"Portrait of {one.name}"
    return await images.drawn(hub, who, painter, prompt, "appearance_prompt")
