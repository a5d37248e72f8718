"""A conversation as a file that people keep: whole as text or JSON, and its newest part on paper."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary
from zoneinfo import ZoneInfo

import orjson

from hub.chat.website import transcript
from hub.child_processes import Children
from hub.domain import Json
from hub.errors import Overloaded, TooLarge
from hub.store import messages
from hub.store.db import Call
from hub.tools import child
from hub.tools.base import ToolFailed

PAGE = 500
# What is printed at once: messages, characters, pages; and for how many seconds.
PRINTED, LONGEST, PAGES, SECONDS = 1000, 300_000, 400, 30.0
SHUT = b"]}\n"


@dataclass(frozen=True, slots=True)
class Talk:
    """Of whom a conversation is. desk: what answers is called. zone: of whoever reads it. named: whether people who
    answered are told by their names."""

    session_id: UUID
    account_id: UUID
    person: str
    desk: str
    network: str
    began: datetime
    zone: ZoneInfo
    named: bool


@dataclass(frozen=True, slots=True)
class Said:
    """One message. text: with what its files are called and where they are; words: without."""

    id: str
    at: datetime
    who: str
    role: str
    source: str
    text: str
    words: str
    files: list[Json]


async def said(db: Call, talk: Talk, address: str) -> AsyncIterator[Said]:
    """All that was said, in order, a page at a time; at its end what waits for an answer."""
    waiting = await messages.unanswered(db, talk.account_id, talk.session_id)
    seen, after, asked = set[UUID](), 0, {w["id"] for w in waiting}
    while rows := await messages.history(db, talk.account_id, talk.session_id, after, PAGE):
        seen |= asked & {r["id"] for r in rows}
        for one in _read(rows, talk, address):
            yield one
        after = rows[-1]["position"]
    for one in _read([w for w in waiting if w["id"] not in seen], talk, address):
        yield one


async def newest(db: Call, talk: Talk, address: str) -> tuple[list[Said], bool]:
    """What is printed of it, and whether it has more."""
    rows = await messages.newest(db, talk.account_id, talk.session_id, PRINTED + 1)
    waiting = await messages.unanswered(db, talk.account_id, talk.session_id)
    known = {r["id"] for r in rows}
    found = _read([*rows[-PRINTED:], *(w for w in waiting if w["id"] not in known)], talk, address)
    left, kept = LONGEST, list[Said]()
    for one in reversed(found):
        left -= len(one.text)
        if left < 0 and kept:
            break
        kept.append(one)
    return kept[::-1], len(rows) > PRINTED or len(kept) < len(found)


def _read(rows: list[Json], talk: Talk, address: str) -> list[Said]:
    found = []
    for row in rows:
        if row["role"] not in ("user", "assistant"):
            continue
        one = transcript.shown(row, address)
        offered = "".join(f"\n- {c['label']}" for c in one["choices"])
        if one["content"] or offered:
            at = (row.get("created_at") or datetime.now(UTC)).astimezone(talk.zone)
            found.append(Said(
                str(row["id"]), at, _who(row, talk), row["role"], row["source"], one["content"] + offered,
                one["text"] + offered, [{k: a[k] for k in ("name", "kind", "url")} for a in one["attachments"]],
            ))
    return found


def _who(row: Json, talk: Talk) -> str:
    if row["role"] == "user":
        return str(row["content"].get("author") or talk.person)
    by = row["content"].get("by") if talk.named else None
    return str(by or talk.desk)


async def text(talk: Talk, told: AsyncIterator[Said]) -> AsyncIterator[bytes]:
    """For people."""
    head = f"{talk.person}, {talk.desk}, {talk.network}"
    yield f"{head}\n{talk.began.astimezone(talk.zone):%Y-%m-%d %H:%M} ({talk.zone.key})\n\n".encode()
    async for one in told:
        yield f"[{one.at:%Y-%m-%d %H:%M:%S}] {one.who}:\n{one.text}\n\n".encode(errors="replace")


async def lines(talk: Talk, told: AsyncIterator[Said]) -> AsyncIterator[bytes]:
    """For programs: one JSON object, a message a line. Cut short it is no JSON, so that nobody takes it for whole."""
    head: dict[str, Any] = {
        "id": talk.session_id, "person": talk.person, "answeredBy": talk.desk, "network": talk.network,
        "began": talk.began.astimezone(talk.zone), "timeZone": talk.zone.key,
    }
    yield b'{"conversation":' + orjson.dumps(head, str) + b',"messages":['
    begun = False
    async for one in told:
        line = {
            "id": one.id, "at": one.at, "from": one.who, "role": one.role, "source": one.source, "text": one.words,
            "attachments": one.files,
        }
        yield (b",\n" if begun else b"\n") + orjson.dumps(line)
        begun = True
    yield SHUT


class Press:
    """Prints pages, for each account one at a time: who prints much makes nobody else wait."""

    def __init__(self) -> None:
        self._children = Children()
        self._turns = WeakValueDictionary[UUID, asyncio.Lock]()

    async def pdf(self, account: UUID, html: str, title: str) -> bytes:
        """A page as PDF, made by a program with nothing to lose. Raise TooLarge, Overloaded."""
        turn = self._turns.setdefault(account, asyncio.Lock())
        try:
            async with asyncio.timeout(2 * SECONDS), turn:
                made = await child.printed(self._children, html, title, seconds=SECONDS, pages=PAGES)
        except (ToolFailed, TimeoutError):
            raise Overloaded("It could not be printed in time; try again, or take the text.", retry_after=30) from None
        if made.code:
            raise TooLarge("This conversation is too large to be printed; take the text or the JSON.")
        return made.output
