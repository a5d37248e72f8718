"""Models and AI gateways of an account (A-01)."""

from uuid import UUID

from aiohttp import web

from hub.accounts import accounts, gateways
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.openai.schemas import Model, ModelList
from hub.domain import Caller
from hub.runtime import Hub

SINCE = 1


@endpoint(id="A-01", tag="Inference", auth="public")
async def models(request: web.Request) -> ModelList:
    """List the models and the account's AI gateways.

    With a public key: the gateways that it may use.
    """
    hub, who = request.app[HUB], caller(request)
    if who.kind == "public":
        rows = await gateways.listed(hub.db, who.account_id)
        return ModelList(data=[
            Model(id=str(r["id"]), created=made(r["id"]), owned_by="account") for r in rows
            if (not who.models or r["id"] in who.models) and _allowed(who, str(r["id"]), r["slug"])
        ])
    ours = [
        Model(id=name, created=SINCE, owned_by=name[1:].split("/")[0], badges=_badges(hub, name))
        for name in hub.models.integrated if _allowed(who, name)
    ]
    owner = (await accounts.view(hub.db, who)).name
    rows = await gateways.listed(hub.db, who.account_id)
    theirs = [Model(id=str(row["id"]), created=made(row["id"]), owned_by=owner) for row in rows
              if _allowed(who, str(row["id"]), row["slug"])]
    return ModelList(data=[*ours, *theirs])


def _allowed(who: Caller, *names: str) -> bool:
    """Whether a key that may ask only some models may ask this one."""
    return who.limits is None or not who.limits.models or bool(set(names) & set(who.limits.models))


def _badges(hub: Hub, name: str) -> list[str]:
    entry = hub.models.catalogue.get(name)
    return list(entry.badges) if entry else []


def made(id: UUID) -> int:
    """When a UUIDv7 was made, in seconds."""
    return (id.int >> 80) // 1000
