"""Small questions to a model beside the answer: rewrite, judge, describe."""

from contextlib import aclosing
from typing import Any
from uuid import UUID

from hub.chat import shape
from hub.chat.scene import Scene
from hub.domain import Gateway, Json, Usage
from hub.llm import thinking
from hub.llm.gateway import Models
from hub.llm.prices import bill
from hub.llm.types import INTEGRATED, Failed, Prompt
from hub.runtime import Hub

SECONDS = 30.0
SHORT = 2000


class NoHelper(Failed):
    """No model can do this."""

    code = "no_helper_model"


async def consult(
    hub: Hub, scene: Scene, instructions: str, content: str | list[Json], *, sku: str, what: str, tokens: int = SHORT
) -> str:
    """The helper model's text; what it took is added to the scene's ledger. Raise Failed.

    It is the model of HUB_HELPER_MODEL, else the gateway's own. sku: the middle of
    `inference.resolving.<sku>.in`; what: description in the bill.
    """
    gateway, model = _of(hub, scene.ask.gateway)
    entry = hub.models.entry(gateway, model)
    flags = frozenset(gateway.parameters.get("flags") or ()) | (entry.flags if entry else frozenset())
    messages = shape.flagged(
        [{"role": "system", "content": instructions}], [{"role": "user", "content": content}], flags
    )
    options: dict[str, Any] = {"max_completion_tokens": tokens}
    if "NoTemperature" not in flags:
        options["temperature"] = 0
    text, used, model = await _asked(hub.models, gateway, Prompt(model, messages, options), scene)
    rows = bill(model, used, hub.models.price(gateway, model), sku=f"inference.resolving.{sku}", what=what)
    scene.ledger.rows.extend(rows)
    return thinking.strip(text).strip()


async def _asked(models: Models, gateway: Gateway, prompt: Prompt, scene: Scene) -> tuple[str, Usage, str]:
    deadline = min(scene.ask.deadline, scene.context.deadline)
    text, used, served = "", None, prompt.model
    async with aclosing(models.stream(gateway, prompt, deadline)) as deltas:
        async for delta in deltas:
            text += delta.text
            used = delta.usage or used
            served = delta.served or served
    sizes = sum(shape.tokens(m) for m in prompt.messages)
    return text, used or Usage(sizes, -(-len(text) // 4)), served


def _of(hub: Hub, gateway: Gateway) -> tuple[Gateway, str]:
    name = hub.settings.helper_model
    if name:
        return Gateway(UUID(int=0), gateway.account_id, name, "", {"baseAddress": INTEGRATED, "modelName": name}), name
    model = str(gateway.parameters.get("modelName") or "")
    if hub.models.offline(gateway, model):
        raise NoHelper(
            f"This needs a model, and '{model}' only quotes; set HUB_HELPER_MODEL or give the gateway another model.",
            permanent=True,
        )
    return gateway, model
