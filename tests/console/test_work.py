"""What admins do all day: knowledge, deliveries, schedules, campaigns, keys, settings; and the figures of it."""

import csv
import io
import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from aiohttp import FormData

from hub.console import charts
from hub.knowledge.index import index_document
from hub.outreach import calendar
from hub.store import drills
from hub.studio import outgoing_webhooks
from hub.studio.events import emit
from hub.translations import Catalogues
from tests.api.conftest import Api
from tests.console.alone import api, provider
from tests.console.conftest import HERE, Desk
from tests.console.town import fill
from tests.contract.working import elsewhere

__all__ = ["api", "provider"]


async def test_files_are_dropped_read_and_asked(desk: Desk, api: Api) -> None:
    made = await desk.post("/console/knowledge", name="Prices", context="What things cost")
    here = made.headers["Location"]
    form = FormData()
    form.add_field("csrf", (await desk.get(here)).csrf)
    roses = f"# Roses\n\nA dozen roses costs 90 reais. {'They come in red. ' * 40}Ask for Rosa."
    form.add_field("file", roses.encode(), filename="roses.md", content_type="text/markdown")
    form.add_field("file", b"\x00\x01broken", filename="broken.pdf", content_type="application/pdf")
    async with desk.http.post(f"{api.url}{here}/files", data=form, headers=HERE, allow_redirects=False) as got:
        assert got.status == 303
    page = await desk.get(here)
    assert "1 file taken in. Not read: broken.pdf" in page.said
    assert "being read" in page.text and f'hx-get="{here}/documents"' in page.text
    for row in await api.hub.db.fetch("select id from documents"):
        await index_document(api.hub.db, api.hub.embedder, row["id"])
    part = await desk.get(f"{here}/documents", **{"HX-Request": "true"})
    assert "ready" in part.text and "hx-get" not in part.text, "there is nothing to wait for any more"
    asked = await desk.part(f"{here}/ask", question="How much are roses?")
    assert "roses.md" in asked.text and "90 reais" in asked.text and "<html" not in asked.text
    assert "600 of 7" in asked.text and "characters: show the rest" in asked.text and "Ask for Rosa." in asked.text
    assert "90 reais" in (await desk.post(f"{here}/ask", question="How much are roses?")).text
    assert (await desk.post(f"{here}/files")).status == 400
    [drop] = re.findall(rf'action="({here}/documents/[^"]+/delete)"', page.text)
    await desk.done(drop)
    await desk.done(f"{here}/delete")
    assert (await desk.get(here)).status == 404


async def test_deliveries_are_replayed_in_bulk_and_closed(desk: Desk, api: Api) -> None:
    await fill(api.hub, api.account, 12)
    count = "select count(*) from outbox where state = $1"
    dead = await api.hub.db.value(count, "dead")
    assert dead >= 4
    keys = re.findall(r'name="id" value="([^"]+)"', (await desk.get("/console/deliveries?state=failed")).text)
    assert len(keys) == dead
    page = await desk.done("/console/deliveries/replay", id=keys[:2], since="")
    assert "2 deliveries are sent again" in page.said and await api.hub.db.value(count, "dead") == dead - 2
    assert (await desk.post("/console/deliveries/replay", since="")).status == 400
    assert (await desk.post("/console/deliveries/replay", since="century")).status == 400
    await desk.done(f"/console/deliveries/{keys[3]}/resolve", **{"as": "dropped"})
    assert await api.hub.db.value(count, "cancelled") == 1
    page = await desk.done("/console/deliveries/replay", since="week")
    assert " sent again." in page.said and await api.hub.db.value(count, "dead") == 0
    listed = await desk.get("/console/deliveries?state=waiting")
    assert listed.text.count("<tr>") - 1 == dead - 1
    assert (await desk.get("/console/deliveries?state=nonsense")).status == 400


