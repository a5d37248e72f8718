"""API keys: made once, shown once; their limits, and what they spend."""

from datetime import UTC, datetime, timedelta
from typing import Literal

from aiohttp import web
from pydantic import ValidationError

from hub.accounts import key_limits, keys, spend
from hub.accounts.key_limits import Budget, Limits
from hub.accounts.operators import Deed
from hub.api.http.app_keys import KEYRING
from hub.console.guard import act, look
from hub.console.page_request import Form, Visit, mark
from hub.domain import Json
from hub.errors import BadRequest, Invalid, NotFound
from hub.pydantic_base import invalid
from hub.store import key_limits as rows
from hub.translations import told

KINDS: tuple[Literal["private", "public"], ...] = ("private", "public")
LONGEST_DAYS, MOST, TAGS = 3650, 1_000_000_000, 20
DAYS, BY = ("1", "7", "30", "90"), spend.GROUPS
WAYS = {
    "key": told("key"), "gateway": told("gateway"), "client": told("client"), "tag": told("tag"), "day": told("day"),
}


async def listed(v: Visit) -> web.StreamResponse:
    """GET /console/keys"""
    return await _page(v, None)


async def _page(v: Visit, made: str | None) -> web.StreamResponse:
    return await v.page(
        "keys.html", keys=await keys.granted(v.db, v.account), made=made, alerts=await rows.alerts(v.db, v.account),
        key=None, limits=_fields(None),
    )


async def create(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/keys: the answer alone shows the key."""
    kind, days = v.form.get("kind"), v.form.number("days", 1, LONGEST_DAYS)
    label = _label(v.form)
    if kind not in KINDS:
        raise Invalid("kind must be private or public.", field="kind")
    deed.change = {"label": label, "kind": kind, "days": days}
    async with v.db.transaction() as tx:
        made = await keys.grant(
            tx, v.account, label, int(days) if days else None, kind, v.who.role, limits=limits(v.form),
            tags=_tags(v.form),
        )
    if v.partial:
        return v.part("made.html", made=made)
    return await _page(v, made)


async def view(v: Visit) -> web.StreamResponse:
    """GET /console/keys/{id}"""
    found = await _one(v)
    return await v.page(
        "key.html", key=found, version=_version(found), limits=_fields(key_limits.shown(found["limits"])),
        budgets=await rows.spent(v.db, v.account, v.id()), alerts=await rows.alerts(v.db, v.account, v.id()),
    )


async def _one(v: Visit) -> Json:
    found = next((k for k in await keys.granted(v.db, v.account) if k["id"] == v.id()), None)
    if found is None:
        raise NotFound("No such key.")
    return found


def _version(key: Json) -> str:
    return mark(*_state(key))


def _state(key: Json) -> tuple[object, ...]:
    return key["label"], key["tags"], key["limits"]


def _fields(limits: Limits | None) -> Json:
    """What a form shows, of no limits too."""
    limits = limits or Limits()
    return limits.model_copy(update={"budget": limits.budget or Budget()}).model_dump(by_alias=True)


async def edit(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/keys/{id}"""
    deed.object = str(v.id())
    await _one(v)
    wanted = limits(v.form)
    change = keys.Change(label=_label(v.form), tags=_tags(v.form), limits=wanted)
    deed.change = {"label": change.label, "tags": change.tags, "limits": wanted.stored()}
    async with v.db.transaction() as tx:
        await keys.changed(tx, v.account, v.who.role, v.id(), change, lambda now: v.unchanged(*_state(now)))
    v.request.app[KEYRING].forget(v.id())
    return v.to(f"/console/keys/{v.id()}", "Saved.")


def _label(form: Form) -> str:
    label = form.get("label")
    if not 0 < len(label) <= 100:
        raise Invalid("label must have 1 to 100 characters.", field="label")
    return label


def _tags(form: Form) -> list[str]:
    """What stands between commas."""
    found = list(dict.fromkeys(t for one in form.get("tags").split(",") if (t := one.strip())))
    if len(found) > TAGS or any(len(t) > 60 for t in found):
        raise Invalid(f"tags may be {TAGS}, each of at most 60 characters.", field="tags")
    return found


def limits(form: Form) -> Limits:
    """A form's fields as limits; what is left empty is none."""
    budget = {name: form.number(name, 0.000001, MOST) for name in ("day", "month", "total")}
    given: Json = {
        "models": form.get("models").split() or None, "budget": budget if any(budget.values()) else None,
        "requestsPerMinute": form.number("requests", 1, MOST), "tokensPerMinute": form.number("tokens", 1, MOST),
    }
    try:
        return Limits.model_validate(given)
    except ValidationError as e:
        raise invalid(e) from None


async def remove(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/keys/{id}/delete"""
    deed.object = str(v.id())
    try:
        await keys.drop(v.db, v.account, v.who.role, v.id())
    except BadRequest:
        raise NotFound("No such key.") from None
    v.request.app[KEYRING].forget(v.id())
    return v.to("/console/keys", "The key is deleted; it stops working at once.")


async def spent(v: Visit) -> web.StreamResponse:
    """GET /console/spend?by=&days="""
    by, days, found = await _spend(v)
    return await v.page("spend.html", rows=found, by=by, days=days, ways=WAYS, spans=DAYS)


async def table(v: Visit) -> web.StreamResponse:
    """GET /console/spend.csv?by=&days="""
    by, days, found = await _spend(v)
    return v.csv(f"spend-by-{by}-{days}-days", spend.table(found, by))


async def _spend(v: Visit) -> tuple[str, str, list[Json]]:
    by, days = v.asked("by", "key"), v.asked("days", "30")
    if by not in BY or days not in DAYS:
        raise Invalid(f"by must be one of {', '.join(BY)}, days one of {', '.join(DAYS)}.", field="by")
    now = datetime.now(UTC)
    return by, days, await spend.told(v.db, v.account, by, now - timedelta(days=int(days)), now)


def routes() -> list[web.RouteDef]:
    one = "/console/keys/{id}"
    return [
        look("/console/keys", listed, "key"), look(one, view, "key"), act("/console/keys", "key.created", create),
        act(one, "key.edited", edit), act(one + "/delete", "key.deleted", remove),
        look("/console/spend", spent, "key"), look("/console/spend.csv", table, "key"),
    ]
