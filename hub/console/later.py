"""Send later: what an operator plans in a conversation, changed and taken back there."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from aiohttp import web

from hub.accounts.operators import Deed
from hub.chat.operators import handoff, inbox, notices, planned
from hub.chat.operators.planned import Plan
from hub.console.guard import act, look
from hub.console.inbox import again
from hub.console.page_request import Visit, mark
from hub.console.settings import zone_of
from hub.domain import Json
from hub.errors import Invalid, NotFound
from hub.store import planned as rows
from hub.tools.schedule import book


async def _zone(v: Visit) -> str:
    """Theirs, as far as they have said it, else the account's; a browser says its own instead."""
    now = await notices.load(v.db, v.who)
    return now.zone if now.quiet_start or now.weekly else await zone_of(v)


async def ask(v: Visit) -> web.StreamResponse:
    """GET /console/inbox/{id}/later: when; below what is being written, or a page of its own."""
    one = await inbox.view(v.db, v.account, v.id())
    values = {"one": one, "open": one["id"], "zone": await _zone(v), "beside": v.partial}
    return v.part("later.html", **values) if v.partial else await v.page("later_page.html", **values)


async def plan(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/inbox/{id}/later"""
    id, text = v.id(), v.form.get("text")
    at, zone = await _when(v)
    deed.object, deed.change = str(id), {"at": at.isoformat(), "files": len(v.form.files)}
    await handoff.sayable(v.hub, v.account, None, id, text, len(v.form.files))
    wanted = Plan(text, at, zone).checked(datetime.now(UTC))
    files = await inbox.attach(v.hub, v.account, id, [(f.name, f.mime, f.content) for f in v.form.files])
    await planned.add(v.hub, v.account, id, replace(wanted, files=files), v.who.id, v.who.name, v.once)
    if v.partial and v.form.get("beside"):
        return await again(v)
    return v.to(f"/console/inbox/{id}", "The message is planned.")


async def _when(v: Visit) -> tuple[datetime, str]:
    """The time of a form, on the clock that it names. Raise Invalid."""
    zone, said = book.zone_of(v.form.get("zone") or "UTC", "zone"), v.form.get("at")
    if not said:
        raise Invalid("at must say when it is to be sent.", field="at")
    return await book.when_of(said, zone, datetime.now(UTC), None, "at"), zone


def _state(row: Json) -> tuple[object, ...]:
    return row["content"].get("text"), row["at"], row["zone"]


async def edit(v: Visit) -> web.StreamResponse:
    """GET /console/inbox/{id}/later/{plan}: to be changed."""
    one = await inbox.view(v.db, v.account, v.id())
    row = await rows.one(v.db, v.account, v.id(), v.id("plan"))
    if row is None:
        raise NotFound(planned.NONE)
    local = row["at"].astimezone(ZoneInfo(row["zone"])).strftime("%Y-%m-%dT%H:%M")
    return await v.page("later_edit.html", one=one, row=row, local=local, version=mark(*_state(row)))


async def change(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/inbox/{id}/later/{plan}"""
    at, zone = await _when(v)
    deed.object, deed.change = str(v.id()), {"at": at.isoformat()}

    def seen(now: Json) -> None:
        v.unchanged(*_state(now))

    await planned.change(v.hub, v.account, v.id(), v.id("plan"), v.form.get("text"), at, zone, seen)
    return v.to(f"/console/inbox/{v.id()}", "The planned message is changed.")


async def cancel(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/inbox/{id}/later/{plan}/cancel: or take one away that was not sent. What it was to say is theirs
    again, to be sent now or thrown away."""
    deed.object = str(v.id())
    back = await planned.cancel(v.hub, v.account, v.id(), v.id("plan"))
    files = [f for f in back.get("attachments") or () if f.get("token")]
    return await again(v, back={"text": str(back.get("text") or ""), "files": files})


def routes() -> list[web.RouteDef]:
    all, one = "/console/inbox/{id}/later", "/console/inbox/{id}/later/{plan}"
    return [
        look(all, ask, "inbox"), act(all, "inbox.planned", plan, repeats=True), look(one, edit, "inbox"),
        act(one, "inbox.plan_changed", change), act(one + "/cancel", "inbox.plan_cancelled", cancel),
    ]
