"""The models that characters speak and are drawn with, by ids that stay the same."""

import hashlib
from collections.abc import Iterator
from uuid import UUID

from hub import ids
from hub.accounts import gateways
from hub.accounts.model_lookup import integrated
from hub.domain import Gateway, Json
from hub.errors import NotFound
from hub.llm.types import INTEGRATED
from hub.runtime import Hub
from hub.studio.characters.drawing import PLACEHOLDER

LLM, SD = "model", "sd_model"
# What can be counted on where neither the gateway nor the catalogue says how much a model reads.
CONTEXT = 8192
SHORT = 12


def _named(prefix: str, name: str) -> str:
    digest = hashlib.sha256(name.encode()).digest()
    return f"{prefix}_" + "".join(ids.ALPHABET[b % len(ids.ALPHABET)] for b in digest[:SHORT])


async def llms(hub: Hub, account: UUID) -> list[Json]:
    """id, name, max_context (tokens), cost_per_1k_tokens (dollars, of what a model writes)."""
    found = []
    for row in await gateways.listed(hub.db, account):
        entry = hub.models.catalogue.get(str(row["model"])) if row["address"] in (None, "", INTEGRATED) else None
        known = entry.context if entry else 0
        cost = entry.price.completion if entry else 0.0
        found.append(_llm(ids.named(LLM, row["id"]), row["name"], row["context"] or known, cost))
    for name in hub.models.integrated:
        entry = hub.models.catalogue.get(name)
        found.append(
            _llm(_named(LLM, name), name, entry.context if entry else 0, entry.price.completion if entry else 0.0)
        )
    return found


def _llm(id: str, name: str, context: int, cost: float) -> Json:
    return {"id": id, "name": name, "max_context": context or CONTEXT, "cost_per_1k_tokens": round(cost * 1000, 9)}


async def llm(hub: Hub, account: UUID, id: str) -> Gateway:
    """The gateway, or the hub's model, of this id. Raise NotFound naming llm_id."""
    gateway = ids.unnamed(LLM, id)
    if gateway is not None:
        try:
            return await gateways.load(hub.db, hub.sealer, account, gateway)
        except NotFound:
            pass
    for name in hub.models.integrated:
        if _named(LLM, name) == id:
            return integrated(account, name)
    raise NotFound("llm_id is no model; GET /api/v1/models?type=llm lists them.", field="llm_id")


def painters(hub: Hub) -> list[Json]:
    """id and name of what makes images."""
    return [{"id": _named(SD, name), "name": name} for name in _painters(hub)]


def painter(hub: Hub, id: str) -> str:
    """The name of what makes images. Raise NotFound naming sd_model_id."""
    found = next((name for name in _painters(hub) if _named(SD, name) == id), None)
    if found is None:
        raise NotFound("sd_model_id is no model; GET /api/v1/models?type=sd lists them.", field="sd_model_id")
    return found


def _painters(hub: Hub) -> Iterator[str]:
    if hub.settings.image_url:
        yield hub.settings.image_model
    yield PLACEHOLDER
