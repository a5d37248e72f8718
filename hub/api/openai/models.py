"""Models and AI gateways of an account (A-01)."""

from datetime import UTC, datetime
from uuid import UUID

from aiohttp import web

from hub.accounts import accounts, gateways
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.openai.schemas import Model, ModelList
from hub.domain import Caller, Json
from hub.errors import NotFound
from hub.runtime import Hub

SINCE = 1


@endpoint(id="A-01", tag="Inference", auth="public")
async def models(request: web.Request) -> ModelList:
    """List the models and the account's AI gateways.

    With a public key: the gateways that it may use.
    """
    found = await _all(request)
    return ModelList(data=found, first_id=found[0].id if found else None, last_id=found[-1].id if found else None)


@endpoint(tag="Inference", auth="public")
async def model(request: web.Request, id: str) -> Model:
    """Get a model, or an AI gateway by its id or slug."""
    found = next((m for m in await _all(request) if id in (m.id, m.slug)), None)
    if found is None:
        raise NotFound(
            f"There is no model or AI gateway '{id[:100]}'; GET /v1/models lists them.", field="model",
            code="model_not_found",
        )
    return found


async def _all(request: web.Request) -> list[Model]:
    hub, who = request.app[HUB], caller(request)
    rows = [
        r for r in await gateways.listed(hub.db, who.account_id) if _allowed(who, str(r["id"]), r["slug"])
    ]
    if who.kind == "public":
        return [_gateway(r, "account") for r in rows if not who.models or r["id"] in who.models]
    ours = [
        Model(
            id=name, created=SINCE, owned_by=name[1:].split("/")[0], badges=_badges(hub, name), created_at=_at(SINCE),
            display_name=name.rsplit("/", 1)[-1],
        )
        for name in hub.models.integrated if _allowed(who, name)
    ]
    owner = (await accounts.view(hub.db, who)).name
    return [*ours, *(_gateway(row, owner) for row in rows)]


def _gateway(row: Json, owner: str) -> Model:
    since = made(row["id"])
    return Model(
        id=str(row["id"]), created=since, owned_by=owner, created_at=_at(since), display_name=row["name"],
        slug=row["slug"],
    )


def _at(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _allowed(who: Caller, *names: str) -> bool:
    """Whether a key that may ask only some models may ask this one."""
    return who.limits is None or not who.limits.models or bool(set(names) & set(who.limits.models))


def _badges(hub: Hub, name: str) -> list[str]:
    entry = hub.models.catalogue.get(name)
    return list(entry.badges) if entry else []


def made(id: UUID) -> int:
    """When a UUIDv7 was made, in seconds."""
    return (id.int >> 80) // 1000
