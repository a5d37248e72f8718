"""The card of a person: what the business's own server says of them, asked when somebody opens it."""

import time
from collections import Counter
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import orjson

from hub import ids
from hub.accounts import addresses
from hub.accounts.destinations import bare, queried, unqueried
from hub.chat.clients.field_words import shown as shown_value
from hub.errors import HubError, Invalid, NotFound
from hub.runtime import Hub
from hub.sealing import sign
from hub.store import contact_panel, contacts
from hub.store.db import Call
from hub.translations import told

Json = dict[str, Any]
PLACE = "contact_cards.secret"
SECONDS, ANSWER, ITEMS, WORDS = 3.0, 64_000, 50, 300
# Seconds for which a card is shown again; cards that are kept; calls of one account at a time.
KEPT, MANY, AT_ONCE = 60.0, 1000, 8
BUSY = told("Your server is still answering for others; open it again in a moment.")
# Account, person, conversation, address with its secret: all that a question holds.
Key = tuple[UUID, UUID, UUID | None, str]
NO_CARD = told("The address did not answer with a card; the manual says what one looks like.")


class Cards:
    """Of one process: what was asked a moment ago, and how many calls of each account are under way."""

    def __init__(self) -> None:
        self._kept: dict[Key, tuple[float, Json]] = {}
        self._held: Counter[UUID] = Counter()

    async def of(self, hub: Hub, account: UUID, person: UUID, session: UUID | None) -> Json | None:
        """{title, items, more}, or {failed}: why there is none, in words. None where no address is set up.

        Only whoever looks waits for it, and for SECONDS at most: who comes while AT_ONCE calls of the same account are
        under way is told so at once."""
        row = await contact_panel.card(hub.db, account)
        whole = await contacts.one(hub.db, account, person)
        if row is None or whole is None:
            return None
        secret, url = _opened(hub, account, row)
        key = (account, whole["id"], session, f"{url} {secret}")
        if (kept := self._kept.get(key)) and kept[0] > time.monotonic():
            return kept[1]
        if self._held[account] >= AT_ONCE:
            return {"failed": BUSY}
        self._held[account] += 1
        try:
            found = await _asked(hub, secret, url, await _question(hub.db, account, whole, session))
        finally:
            self._held[account] -= 1
            if not self._held[account]:
                del self._held[account]
        if "failed" not in found:
            self._keep(key, found)
        return found

    def _keep(self, key: Key, found: Json) -> None:
        now = time.monotonic()
        if len(self._kept) >= MANY:
            self._kept = {k: v for k, v in self._kept.items() if v[0] > now}
        while len(self._kept) >= MANY:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = (now + KEPT, found)


async def _question(db: Call, account: UUID, whole: Json, session: UUID | None) -> bytes:
    names = [n["value"].partition(":") for n in whole["names"]]
    return orjson.dumps({
        "contactId": str(whole["id"]), "name": whole["name"],
        "identities": [{"kind": kind, "value": value} for kind, _, value in names],
        "fields": await contact_panel.values(db, account, whole["id"]),
        "sessionId": str(session) if session else None,
    })


async def _asked(hub: Hub, secret: str, url: str, body: bytes) -> Json:
    at = str(int(time.time()))
    headers = {
        "Content-Type": "application/json", "User-Agent": "hub-cards", "Aresgen-Timestamp": at,
        "Aresgen-Signature": sign(secret, f"{at}.{body.decode()}"),
    }
    try:
        got = await hub.outbound.request("POST", url, headers=headers, body=body, seconds=SECONDS, limit=ANSWER)
    except HubError as e:
        return {"failed": e.text}
    if got.status != 200:
        return {"failed": told("The address answered %(status)s.", status=got.status)}
    try:
        return shown(orjson.loads(got.body))
    except (ValueError, TypeError):
        return {"failed": NO_CARD}


def shown(given: Any) -> Json:
    """A card of what a server said: words and links, of each only so much. Raise TypeError. Pure."""
    if not isinstance(given, dict):
        raise TypeError("no object")
    listed = given.get("items", [])
    if not isinstance(listed, list):
        raise TypeError("no list")
    items = [i for i in listed if isinstance(i, dict)]
    return {
        "title": _words(given.get("title")), "more": max(0, len(items) - ITEMS),
        "items": [
            {"label": _words(i.get("label")), "value": _words(i.get("value")), "link": link(i.get("url"))}
            for i in items[:ITEMS]
        ],
    }


def _words(value: Any) -> str:
    plain = shown_value(value) if isinstance(value, str | int | float) else ""
    return " ".join(plain.split())[:WORDS]


def link(value: Any) -> Json | None:
    """{url, host} of an https address; nothing else is a link. Pure."""
    if not isinstance(value, str) or len(value) > 2000 or any(c.isspace() or not c.isprintable() for c in value):
        return None
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return None
    # A browser reads a backslash as a slash: the host would be another.
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc or "\\" in value:
        return None
    return {"url": value, "host": f"{parts.hostname}:{port}" if port and port != 443 else parts.hostname}


async def choose(hub: Hub, account: UUID, url: str) -> str:
    """Where it is asked; the secret that signs each question, new each time and told this once. Raise Invalid."""
    now = await contact_panel.card(hub.db, account)
    whole = queried(url.strip(), "url", [_opened(hub, account, now)[1]] if now else [])
    if not whole or len(whole) > 2000:
        raise Invalid("url must have 1 to 2,000 characters.", field="url")
    addresses.check(hub.outbound.guard, whole, "url")
    secret = ids.secret("whsec")
    sealed = hub.sealer.seal(PLACE, account, orjson.dumps({"secret": secret, "url": whole}).decode())
    await contact_panel.set_card(hub.db, account, bare(whole), sealed)
    return secret


async def address(hub: Hub, account: UUID) -> str | None:
    """As it is shown: without what its query may hold."""
    row = await contact_panel.card(hub.db, account)
    return unqueried(_opened(hub, account, row)[1]) if row else None


def _opened(hub: Hub, account: UUID, row: Json) -> tuple[str, str]:
    found: Json = orjson.loads(hub.sealer.open(PLACE, account, bytes(row["secret"])))
    return found["secret"], found["url"]


async def clear(hub: Hub, account: UUID) -> None:
    if not await contact_panel.remove_card(hub.db, account):
        raise NotFound("No card is set up.")
