"""Files that take long to read, step by step beside everything else: scanned pages and pictures by OCR, recordings by
who hears.

Each step is committed; what fails is counted and tried again; after the fifth time in a row, or when the file itself is
to blame, the document is `Failed` with the reason. Whose turn it is says `hub.store.readings`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from hub.child_processes import Children
from hub.domain import Json
from hub.errors import HubError, Invalid, Unreadable, Unsupported
from hub.knowledge.children.common import listed
from hub.knowledge.documents import CONTENTS
from hub.knowledge.extract import Limits, Read, seen_in
from hub.store import readings
from hub.store.db import Db
from hub.store.readings import Reading

log = logging.getLogger(__name__)

TRIES = 5
LIMITS = Limits(seconds=150, memory=4 << 30, pages=500)
BEGIN = 20.0  # seconds in which the pages of a step are begun
HEARING, GRACE = 300.0, 15.0
LARGEST = 25 << 20  # bytes of a recording, as the services take them
MARK = 30  # seconds between two marks of time
SOUNDS = (b"OggS", b"ID3", b"fLaC", b"#!AMR", b"\x1aE\xdf\xa3")
# Account, collection, name, kind, file, seconds: what a transcription service says, `text` and perhaps `segments`.
Hear = Callable[[UUID, UUID, str, str, bytes, float], Awaitable[Json]]


def sounds(raw: bytes) -> bool:
    """Whether a file begins as recordings do."""
    framed = raw[:1] == b"\xff" and raw[1:2] >= b"\xe0"
    return raw.startswith(SOUNDS) or framed or raw[4:8] == b"ftyp" or (raw[:4] == b"RIFF" and raw[8:12] == b"WAVE")


async def step(db: Db, children: Children, hear: Hear, id: UUID) -> bool:
    """Make one step of a file; whether its document waits for the index now."""
    one = await readings.claim(db, id, max(HEARING, LIMITS.seconds) + GRACE)
    if one is None:
        return False
    try:
        if one.attempts > TRIES:
            await _failed(db, one, one.error or "The hub ended while it read this file.", True)
            return False
        return await (_heard(db, hear, one) if one.kind == "audio" else _seen(db, children, one))
    except asyncio.CancelledError:
        await readings.release(db, one)
        raise
    except HubError as e:
        for_good = one.attempts >= TRIES or isinstance(e, (Unreadable, Invalid, Unsupported))
        await _failed(db, one, str(e), for_good)
        return False


async def _failed(db: Db, one: Reading, reason: str, for_good: bool) -> None:
    log.warning("the file of document %s was not read%s: %s", one.document_id, "" if for_good else " yet", reason)
    async with db.transaction() as inside:
        if await readings.held(inside, one):
            await readings.failed(inside, one, reason, for_good)


async def _seen(db: Db, children: Children, one: Reading) -> bool:
    """Some more pages."""
    read = await seen_in(children, one.name, one.kind, one.raw, one.upto, LIMITS, BEGIN)
    told = "\n\n".join(t for t in (one.told, read.text) if t)
    shift = len(told) - len(read.text)
    starts = one.starts + [[at + shift, n] for at, n in (read.places or {}).get("starts", ())]
    notes = list(dict.fromkeys([*one.notes, *read.notes]))
    seen, hard = [*one.seen, *read.seen], [*one.hard, *read.hard]
    if len(told) > CONTENTS:
        raise Unreadable(f"{one.name} has more than {CONTENTS:,} characters of text; split it.")
    if read.next is not None:
        so_far = f"Its pictures of text are being read: {read.next} of {read.count} pages are done."
        async with db.transaction() as inside:
            if await readings.held(inside, one):
                await readings.stepped(inside, one, read.next, told, starts, notes, seen, hard, so_far)
        return False
    if not told.strip():
        raise Unreadable(f"{one.name} holds no text that can be read, and neither do its pictures.")
    places = {"unit": "page", "starts": starts} if starts and read.count > 1 else None
    return await _done(db, one, told, [*notes, *guessed(read, seen, hard)], places)


def guessed(read: Read, seen: Sequence[int], hard: Sequence[int]) -> list[str]:
    """What is told of text that was read by OCR."""
    if not seen:
        return []
    if read.count == 1:
        return ["It was read by OCR; words may be wrong.", *(["It was hard to read."] if hard else [])]
    pages = listed(list(seen))
    said = [f"Page {pages} was read by OCR; words may be wrong." if len(seen) == 1
            else f"Pages {pages} were read by OCR; words may be wrong."]
    if hard:
        pages = listed(list(hard))
        said.append(f"Page {pages} was hard to read." if len(hard) == 1 else f"Pages {pages} were hard to read.")
    return said


async def _heard(db: Db, hear: Hear, one: Reading) -> bool:
    said = spoken(await hear(one.account_id, one.collection_id, one.name, one.mime, one.raw, HEARING))
    if not said.strip():
        raise Unreadable(f"Nothing that is said in {one.name} can be understood.")
    if len(said) > CONTENTS:
        raise Unreadable(f"{one.name} has more than {CONTENTS:,} characters of text; split it.")
    note = "It is a recording that was written down by a machine; words may be wrong."
    return await _done(db, one, said, [note], None)


def spoken(told: Json) -> str:
    """What is said, each half minute with the time at which it begins where the service tells of it."""
    parts: list[str] = []
    last = 0
    for one in told.get("segments") or ():
        begin, words = _segment(one)
        if not words:
            continue
        if parts and begin < last + MARK:
            parts[-1] += f" {words}"
            continue
        last = begin
        parts.append(f"[{begin // 3600}:{begin // 60 % 60:02}:{begin % 60:02}] {words}")
    return "\n\n".join(parts) or str(told.get("text") or "").strip()


def _segment(one: Any) -> tuple[int, str]:
    try:
        return max(0, int(float(one["start"]))), str(one["text"]).strip()
    except (TypeError, KeyError, ValueError, OverflowError):
        return 0, ""


async def _done(db: Db, one: Reading, text: str, notes: list[str], places: Json | None) -> bool:
    async with db.transaction() as inside:
        return await readings.held(inside, one) and await readings.done(inside, one, text, notes, places)
