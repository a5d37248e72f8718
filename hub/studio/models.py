"""Which model writes: a gateway or an integrated model, by the name that was given, or the account's own."""

import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from hub.accounts import gateways
from hub.accounts.balance import paying
from hub.accounts.model_lookup import integrated
from hub.domain import Gateway
from hub.engine.answer import answer
from hub.engine.ask import Answer, Ask
from hub.engine.brand import worn
from hub.errors import HubError, NotFound
from hub.llm.extractive import MODEL
from hub.llm.helper import HelperTask
from hub.llm.helper import helper as asked
from hub.llm.prices import cost
from hub.runtime import Hub
from hub.store import gateways as rows

Json = dict[str, Any]
SECONDS = 120.0
BESIDE = 30.0
DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be written. messages: in the chat format. voice: in the form of hub.engine.brand."""

    gateway: Gateway
    messages: list[Json]
    system: tuple[str, ...] = ()
    options: Json = field(default_factory=dict)
    voice: Json | None = None
    seconds: float = SECONDS
    key: UUID | None = None


async def consult(hub: Hub, gateway: Gateway, question: HelperTask, seconds: float = BESIDE) -> str | None:
    """A small question beside an answer, charged. None when there is only the model that quotes. Raise Failed."""
    helper = asked(hub.models, hub.settings.helper_model, gateway)
    if helper is None:
        return None
    text = await helper.ask(question, time.monotonic() + seconds)
    await hub.meter.add(gateway.account_id, helper.rows, gateway=gateway.id if gateway.slug else None)
    return text


async def find(hub: Hub, account: UUID, name: str | None) -> Gateway:
    """A gateway by id or slug, an integrated model by name. Without a name: HUB_STUDIO_MODEL, else the oldest
    gateway, else the hub's own model. Raise NotFound."""
    name = name if name and name != DEFAULT else hub.settings.studio_model
    if not name:
        first = await rows.of_account(hub.db, account)
        return await gateways.load(hub.db, hub.sealer, account, first[0]["id"]) if first else integrated(account, MODEL)
    if name in hub.models.integrated:
        return integrated(account, name)
    try:
        return await gateways.load(hub.db, hub.sealer, account, UUID(name))
    except ValueError:
        pass
    except NotFound:
        raise _unknown(name) from None
    try:
        return await gateways.by_slug(hub.db, hub.sealer, account, name)
    except NotFound:
        raise _unknown(name) from None


def _unknown(name: str) -> NotFound:
    return NotFound(
        f"There is no model or AI gateway '{name[:100]}'; GET /v1/models lists them.", field="model",
        code="model_not_found",
    )


def offline(hub: Hub, gateway: Gateway) -> bool:
    """Whether it follows no instructions."""
    return hub.models.offline(gateway, str(gateway.parameters.get("modelName") or ""))


async def write(hub: Hub, account: UUID, wish: Wish) -> tuple[Answer, float]:
    """What the model wrote, and dollars; what it consumed is charged, whatever comes of it."""
    await paying(hub, account)
    ask = Ask(
        account_id=account,
        gateway=worn(wish.gateway, {"voice": wish.voice}),
        messages=wish.messages,
        deadline=time.monotonic() + wish.seconds,
        system=wish.system,
        options=wish.options,
    )
    try:
        made = await answer(hub, ask)
    except HubError as e:
        e.cost = cost(ask.trace.ledger.billed(hub.models, ask.gateway))
        raise
    finally:
        billed = ask.trace.ledger.billed(hub.models, ask.gateway)
        gateway = ask.gateway.id if ask.gateway.slug else None
        await hub.meter.add(account, billed, key=wish.key, gateway=gateway)
    return made, cost(billed)
