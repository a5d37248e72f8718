"""Chat clients: made, changed by shallow merge, deleted with all that belongs to them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from hub import ids
from hub.chat.clients import integrations as client_integrations
from hub.chat.clients.integrations import Seen
from hub.chat.clients.parameters import ClientParameters, LimitingParameters
from hub.chat.news import ended
from hub.domain import Client
from hub.errors import Invalid, NotFound
from hub.language.iso_codes import known
from hub.pydantic_base import merged
from hub.runtime import Hub
from hub.store import clients, gateways
from hub.store.db import Call, Db

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Details:
    """A chat client with its gateway (id and name) and its integrations."""

    client: Client
    gateway: tuple[UUID, str] | None
    integrations: list[Seen]


async def listed(db: Call, account_id: UUID) -> list[Json]:
    return await clients.of_account(db, account_id)


async def load(db: Call, account_id: UUID, id: UUID) -> Client:
    """Raise NotFound for a chat client that is not the account's."""
    found = await clients.get(db, account_id, id)
    if found is None:
        raise NotFound
    return found


async def view(hub: Hub, account_id: UUID, id: UUID) -> Details:
    client = await load(hub.db, account_id, id)
    gateway = None
    if client.gateway_id:
        row = await gateways.get(hub.db, account_id, client.gateway_id)
        gateway = (row["id"], row["name"]) if row else None
    return Details(client, gateway, await client_integrations.seen(hub, account_id, id))


async def add(
    db: Call, account_id: UUID, name: str, gateway_id: UUID | None, limits: LimitingParameters,
    parameters: ClientParameters,
) -> UUID:
    """Raise Invalid when the gateway is not the account's."""
    await _own_gateway(db, account_id, gateway_id)
    _known_language(parameters.language_code)
    id = ids.uuid7()
    await clients.add(db, account_id, id, name, gateway_id, limits.stored(), parameters.stored())
    return id


async def edit(
    db: Db, account_id: UUID, id: UUID, given: Mapping[str, Any], seen: Callable[[Client], None] | None = None
) -> None:
    """`given` may hold name, aiGatewayId, limitingParameters and clientParameters; what is left out stays.

    seen: raises when what it is given is not what the change was made from."""
    async with db.transaction() as tx:
        old = await clients.get(tx, account_id, id, lock=True)
        if old is None:
            raise NotFound
        if seen is not None:
            seen(old)
        limits = merged(LimitingParameters, old.limits, given.get("limitingParameters") or {}, "limitingParameters")
        parameters = merged(ClientParameters, old.parameters, given.get("clientParameters") or {}, "clientParameters")
        if parameters.language_code != old.parameters.get("languageCode"):
            _known_language(parameters.language_code)
        gateway = given.get("aiGatewayId", old.gateway_id)
        if gateway != old.gateway_id:
            await _own_gateway(tx, account_id, gateway)
        new = replace(
            old, name=given.get("name") or old.name, gateway_id=gateway, limits=limits.stored(),
            parameters=parameters.stored(),
        )
        await clients.edit(tx, new)


async def remove(hub: Hub, account_id: UUID, id: UUID) -> str | None:
    """Delete a client, its sessions and its integrations; say which network kept its webhook."""
    linked = await client_integrations.of_client(hub, account_id, id)
    busy = await clients.busy(hub.db, account_id, id)
    if not await clients.remove(hub.db, account_id, id):
        raise NotFound
    await ended(hub, account_id, busy)
    said = [await client_integrations.unregister(hub, one) for one in linked]
    return " ".join(s for s in said if s) or None


def _known_language(code: str | None) -> None:
    if code and not known(code):
        raise Invalid(
            f"clientParameters.languageCode is '{code}', which is no language; send one such as pt-BR or en, or null.",
            field="clientParameters.languageCode",
        )


async def _own_gateway(db: Call, account_id: UUID, gateway_id: UUID | None) -> None:
    if gateway_id and await gateways.get(db, account_id, gateway_id) is None:
        raise Invalid(f"aiGatewayId {gateway_id} is no gateway of this account.", field="aiGatewayId")
