"""A person's right to be given everything, and to be forgotten: whatever hangs on them, wherever it is kept."""

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from uuid import UUID

import orjson

from hub import phones
from hub.accounts import audit
from hub.accounts.audit import Actor
from hub.chat.inbound import folding
from hub.chat.news import ended
from hub.chat.operators import ledger
from hub.chat.operators.ledger import Erased
from hub.domain import Json
from hub.errors import NotFound, Overloaded
from hub.runtime import Hub
from hub.store import ares_users, arrivals, erasure, people, personal
from hub.store.db import Call
from hub.store.erasure import Subject
from hub.tools.shell import places
from hub.tools.shell.places import Place

NONE = "Nobody is known by that."
# The place of kept answers (hub/api/http/idempotency.py) in the sealer's words.
ANSWERS = "idempotency.body"
SHORTEST = 8  # digits of a phone that is looked for in free text
LARGEST = 50_000_000  # bytes of a file that is given out
ARRIVING, LOOK = 10.0, 0.1  # seconds in which what came before must be stored, and between two looks


async def by_id(hub: Hub, account: UUID, id: UUID) -> Subject:
    """All that one id leads to, joined people included. Raise NotFound."""
    found = await erasure.selves(hub.db, account, id)
    if not found:
        raise NotFound("There is no such contact.")
    return await _whole(hub, account, found, [], [])


async def by_name(
    hub: Hub, account: UUID, *, user: str | None = None, phone: str | None = None, email: str | None = None
) -> Subject:
    """Whom the business knows by an external user id, a phone however it is written, or an e-mail address.

    Of somebody whom only rows name that are older than people, or who has no contact, it is those rows."""
    names, users = [], []
    if user is not None:
        names, users = people.user_names(user), [user.strip(), *phones.users(user.strip())]
    if phone is not None:
        digits = "".join(c for c in phone if c.isascii() and c.isdigit())
        names = [f"phone:{v}" for v in phones.variants(digits)] if digits else []
    if email is not None:
        users = list(dict.fromkeys((email.strip(), email.strip().lower())))
        names = [f"user:{u}" for u in users]
    found = await people.find(hub.db, account, names) if names else None
    selves = await erasure.selves(hub.db, account, found) if found else []
    return await _whole(hub, account, selves, names, users)


async def _whole(hub: Hub, account: UUID, selves: list[UUID], names: list[str], users: list[str]) -> Subject:
    known = [*names, *await erasure.names(hub.db, account, selves)]
    spelt = [v for n in known for v in _spellings(n)]
    met = [*users, *await erasure.users(hub.db, account, selves)]
    met += [n.removeprefix("user:") for n in known if n.startswith("user:")]
    named = [u for m in met for u in phones.users(m)]
    spelt, named = list(dict.fromkeys(spelt)), list(dict.fromkeys(u for u in named if u))
    left = await erasure.nameless(hub.db, account, named, spelt)
    return Subject(tuple(dict.fromkeys([*selves, *left])), tuple(spelt), tuple(named))


def _spellings(name: str) -> Iterator[str]:
    yield name
    if name.startswith("phone:"):
        yield from (f"phone:{v}" for v in phones.variants(name.removeprefix("phone:")))


def _words(who: Subject) -> tuple[list[str], list[str]]:
    """What tells of the person in free text: whole JSON strings, and phones as numbers of their own."""
    digits = {n.removeprefix("phone:") for n in who.names if n.startswith("phone:")}
    whole = {w for w in (*who.names, *who.users, *digits) if _telling(w)}
    patterns = [f"(^|[^0-9])[+]?{d}([^0-9]|$)" for d in digits if d.isdigit() and len(d) >= SHORTEST]
    return sorted(orjson.dumps(w).decode() for w in whole), sorted(patterns)


def _telling(word: str) -> bool:
    """Whether it is nobody's but the person's: `text` may be a user, and stands in everybody's rows."""
    return len(word) >= 16 or (len(word) >= 6 and any(c.isdigit() or c in "@:" for c in word))


async def erase(hub: Hub, account: UUID, actor: Actor, who: Subject) -> Json:
    """For good, everywhere; how much of each kind there was. Raise NotFound when there was nothing."""
    await _arrived(hub, account)
    return await _erase(hub, account, actor, who)


async def _erase(hub: Hub, account: UUID, actor: Actor, who: Subject) -> Json:
    quoted, patterns = _words(who)
    users = await _ares(hub, account, who)
    async with hub.db.transaction() as tx:
        known = await personal.named(tx, account, who.people, who.names)
        done = await erasure.erase(tx, account, who, quoted, patterns)
        sessions, groups = ([UUID(s) for s in done.pop(name)] for name in ("sessions", "groups"))
        sessions += (left := await erasure.left(tx, account, who))
        done["conversations"] += len(left)
        sessions += await erasure.users_talks(tx, account, users)
        for user in users:
            await ares_users.remove(tx, account, user)
        done |= {"users": len(users), "contacts": len(who.people)}
        folders = [p.folder for p in _places(hub, account, who)]
        done["workspaces"] = sum([await asyncio.to_thread(f.exists) for f in folders])
        done["answers"] += await _answers(hub, account, tx, quoted, patterns)
        if not any(done.values()):
            raise NotFound(NONE)
        await ledger.keep(hub, account, who)
        # Before it counts: what is asked for again after a fault finds the rows still, and nobody can read them.
        await personal.forget(tx, account, who.people, who.names, who.users, sessions, known)
        # Without a name: this row stays.
        await audit.note(tx, account, actor, "contact.erased", str(who.people[0]) if who.people else None, done)
    await ended(hub, account, sessions)
    for group in groups:
        await hub.cache.drop(account, str(group))
    for folder in folders:
        await asyncio.to_thread(_removed, folder)
    return done


