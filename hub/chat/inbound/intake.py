"""Arrived items become rows, grouped: everything that arrives while a flush runs goes into the next."""

import asyncio
import base64
import binascii
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from channels.inbound import Contact, Inbound, Kind
from hub import ids, phones
from hub.chat import content, texts
from hub.chat.clients.networks import WHATSAPP, WINDOWED
from hub.chat.inbound import choices, consent
from hub.chat.inbound.commands import parse
from hub.chat.inbound.continuation import code_in
from hub.chat.inbound.lagging import Lagging
from hub.chat.inbound.told import ring
from hub.chat.timespan import exact
from hub.errors import HubError, Overloaded
from hub.live.queue import Queue
from hub.personal_keys import Unkeyed
from hub.store import files, inbox, personal, scope
from hub.store.db import Db, of_data
from hub.store.inbox import Item, Stored
from hub.tracing import KEY, Tracing

log = logging.getLogger(__name__)

FLUSHERS, GROUP, WAITING = 2, 512, 5000
# How long a group should take: while the database is slow groups are smaller, so that each call is answered in time.
# Only what PostgreSQL itself works counts: what waits for this process, a connection or the disk costs a group as much
# as one call, and smaller groups would wait for it more often.
TAKES, SMALLEST, FIRST = 0.3, 4, 16
HISTORY_AGE = timedelta(hours=24)
FILE_DAYS = 30
LONGEST = 100_000  # characters of a message; no network sends as many
NAMES = 255  # characters of what somebody is called: names are looked for by their parts, each of which is written down
# What becomes of an item of which nothing is stored, so that files which came inside of it belong to nothing.
UNUSED = ("duplicate", "behind")
DEDUPE_KINDS = {Kind.MESSAGE: "message", Kind.OWN: "own", Kind.STATUS: "status", Kind.EVENT: "event"}

Waiting = tuple[list[Item], "asyncio.Future[list[Stored]]"]


def carry(tracing: Tracing, items: Sequence[Item]) -> None:
    """Whoever takes these up goes on with what goes on here."""
    if told := tracing.carrier():
        for item in items:
            if isinstance(body := item.get("body"), dict):
                item["body"] = {**body, KEY: told}


