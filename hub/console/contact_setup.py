"""What a business keeps of a contact: the fields beside every conversation, and the card that its own server fills."""

from aiohttp import web

from hub.accounts.operators import Deed
from hub.chat.operators import cards, panel
from hub.chat.operators.panel import LAST, TYPES, Field, key_of
from hub.console.guard import act, look
from hub.console.page_request import Visit, mark
from hub.domain import Json
from hub.store import contact_panel as rows
from hub.translations import told

PLACE = "/console/settings/contacts"


async def listed(v: Visit) -> web.StreamResponse:
    """GET /console/settings/contacts"""
    return await _page(v, "")


async def _page(v: Visit, secret: str) -> web.Response:
    fields = [f | {"version": mark(*_state(f))} for f in await rows.fields(v.db, v.account)]
    address = await cards.address(v.hub, v.account)
    return await v.page("contact_setup.html", fields=fields, types=TYPES, asked_at=address, secret=secret)


def _state(field: Json) -> tuple[object, ...]:
    return field["name"], field["choices"], field["place"], field["bot"]


def _given(v: Visit) -> Json:
    return {
        "name": v.form.get("name"), "choices": v.form.get("choices").splitlines(),
        "place": int(v.form.number("place", 0, LAST) or 0), "bot": v.form.get("bot") == "yes",
    }


async def add(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../fields"""
    given = _given(v)
    name = given["name"]
    deed.change = {"name": name[:60]}
    wanted = Field.of(
        v.form.get("key") or key_of(name), name, v.form.get("type") or "text", given["choices"], given["place"],
        given["bot"],
    )
    deed.object = str(await panel.add_field(v.db, v.account, wanted))
    return v.to(PLACE, told("%(name)s stands beside every conversation now.", name=wanted.name))


async def edit(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../fields/{id}"""
    deed.object = str(v.id())
    await panel.edit_field(v.db, v.account, v.id(), _given(v), lambda now: v.unchanged(*_state(now)))
    return v.to(PLACE, "The field is saved.")


async def drop(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../fields/{id}/delete"""
    deed.object = str(v.id())
    await panel.remove_field(v.db, v.account, v.id())
    return v.to(PLACE, "The field is deleted, with what was kept in it.")


async def set_card(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../card: the answer alone shows the secret."""
    deed.object = str(v.account)
    secret = await cards.choose(v.hub, v.account, v.form.get("url"))
    return v.part("card_made.html", secret=secret) if v.partial else await _page(v, secret)


async def drop_card(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../card/delete"""
    deed.object = str(v.account)
    await cards.clear(v.hub, v.account)
    return v.to(PLACE, "No card is asked for any more.")


def routes() -> list[web.RouteDef]:
    one = PLACE + "/fields/{id}"
    return [
        look(PLACE, listed, "settings"), act(PLACE + "/fields", "settings.field_made", add),
        act(one, "settings.field_changed", edit), act(one + "/delete", "settings.field_deleted", drop),
        act(PLACE + "/card", "settings.card_set", set_card),
        act(PLACE + "/card/delete", "settings.card_removed", drop_card),
    ]