async def test_what_could_not_be_read_is_kept_and_discarded(desk: Desk, api: Api) -> None:
    await api.hub.db.run(
        "insert into quarantine (id, account_id, sha256, raw, reason)"
        " values (gen_random_uuid(), $1, '', $2, 'not JSON')",
        api.account,
        b'{"half": <b>',
    )
    page = await desk.get("/console/quarantine")
    assert "not JSON" in page.text and "&lt;b&gt;" in page.text
    [drop] = re.findall(r'action="(/console/quarantine/[^"]+/delete)"', page.text)
    await desk.done(drop)
    assert "Nothing in quarantine" in (await desk.get("/console/quarantine")).text
    assert (await desk.post(drop)).status == 404


async def test_messages_are_planned_paused_run_and_cancelled(desk: Desk, api: Api) -> None:
    town = await fill(api.hub, api.account, 1)
    given = {
        "client": str(town["client"]),
        "user": "ana",
        "target": "Telegram",
        "identifier": "700",
        "instruction": "Say hi",
    }
    made = await desk.post("/console/schedules", every="every Monday at 8", **given)
    here = made.headers["Location"]
    page = await desk.get(here)
    assert page.text.count("08:00") >= 5 and "Monday" in page.text
    for step, words in (("pause", "Paused."), ("resume", "It goes on."), ("run", "It is on its way.")):
        assert words in (await desk.done(f"{here}/{step}")).said
    assert await api.hub.db.value("select count(*) from activations") == 1
    for view in ("week", "month", "list"):
        assert "Say hi" in (await desk.get(f"/console/schedules?view={view}")).text, view
    await desk.done(f"{here}/cancel")
    assert (await desk.get(here)).status == 404
    assert "Cannot" not in (await desk.post("/console/schedules", when="tomorrow at 9", **given)).text
    wrong = await desk.part("/console/schedules", every="whenever the moon is blue", **given)
    assert wrong.status == 400 and 'data-field="every"' in wrong.text
    assert (await desk.post("/console/schedules", **{**given, "user": ""}, when="tomorrow")).status == 400
    assert (await desk.get("/console/schedules?day=1-1-1")).status == 400


async def test_a_campaign_from_draft_to_stop(desk: Desk, api: Api) -> None:
    town = await fill(api.hub, api.account, 1)
    given = {"name": "Spring", "client": str(town["client"]), "channel": "zapi", "kind": "text", "text": "Hello {name}"}
    people = "phone,name\n5511999990001,Ana\n5511999990002,Bia\n"
    made = await desk.post("/console/campaigns", recipients=people, perMinute="60", **given)
    here = made.headers["Location"]
    page = await desk.get(here)
    assert "A draft for 2 of 2 people" in page.said and "5511999990002" in page.text
    for step in ("start", "pause", "resume", "stop"):
        assert (await desk.done(f"{here}/{step}")).status == 200
    assert (await desk.post(f"{here}/start")).status == 409
    await desk.done(f"{here}/delete")
    assert (await desk.get(here)).status == 404
    assert (await desk.post("/console/campaigns", recipients="", **given)).status == 400


async def test_figures_drawn_as_a_table_and_as_csv(desk: Desk, api: Api) -> None:
    await fill(api.hub, api.account, 12)
    page = await desk.get("/console/insights?days=7")
    assert page.text.count('<svg class="chart"') == 4 and page.text.count("<tr>") >= 8
    got = await desk.get("/console/insights.csv?days=7")
    assert got.headers["Content-Type"].startswith("text/csv") and "attachment" in got.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(got.text)))
    assert len(rows) == 7
    counted = await api.hub.db.value("select count(*) from messages where role = 'user'")
    assert sum(int(r["asked"]) for r in rows) == counted
    assert (await desk.get("/console/insights?days=8")).status == 400


