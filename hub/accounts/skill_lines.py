"""Skills as JSON lines: `{"slug", "description", "instructions", "options"}`, in and out.

Header values leave masked. Coming back, a mask stands for the value that the skill of this slug has
for the same host; where there is none the header is left out, and the import says so.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from hub import ids
from hub.accounts.parameters import SkillOptions
from hub.accounts.skills import Description, Instructions, Slug, check, opened, sealed, shown, taken, unmask
from hub.domain import Skill
from hub.errors import Invalid
from hub.guarded_http import Guard
from hub.jsonl import MOST, TOO_MANY, TOO_WRONG, WRONG, batches
from hub.pydantic_base import invalid
from hub.sealing import Sealer
from hub.store import skills
from hub.store.db import Call, Db

BATCH, PAGE, TOLD = 50, 100, 20
Json = dict[str, Any]


@dataclass(slots=True)
class Imported:
    """enqueued: created or updated; skipped: invalid; notes: (line, what was wrong), the first ones;
    stopped: why the rest of the file was not read, the last of the notes."""

    enqueued: int = 0
    skipped: int = 0
    lines: int = 0
    stopped: str = ""
    notes: list[tuple[int, str]] = field(default_factory=list)

    def note(self, line: int, text: str) -> None:
        if len(self.notes) < TOLD:
            self.notes.append((line, text))


class Line(BaseModel):
    model_config = ConfigDict(extra="ignore")

    slug: Slug
    description: Description | None = None
    instructions: Instructions
    options: SkillOptions | None = None


async def load(db: Db, sealer: Sealer, guard: Guard, account: UUID, body: AsyncIterator[bytes]) -> Imported:
    """Create or update the skill of each line; lines that are not valid are skipped and named."""
    result, batch = Imported(), list[tuple[int, Line]]()
    async for raw in batches(body):
        for one in await asyncio.to_thread(_read_all, raw, guard, result):
            batch.append(one)
            if len(batch) == BATCH:
                await _put(db, sealer, account, batch, result)
                batch = []
        if result.stopped:
            break
    await _put(db, sealer, account, batch, result)
    return result


def _read_all(lines: Iterable[bytes | None], guard: Guard, result: Imported) -> list[tuple[int, Line]]:
    """What can be read of the lines, with their numbers; away from the loop, which has others to serve."""
    found = []
    for raw in lines:
        if result.lines == MOST or result.skipped == WRONG:
            result.stopped = TOO_WRONG if result.skipped == WRONG else TOO_MANY
            result.notes.append((result.lines + 1, result.stopped))
            break
        result.lines += 1
        try:
            if line := _read(raw, result.lines == 1):
                check(guard, line.options or SkillOptions())
                found.append((result.lines, line))
        except Invalid as e:
            result.skipped += 1
            result.note(result.lines, str(e))
    return found


async def export(db: Db, sealer: Sealer, account: UUID, whole: bool = True) -> AsyncIterator[bytes]:
    """All skills as lines, in the order of their slugs. whole: with the queries of addresses."""
    after = ""
    while page := await skills.page(db, account, after, PAGE):
        for row in page:
            skill = opened(row, sealer)
            line = {
                "slug": skill.slug,
                "description": skill.description,
                "instructions": skill.instructions,
                "options": shown(skill, whole),
            }
            yield orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
        after = page[-1]["slug"].lower()


def _read(raw: bytes | None, first: bool) -> Line | None:
    """The line; None for an empty one. Raise Invalid."""
    if raw is None:
        raise Invalid("The line is longer than 1 MB; shorten the instructions.")
    text = raw.removeprefix(b"\xef\xbb\xbf") if first else raw
    if not text.strip():
        return None
    try:
        return Line.model_validate_json(text)
    except ValidationError as e:
        raise invalid(e) from None


async def _put(db: Db, sealer: Sealer, account: UUID, batch: list[tuple[int, Line]], result: Imported) -> None:
    if not batch:
        return
    async with db.transaction() as tx:
        for number, line in batch:
            try:
                lost = await _save(tx, sealer, account, line)
            except Invalid as e:
                result.skipped += 1
                result.note(number, str(e))
                continue
            result.enqueued += 1
            for left_out in lost:
                result.note(number, f"{left_out} was a mask and is left out; set its value.")


async def _save(tx: Call, sealer: Sealer, account: UUID, line: Line) -> list[str]:
    """Write one skill; return the fields of headers that were left out."""
    row = await skills.by_slug(tx, account, line.slug)
    if row is None:
        id, options = ids.uuid7(), line.options or SkillOptions()
        lost = unmask(options, None)
        if await skills.add(tx, account, id, slug=line.slug, **_columns(line, options, id, sealer)):
            return lost
        # Somebody else made it in the same moment: it is there now.
        row = await skills.by_slug(tx, account, line.slug)
        if row is None:
            raise taken(line.slug)
    old: Skill = opened(row, sealer)
    options = line.options if line.options is not None else SkillOptions.model_validate(old.options)
    lost = unmask(options, old)
    await skills.edit(tx, account, old.id, slug=old.slug, **_columns(line, options, old.id, sealer))
    return lost


def _columns(line: Line, options: SkillOptions, id: UUID, sealer: Sealer) -> Json:
    stored, secrets = sealed(options, id, sealer)
    return {
        "description": line.description or None, "instructions": line.instructions, "options": stored,
        "secrets": secrets,
    }
