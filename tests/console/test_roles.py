"""What roles may do, whose things they see, and what the log remembers of it."""

import re
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web

from hub.accounts.accounts import create_account
from hub.accounts.keys import grant
from hub.accounts.operators import LEAST, ROLES
from hub.api.app import build_app
from hub.chat.inbound.intake import Intake
from hub.console import PARTS
from hub.console.guard import FACTORS
from hub.store import audit
from tests.api.conftest import Api
from tests.console.conftest import Desk, signed_in
from tests.console.town import fill

OUTSIDE = (
    "/console/login", "/console/link", "/console/logout", "/console/second", "/console/oidc", "/console/mails/off/",
)


def forms() -> list[str]:
    """Every address that takes a form of somebody who is signed in."""
    routes = [r for part in PARTS for r in part.routes() if isinstance(r, web.RouteDef)]
    return [
        r.path
        for r in routes
        if r.method == "POST" and not r.path.startswith(OUTSIDE)
    ]


def pages() -> list[str]:
    routes = [r for part in PARTS for r in part.routes() if isinstance(r, web.RouteDef)]
    return [r.path for r in routes if r.method == "GET" and "{" in r.path and not r.path.startswith(OUTSIDE)]


def filled(path: str) -> str:
    some = re.sub(r"\{(id|document|source|message|file|note|plan)\}", lambda _: str(uuid4()), path)
    return re.sub(r"\{network\}", "telegram", some)


async def test_a_viewer_may_do_nothing_but_look(viewer: Desk, api: Api) -> None:
    views = {"/console/inbox/views", "/console/inbox/views/{id}/delete"}
    notices = {f"/console/settings/notices{n}" for n in ("", "/browser", "/off")}
    own = {"/console/settings/me", "/console/knowledge/{id}/ask", "/console/inbox/{id}/read", *views, *notices}
    assert len(forms()) > 45
    csrf = (await viewer.get("/console/settings")).csrf
    for path in forms():
        got = await viewer.post(filled(path), csrf=csrf)
        if path not in own and not path.startswith(FACTORS):
            assert got.status == 403, (path, got.status)
            assert "Your role (viewer) may not do that" in got.text, path
    assert (await audit.find(api.hub.db, api.account, None, "bot", 10)) == []


async def test_viewers_take_no_conversations_along_and_only_admins_see_what_they_cost(
    viewer: Desk, agent: Desk, desk: Desk, api: Api
) -> None:
    town = await fill(api.hub, api.account, 4)
    await api.hub.db.run("update turns set cost = 1.25 where account_id = $1", api.account)
    file, transcript = "/console/conversations/file", f"/console/inbox/{town['sessions'][0]}/transcript"
    places = [f"{file}?format=csv", f"{file}?format=jsonl", f"{file}?of=messages", f"{transcript}?format=txt"]
    places += [f"{transcript}?format=json", f"{transcript}?format=pdf"]
    for path in places:
        assert (await viewer.get(path)).status == 403, path
    for path in places[:-1]:
        assert (await agent.get(path)).status == 200, path
    assert (await viewer.get(transcript)).status == 200, "they read it on the screen as before"
    for path in (f"{file}?format=csv", f"{file}?format=jsonl", "/console/insights.csv",
                 "/console/insights/actions.csv?of=bot"):
        column = re.compile(r'(?:^|,)cost(?:,|\r)|"cost":')
        assert column.search((await desk.get(path)).text), path
        assert not column.search((await agent.get(path)).text), path
    for who in (viewer, agent):
        for path in ("/console/insights", "/console/insights/actions?days=7", "/console/conversations"):
            page = await who.get(path)
            assert page.status == 200 and not re.search(r"\$\d", page.text), path
        assert (await who.get("/console/spend")).status == 403
    assert re.search(r"\$\d", (await desk.get("/console/insights")).text)


async def test_codes_that_join_a_phone_are_for_admins(viewer: Desk, agent: Desk, desk: Desk) -> None:
    for who, status in ((viewer, 403), (agent, 403), (desk, 200)):
        async with who.http.get(f"{who.api.url}/console/events?pairing={uuid4()}") as got:
            assert got.status == status


async def test_an_agent_works_in_the_inbox_and_sets_nothing_up(agent: Desk, api: Api) -> None:
    town = await fill(api.hub, api.account, 2)
    assert (await agent.done(f"/console/inbox/{town['sessions'][0]}/take")).status == 200
    for path in ("/console/bots", "/console/channels", "/console/keys", "/console/team", "/console/settings"):
        assert (await agent.post(path, name="x")).status == 403, path
    assert (await agent.get("/console/keys")).status == 403
    assert (await agent.get("/console/audit")).status == 403