async def test_a_key_is_shown_once_and_works(desk: Desk, api: Api) -> None:
    page = await desk.post("/console/keys", label="Shop", kind="private", days="30")
    [key] = re.findall(r'<pre id="made-key">([^<]+)</pre>', page.text)
    assert (await api.call("GET", "/api/v1/accounts", key=key)).status == 200
    listed = await desk.get("/console/keys")
    assert key not in listed.text and key[-6:] in listed.text
    id = await api.hub.db.value("select id from api_keys where label = 'Shop'")
    await desk.done(f"/console/keys/{id}/delete")
    assert (await api.call("GET", "/api/v1/accounts", key=key)).status == 401
    assert (await desk.post("/console/keys", label="", kind="private")).status == 400
    # With limits, which are changed and told.
    more = {"day": "0.5", "models": "shop:abcd @hub/extractive", "tags": "a, b"}
    await desk.post("/console/keys", label="Team", kind="private", **more)
    id = await api.hub.db.value("select id from api_keys where label = 'Team'")
    page = await desk.get(f"/console/keys/{id}")
    assert 'value="shop:abcd @hub/extractive"' in page.text and 'value="a, b"' in page.text
    await desk.done(f"/console/keys/{id}", label="Team", requests="7", total="3", tags="a")
    stored = await api.hub.db.value("select limits from api_keys where id = $1", id)
    assert stored == {"requests": 7, "budget": {"total": 3.0}}
    assert (await desk.post(f"/console/keys/{id}", label="Team", total="-1")).status == 400
    got = await desk.get("/console/spend.csv?by=tag&days=7")
    assert got.text.startswith("tag,name,amount") and (await desk.get("/console/spend?by=year")).status == 400


async def test_a_webhook_is_made_changed_and_told_again(desk: Desk, api: Api) -> None:
    async with elsewhere() as hook:
        page = await desk.post("/console/webhooks", url=hook.url, description="CRM", events=["contact.joined"])
        [secret] = re.findall(r'<pre id="made-secret">([^<]+)</pre>', page.text)
        assert secret not in (await desk.get("/console/webhooks")).text
        id = await api.hub.db.value("select id from webhook_endpoints where account_id = $1", api.account)
        one = f"/console/webhooks/{id}"
        await emit(api.hub.db, api.account, "contact.joined", {"network": "web"}, None)
        await outgoing_webhooks.deliver(api.hub, id)
        page = await desk.get(one)
        assert "status 200" in page.text and hook.calls[0].headers["Aresgen-Event"] == "contact.joined"
        [event] = re.findall(r'name="event" value="([^"]+)"', page.text)
        await desk.done(one + "/replay", event=event)
        await outgoing_webhooks.deliver(api.hub, id)
        await desk.done(one + "/replay", since="day")
        await outgoing_webhooks.deliver(api.hub, id)
        assert len({c.body for c in hook.calls}) == 1 and len(hook.calls) == 3
        assert (await desk.get(one + "?state=failed")).text.count("Tell again") == 0
        await desk.done(one, url=hook.url, description="CRM", events=["session.closed"], more="document.*")
        row = await api.hub.db.row("select events, enabled from webhook_endpoints where id = $1", id)
        assert row is not None and (row["events"], row["enabled"]) == (["session.closed", "document.*"], False)
        assert 'value="document.*"' in (await desk.get(one)).text
    wrong = {"url": "ftp://a", "events": ["*"]}, {"url": hook.url}, {"url": hook.url, "events": ["nothing.here"]}
    for given in wrong:
        assert (await desk.post("/console/webhooks", **given)).status == 400, given
    moved = await desk.post(one, url="https://other.example/", events=["*"])
    assert moved.status == 400 and "Secret must be sent" in moved.text, moved.text
    assert (await desk.post(one + "/replay")).status == 400 and (await desk.get(one + "?cursor=x")).status == 400
    assert (await desk.get(one + "?state=x")).status == 400
    await desk.done(one + "/delete")
    assert (await desk.get(one)).status == 404


