"""A small question to a model beside the answer: which agent, which tasks, what to remember."""

import time

from hub.domain import Gateway
from hub.engine import messages as chat_messages
from hub.llm import aside
from hub.runtime import Hub

SECONDS, TOKENS = 30.0, 2000


async def consult(hub: Hub, gateway: Gateway, instructions: str, content: str, *, sku: str, what: str) -> str | None:
    """The text of the helper model (HUB_HELPER_MODEL), else of the gateway's own; charged. None when there is
    only the model that quotes. Raise Failed or Invalid. sku, what: as in `hub.llm.aside.ask`."""
    name = hub.settings.helper_model
    model = name or str(gateway.parameters.get("modelName") or "")
    asked = aside.helper_gateway(gateway.account_id, name) if name else gateway
    if hub.models.offline(asked, model):
        return None
    flags = aside.flags_of(hub.models, asked, model)
    messages = chat_messages.flagged(
        [{"role": "system", "content": instructions}], [{"role": "user", "content": content}], flags
    )
    text, rows = await aside.ask(
        hub.models, asked, model, messages, time.monotonic() + SECONDS, flags=flags,
        size=sum(chat_messages.tokens(m) for m in messages), tokens=TOKENS, sku=f"inference.resolving.{sku}", what=what,
    )
    await hub.meter.add(gateway.account_id, rows, gateway=gateway.id if gateway.slug else None)
    return text
