"""AI gateways: which model answers, with which instructions, knowledge and tools."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from hub import ids
from hub.accounts import addresses
from hub.accounts.kinds import MASK, mask
from hub.accounts.parameters import GatewayParameters
from hub.domain import Gateway
from hub.errors import Conflict, Invalid, NotFound
from hub.forms import camel, merged
from hub.outbound import Guard
from hub.sealing import Sealer
from hub.store import gateways
from hub.store.db import Call, Db

PLACE = "gateways.secrets"
SLUG_TRIES = 5
Json = dict[str, Any]


def gateway_of(row: Json, sealer: Sealer) -> Gateway:
    """`row`: columns of `gateways`."""
    key = sealer.open(PLACE, row["id"], row["secrets"]) if row["secrets"] else None
    return Gateway(row["id"], row["account_id"], row["name"], row["slug"], row["parameters"], key)


async def load(db: Call, sealer: Sealer, account_id: UUID, id: UUID) -> Gateway:
    """One gateway with its key opened. Raise NotFound."""
    row = await gateways.get(db, account_id, id)
    if row is None:
        raise NotFound
    return gateway_of(row, sealer)


async def by_slug(db: Call, sealer: Sealer, account_id: UUID, slug: str) -> Gateway:
    """One gateway by its slug (`name:xxxx`). Raise NotFound."""
    row = await gateways.by_slug(db, account_id, slug)
    if row is None:
        raise NotFound
    return gateway_of(row, sealer)


async def listed(db: Call, account_id: UUID, filter: str = "") -> list[Json]:
    """id, name, slug, model and address of gateways whose name, slug, model or id fit."""
    return await gateways.of_account(db, account_id, filter.strip())


async def add(db: Db, sealer: Sealer, guard: Guard, account_id: UUID, name: str, parameters: GatewayParameters) -> UUID:
    """Raise Invalid naming the parameter that cannot be used."""
    await _check(db, guard, account_id, parameters, set())
    id, secret = ids.uuid7(), parameters.api_key
    if secret and secret.startswith(MASK):
        raise _masked()
    sealed = sealer.seal(PLACE, id, secret) if secret else None
    for _ in range(SLUG_TRIES):
        added = await gateways.add(
            db, account_id, id, name=name, slug=ids.slug(name), parameters=_open(parameters), secrets=sealed
        )
        if added:
            return id
    raise Conflict("No free slug was found for this name; try again.")


async def edit(
    db: Db, sealer: Sealer, guard: Guard, account_id: UUID, id: UUID, name: str | None, given: Mapping[str, Any]
) -> None:
    """Shallow merge: parameters that are not given stay, `apiKey` too; given ones are replaced whole."""
    given = camel(given, GatewayParameters)
    async with db.transaction() as tx:
        row = await gateways.get(tx, account_id, id, lock=True)
        if row is None:
            raise NotFound
        old = gateway_of(row, sealer)
        parameters = merged(GatewayParameters, old.parameters, given, "parameters")
        # A collection that was deleted since must not stand in the way of other changes.
        await _check(tx, guard, account_id, parameters, set(old.parameters.get("knowledgeCollections", ())))
        secret = _key(given, old.api_key)
        sealed = sealer.seal(PLACE, id, secret) if secret else None
        await gateways.edit(tx, account_id, id, name or old.name, _open(parameters), sealed)


async def remove(db: Call, account_id: UUID, id: UUID) -> None:
    if not await gateways.remove(db, account_id, id):
        raise NotFound


def shown(gateway: Gateway) -> Json:
    """All parameters as they are documented, the key masked."""
    return {**gateway.parameters, "apiKey": mask(gateway.api_key)}


def _open(parameters: GatewayParameters) -> Json:
    return {k: v for k, v in parameters.stored().items() if k != "apiKey"}


def _key(given: Mapping[str, Any], old: str | None) -> str | None:
    """The new key: what is given, the old one when it is left out or comes back as its mask."""
    if "apiKey" not in given:
        return old
    new = given["apiKey"]
    if isinstance(new, str) and new.startswith(MASK):
        if new != mask(old):
            raise _masked()
        return old
    return new or None


def _masked() -> Invalid:
    text = "parameters.apiKey is a mask, not a key; send the whole key, or leave the field out to keep the old one."
    return Invalid(text, field="parameters.apiKey")


async def _check(
    db: Call, guard: Guard, account_id: UUID, parameters: GatewayParameters, known: set[str]
) -> None:
    for field, url in parameters.addresses():
        addresses.check(guard, url, f"parameters.{field}")
    new = [c for c in parameters.knowledge_collections if str(c) not in known]
    foreign = await gateways.foreign_collection(db, account_id, new) if new else None
    if foreign:
        raise Invalid(
            f"parameters.knowledgeCollections names {foreign}, which is no collection of this account.",
            field="parameters.knowledgeCollections",
        )
