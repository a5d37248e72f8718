"""What an account offers to agents: a search in each collection, an answer of each gateway."""

import re
import time
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from hub.accounts import gateways
from hub.accounts.balance import paying
from hub.domain import Caller, Json
from hub.engine.answer import answer
from hub.engine.ask import Ask
from hub.knowledge.search import query
from hub.runtime import Hub
from hub.store import collections
from hub.tools.base import schema
from hub.tools.knowledge import told

SECONDS, NAME, CONTEXT = 300.0, 64, 500
TOP, MOST, LEAST = 5, 20, 0.2
_WORDS = re.compile(r"[^a-z0-9]+")
SEARCH = schema(
    ["query"],
    query={"type": "string", "minLength": 1, "maxLength": 2000, "description": "What to look for, in words."},
    top={"type": "integer", "minimum": 1, "maximum": MOST, "description": f"How many; {TOP} without it."},
)
ASK = schema(
    ["message"],
    message={"type": "string", "minLength": 1, "maxLength": 100_000, "description": "What is asked or told."},
    user={
        "type": "string", "minLength": 1, "maxLength": 200,
        "description": "Id of the person it is for, whose memories the assistant may use.",
    },
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool: `kind` says of what, `id` of which one. slug: of a gateway."""

    name: str
    title: str
    description: str
    kind: Literal["collection", "gateway"]
    id: UUID
    slug: str = ""

    @property
    def schema(self) -> Json:
        return SEARCH if self.kind == "collection" else ASK


async def every(hub: Hub, account: UUID) -> list[Offer]:
    """All offers of an account, in an order that stays."""
    found = [
        Offer(f"search_{_slug(c['name'])}", c["name"], _about(c), "collection", c["id"])
        for c in await collections.named(hub.db, account)
    ]
    found += [
        Offer(f"ask_{_slug(g['slug'])}", g["name"], f"Asks the assistant '{g['name']}'.", "gateway", g["id"],
              g["slug"])
        for g in await gateways.listed(hub.db, account)
    ]
    return list(_told_apart(found))


async def use(hub: Hub, who: Caller, offer: Offer, arguments: Json) -> str:
    """Run a tool with arguments that were checked. Raise HubErrors."""
    if offer.kind == "gateway":
        return await _ask(hub, who, offer.id, arguments["message"], arguments.get("user"))
    found = await query(
        hub.db, hub.embedder, who.account_id, [offer.id], [arguments["query"]], arguments.get("top") or TOP, LEAST
    )
    return told(found)


async def _ask(hub: Hub, who: Caller, gateway_id: UUID, message: str, user: str | None) -> str:
    """One question to a gateway; what it consumed is written down, also when it fails."""
    gateway = await gateways.load(hub.db, hub.sealer, who.account_id, gateway_id)
    await paying(hub, who.account_id)
    asked = Ask(
        account_id=who.account_id, gateway=gateway, messages=[{"role": "user", "content": message}],
        external_user=user, origin="McpClient", deadline=time.monotonic() + SECONDS,
    )
    try:
        made = await answer(hub, asked)
    finally:
        billed = asked.trace.ledger.billed(hub.models, gateway)
        await hub.meter.add(who.account_id, billed, key=who.key_id, gateway=gateway.id)
    return made.text


def _about(collection: Json) -> str:
    context = (collection["context"] or "").strip()
    parts = [f"Searches the collection '{collection['name']}'.", context[:CONTEXT]]
    if collection["tags"]:
        parts.append(f"Tags: {', '.join(collection['tags'][:20])}.")
    return " ".join(p for p in parts if p)


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _WORDS.sub("_", plain).strip("_")[:48] or "unnamed"


def _told_apart(offers: list[Offer]) -> Iterable[Offer]:
    """Where two would have one name, each gets the end of its id: a name must not change its meaning
    when another one comes or goes."""
    counted = Counter(o.name for o in offers)
    for one in offers:
        name = one.name if counted[one.name] == 1 else f"{one.name}_{one.id.hex[-8:]}"
        yield replace(one, name=name[:NAME])
