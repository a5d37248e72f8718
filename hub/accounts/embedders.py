"""The embedder of an account: which one is set, what is shown of it, and where its key may go."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from hub import ids
from hub.accounts import addresses
from hub.accounts.destinations import moved, not_a_value, wanted
from hub.accounts.value_types import MASK, address, mask
from hub.errors import Invalid
from hub.runtime import Hub
from hub.store import accounts, embedders
from hub.store.embedders import Embedder

PLACE = "embedders.secret"
# What may stand behind the address: anything else might be a token, and would be shown.
OPEN = frozenset(("api-version",))


@dataclass(frozen=True, slots=True)
class Given:
    """keyed: whether a key was sent at all; what is left out stays, as a mask does."""

    address: str
    model: str
    dimension: int | None
    key: str | None
    keyed: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """An embedder as it is shown: its key as a mask, and how far it has come."""

    one: Embedder
    key: str | None
    pieces: int
    done: int


def opened(hub: Hub, one: Embedder) -> str | None:
    return hub.sealer.open(PLACE, one.id, one.secret) if one.secret else None


async def shown(hub: Hub, account: UUID) -> list[Shown]:
    """The one that is used first, then the one that is being filled."""
    found = []
    for one in await embedders.every(hub.db, account):
        pieces, done = await embedders.progress(hub.db, account, one.id)
        found.append(Shown(one, mask(opened(hub, one)), pieces, min(pieces, done)))
    return found


async def put(
    hub: Hub, account: UUID, given: Given, seen: Callable[[Embedder | None], None] | None = None
) -> None:
    """Set the account's embedder. seen: raises when the last one is not what the change was made from. Raise Invalid.

    Another address, model or dimension is filled in the background while the index there is answers; another key is
    used at once."""
    url = _checked(hub, given.address)
    async with hub.db.transaction() as inside:
        await accounts.get(inside, account, lock=True)
        there = {one.state: one for one in await embedders.every(inside, account)}
        last = there.get("filling") or there.get("active")
        if seen is not None:
            seen(last)
        key = _key(hub, given, url, last)
        same = next((o for o in there.values() if _same(o, url, given)), None)
        if same is None:
            id = ids.uuid7()
            sealed = hub.sealer.seal(PLACE, id, key) if key else None
            await embedders.add(inside, account, id, url, given.model, given.dimension, sealed)
            return
        if same.state == "active":
            await embedders.leave(inside, account, ["filling"])
        sealed = hub.sealer.seal(PLACE, same.id, key) if key else None
        await embedders.renew(inside, account, same.id, sealed)


async def remove(hub: Hub, account: UUID) -> None:
    """From now on the hub's own vectors answer, which are there of every piece."""
    await embedders.leave(hub.db, account, ["filling", "active"])


def _same(one: Embedder, url: str, given: Given) -> bool:
    return (one.address, one.model, one.dimension) == (url, given.model, given.dimension)


def _checked(hub: Hub, url: str) -> str:
    url = url.strip()
    try:
        address(url)
    except ValueError as e:
        raise Invalid(f"address {e}.", field="address") from None
    if any(name not in OPEN for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)):
        raise Invalid("address may have no query but api-version; send a token as apiKey.", field="address")
    addresses.check(hub.outbound.guard, url, "address")
    return url


def _key(hub: Hub, given: Given, url: str, last: Embedder | None) -> str | None:
    """What is given; the old one when it is left out or comes back as its mask and goes to where it went."""
    masked = bool(given.key and given.key.startswith(MASK))
    if given.keyed and not masked:
        return given.key or None
    kept = opened(hub, last) if last else None
    if masked and given.key != mask(kept):
        raise not_a_value("apiKey")
    if kept and last and moved(last.address, url):
        raise wanted("apiKey", "address")
    return kept
