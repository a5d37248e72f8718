"""What an inbox is kept in order by: teams and labels."""

from collections.abc import Mapping

from aiohttp import web

from hub.accounts.desk import HERE
from hub.accounts.operators import Deed
from hub.chat.operators import groups
from hub.console.guard import act, look
from hub.console.page_request import Visit, mark
from hub.domain import Json
from hub.store import human_requests, labels, teams
from hub.translations import told

PLACE = "/console/settings/inbox"
COLOURS: Mapping[groups.Colour, str] = {
    "grey": told("grey"), "red": told("red"), "orange": told("orange"), "yellow": told("yellow"),
    "green": told("green"), "teal": told("teal"), "blue": told("blue"), "purple": told("purple"), "pink": told("pink"),
}


def _team(one: Json | None) -> tuple[object, ...]:
    return (one["name"], [m["id"] for m in one["members"]]) if one else ()


def _label(one: Json | None) -> tuple[object, ...]:
    return (one["name"], one["colour"]) if one else ()


async def listed(v: Visit) -> web.StreamResponse:
    """GET /console/settings/inbox"""
    groups_of, words = await teams.listed(v.db, v.account), await labels.listed(v.db, v.account)
    for team in groups_of:
        team["version"] = mark(*_team(team))
    for label in words:
        label["version"] = mark(*_label(label))
    people = await human_requests.colleagues(v.db, v.account, HERE)
    return await v.page(
        "inbox_setup.html", teams=groups_of, labels=words, colleagues=people, colours=COLOURS
    )


async def add_team(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../teams"""
    name = v.form.get("name")
    deed.change = {"name": name}
    deed.object = str(await groups.add_team(v.db, v.account, name, v.form.ids("member")))
    return v.to(PLACE, told("The team %(name)s is made.", name=name))


async def edit_team(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../teams/{id}"""
    deed.object, deed.change = str(v.id()), {"name": v.form.get("name")}
    await groups.edit_team(
        v.db, v.account, v.id(), v.form.get("name"), v.form.ids("member"), lambda now: v.unchanged(*_team(now))
    )
    return v.to(PLACE, "The team is saved.")


async def drop_team(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../teams/{id}/delete"""
    deed.object = str(v.id())
    await groups.remove_team(v.db, v.account, v.id())
    return v.to(PLACE, "The team is deleted.")


async def add_label(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../labels"""
    name = v.form.get("name")
    deed.change = {"name": name}
    deed.object = str(await groups.add_label(v.db, v.account, name, v.form.get("colour") or "grey"))
    return v.to(PLACE, told("The label %(name)s is made.", name=name))


async def edit_label(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../labels/{id}"""
    deed.object, deed.change = str(v.id()), {"name": v.form.get("name")}
    await groups.edit_label(
        v.db, v.account, v.id(), v.form.get("name"), v.form.get("colour"), lambda now: v.unchanged(*_label(now))
    )
    return v.to(PLACE, "The label is saved.")


async def drop_label(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../labels/{id}/delete"""
    deed.object = str(v.id())
    await groups.remove_label(v.db, v.account, v.id())
    return v.to(PLACE, "The label is deleted.")


def routes() -> list[web.RouteDef]:
    team, label = PLACE + "/teams", PLACE + "/labels"
    return [
        look(PLACE, listed, "settings"), act(team, "settings.team_made", add_team),
        act(team + "/{id}", "settings.team_changed", edit_team),
        act(team + "/{id}/delete", "settings.team_deleted", drop_team),
        act(label, "settings.label_made", add_label), act(label + "/{id}", "settings.label_changed", edit_label),
        act(label + "/{id}/delete", "settings.label_deleted", drop_label),
    ]