class Intake:
    """Groups the items of many webhook calls into few commits."""

    def __init__(self, db: Db, queue: Queue) -> None:
        self._db = db
        self._queue = queue
        self._waiting: list[Waiting] = []
        self._busy: set[tuple[str, str]] = set()
        self._worked = 0.0  # seconds that PostgreSQL worked lately, and on how many items
        self._items = 0.0
        self._size = 0
        self._running = 0
        self._tasks: set[asyncio.Task[Any]] = set()
        self.counts: dict[str, int] = {}
        self.behind = Lagging()

    async def store(self, items: list[Item]) -> list[Stored]:
        """Commit items; return what became of each. Raise Overloaded when too much waits."""
        if not items:
            return []
        if self._size > WAITING:
            raise Overloaded(retry_after=5)
        done: asyncio.Future[list[Stored]] = asyncio.get_running_loop().create_future()
        self._waiting.append((items, done))
        self._size += len(items)
        if self._running < FLUSHERS:
            self._running += 1
            self._keep(asyncio.create_task(self._flush()))
        return await asyncio.shield(done)

    async def _flush(self) -> None:
        try:
            while group := self._take():
                keys = {lock_key(item) for items, _ in group for item in items}
                self._busy |= keys
                try:
                    with scope.itself():  # whose request began it is one of many
                        await self._settle(group)
                finally:
                    self._busy -= keys
        finally:
            self._running -= 1

    async def _settle(self, group: Sequence[Waiting]) -> None:
        try:
            results = await self._commit(group)
        except Exception as e:  # noqa: BLE001 - every caller must hear of it
            # Only what was sent, and the key of who sent it, can be one call's own fault.
            if len(group) > 1 and (of_data(e) or isinstance(e, Unkeyed)):
                for one in group:  # what cannot be stored must not spoil what came at the same time
                    await self._settle([one])
            else:
                self._fail(group, e)
            return
        for (_, done), got in zip(group, results, strict=True):
            if not done.done():
                done.set_result(got)

    def _take(self) -> list[Waiting]:
        """The next group, without contacts that the other flusher is storing now: their order stays."""
        taken: list[Waiting] = []
        left: list[Waiting] = []
        held, size, most = set(self._busy), 0, self._most()
        for one in self._waiting:
            keys = {lock_key(item) for item in one[0]}
            if keys.isdisjoint(held) and (not taken or size + len(one[0]) <= most):
                taken.append(one)
                size += len(one[0])
            else:
                left.append(one)
                held |= keys
        self._waiting = left
        self._size -= size
        return taken

    def _most(self) -> int:
        """Items of the next group."""
        return FIRST if self._worked <= 0 else max(SMALLEST, min(GROUP, int(TAKES * self._items / self._worked)))

    def _measure(self, took: float, count: int) -> None:
        """The larger and the later a group, the more it says; fewer than a few say how long one statement takes."""
        if count >= SMALLEST:
            self._worked, self._items = self._worked / 2 + took, self._items / 2 + count

    @staticmethod
    def _fail(group: Sequence[Waiting], error: Exception) -> None:
        for _, done in group:
            if not done.done():
                done.set_exception(error)

    async def _commit(self, group: Sequence[tuple[list[Item], Any]]) -> list[list[Stored]]:
        flat = [(call, place, item) for call, (items, _) in enumerate(group) for place, item in enumerate(items)]
        # Two flushers lock contacts and sessions in the same order; the order within one stays.
        flat.sort(key=lambda f: lock_key(f[2]))
        stored = await inbox.ingest(self._db, [item for _, _, item in flat])
        self._measure(stored[0].took, len(stored))
        results: list[list[Stored]] = [[None] * len(items) for items, _ in group]  # type: ignore[list-item]  # each is set below
        for (call, place, _), got in zip(flat, stored, strict=True):
            results[call][place] = got
        self.announce([item for _, _, item in flat], stored)
        return results

    def announce(self, items: Sequence[Item], stored: Sequence[Stored]) -> None:
        """Count what became of items, and ring for it."""
        for got in stored:
            self.counts[got.outcome] = self.counts.get(got.outcome, 0) + 1
        if (ringing := ring(self._queue, items, stored)) is not None:
            self._keep(asyncio.create_task(ringing))
        unused = [item for item, got in zip(items, stored, strict=True) if got.outcome in UNUSED]
        if left := [(UUID(item["account"]), UUID(id)) for item in unused for id in _files_of(item)]:
            self._keep(asyncio.create_task(self._remove(left)))

    async def _remove(self, left: Sequence[tuple[UUID, UUID]]) -> None:
        """Nobody would find them where their person is erased."""
        for account, id in left:
            try:
                await files.remove(self._db, account, id)
            except HubError as e:
                log.warning("file %s of account %s belongs to nothing and stays until it expires: %s", id, account, e)

    def _keep(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Wait for what is being committed."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)


def lock_key(item: Item) -> tuple[str, str]:
    return str(item.get("integration") or item.get("session")), str((item.get("ids") or [item.get("session", "")])[0])


async def items_of(db: Db, endpoint: dict[str, Any], arrived: Sequence[Inbound], max_wait: float) -> list[Item]:
    """Rows-to-be of what one webhook call brought; files that came inside the body are stored first."""
    items = []
    for n, one in enumerate(arrived):
        if n % 20 == 19:
            await asyncio.sleep(0)  # others are served in between
        if await _meant(db, endpoint, one):
            one = replace(one, mentioned=True)
        one = await choices.understood(db, endpoint, one)
        if len(one.text) > LONGEST:
            one = replace(one, text=f"{one.text[:LONGEST]}\n[… cut: {len(one.text):,} characters]")
        item = _item(endpoint, one, max_wait)
        if item.get("rule") is None:
            await _keep_inline(db, item, one)
        items.append(item)
    return items


async def _meant(db: Db, endpoint: dict[str, Any], one: Inbound) -> bool:
    """Whether a message in a group that wants to be named means us though the network does not say so."""
    if one.kind != Kind.MESSAGE or not one.group or one.mentioned or endpoint["groups"] != "mention":
        return False
    kind = one.named[0].split(":")[0] if len(one.named) == 1 else None
    known = any(i.startswith(f"{kind}:") for i in endpoint["own_ids"])
    called = one.named[0] if kind and not known else None
    if not called and not one.reply_to:
        return False
    return await inbox.meant(db, endpoint["id"], f"group:{one.chat}", one.reply_to, called)


def _item(endpoint: dict[str, Any], one: Inbound, max_wait: float) -> Item:
    item: Item = {
        "kind": DEDUPE_KINDS.get(one.kind, str(one.kind)),
        "account": str(endpoint["account_id"]),
        "client": str(endpoint["client_id"]),
        "integration": str(endpoint["id"]),
        "ext": one.ext,
        "id": str(ids.uuid7()),
        "at": one.at.isoformat() if one.at else None,
    }
    if one.callback:
        item["callback"] = one.callback
    if one.kind == Kind.STATUS and one.fate is not None:
        f = one.fate
        return item | {
            "fate": {
                "state": f.state,
                "message_ids": list(f.message_ids),
                "callback": f.callback,
                "code": f.code,
                "text": f.text,
                **({"detail": dict(one.detail)} if one.detail else {}),
            }
        }
    if one.original and (one.kind == Kind.REVOKE or one.contact is not None):
        item["original"] = one.original
    if one.kind in (Kind.EDIT, Kind.REVOKE) and one.contact is None:
        return item | {"body": {"text": one.text}, "network_id": one.message_id}
    if one.kind == Kind.EVENT or (one.contact is None and not one.group):
        return item | _event(endpoint, one)
    item |= _who(endpoint, one)
    network_id = one.message_id if one.kind != Kind.REACTION else one.reply_to
    body = content.of_inbound(one)
    said = _consent(endpoint, one) if one.kind == Kind.MESSAGE else None
    if said == consent.IN:
        body["consent"] = consent.IN
    if one.kind == Kind.MESSAGE and not one.group and (code := code_in(one.text)):
        body["continues"] = code
    item |= {"body": body, "network_id": network_id, "by": one.by, "key": one.sent_key} | content.speaker(one)
    if one.kind == Kind.EDIT and one.original:
        body["edited"] = True  # it is the message itself where that comes later
    elif one.kind != Kind.MESSAGE:
        return item | {"sha": sha(one.text)}
    return item | _rules(endpoint, one, max_wait, said)


def _event(endpoint: dict[str, Any], one: Inbound) -> Item:
    event: Item = {
        "kind": "event",
        "body": {"event": one.event or str(one.kind), "detail": dict(one.detail), "text": one.text},
    }
    if one.contact and not one.group and (said := consent.TOLD.get(one.event or "")):
        event |= _who(endpoint, one) | {"consent": said}
    elif one.event and one.event.startswith("connection."):
        event["connection"] = one.event.removeprefix("connection.")
    if one.ignore:
        event["body"]["rule"] = one.ignore
    if one.event == "chat.migrated":
        event |= {"migrated": dict(one.detail), "who": {"id": str(ids.uuid7()), "name": _cut(one.group)}}
    return event


def _who(endpoint: dict[str, Any], one: Inbound) -> Item:
    contact = one.contact or Contact(ids=(one.chat,))
    phone, username = _cut(contact.phone), _cut(contact.username)
    # A group is one conversation, whoever writes in it.
    said = (f"group:{one.chat}",) if one.group else contact.ids
    names = phones.names(said)
    channel = "whatsapp" if endpoint["channel"] in WHATSAPP else endpoint["channel"]
    name = one.chat if one.group else (username or phone or one.chat)
    named = _cut(one.group) or _cut(contact.name)
    who: Item = {"id": str(ids.uuid7()), "name": named, "language": contact.language, "chat": one.chat}
    # As the network writes them, to be shown; people are found by `ids`.
    who["said"] = [next(s for s in said if phones.named(s) == n) for n in names]
    if not one.group:
        who |= {"phone": phone, "username": username}
    return {
        "ids": names,
        "who": who,
        "chat": one.chat,
        "new_session": str(ids.uuid7()),
        "tag": f"zp_{channel}:{name}@{str(endpoint['client_id'])[-12:]}",
        "session_s": endpoint["session_seconds"],
    }


def _cut(name: str | None) -> str | None:
    return name if name is None or len(name) <= NAMES else f"{name[: NAMES - 1]}…"


def _rules(endpoint: dict[str, Any], one: Inbound, max_wait: float, said: str | None) -> Item:
    """said: what it says about being written to. A stop is a command: it is heard whatever limit is reached and
    whoever has the conversation."""
    stop = consent.OUT if said == consent.OUT else None
    parameters, limits = endpoint["parameters"], endpoint["limits"]
    lang = language_of(parameters, one.contact)
    debounce = parameters.get("messageDebounceInterval")
    wait = exact(debounce) if debounce else 0.0
    rule, handle = _ignored(endpoint, one), endpoint.get("handle")
    return {
        "debounce": max(wait, 1.0 if one.album else 0.0),
        "max_wait": max(max_wait, wait),
        "per_hour": limits.get("messagesPerHour", 30),
        "max_messages": limits.get("maxMessages", 300),
        "limit_text": texts.say("limit", lang),
        "blocked_text": texts.say("blocked", lang),
        "command": parse(one.text, bool(parameters.get("debug")), handle) or stop,
        "rule": rule,
        "release": True if endpoint["channel"] in WINDOWED else None,
        # What nobody is to answer is not looked at either.
        "fetch": rule is None and any(a.ref or a.url for a in one.attachments),
    }


def _consent(endpoint: dict[str, Any], one: Inbound) -> str | None:
    """Words about being written to; in a group nobody speaks for all."""
    return None if one.group else consent.parse(one.text, endpoint.get("outreach") or {})


def _ignored(endpoint: dict[str, Any], one: Inbound) -> str | None:
    """The rule that forbids an answer, if any."""
    if one.ignore:
        return one.ignore
    if one.group and (endpoint["groups"] == "ignore" or (endpoint["groups"] == "mention" and not one.mentioned)):
        return f"groups:{endpoint['groups']}"
    if one.age_matters and one.at and datetime.now(UTC) - one.at > HISTORY_AGE:
        return "history"
    return None


async def _keep_inline(db: Db, item: Item, one: Inbound) -> None:
    """Bytes inside a webhook body go to their own row before the message does."""
    for place, a in enumerate(one.attachments):
        if not a.data or "body" not in item or "attachments" not in item["body"]:
            continue
        try:
            raw, sha256 = await asyncio.to_thread(_bytes, a.data)
        except (binascii.Error, ValueError):
            item["body"]["attachments"][place]["error"] = "the file inside the message is damaged"
            continue
        id, token = uuid5(UUID(item["id"]), str(place)), ids.access_key()[4:]
        await files.add(
            db,
            id,
            UUID(item["account"]),
            None,
            UUID(item["id"]),
            token=token, name=a.name or f"{a.media}",
            mime=a.mime or "application/octet-stream",
            kind=str(a.media),
            sha256=sha256,
            content=raw,
            seconds=FILE_DAYS * 86400.0,
            whose=personal.of_item(item),
        )
        item["body"]["attachments"][place] |= {"file_id": str(id), "token": token, "size": len(raw)}


def _files_of(item: Item) -> list[str]:
    """Ids of the files that came inside of it."""
    shown = (item.get("body") or {}).get("attachments") or ()
    return [a["file_id"] for a in shown if a.get("file_id")]


def _bytes(data: str) -> tuple[bytes, bytes]:
    """A file in base64, and its SHA-256; beside the loop, since it may be large."""
    raw = base64.b64decode(data, validate=False)
    return raw, hashlib.sha256(raw).digest()


def language_of(parameters: dict[str, Any], contact: Contact | None) -> str:
    """Language of the hub's own words: the client's setting, the contact's, the phone's country."""
    phone = texts.by_phone(contact.phone) if contact else None
    return texts.language(parameters.get("languageCode"), contact.language if contact else None, phone)


def sha(text: str) -> str:
    """Fingerprint of a text as a network echoes it: spacing does not count."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()
