"""What the bot would say, for a person who has the conversation: made, billed, not stored."""

from dataclasses import replace
from uuid import UUID

from hub.accounts import balance
from hub.chat.turns.question import ask_of
from hub.domain import Gateway, Json
from hub.engine.answer import answer
from hub.engine.ask import Ask
from hub.engine.messages import paired
from hub.errors import NotFound, Unavailable
from hub.runtime import Hub
from hub.store import web_sessions

HISTORY = 60
# A draft only says something: nothing is done that could not be undone.
WITHOUT: Json = {
    "enableBash": False, "protocolFunctions": [], "protocolFunctionSources": [], "mcpSources": [], "tools": None,
    "sentinelOptions": None, "skills": [],
}


async def draft(hub: Hub, account: UUID, session: UUID) -> str:
    """Raise NotFound, PaymentRequired, Unavailable without a gateway, Upstream when the model fails."""
    claimed = await web_sessions.look(hub.db, account, session, HISTORY)
    if claimed is None:
        raise NotFound("No such conversation.")
    if claimed.gateway is None:
        raise Unavailable("No bot is attached to this chat client, so it cannot draft.")
    await balance.paying(hub, account)
    ask = silent(await ask_of(hub, claimed, {}, ("Draft the next reply for a colleague who will read and send it.",)))
    ask = replace(ask, messages=paired(ask.messages))
    try:
        return (await answer(hub, ask)).text
    finally:
        billed = ask.trace.ledger.billed(hub.models, ask.gateway)
        await hub.meter.add(account, billed, gateway=ask.gateway.id, session=session)


def silent(ask: Ask) -> Ask:
    """The same question without anything that has an effect."""
    gateway = replace(ask.gateway, parameters={**ask.gateway.parameters, **_without(ask.gateway)})
    return replace(ask, gateway=gateway, schedules=False)


def _without(gateway: Gateway) -> Json:
    return {k: v for k, v in WITHOUT.items() if k in gateway.parameters}
