"""Small questions to a model beside the answer: rewrite, judge, describe."""

from hub.domain import Gateway, Json
from hub.engine import messages as chat_messages
from hub.engine.context import Scene
from hub.llm import aside
from hub.llm.types import Failed
from hub.runtime import Hub

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
    flags = aside.flags_of(hub.models, gateway, model)
    messages = chat_messages.flagged(
        [{"role": "system", "content": instructions}], [{"role": "user", "content": content}], flags
    )
    text, rows = await aside.ask(
        hub.models, gateway, model, messages, scene.ask.deadline, flags=flags,
        size=sum(chat_messages.tokens(m) for m in messages), tokens=tokens, sku=f"inference.resolving.{sku}", what=what,
    )
    scene.ledger.rows.extend(rows)
    return text


def _of(hub: Hub, gateway: Gateway) -> tuple[Gateway, str]:
    name = hub.settings.helper_model
    if name:
        return aside.helper_gateway(gateway.account_id, name), name
    model = str(gateway.parameters.get("modelName") or "")
    if hub.models.offline(gateway, model):
        raise NoHelper(
            f"This needs a model, and '{model}' only quotes; set HUB_HELPER_MODEL or give the gateway another model.",
            permanent=True,
        )
    return gateway, model
