"""Sample bots by trade, in three languages: made at once, tried, and thrown away with all that belongs to them."""

from collections.abc import Awaitable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from uuid import UUID

from hub import ids
from hub.accounts import gateways
from hub.accounts.parameters import INTEGRATED, GatewayParameters
from hub.chat.clients import clients
from hub.chat.clients.parameters import ClientParameters, LimitingParameters
from hub.domain import Json
from hub.errors import Invalid, NotFound
from hub.knowledge import collections, documents
from hub.knowledge.index import index_document
from hub.later import later
from hub.llm.extractive import MODEL as EXTRACTIVE
from hub.runtime import Hub
from hub.store import samples as rows
from hub.store.db import Db
from hub.store.documents import Given

if TYPE_CHECKING:
    import yaml
else:
    yaml = later("yaml")

FOLDER = Path(__file__).parents[3] / "templates" / "samples"
TRADES = ("clinic", "shop", "restaurant", "school")
LANGUAGES: Mapping[str, str] = MappingProxyType({"en": "English", "pt": "Português", "es": "Español"})
OFFERED = 3


@cache
def _text(trade: str) -> Mapping[str, Any]:
    return MappingProxyType(yaml.safe_load((FOLDER / f"{trade}.yaml").read_text(encoding="utf-8")))


async def make(hub: Hub, account: UUID, trade: str, language: str) -> UUID:
    """A bot with its documents and its place, all of it or nothing; the place's id. Raise Invalid."""
    if trade not in TRADES or language not in LANGUAGES:
        raise Invalid(f"trade must be one of {', '.join(TRADES)}, in {', '.join(LANGUAGES)}.", field="trade")
    told = _text(trade)[language]
    async with hub.db.transaction() as tx:
        collection = await collections.create(tx, account, told["name"], None, "sample")
        given = [
            documents.check(Given(name=name, contents=f"# {name}\n\n{text}", tags=(language,)))
            for name, text in told["documents"].items()
        ]
        saved = await documents.save(tx, account, collection, given)
        gateway = await gateways.add(
            tx, hub.sealer, hub.outbound.guard, account, told["name"], GatewayParameters.model_validate({
                "baseAddress": INTEGRATED, "modelName": EXTRACTIVE, "systemInstruction": told["instructions"],
                "knowledgeCollections": [str(collection)], "knowledgeBaseMaximumResults": 4,
            }),
        )
        client = await clients.add(tx, account, told["name"], gateway, LimitingParameters(), _looks(told, language))
        await rows.add(tx, account, ids.uuid7(), trade, language, gateway, client, collection)
    for one in saved:  # where this ends halfway, a sweep goes on
        await index_document(hub.db, hub.bulk, one.id)
    return client


def _looks(told: Mapping[str, Any], language: str) -> ClientParameters:
    return ClientParameters.model_validate({
        "pageTitle": told["name"], "helloSubLabel": told["hello"], "languageCode": language,
        "suggestionButtons": [{"label": n, "prompt": n} for n in list(told["documents"])[:OFFERED]],
    })


async def listed(db: Db, account: UUID) -> list[Json]:
    """Those that can be thrown away."""
    return await rows.listed(db, account)


async def throw_away(hub: Hub, account: UUID, id: UUID) -> list[str]:
    """With conversations, documents and bot; what somebody deleted before is gone already. What else is in use stays:
    its kinds. Raise NotFound."""
    one = await rows.one(hub.db, account, id)
    if one is None:
        raise NotFound("No such sample.")
    used = await rows.in_use(hub.db, account, id)
    if used["gateway"]:  # a bot that stays goes on answering from its documents
        used["collection"] = True
    if one["client_id"]:
        await _gone(clients.remove(hub, account, one["client_id"]))
    if one["gateway_id"] and not used["gateway"]:
        await _gone(gateways.remove(hub.db, account, one["gateway_id"]))
    if one["collection_id"] and not used["collection"]:
        await _gone(collections.remove(hub.db, account, one["collection_id"]))
    await rows.remove(hub.db, account, id)
    return [kind for kind, name in (("bot", "gateway"), ("documents", "collection")) if used[name]]


async def _gone(removing: Awaitable[object]) -> None:
    try:
        await removing
    except NotFound:
        return  # somebody deleted it in the same moment
