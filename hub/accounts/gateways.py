"""AI gateways: which model answers, with which instructions, knowledge and tools."""

import base64
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

from hub import ids
from hub.accounts import addresses
from hub.accounts.kinds import MASK, mask
from hub.accounts.parameters import GatewayParameters
from hub.domain import Gateway
from hub.errors import Conflict, Invalid, NotFound
from hub.forms import camel, merged
from hub.outbound import Guard
from hub.sealing import Sealer
from hub.store import gateways, skills
from hub.store.db import Call, Db

PLACE = "gateways.secrets"
SLUG_TRIES = 5
# Parameters whose entries may carry credentials in their headers.
HEADED = ("protocolFunctions", "mcpSources", "systemInstructionsSources")
Json = dict[str, Any]


def gateway_of(row: Json, sealer: Sealer) -> Gateway:
    """`row`: columns of `gateways`; `secrets` as bytes, as base64 text (a JSON row), or null."""
    sealed = base64.b64decode(row["secrets"]) if isinstance(row["secrets"], str) else row["secrets"]
    secret: Json = orjson.loads(sealer.open(PLACE, row["id"], sealed)) if sealed else {}
    parameters = {**row["parameters"], **_joined(row["parameters"], secret.get("headers") or {})}
    id, account = UUID(str(row["id"])), UUID(str(row["account_id"]))
    return Gateway(id, account, row["name"], row["slug"], parameters, secret.get("apiKey"))


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
    await _check(db, guard, account_id, parameters, {})
    id, secret = ids.uuid7(), parameters.api_key
    if secret and secret.startswith(MASK):
        raise _masked()
    stored, sealed = _split(parameters, secret, id, sealer)
    for _ in range(SLUG_TRIES):
        added = await gateways.add(
            db, account_id, id, name=name, slug=ids.slug(name), parameters=stored, secrets=sealed
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
        # What was deleted since must not stand in the way of other changes.
        await _check(tx, guard, account_id, parameters, old.parameters)
        stored, sealed = _split(parameters, _key(given, old.api_key), id, sealer)
        await gateways.edit(tx, account_id, id, name or old.name, stored, sealed)


async def remove(db: Call, account_id: UUID, id: UUID) -> None:
    if not await gateways.remove(db, account_id, id):
        raise NotFound


def shown(gateway: Gateway) -> Json:
    """All parameters as they are documented, the key masked."""
    return {**gateway.parameters, "apiKey": mask(gateway.api_key)}


def _split(parameters: GatewayParameters, key: str | None, id: UUID, sealer: Sealer) -> tuple[Json, bytes | None]:
    """What is stored open, and what is sealed: the key, and the headers of functions and sources."""
    stored = {k: v for k, v in parameters.stored().items() if k != "apiKey"}
    headers = {name: [one.get("headers") for one in stored.get(name) or ()] for name in HEADED}
    for name in HEADED:
        stored[name] = [{**one, "headers": {}} for one in stored.get(name) or ()]
    secret = {"apiKey": key, "headers": {name: found for name, found in headers.items() if any(found)}}
    empty = not key and not secret["headers"]
    return stored, None if empty else sealer.seal(PLACE, id, orjson.dumps(secret).decode())


def _joined(stored: Json, headers: Json) -> Json:
    return {
        name: [{**one, "headers": own} for one, own in zip(stored[name], found, strict=True)]
        for name, found in headers.items()
    }


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


async def _check(db: Call, guard: Guard, account_id: UUID, parameters: GatewayParameters, old: Json) -> None:
    for field, url in parameters.addresses():
        addresses.check(guard, url, f"parameters.{field}")
    new = _new(parameters.knowledge_collections, old.get("knowledgeCollections"))
    foreign = await gateways.foreign_collection(db, account_id, new) if new else None
    if foreign:
        raise _foreign("knowledgeCollections", foreign, "collection")
    new = _new(parameters.skills, old.get("skills"))
    foreign = await skills.foreign(db, account_id, new) if new else None
    if foreign:
        raise _foreign("skills", foreign, "skill")


def _new(wanted: list[UUID], old: list[str] | None) -> list[UUID]:
    return [id for id in wanted if str(id) not in (old or ())]


def _foreign(field: str, id: UUID, kind: str) -> Invalid:
    text = f"parameters.{field} names {id}, which is no {kind} of this account."
    return Invalid(text, field=f"parameters.{field}")