async def _arrived(hub: Hub, account: UUID) -> None:
    """What was acknowledged before is in its conversation, where it is found. Raise Overloaded."""
    newest = await arrivals.newest(hub.db, account)
    for _ in range(int(ARRIVING / LOOK)):
        if newest is None or not await arrivals.waits(hub.db, account, newest):
            return
        await asyncio.sleep(LOOK)
    raise Overloaded("Messages that came just now are still being stored; try again in a moment.", retry_after=10)


async def again(hub: Hub, erased: Iterable[Erased]) -> int:
    """In what was restored: erase whom the list says; how many of them were there again."""
    of: dict[UUID, list[Erased]] = {}
    for one in erased:
        of.setdefault(one.account, []).append(one)
    if of:
        await folding.fold_restored(hub)
    return sum([await _again(hub, account, ones) for account, ones in of.items()])


async def _again(hub: Hub, account: UUID, erased: list[Erased]) -> int:
    known = await erasure.everybody(hub.db, account)
    names = ledger.hashed(hub.sealer, account, known.names)
    users = ledger.hashed(hub.sealer, account, known.users)
    count = 0
    for one in erased:
        selves = [s for p in one.people for s in await erasure.selves(hub.db, account, p)]
        called, met = ([known[w] for w in one.words if w in known] for known in (names, users))
        who = await _whole(hub, account, list(dict.fromkeys(selves)), called, met)
        try:
            await _erase(hub, account, audit.HUB, who)
        except NotFound:
            continue
        count += 1
    return count


async def _ares(hub: Hub, account: UUID, who: Subject) -> list[UUID]:
    """Users of ARES who sign in with one of the person's addresses."""
    found = [await ares_users.by_email(hub.db, u) for u in who.users if "@" in u]
    return [f["id"] for f in found if f is not None and f["account_id"] == account]


async def _answers(hub: Hub, account: UUID, tx: Call, quoted: list[str], patterns: list[str]) -> int:
    """Kept answers that name the person: they are sealed, so each is opened."""
    wanted = re.compile("|".join([*map(re.escape, quoted), *patterns])) if quoted or patterns else None
    hits = []
    async for id, body in erasure.kept(tx, account):
        text = hub.sealer.open(ANSWERS, id, body)
        if wanted is not None and wanted.search(text):
            hits.append(id)
    if hits:
        await erasure.gone(tx, account, hits)
    return len(hits)


def _places(hub: Hub, account: UUID, who: Subject) -> list[Place]:
    home = hub.settings.home
    own = [places.of_person(home, account, id) for id in who.people]
    return own + [places.kept(home, account, user) for user in who.users]


def _removed(folder: Path) -> None:
    if folder.exists():
        places.discard(folder)


async def export(hub: Hub, account: UUID, who: Subject) -> AsyncIterator[bytes]:
    """JSON lines, each {"kind": ..., "data": ...}; files as base64. Raise NotFound when there is none."""
    found = False
    async for kind, row in erasure.export(hub.db, account, who):
        found = True
        yield _line(kind, row)
    for user in await _ares(hub, account, who):
        found = True
        async for kind, row in erasure.user(hub.db, account, user):
            yield _line(kind, row)
    for place in _places(hub, account, who):
        for path in await asyncio.to_thread(_files, place.files):
            found = True
            yield _line("workspace_file", await asyncio.to_thread(_file, place.files, path))
    if not found:
        raise NotFound(NONE)


def _line(kind: str, row: Json) -> bytes:
    return orjson.dumps({"kind": kind, "data": row}, default=str, option=orjson.OPT_NON_STR_KEYS) + b"\n"


def _files(root: Path) -> list[Path]:
    return [p for p in sorted(root.rglob("*")) if p.is_file() and not p.is_symlink()] if root.exists() else []


def _file(root: Path, path: Path) -> Json:
    size = path.stat().st_size
    content = base64.b64encode(path.read_bytes()).decode() if size <= LARGEST else None
    return {"path": str(path.relative_to(root)), "size": size, "content": content, "cut": content is None}


async def retention(hub: Hub) -> int:
    """Once a day: drop what accounts keep no longer, each kind by its own age; noted as the hub's own deed."""
    total = 0
    for account, days in (await erasure.retaining(hub.db)).items():
        done: Json = {}
        for kind in erasure.KINDS:
            if days.get(kind) and (count := await erasure.retain(hub.db, account, kind, int(days[kind]))):
                done[kind] = count
        if done:
            await audit.note(hub.db, account, audit.HUB, "retention.applied", None, done)
            total += sum(done.values())
        await erasure.retained(hub.db, account)
    return total
