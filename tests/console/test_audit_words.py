"""The audit log in words: every action that the code can write, things by their names, and those that are gone."""

import ast
import gettext
import html
import re
from collections.abc import Iterator
from urllib.parse import quote
from uuid import uuid4

import pytest

from hub.accounts import audit as notes
from hub.accounts.audit import HUB
from hub.api.app import ROUTES
from hub.api.http import deeds
from hub.api.http.operation import OPERATION
from hub.console.deed_words import THINGS, VERBS, begins, told_of
from hub.store.db import Db
from hub.translations import FOLDER
from tests.api.conftest import Api
from tests.console.conftest import Desk
from tests.console.town import fill
from tests.house.sources import ROOT

ACTION = re.compile(r"[a-z_]+\.[a-z_]+")
WRITERS = {"act", "note", "_note", "deed", "doing", "Deed"}


def written() -> Iterator[str]:
    """From the code itself: forms of the console, operations of the APIs, and what is noted by name."""
    for route in ROUTES:
        operation = getattr(route.handler, OPERATION, None)
        if operation is not None and route.method not in deeds.READS and operation.name not in deeds.TALKS:
            yield deeds.action(operation.name)
    for path in (ROOT / "hub").rglob("*.py"):
        for call in (n for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.Call)):
            name = getattr(call.func, "attr", getattr(call.func, "id", ""))
            said = [str(a.value) for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            if name in WRITERS:
                yield from (one for one in said if ACTION.fullmatch(one))
            elif name == "exported":
                yield from (f"{one}.exported" for one in said)


def test_every_action_that_the_code_can_write_has_words() -> None:
    actions = {*written()}
    assert len(actions) > 200 and {"team.link_given", "bot.created", "delivery.replayed", "contact.exported"} <= actions
    assert sorted(a for a in actions if told_of(a) == a) == []
    assert sorted({a.partition(".")[0] for a in actions} - set(THINGS)) == []
    for code in ("pt_BR", "es"):
        with (FOLDER / f"{code}.mo").open("rb") as file:
            said = gettext.GNUTranslations(file).gettext
        words = {*THINGS.values(), *VERBS.values()}
        same = {w for w in words if said(w) == w}
        assert same <= {"Bot", "Chat", "Chatbot", "Embedder", "MCP", "Skill", "Webhook"}, code


def rows(page: str) -> list[list[str]]:
    """The cells of each row, as they are read."""
    found = re.findall(r"<tr>(<td.*?)</tr>", page, re.DOTALL)
    return [
        [html.unescape(re.sub(r"<[^>]+>", "", c)).strip() for c in re.findall(r"<td.*?</td>", r, re.DOTALL)]
        for r in found
    ]


async def test_things_are_named_led_to_and_called_deleted_when_they_are_gone(desk: Desk, api: Api, db: Db) -> None:
    town = await fill(api.hub, api.account, 1, by=desk.who.id)
    session = str(town["sessions"][0])
    await desk.post("/console/bots", name="Settings", address="@integrated", model="@hub/extractive")
    which = "select id from gateways where account_id = $1 and name = 'Settings'"
    bot = str(await api.hub.db.value(which, api.account))
    await notes.note(api.hub.db, api.account, HUB, "inbox.taken", session)
    await notes.note(api.hub.db, api.account, HUB, "label.deleted", str(uuid4()))
    page = (await desk.get("/console/audit")).text
    seen = {(row[2], row[3]): row for row in rows(page)}
    assert "Bot: was created" in {what for what, _ in seen} and ("Label: was deleted", "deleted") in seen
    assert f'<a href="/console/bots/{bot}" title="{bot}">Settings</a>' in page, "a name is no word of ours"
    assert f'<a href="/console/inbox/{session}" title="{session}">' in page
    said = [" ".join(row[1:4]) for row in rows(page)]
    assert not [one for one in said if re.search(r"[0-9a-f]{8}-[0-9a-f]{4}|\b[a-z]+\.[a-z_]+$", one)]
    spanish = (await desk.get("/console/audit", **{"Accept-Language": "es"})).text
    assert "Bot: creación" in spanish and "eliminada" not in spanish and "El propio hub" in spanish


async def test_another_accounts_things_are_not_named(desk: Desk, api: Api) -> None:
    theirs = await api.hub.db.value(
        "insert into gateways (id, account_id, name, slug, parameters) "
        "select gen_random_uuid(), id, 'Secret bot', 'secret', '{}' from accounts where id <> $1 limit 1 returning id",
        api.account,
    )
    assert theirs is not None
    await notes.note(api.hub.db, api.account, HUB, "bot.changed", str(theirs))
    page = (await desk.get("/console/audit")).text
    assert "Secret bot" not in page and ["Bot: was changed", "deleted"] in [row[2:4] for row in rows(page)]


async def test_the_log_is_filtered_by_what_was_changed(desk: Desk, api: Api) -> None:
    for action in ("gateway.changed", "bot.tested", "channel.created", "deliverie.replayed", "delivery.resolved"):
        await notes.note(api.hub.db, api.account, HUB, action, None)
    shown = {thing: [row[2] for row in rows((await desk.get(f"/console/audit?thing={thing}")).text)]
             for thing in ("bot", "delivery", "nothing")}
    assert {*shown["bot"]} == {"Bot: was changed", "Bot: was tested"}
    assert {*shown["delivery"]} == {"Delivery: was sent again", "Delivery: was closed by hand"}
    assert len(shown["nothing"]) >= 5, "what is no thing filters nothing"
    assert (await desk.get("/console/audit?thing=bot&before=abc")).status == 400
    assert set(begins("bot")) == {"bot.", "gateway."}


@pytest.mark.parametrize("text", ["<b>x</b>", "%", "_", "a.b", "\x00"])
async def test_a_hostile_filter_is_only_text(desk: Desk, text: str) -> None:
    for name in ("thing", "action"):
        got = await desk.get(f"/console/audit?{name}={quote(text)}")
        assert got.status in (200, 400) and "<b>x</b>" not in got.text
