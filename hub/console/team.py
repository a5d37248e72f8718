"""Who works here: invited by a link that works once, with a role."""

from aiohttp import web

from hub.accounts import operators, sign_in
from hub.accounts.operators import ROLES, Deed
from hub.api.http import pagination
from hub.console.guard import act, look
from hub.console.page_request import Visit, mark
from hub.store import operators as rows
from hub.translations import told

PAGE = 100


async def listed(v: Visit) -> web.StreamResponse:
    """GET /console/team"""
    return await _page(v, "")


async def _page(v: Visit, link: str) -> web.StreamResponse:
    after = pagination.read(v.asked("after")) if v.asked("after") else None
    found = await rows.page(v.db, v.account, after, PAGE + 1)
    more = f"/console/team?after={pagination.write(found[PAGE - 1]['id'])}" if len(found) > PAGE else ""
    for one in found:
        one["version"] = mark(one["role"])
    return await v.page("team.html", people=found[:PAGE], more=more, roles=ROLES, link=link)


async def invite(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/team: the answer alone shows the link."""
    email, role = v.form.get("email"), v.form.get("role")
    deed.change = {"email": email, "role": role}
    id = await operators.invite(v.db, v.who, email, v.form.get("name"), role)
    return await _linked(v, await sign_in.login_link(v.db, id, sign_in.INVITE_LINK))


async def again(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/team/{id}/link: a new link for somebody of a lower role who lost theirs, or their password."""
    seen = await operators.member(v.db, v.who, v.id())
    operators.below(v.who, seen["role"])
    deed.object = str(v.id())
    return await _linked(v, await sign_in.login_link(v.db, v.id(), sign_in.INVITE_LINK))


async def drop_factors(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/team/{id}/factors: for somebody of a lower role whose phone is lost."""
    seen = await operators.member(v.db, v.who, v.id())
    deed.object, deed.change = str(v.id()), {"email": seen["email"]}
    await operators.drop_factors(v.db, v.who, v.id())
    return v.to("/console/team", told(
        "%(name)s signs in without a second factor, until they set up another.", name=seen["name"],
    ))


async def _linked(v: Visit, token: str) -> web.StreamResponse:
    link = f"{v.hub.settings.address}/console/link/{token}"
    return v.part("invited.html", link=link) if v.partial else await _page(v, link)


async def role(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/team/{id}/role"""
    seen = await operators.member(v.db, v.who, v.id())
    deed.object = str(v.id())
    deed.changed(seen, {"role": v.form.get("role")})
    await operators.set_role(v.db, v.who, v.id(), v.form.get("role"), lambda now: v.unchanged(now["role"]))
    named = operators.NAMED[v.form.get("role")]
    return v.to("/console/team", told("%(name)s is %(role)s now.", name=seen["name"], role=named))


async def remove(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/team/{id}/delete"""
    seen = await operators.member(v.db, v.who, v.id())
    deed.object, deed.change = str(v.id()), {"email": seen["email"]}
    await operators.remove(v.db, v.who, v.id())
    return v.to("/console/team", told("%(name)s has no access any more.", name=seen["name"]))


def routes() -> list[web.RouteDef]:
    one = "/console/team/{id}"
    return [
        look("/console/team", listed), act("/console/team", "team.invited", invite),
        act(one + "/link", "team.linked", again), act(one + "/role", "team.role_changed", role),
        act(one + "/factors", "team.factors_removed", drop_factors), act(one + "/delete", "team.removed", remove),
    ]