async def test_settings_hold(desk: Desk, api: Api) -> None:
    page = await desk.done(
        "/console/settings",
        name="Aurora",
        timeZone="America/Sao_Paulo",
        handoffMinutes="0",
        flag=["automaticJsonHealing"],
    )
    assert 'value="America/Sao_Paulo"' in page.text
    saved = await api.hub.db.value("select parameters from accounts where id = $1", api.account)
    assert saved["automaticJsonHealing"] is True and saved["allowConversationsLogging"] is False
    assert "Days in America/Sao_Paulo" in (await desk.get("/console/schedules")).text
    town = await fill(api.hub, api.account, 1)
    await desk.done(f"/console/inbox/{town['sessions'][0]}/take")
    assert await api.hub.db.value("select handoff_until is null and handoff_at is not null from sessions")
    assert (await desk.post("/console/settings", name="A", timeZone="Mars/Base", handoffMinutes="1")).status == 400
    await desk.done("/console/settings/outreach", quiet="yes", start="22:00", end="07:00", perDay="2", perWeek="9")
    assert 'value="22:00"' in (await desk.get("/console/settings")).text
    assert (await desk.post("/console/settings/outreach", start="25:00", end="07:00")).status == 400
    me = {"email": desk.who.email, "name": "Ann"}
    await desk.done("/console/settings/me", new="a long password", old="", **me)
    assert (await desk.post("/console/settings/me", new="another password", old="wrong", **me)).status == 401
    await desk.done("/console/settings/me", new="another password", old="a long password", **me)
    assert (await desk.post("/console/settings/me", new="short", old="another password", **me)).status == 400
    # Lost, and signed in by a link: the old one is not asked for, once, and not much later.
    for minutes, status in ((30, 401), (1, 303), (1, 401)):
        if (minutes, status) != (1, 401):
            await api.hub.db.run("update operator_sessions set linked = true")
        await api.hub.db.run("update operator_sessions set created_at = now() - make_interval(mins => $1)", minutes)
        assert (await desk.post("/console/settings/me", new="a third password", old="", **me)).status == status


def test_a_calendar_keeps_each_day_of_its_zone() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    row = {
        "id": 1,
        "kind": "recurring",
        "state": "active",
        "cron": "30 23 * * *",
        "zone": "America/Sao_Paulo",
        "every": 1,
        "unit": "day",
        "anchor": now.date(),
        "next_at": now,
        "max_executions": None,
        "execution_count": 0,
        "instruction": "x",
        "external_user": "u",
    }
    [*days] = calendar.days("month", now.date(), "Europe/Lisbon", [row], [], now)
    assert (days[0].day.isoformat(), days[-1].day.isoformat(), len(days)) == ("2026-02-23", "2026-04-05", 42)
    inside = [d for d in days if d.events]
    assert inside[0].events[0]["contact"].strftime("%H:%M") == "23:30"
    assert {e["local"].date() == d.day for d in inside for e in d.events} == {True}
    crowded = row | {"cron": "* * * * *"}
    full = calendar.days("week", now.date(), "UTC", [crowded], [], now)
    assert sum(len(d.events) + d.more for d in full) == calendar.MOST, "a task of every minute fills no page"


@pytest.mark.parametrize("values", [[], [0], [1, 5, 2], [1e7]])
def test_bars_are_drawn_of_any_figures(values: list[float]) -> None:
    drawn = charts.bars('<b> & "figures"', [f"d{n}" for n in range(len(values))], values, Catalogues().of("en"))
    assert drawn.count("<rect") == len(values) and "<b>" not in drawn and "style" not in drawn


def test_figures_are_shortened_as_the_reader_writes_them() -> None:
    en, pt, es = map(Catalogues().of, ("en", "pt-BR", "es"))
    for value, english, portuguese, spanish in (
        (25_200, "25.2k", "25,2 mil", "25,2 mil"), (1_340_000, "1.34M", "1,34 mi", "1,34 M"), (7, "7", "7", "7"),
        (0.5, "0.5", "0,5", "0,5"), (999_900, "1M", "1 mi", "1 M"), (4e9, "4B", "4 bi", "4 mil M"),
    ):
        assert tuple(charts.short(value, words) for words in (en, pt, es)) == (english, portuguese, spanish)
    assert ">25,2 mil<" in charts.bars("", ["a"], [25_200], pt) and "a: 25.200<" in charts.bars("", ["a"], [25_200], pt)


