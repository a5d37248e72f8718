"""Chatbots: instructions, knowledge and a voice around a model, on a website and over the API."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from hub import ids
from hub.accounts import gateways
from hub.accounts.parameters import GatewayParameters
from hub.chat.clients.parameters import ClientParameters, LimitingParameters
from hub.chat.news import ended
from hub.domain import Gateway
from hub.engine.brand import worn
from hub.errors import Conflict, NotFound
from hub.llm.types import INTEGRATED
from hub.runtime import Hub
from hub.sealing import digest
from hub.store import chatbots, clients, collections
from hub.store.chatbots import Chatbot
from hub.store.db import Call
from hub.studio import models
from hub.studio.aresgen import voices

Json = dict[str, Any]
PLACE = "chatbots.embed"
FIELDS = ("name", "instructions", "model", "knowledge_base_id", "voice_id")


async def add(hub: Hub, account: UUID, id: UUID, given: Mapping[str, Any]) -> Chatbot:
    """A chatbot of this id, once. given: name, instructions, model, knowledge_base_id, voice_id. Raise NotFound for a
    thing that there is not."""
    if await chatbots.get(hub.db, account, id) is not None:
        return await get(hub.db, account, id)
    fields = {"instructions": "", "model": None, "knowledge_base_id": None, "voice_id": None, **given}
    studio = await _studio(hub, account, fields)
    model, client = await models.find(hub, account, fields["model"]), ids.uuid7()
    parameters = ClientParameters(page_title=fields["name"][:200]).stored()
    async with hub.db.transaction() as tx:
        limits = LimitingParameters().stored()
        gateway = await _gateway(hub, tx, id, model, fields["name"])
        await clients.add(tx, account, client, fields["name"], gateway, limits, parameters)
        await chatbots.wear(tx, account, client, fields["name"], gateway, studio)
        if not await chatbots.add(tx, account, id, fields, client, _embed(hub, id)):
            raise Conflict("This chatbot is being made; send the request again.", retry_after=1.0)
    return await get(hub.db, account, id)


def _embed(hub: Hub, id: UUID) -> tuple[bytes, bytes]:
    """A new embed key: what it is found by, and itself, sealed."""
    key = ids.secret("emb")
    return digest(key), hub.sealer.seal(PLACE, id, key)


def embed_key(hub: Hub, bot: Chatbot) -> str:
    return hub.sealer.open(PLACE, bot.id, bytes(bot.embed_sealed))


async def _studio(hub: Hub, account: UUID, fields: Mapping[str, Any]) -> Json:
    """What its answers have beside the model. Raise NotFound."""
    base = fields["knowledge_base_id"]
    if base is not None and base not in await collections.known(hub.db, account, [base]):
        raise NotFound(f"There is no knowledge base {base}.", field="knowledge_base_id")
    return {
        "instructions": fields["instructions"], "collections": [str(base)] if base else [], "escalates": True,
        "voice": await voices.wanted(hub.db, account, fields["voice_id"]),
    }


async def _gateway(hub: Hub, tx: Call, id: UUID, model: Gateway, name: str) -> UUID:
    """The gateway of its website's chat; for an integrated model, one of the chatbot's own."""
    if model.slug:
        return model.id
    parameters = GatewayParameters(base_address=INTEGRATED, model_name=model.name)
    made = await gateways.add(
        tx, hub.sealer, hub.outbound.guard, model.account_id, f"{name[:150]} (chatbot)", parameters
    )
    await chatbots.own(tx, model.account_id, id, made)
    return made


async def get(db: Call, account: UUID, id: UUID) -> Chatbot:
    """Raise NotFound."""
    found = await chatbots.get(db, account, id)
    if found is None:
        raise NotFound(f"There is no chatbot {ids.named('bot', id)}.", field="chatbot_id")
    return found


async def edit(hub: Hub, account: UUID, id: UUID, given: Mapping[str, Any]) -> Chatbot:
    """What is left out stays; its website's chat answers so from the next message on."""
    old = await get(hub.db, account, id)
    new = replace(old, **given)
    studio = await _studio(hub, account, {name: getattr(new, name) for name in FIELDS})
    gateway = await chatbots.gateway(hub.db, account, old.client_id) if old.client_id else None
    changes = old.client_id is not None and (new.model != old.model or gateway is None)
    model = await models.find(hub, account, new.model) if new.model != old.model or changes else None
    async with hub.db.transaction() as tx:
        if not await chatbots.edit(tx, new):
            raise NotFound
        if changes and model is not None:
            await chatbots.disown(tx, account, id)
            gateway = await _gateway(hub, tx, id, model, new.name)
        if new.client_id and gateway is not None:
            await chatbots.wear(tx, account, new.client_id, new.name, gateway, studio)
    return await get(hub.db, account, id)


async def rotate(hub: Hub, account: UUID, id: UUID) -> Chatbot:
    """A new embed key; the old one opens nothing any more."""
    if not await chatbots.rotate(hub.db, account, id, _embed(hub, id)):
        raise NotFound
    return await get(hub.db, account, id)


async def remove(hub: Hub, account: UUID, id: UUID) -> None:
    """With its conversations and the chat client behind it."""
    busy: list[UUID] = []
    async with hub.db.transaction() as tx:
        there, client = await chatbots.remove(tx, account, id)
        if not there:
            raise NotFound
        if client is not None:
            busy = await clients.busy(tx, account, client)
            await clients.remove(tx, account, client)
    await ended(hub, account, busy)


async def speaker(hub: Hub, bot: Chatbot) -> Gateway:
    """The gateway that answers for it over the API."""
    found = await models.find(hub, bot.account_id, bot.model)
    return worn(found, await _studio(hub, bot.account_id, {name: getattr(bot, name) for name in FIELDS}))
