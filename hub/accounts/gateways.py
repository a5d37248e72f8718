"""AI gateways: which model answers, with which instructions, knowledge and tools."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from hub import ids
from hub.accounts import functions, references
from hub.accounts.parameters import GatewayParameters
from hub.accounts.value_types import MASK, mask
from hub.domain import Gateway
from hub.errors import Conflict, Invalid, NotFound
from hub.guarded_http import Guard
from hub.pydantic_base import camel, merged
from hub.sealing import Sealer
from hub.store import gateways
from hub.store.db import Call, Db

PLACE = "gateways.secrets"
SLUG_TRIES = 5
# Parameters whose entries may carry credentials in their headers.
HEADED = ("protocolFunctions", "mcpSources", "systemInstructionsSources")
# Changes of these may give two tools one name.
NAMING = frozenset(("protocolFunctions", "sentinelOptions", "tools"))
Json = dict[str, Any]


def gateway_of(row: Json, sealer: Sealer) -> Gateway:
    """`row`: columns of `gateways`; `secrets` as bytes, as base64 text (a JSON row), or null."""
    sealed = base64.b64decode(row["secrets"]) if isinstance(row["secrets"], str) else row["secrets"]
    secret: Json = orjson.loads(sealer.open(PLACE, row["id"], sealed)) if sealed else {}
    parameters = {**row["parameters"], **_joined(row["parameters"], secret.get("headers") or {})}
    for one, key in zip(parameters.get("fallbackModels") or (), secret.get("fallbackKeys") or (), strict=False):
        one["apiKey"] = key
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
    """id, name, slug, model, address and largest context of gateways whose name, slug, model or id fit."""
    return await gateways.of_account(db, account_id, filter.strip())


async def add(
    db: Call, sealer: Sealer, guard: Guard, account_id: UUID, name: str, parameters: GatewayParameters
) -> UUID:
    """Raise Invalid naming the parameter that cannot be used."""
    functions.check(parameters.protocol_functions, parameters.named(), "parameters.protocolFunctions")
    await references.check(db, guard, account_id, parameters)
    id, secret = ids.uuid7(), parameters.api_key
    if secret and secret.startswith(MASK):
        raise _masked()
    _unmasked(parameters, ())
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
        _unmasked(parameters, old.parameters.get("fallbackModels") or ())
        if NAMING & given.keys():
            functions.check(parameters.protocol_functions, parameters.named(), "parameters.protocolFunctions")
        # What was deleted since must not stand in the way of other changes.
        before = GatewayParameters.model_validate(old.parameters)
        await references.check(tx, guard, account_id, parameters, before)
        stored, sealed = _split(parameters, _key(given, old.api_key), id, sealer)
        await gateways.edit(tx, account_id, id, name or old.name, stored, sealed)


async def remove(db: Call, account_id: UUID, id: UUID) -> None:
    if not await gateways.remove(db, account_id, id):
        raise NotFound


def shown(gateway: Gateway) -> Json:
    """All parameters as they are documented, the keys masked."""
    others = [{**one, "apiKey": mask(one.get("apiKey"))} for one in gateway.parameters.get("fallbackModels") or ()]
    return {**gateway.parameters, "apiKey": mask(gateway.api_key), "fallbackModels": others}


def _split(parameters: GatewayParameters, key: str | None, id: UUID, sealer: Sealer) -> tuple[Json, bytes | None]:
    """What is stored open, and what is sealed: the key, and the headers of functions and sources."""
    stored = {k: v for k, v in parameters.stored().items() if k != "apiKey"}
    headers = {name: [one.get("headers") for one in stored.get(name) or ()] for name in HEADED}
    for name in HEADED:
        stored[name] = [{**one, "headers": {}} for one in stored.get(name) or ()]
    keys = [one.get("apiKey") for one in stored["fallbackModels"]]
    stored["fallbackModels"] = [{**one, "apiKey": None} for one in stored["fallbackModels"]]
    secret: Json = {"apiKey": key, "headers": {name: found for name, found in headers.items() if any(found)}}
    if any(keys):
        secret["fallbackKeys"] = keys
    empty = not key and not secret["headers"] and not any(keys)
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


def _unmasked(parameters: GatewayParameters, old: Sequence[Json]) -> None:
    """A fallback's key that comes back as its mask is the one it had. Raise Invalid for a mask of another."""
    for n, one in enumerate(parameters.fallback_models):
        if one.api_key is None or not one.api_key.startswith(MASK):
            continue
        same = [
            o["apiKey"] for o in old
            if o["modelName"] == one.model_name and o["baseAddress"] == one.base_address
            and mask(o["apiKey"]) == one.api_key
        ]
        if not same:
            raise _masked(f"parameters.fallbackModels.{n}.apiKey")
        one.api_key = same[0]


def _masked(field: str = "parameters.apiKey") -> Invalid:
    text = f"{field} is a mask, not a key; send the whole key, or leave the field out to keep the old one."
    return Invalid(text, field=field)