async def test_ids_of_others_are_404(desk: Desk, api: Api) -> None:
    other = await create_account(api.hub.db, "Boreal")
    town = await fill(api.hub, other.id, 3)
    message = await api.hub.db.value("select id from messages where session_id = $1 limit 1", town["sessions"][0])
    schedule = await api.hub.db.value("select id from schedules where account_id = $1 limit 1", other.id)
    await api.hub.db.run("insert into collections (id, account_id, name) values ($1, $2, 'K')", schedule, other.id)
    await grant(api.hub.db, other.id, "theirs", None)
    key = await api.hub.db.value("select id from api_keys where account_id = $1", other.id)
    theirs = {
        "inbox": town["sessions"][0],
        "bots": town["gateway"],
        "channels": town["client"],
        "deliveries": town["failed"],
        "why": message,
        "schedules": schedule,
        "knowledge": schedule,
        "campaigns": schedule,
        "team": schedule,
        "tools": schedule,
        "keys": key,
        "webhooks": key,
        "replies": key,
        "settings": key,
        "samples": key,
    }
    for path in pages():
        kind = path.split("/")[2]
        real = path.replace("{id}", str(theirs[kind])).replace("{network}", "evolution")
        real = real.replace("{message}", str(message)).replace("{plan}", str(message))
        assert (await desk.get(real + ("?before=9" if real.endswith("older") else ""))).status == 404, path
        assert (await desk.get(path.replace("{id}", "nonsense").replace("{network}", "evolution"))).status == 404, path
    csrf = (await desk.get("/console/settings")).csrf
    given: dict[str, Any] = {
        "name": "x",
        "label": "x",
        "text": "x",
        "as": "sent",
        "role": "agent",
        "question": "x",
        "botToken": "1:abc",
        "shortcut": "x",
        "priority": "high",
        "colour": "grey",
        "at": "2027-06-01T09:00",
        "about": "x",
    }
    for path in forms():
        if "{id}" not in path or path.startswith("/console/quarantine"):
            continue
        real = path.replace("{id}", str(theirs[path.split("/")[2]])).replace("{document}", str(schedule))
        real = real.replace("{source}", str(schedule)).replace("{message}", str(message))
        for name in ("file", "note", "plan"):
            real = real.replace(f"{{{name}}}", str(message))
        got = await desk.post(real.replace("{network}", "telegram"), csrf=csrf, **given)
        assert got.status == 404, (path, got.status, got.said)
    assert (
        await api.hub.db.value(
            "select count(*) from sessions where handoff_at is not null and account_id = $1", other.id
        )
        <= 1
    )
    assert (await desk.get(f"/console/events?session={theirs['inbox']}")).status == 404


async def test_the_log_tells_what_changed_and_no_secret(desk: Desk, api: Api) -> None:
    key = "sk-a-secret-0123456789abcdef"
    fields = {
        "name": "Shop",
        "answers": "model",
        "baseAddress": "http://127.0.0.1:9/v1",
        "modelName": "m-1",
        "apiKey": key,
    }
    made = await desk.post("/console/bots", **fields)
    place = made.headers["Location"]
    assert (await desk.done(place, **{**fields, "modelName": "m-2"})).status == 200
    await desk.done("/console/settings", name="Aurora two", timeZone="Europe/Lisbon", handoffMinutes=5)
    rows = await audit.find(api.hub.db, api.account, None, None, 20)
    told = {r["action"]: r for r in rows}
    assert told["bot.changed"]["detail"]["modelName"] == {"from": "m-1", "to": "m-2"}
    assert told["bot.changed"]["detail"]["apiKey"] == "changed"
    assert told["bot.created"]["object"] == place.rsplit("/", 1)[1]
    assert told["settings.changed"]["detail"]["handoffMinutes"] == {"from": None, "to": 5}
    assert {r["actor_id"] for r in rows} == {desk.who.id}
    assert key not in str(rows) and key not in (await desk.get("/console/audit")).text
    assert key not in (await desk.get(place)).text


async def test_a_team_is_invited_changed_and_removed(desk: Desk, api: Api) -> None:
    page = await desk.post("/console/team", email="bia@example.com", name="Bia", role="agent")
    [link] = re.findall(r'<pre id="link">[^<]*(/console/link/[^<]+)</pre>', page.text)
    assert link not in (await desk.get("/console/team")).text, "it is shown once"
    bia = await api.hub.db.value("select id from operators where email = 'bia@example.com'")
    again = await desk.post("/console/team", email="BIA@example.com", name="", role="agent")
    assert again.status == 409 and "signs in with" in again.text
    await desk.done(f"/console/team/{bia}/role", role="admin")
    assert (await desk.post(f"/console/team/{desk.who.id}/role", role="agent")).status == 409, "the last owner"
    assert (await desk.post(f"/console/team/{desk.who.id}/delete")).status == 409
    admin = await signed_in(api, "admin")
    assert (await admin.post(f"/console/team/{desk.who.id}/delete")).status == 403, "above one's own role"
    assert (await admin.post(f"/console/team/{desk.who.id}/link")).status == 403
    assert (await admin.post("/console/team", email="c@example.com", name="", role="owner")).status == 403
    await admin.http.close()
    await desk.done(f"/console/team/{bia}/delete")
    assert (await desk.get(link)).status == 410


@pytest.mark.parametrize("thing", sorted(LEAST))
def test_every_action_names_a_role(thing: str) -> None:
    assert LEAST[thing] in ROLES


async def test_every_form_is_an_action_that_is_logged(api: Api) -> None:
    """Beside signing in and out, no address of the console takes a form without a role and a line in the log."""
    app = build_app(api.hub, Intake(api.hub.db, api.hub.queue))
    posts = {r.resource.canonical for r in app.router.routes() if r.method == "POST" and r.resource}
    mine = {p for p in posts if p.startswith("/console")} - {
        "/console/login",
        "/console/logout",
        "/console/link/{token}",
        "/console/second",
        "/console/mails/off/{kind}/{mark}",
    }
    assert mine == set(forms())
