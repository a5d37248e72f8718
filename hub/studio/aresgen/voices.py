"""Brand voices: trained from a sample, adjusted by sliders, with phrases that are never said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from hub import ids
from hub.errors import NotFound, Unprocessable
from hub.language.folding import fold
from hub.runtime import Hub
from hub.store import voices
from hub.store.db import Call
from hub.studio.aresgen import style_profile
from hub.studio.events import VOICE_READY, emit

Json = dict[str, Any]
SLIDERS: Mapping[str, tuple[str, str]] = {
    "formality": ("casual", "formal"),
    "warmth": ("matter-of-fact", "warm"),
    "humor": ("serious", "humorous"),
    "energy": ("calm", "energetic"),
    "authority": ("modest", "authoritative"),
    "complexity": ("simple", "sophisticated"),
}
MIDDLE = 50
EXCERPT = 600
PERSONS: Mapping[str, str] = {
    "first_singular": "the first person singular (I)", "first_plural": "the first person plural (we)",
    "second": "the second person (you)", "third": "the third person",
}


@dataclass(frozen=True, slots=True)
class Voice:
    id: UUID
    account_id: UUID
    name: str
    sample: str
    profile: Json
    sliders: Json
    banned_phrases: list[str]
    created_at: datetime
    updated_at: datetime


def trained(sample: str) -> Json:
    """The profile of a sample. Raise Unprocessable when it is too short."""
    size = style_profile.count(sample)
    if size < style_profile.LEAST:
        raise Unprocessable(
            f"sample has {size} words; a voice is trained from at least {style_profile.LEAST}.", field="sample",
            code="sample_too_short", details=[{"pointer": "/sample", "message": f"{size} words"}],
        )
    return style_profile.measure(sample)


def phrases(given: Sequence[str]) -> list[str]:
    """Each once, whatever its case and spaces."""
    found = {" ".join(fold(p, accents=True).split()): " ".join(p.split()) for p in given}
    return [p for key, p in found.items() if key]


async def add(
    hub: Hub, account: UUID, id: UUID, name: str, sample: str, sliders: Mapping[str, int], banned: Sequence[str]
) -> Voice:
    """A new voice; one of this id that there is already is that one."""
    measured = trained(sample)
    async with hub.db.transaction() as tx:
        if await voices.add(tx, account, id, name, sample, measured, dict(sliders), phrases(banned)):
            await emit(tx, account, VOICE_READY, {"voice_id": ids.named("voc", id), "name": name}, id)
    return await get(hub.db, account, id)


async def get(db: Call, account: UUID, id: UUID) -> Voice:
    """Raise NotFound."""
    row = await voices.get(db, account, id)
    if row is None:
        raise NotFound(f"There is no voice {ids.named('voc', id)}.", field="voice_id")
    return Voice(**row)


async def listed(db: Call, account: UUID, before: UUID | None, limit: int) -> list[Json]:
    return await voices.listed(db, account, before, limit)


async def edit(hub: Hub, account: UUID, id: UUID, given: Json) -> Voice:
    """given: name, sample, sliders (only those that change), banned_phrases; chatbots speak with it at once."""
    measured = trained(given["sample"]) if given.get("sample") is not None else None
    banned = phrases(given["banned_phrases"]) if given.get("banned_phrases") is not None else None
    async with hub.db.transaction() as tx:
        done = await voices.edit(
            tx, account, id, given.get("name"), given.get("sample"), measured, given.get("sliders") or {}, banned
        )
        if not done:
            raise NotFound
        found = await get(tx, account, id)
        await voices.wear(tx, account, id, worn(found))
        if measured is not None:
            await emit(tx, account, VOICE_READY, {"voice_id": ids.named("voc", id), "name": found.name}, id)
    return found


async def remove(hub: Hub, account: UUID, id: UUID) -> None:
    """What used it goes on without a voice."""
    async with hub.db.transaction() as tx:
        await voices.wear(tx, account, id, None)
        if not await voices.remove(tx, account, id):
            raise NotFound


def read(id: str) -> UUID:
    """Raise NotFound for what is no id of a voice."""
    try:
        return ids.of_named("voc", id)
    except ValueError:
        raise NotFound(f"There is no voice {id[:64]}.", field="voice_id") from None


async def wanted(db: Call, account: UUID, id: UUID | None) -> Json | None:
    """The voice in the form that hub.engine.brand takes; None without one. Raise NotFound."""
    return worn(await get(db, account, id)) if id is not None else None


def worn(voice: Voice) -> Json:
    return {"prompt": prompt(voice), "banned": list(voice.banned_phrases)}


def prompt(voice: Voice) -> str:
    """What a model is told of a voice. Pure."""
    p = voice.profile
    lines = [
        f'Write in the brand voice "{voice.name}":',
        f"- Sentences of about {round(p['sentences']['average'])} words, none longer than {p['sentences']['longest']}.",
        f"- Words of {p['vocabulary']['word_length']} letters on average.",
        *_punctuation(p["punctuation"]),
    ]
    if p["person"]["leading"]:
        lines.append(f"- Mostly in {PERSONS[p['person']['leading']]}.")
    if p["typical_words"]:
        lines.append(f"- Words it likes: {', '.join(p['typical_words'])}.")
    if p["openings"]:
        lines.append(f"- Sentences often begin with: {'; '.join(p['openings'])}.")
    lines += [f"- {_slider(name, int(voice.sliders.get(name, MIDDLE)))}" for name in SLIDERS]
    if voice.banned_phrases:
        quoted = ", ".join(f'"{b}"' for b in voice.banned_phrases)
        lines.append(f"- Never use these phrases: {quoted}.")
    excerpt = voice.sample[:EXCERPT].rsplit(" ", 1)[0]
    lines.append(f"An example of the voice, for its style and not for what it says:\n<sample>\n{excerpt}\n</sample>")
    return "\n".join(lines)


def _punctuation(marks: Json) -> list[str]:
    often = [name for name in ("exclamations", "questions", "semicolons", "dashes", "emoji") if marks[name] >= 1]
    never = [name for name in ("exclamations", "semicolons", "dashes", "emoji") if marks[name] == 0]
    lines = [f"- It often uses {', '.join(often)}."] if often else []
    return [*lines, f"- It uses no {', '.join(never)}."] if never else lines


def _slider(name: str, value: int) -> str:
    low, high = SLIDERS[name]
    if value == MIDDLE:
        return f"{name.capitalize()}: as in the sample."
    side, distance = (high, value - MIDDLE) if value > MIDDLE else (low, MIDDLE - value)
    degree = "slightly" if distance <= 15 else "clearly" if distance <= 35 else "very"
    return f"{name.capitalize()} {value} of 100: {degree} {side}."
