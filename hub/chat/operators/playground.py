"""Trying a bot before anybody talks to it: whether its model answers, and what it says."""

import time
from dataclasses import dataclass, replace
from uuid import UUID

from hub.accounts import balance, gateways
from hub.chat.operators.suggestion import silent
from hub.domain import Gateway, Json
from hub.engine.answer import answer
from hub.engine.ask import Answer, Ask, Sink
from hub.errors import HubError, Invalid
from hub.llm.types import Delta
from hub.runtime import Hub

LONGEST = 20_000
SECONDS = 30.0
PROBE = "Answer with the one word: ready"


@dataclass(slots=True)
class Tried:
    """first, total: seconds to the first piece and to the end; None: it did not come to that. error: why it
    did not answer, with what the provider said."""

    ok: bool
    model: str
    first: float | None = None
    total: float | None = None
    text: str = ""
    tokens: int = 0
    error: str = ""
    status: str = ""


async def probe(hub: Hub, account: UUID, id: UUID) -> Tried:
    """Ask the bot's model one small thing. Raise NotFound; a model that fails is an answer."""
    gateway = await gateways.load(hub.db, hub.sealer, account, id)
    bare = replace(gateway, parameters={**gateway.parameters, "knowledgeCollections": []})
    if bare.parameters["modelName"].startswith("@hub/"):
        bare = gateway  # it answers from its documents alone
    tried, started = Tried(False, gateway.parameters["modelName"]), time.monotonic()

    async def heard(delta: Delta) -> None:
        if tried.first is None and (delta.says or delta.reasoning):
            tried.first = time.monotonic() - started

    ask = silent(_ask(account, bare, PROBE))
    try:
        await balance.paying(hub, account)
        made = await answer(hub, replace(ask, deadline=time.monotonic() + SECONDS), heard)
    except HubError as e:
        tried.error, tried.status = why(e), e.code
    else:
        tried.ok, tried.text, tried.tokens, tried.status = True, made.text, made.usage.total, "answers"
        tried.model = made.model or tried.model
    tried.total = time.monotonic() - started
    await _bill(hub, account, ask)
    return tried


async def talk(hub: Hub, account: UUID, id: UUID, text: str, sink: Sink | None = None) -> Answer:
    """One question, with everything the bot has. Raise NotFound, Invalid, PaymentRequired, Upstream."""
    if not 0 < len(text.strip()) <= LONGEST:
        raise Invalid(f"text must have 1 to {LONGEST:,} characters.", field="text")
    gateway = await gateways.load(hub.db, hub.sealer, account, id)
    await balance.paying(hub, account)
    ask = replace(_ask(account, gateway, text.strip()), deadline=time.monotonic() + hub.settings.turn_seconds)
    try:
        return await answer(hub, ask, sink)
    finally:
        await _bill(hub, account, ask)


def _ask(account: UUID, gateway: Gateway, text: str) -> Ask:
    messages: list[Json] = [{"role": "user", "content": text}]
    return Ask(account_id=account, gateway=gateway, messages=messages, deadline=0.0)


async def _bill(hub: Hub, account: UUID, ask: Ask) -> None:
    billed = ask.trace.ledger.billed(hub.models, ask.gateway)
    await hub.meter.add(account, billed, gateway=ask.gateway.id)


def why(e: HubError) -> str:
    """The refusal, with the provider's own words for who set it up."""
    said = e.details.get("message") if isinstance(e.details, dict) else e.details
    return f"{e} It says: {said}" if said else str(e)
