"""AI gateways: which model answers, with which instructions, knowledge and tools."""

import base64
from collections.abc import Callable, Collection, Mapping
from typing import Any
from uuid import UUID

import orjson

from hub import ids
from hub.accounts import functions, references
from hub.accounts.gateway_secrets import PLACE, complete, joined, key_of, split
from hub.accounts.parameters import INTEGRATED, GatewayParameters
from hub.domain import Gateway
from hub.errors import Conflict, Invalid, NotFound
from hub.guarded_http import Guard
from hub.pydantic_base import camel, merged
from hub.sealing import Sealer
from hub.store import gateways
from hub.store.db import Call, Db

SLUG_TRIES = 5
# Parameters that hold what a model, a source or a function is called.
WRITTEN = frozenset(("modelName", "fallbackModels", "mcpSources", "systemInstructionsSources", "protocolFunctions"))
WORDS = {field.alias or name: name for name, field in GatewayParameters.model_fields.items()}
# Changes of these may give two tools one name.
NAMING = frozenset(("protocolFunctions", "sentinelOptions", "tools"))
Json = dict[str, Any]


def gateway_of(row: Json, sealer: Sealer) -> Gateway:
    """`row`: columns of `gateways`; `secrets` as bytes, as base64 text (a JSON row), or null."""
    sealed = base64.b64decode(row["secrets"]) if isinstance(row["secrets"], str) else row["secrets"]
    secret: Json = orjson.loads(sealer.open(PLACE, row["id"], sealed)) if sealed else {}
    id, account = UUID(str(row["id"])), UUID(str(row["account_id"]))
    return Gateway(id, account, row["name"], row["slug"], joined(row["parameters"], secret), secret.get("apiKey"))


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
    functions.check_callers(parameters.tools or (), "parameters.tools")
    _seen(parameters, WRITTEN)
    _known(parameters)
    await references.check(db, guard, account_id, parameters)
    complete(parameters, {}, None)
    id = ids.uuid7()
    stored, sealed = split(parameters, key_of(parameters, {"apiKey": parameters.api_key}, None), id, sealer)
    for _ in range(SLUG_TRIES):
        added = await gateways.add(
            db, account_id, id, name=name, slug=ids.slug(name), parameters=stored, secrets=sealed
        )
        if added:
            return id
    raise Conflict("No free slug was found for this name; try again.")


async def edit(
    db: Db, sealer: Sealer, guard: Guard, account_id: UUID, id: UUID, name: str | None, given: Mapping[str, Any],
    seen: Callable[[Gateway], None] | None = None,
) -> None:
    """Shallow merge: parameters that are not given stay, `apiKey` too; given ones are replaced whole.

    seen: raises when what it is given is not what the change was made from; nobody changes it until it is saved."""
    given = camel(given, GatewayParameters)
    async with db.transaction() as tx:
        row = await gateways.get(tx, account_id, id, lock=True)
        if row is None:
            raise NotFound
        old = gateway_of(row, sealer)
        if seen is not None:
            seen(old)
        parameters = merged(GatewayParameters, old.parameters, given, "parameters")
        complete(parameters, given, old)
        if NAMING & given.keys():
            functions.check(parameters.protocol_functions, parameters.named(), "parameters.protocolFunctions")
        if "tools" in given:
            functions.check_callers(parameters.tools or (), "parameters.tools")
        _seen(parameters, WRITTEN & given.keys())
        # What was deleted since must not stand in the way of other changes.
        before = GatewayParameters.model_validate(old.parameters)
        _known(parameters, before)
        await references.check(tx, guard, account_id, parameters, before)
        stored, sealed = split(parameters, key_of(parameters, given, old), id, sealer)
        await gateways.edit(tx, account_id, id, name or old.name, stored, sealed)


def _seen(parameters: GatewayParameters, names: Collection[str]) -> None:
    """Raise Invalid for a name in parameters of these names that nobody can see."""
    held = parameters.model_dump(by_alias=True, include={WORDS[name] for name in names})
    for name in sorted(names):
        value = held[name]
        listed = isinstance(value, list)
        ones = [(f"{name}.{n}", one) for n, one in enumerate(value)] if listed else [("", {name: value})]
        for place, one in ones:
            for field in ("name", "modelName", "description"):
                if isinstance(said := one.get(field), str) and said and not said.strip():
                    where = ".".join(p for p in ("parameters", place, field) if p)
                    raise Invalid(f"{where} must not be blank.", field=where)


def _known(parameters: GatewayParameters, before: GatewayParameters | None = None) -> None:
    """Raise Invalid for a word that nobody knows, but for one that was stored before such were refused."""
    old = before.unknown() if before is not None else {}
    for field, (value, known) in parameters.unknown().items():
        if old.get(field) != (value, known):
            name = f"parameters.{field}"
            told = f"{name} must be one of {', '.join(known)}."
            if parameters.base_address != INTEGRATED and not field.startswith("modelRouting"):
                ours = "verbosity" if field == "verbosity" else "reasoning_effort"
                told += f" What only a newer model knows goes into additionalSettings ({ours}), which are handed on."
            raise Invalid(told, field=name)


async def remove(db: Call, account_id: UUID, id: UUID) -> None:
    if not await gateways.remove(db, account_id, id):
        raise NotFound
