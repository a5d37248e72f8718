"""Which model a name means: gateway id, gateway slug, integrated model."""

from uuid import UUID

from hub.accounts import gateways
from hub.domain import Caller, Gateway
from hub.errors import NotFound
from hub.llm.types import INTEGRATED
from hub.runtime import Hub


async def resolve(hub: Hub, who: Caller, name: str) -> Gateway:
    """Raise NotFound. A public key names its gateway by id only."""
    id = _id(name)
    try:
        if id is not None:
            return await gateways.load(hub.db, hub.sealer, who.account_id, id)
        if who.kind == "private":
            if name in hub.models.integrated:
                return integrated(who, name)
            return await gateways.by_slug(hub.db, hub.sealer, who.account_id, name)
    except NotFound:
        pass
    raise NotFound(
        f"There is no model or AI gateway '{name[:100]}'; GET /v1/models lists them.",
        field="model",
        code="model_not_found",
    )


def integrated(who: Caller, name: str) -> Gateway:
    """An integrated model without a gateway of the account's; it has no slug."""
    return Gateway(who.account_id, who.account_id, name, "", {"baseAddress": INTEGRATED, "modelName": name})


def _id(name: str) -> UUID | None:
    try:
        return UUID(name) if len(name) == 36 else None
    except ValueError:
        return None