async def test_saving_a_place_changes_what_was_changed(desk: Desk, api: Api) -> None:
    buttons = [
        {"label": "Prices", "prompt": "What does it cost?"}, {"label": "Open?", "prompt": "Open?"},
        {"label": "Both | lines", "prompt": "First line\nsecond line"},
    ]
    looks = {"suggestionButtons": buttons, "messageDebounceInterval": "00:02:30"}
    client = await api.client(clientParameters=looks)
    page = f"/console/channels/{client}"

    async def save(**changed: str) -> dict[str, object]:
        text = (await desk.get(page)).text
        shown = {
            "suggestions": unescape(re.findall(r'name="suggestions"[^>]*>(.*?)</textarea>', text, re.S)[0]),
            "debounce": re.findall(r'name="debounce"[^>]* value="([\d.]+)"', text)[0],
        }
        more = {"name": "Shop", "messagesPerHour": "30", "maxMessages": "300"}
        await desk.done(page, **{**more, **shown, **changed})
        found = await api.ok("GET", f"/api/v1/web-chat-client/{client}")
        return {n: found["clientParameters"][n] for n in looks}

    assert await save() == looks
    for seconds, stored in (("60", "00:01:00"), ("5", "00:00:05"), ("0.5", "00:00:00.5000000"), ("0", None)):
        assert (await save(debounce=seconds))["messageDebounceInterval"] == stored
        assert (await save())["messageDebounceInterval"] == stored
    changed = await save(suggestions="Costs | What does it cost?\nHours?")
    assert changed["suggestionButtons"] == [
        {"label": "Costs", "prompt": "What does it cost?"}, {"label": "Hours?", "prompt": "Hours?"}
    ]


async def test_backups_and_a_full_disk_are_said_at_home(desk: Desk, agent: Desk) -> None:
    """To whoever sets things up; the disk to everybody."""
    began = datetime.now(UTC)
    hub = desk.api.hub
    assert "Rehearsal" not in (await desk.get("/console")).text
    await drills.note(hub.db, "backup", True, "hub-1.tar, 512 kB", {}, began)
    await drills.note(hub.db, "rehearsal", False, "no: the backup is <damaged>", {}, began)
    home = (await desk.get("/console")).text
    assert "hub-1.tar, 512 kB" in home and "Rehearsal of a restore" in home
    assert "no: the backup is &lt;damaged&gt;" in home
    assert "hub-1.tar" not in (await agent.get("/console")).text
    assert "almost full" not in home
    hub.room.reserve = 1 << 60
    for one in (desk, agent):
        assert "The disk of the hub is almost full" in (await one.get("/console/bots")).said
    hub.room.reserve = 0
    assert "almost full" not in (await desk.get("/console")).text


async def test_rules_of_a_bot_for_what_goes_out(desk: Desk, api: Api) -> None:
    kept = {"name": "mine", "type": "words", "words": ["x"], "action": "mark"}
    bot = await api.gateway(outputRules=[kept])
    given: dict[str, Any] = {
        "name": "Shop", "answers": "hub", "integrated": "@hub/extractive", "rules": "1", "outKind": ["Cpf", "Email"],
        "dataAction": "block", "outWords": "top secret\r\nother", "outPatterns": r"proj-\d+", "patternsAction": "mark",
        "outInstead": "No.", "hideKind": ["Phone"], "hideWords": "Maria",
    }
    await desk.done(f"/console/bots/{bot}", **given)
    p = (await api.ok("GET", f"/api/v1/ai-gateways/{bot}"))["parameters"]
    assert [(r["name"], r["type"], r["action"]) for r in p["outputRules"]] == [
        ("mine", "words", "mark"), ("personal data", "personalData", "block"), ("words", "words", "mask"),
        ("pattern 1", "regex", "mark"),
    ]
    assert p["outputBlockedText"] == "No." and p["providerMasking"] == {"kinds": ["Phone"], "words": ["Maria"]}
    page = (await desk.get(f"/console/bots/{bot}")).text
    assert "1 more made over the API" in page and "top secret" in page
    assert (await desk.post(f"/console/bots/{bot}", **{**given, "outPatterns": "("})).status == 400
    none: dict[str, Any] = {"outKind": [], "hideKind": []}
    none |= dict.fromkeys(("outWords", "outPatterns", "outInstead", "hideWords"), "")
    await desk.done(f"/console/bots/{bot}", **{**given, **none})
    p = (await api.ok("GET", f"/api/v1/ai-gateways/{bot}"))["parameters"]
    assert [r["name"] for r in p["outputRules"]] == ["mine"] and "providerMasking" not in p
