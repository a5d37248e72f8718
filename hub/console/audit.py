"""The audit log: every change, who made it, what it was before."""

from aiohttp import web

from hub.console.guard import look
from hub.console.page_request import Visit
from hub.errors import Invalid
from hub.store import audit

PAGE = 50


async def show(v: Visit) -> web.StreamResponse:
    """GET /console/audit?before=&action="""
    before, action = v.asked("before"), v.asked("action")[:100]
    if before and (not before.isdigit() or len(before) > 18):
        raise Invalid("before is none that a page gave.", field="before")
    rows = await audit.find(v.db, v.account, int(before) if before else None, action or None, PAGE + 1)
    kept = f"&action={action}" if action.replace(".", "").replace("_", "").isalnum() else ""
    more = f"/console/audit?before={rows[PAGE - 1]['id']}{kept}" if len(rows) > PAGE else ""
    return await v.page("audit.html", rows=rows[:PAGE], more=more, action=action)


def routes() -> list[web.RouteDef]:
    return [look("/console/audit", show, "team")]
