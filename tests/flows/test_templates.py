"""WhatsApp's templates: listed, chosen, filled in, sent, and stopped when WhatsApp pauses them."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest

from hub.outreach import firing
from tests.console.conftest import Desk, Page, signed_in
from tests.flows.test_twins import PEOPLE, Town, town  # noqa: F401 - the fixture

Json = dict[str, Any]
WABA = "200000000000001"
KINDS = {"kapso": ("Kapso", "WhatsApp_Kapso"), "cloud": ("WhatsAppCloud", "WhatsApp_Cloud")}
pytestmark = pytest.mark.parametrize("town", list(KINDS), indirect=True)


async def ready(one: Town) -> str:
    """The address of the templates."""
    await one.hub.db.run("update integrations set settings = settings || $1", {"businessAccountId": WABA})
    await one.hub.db.run("update accounts set outreach = $1", {
        "quietHours": {"enabled": False}, "numbers": {one.network: {"perMinute": 0}},
    })
    return f"{one.api}/api/v1/web-chat-client/{one.client}/integrations/{KINDS[one.network][0]}/templates"


async def asked(one: Town, method: str, path: str, sent: Any = None) -> tuple[int, Any]:
    async with one.http.request(
        method, one.api + path, json=sent, headers={"Authorization": f"Bearer {one.key}"}
    ) as got:
        return got.status, await got.json()


def campaign(one: Town, template: str, **message: Any) -> Json:
    return {
        "webChatId": one.client, "name": "Spring", "target": KINDS[one.network][1], "perMinute": 6000,
        "message": {"template": template, **message}, "recipients": f"phone,name,code\n{PEOPLE[one.network]},Ana\tMaria,A1",
    }


async def listings(one: Town) -> int:
    found = await one.ask("GET", f"{one.twins}/control/{one.network}/calls?limit=500&match=message_templates")
    return len(found["calls"])


async def eventually(one: Town, id: str, state: str) -> Json:
    end = time.monotonic() + 60
    while (found := await one.ask("GET", f"{one.api}/api/v1/campaigns/{id}"))["state"] != state:
        assert time.monotonic() < end, (found, await one.trouble())
        await firing.tick(one.hub)
        await asyncio.sleep(0.05)
    return dict(found)


async def test_listed_once_a_minute_with_what_they_want(town: Town) -> None:  # noqa: F811
    where = await ready(town)
    found = await town.ask("GET", where)
    again = await town.ask("GET", where)
    assert await listings(town) == 1 and found == again and found["readAt"] and found["note"] is None
    rows = {(t["name"], t["language"]): t for t in found["templates"]}
    assert len(rows) == 7
    order, spring = rows["order_ready", "pt_BR"], rows["spring", "en_US"]
    assert [v["key"] for v in order["variables"]] == ["body.1", "body.2", "button.0"] and order["sendable"]
    assert [(v["key"], v["kind"]) for v in spring["variables"]] == [
        ("header", "image"), ("body.1", "text"), ("button.0", "code"),
    ]
    assert [v["key"] for v in rows["visit", "en_US"]["variables"]] == ["body.customer", "body.day"]
    winter, cheap = rows["winter", "en_US"], rows["cheap", "en_US"]
    assert (winter["status"], winter["sendable"], winter["quality"]) == ("PAUSED", False, "RED")
    assert "paused" in winter["why"] and "rejected" in cheap["why"] and "abusive content" in cheap["why"]
    assert "Olá {{1}}" in order["preview"] and "[Follow it]" in order["preview"]
    # Asked for anew after a minute; where that fails, what was known is still shown, with the network's words.
    await town.hub.db.run("update template_lists set read_at = now() - interval '2 minutes'")
    await town.control("faults", {"match": "message_templates", "status": 500})
    stale = await town.ask("GET", where)
    assert stale["templates"] == found["templates"] and stale["note"]
    # That it failed is remembered too: a screen that is opened again does not wait for the network again.
    asked_for = await listings(town)
    again = [await town.ask("GET", where) for _ in range(3)]
    assert again == [stale] * 3 and await listings(town) == asked_for
    # Other credentials are another matter.
    await town.hub.db.run("update integrations set settings = settings || $1", {"businessAccountId": f"{WABA}9"})
    await town.ask("GET", where)
    assert await listings(town) > asked_for


async def test_other_accounts_and_networks_have_none(town: Town) -> None:  # noqa: F811
    where = (await ready(town)).removeprefix(town.api)
    assert (await asked(town, "GET", where.replace(town.client, "00000000-0000-7000-8000-000000000001")))[0] == 404
    assert (await asked(town, "GET", where.replace(KINDS[town.network][0], "Telegram")))[0] == 404
    assert (await asked(town, "GET", where.replace(KINDS[town.network][0], "Nothing")))[0] == 400


@pytest.mark.parametrize(("template", "message", "complaint"), [
    ("nothing", {}, "no template named"),
    ("order_ready", {"language": "fr"}, "pt_BR"),
    ("order_ready", {"parameters": ["Ana"]}, "missing: body.2, button.0"),
    ("order_ready", {"parameters": ["Ana", "7", "8"]}, "3 were given"),
    ("order_ready", {"parameters": ["Ana", " "], "values": {"button.0": "7"}}, "missing: body.2"),
    ("visit", {"values": {"body.customer": "Ana", "body.1": "x"}}, "has no body.1"),
    ("spring", {"values": {"header": "http://x/a.png", "body.1": "Ana", "button.0": "X"}}, "https://"),
    ("hello_again", {"language": "en-US", "values": {"header": "x"}}, "has no header"),
])
async def test_what_does_not_fit_is_refused_before_anything_is_written(
    town: Town, template: str, message: Json, complaint: str  # noqa: F811
) -> None:
    await ready(town)
    status, body = await asked(town, "POST", "/api/v1/campaigns", campaign(town, template, **message))
    assert status == 400 and complaint in str(body), body
    assert await town.hub.db.value("select count(*) from campaigns") == 0


async def test_values_go_where_they_belong(town: Town) -> None:  # noqa: F811
    """Positions, names, a picture above, a code on a button: as Meta's reference wants them; the conversation shows it."""
    await ready(town)
    wanted: dict[str, tuple[Json, list[Json]]] = {
        "order_ready": ({"parameters": ["{name}", "7"], "values": {"button.0": "{code}"}}, [
            {"type": "body", "parameters": [{"type": "text", "text": "Ana Maria"}, {"type": "text", "text": "7"}]},
            {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "A1"}]},
        ]),
        "visit": ({"values": {"body.customer": "{name}", "body.day": "Monday"}}, [{"type": "body", "parameters": [
            {"type": "text", "parameter_name": "customer", "text": "Ana Maria"},
            {"type": "text", "parameter_name": "day", "text": "Monday"},
        ]}]),
        "spring": ({"values": {"header": "https://shop.example/s.png", "body.1": "Ana", "button.0": "S{code}"}}, [
            {"type": "header", "parameters": [{"type": "image", "image": {"link": "https://shop.example/s.png"}}]},
            {"type": "body", "parameters": [{"type": "text", "text": "Ana"}]},
            {"type": "button", "sub_type": "copy_code", "index": "0",
             "parameters": [{"type": "coupon_code", "coupon_code": "SA1"}]},
        ]),
    }
    for template, (message, components) in wanted.items():
        made = await town.ask("POST", f"{town.api}/api/v1/campaigns", campaign(town, template, **message))
        assert made["note"] is None and made["preview"], made
        await town.ask("POST", f"{town.api}/api/v1/campaigns/{made['id']}/start")
        await eventually(town, made["id"], "done")
        calls = (await town.ask("GET", f"{town.twins}/control/{town.network}/calls?limit=500&match=messages"))["calls"]
        sent = [c["body"]["template"] for c in calls if c["body"].get("type") == "template"][-1]
        assert sent["components"] == components and sent["language"]["code"]
        said = await town.hub.db.value("select content->>'text' from messages order by created_at desc, id desc limit 1")
        assert "Ana" in said and "{{" not in said
    assert [r["state"] for r in await town.trouble()] == ["sent"] * 3, await town.trouble()


async def test_a_paused_template_stops_its_campaign_in_words(town: Town) -> None:  # noqa: F811
    """By WhatsApp's refusal or, where the webhook tells, before anybody else is tried; and nobody starts it meanwhile."""
    where = await ready(town)
    greeting = {"language": "en_US"}
    draft = await town.ask("POST", f"{town.api}/api/v1/campaigns", campaign(town, "winter"))
    assert "paused" in draft["note"]
    status, body = await asked(town, "POST", f"/api/v1/campaigns/{draft['id']}/start")
    assert status == 409 and "paused" in str(body)
    # Paused at the network after the list was read: the first refusal stops it.
    await town.ask("GET", where)
    many = {**campaign(town, "hello_again", **greeting), "perMinute": 60, "recipients": "phone\n" + "\n".join(
        f"55119{n:08d}" for n in range(50_000_001, 50_000_031)
    )}
    made = await town.ask("POST", f"{town.api}/api/v1/campaigns", many)
    if town.network == "kapso":
        await town.control("account", {"account": "100", "template": "hello_again", "language": "en_US", "status": "PAUSED"})
        await town.ask("POST", f"{town.api}/api/v1/campaigns/{made['id']}/start")
    else:
        await town.ask("POST", f"{town.api}/api/v1/campaigns/{made['id']}/start")
        await town.control("account", {"account": "100", "template": "hello_again", "language": "en_US", "status": "PAUSED"})
    found = await eventually(town, made["id"], "paused")
    assert "paused by WhatsApp" in found["halted"], found
    assert await town.hub.db.value("select count(*) from activations where campaign_id = $1 and state = 'waiting'", made["id"]) > 20
    if town.network == "cloud":
        shown = {(t["name"], t["language"]): t["status"] for t in (await town.ask("GET", where))["templates"]}
        assert shown["hello_again", "en_US"] == "PAUSED" and shown["hello_again", "pt_BR"] == "APPROVED"
        assert await listings(town) == 1, "shown at once, without asking anew"
    await town.hub.db.run("update template_lists set read_at = now() - interval '2 minutes'")
    status, body = await asked(town, "POST", f"/api/v1/campaigns/{made['id']}/resume")
    assert status == 409 and "paused" in str(body)
    await town.control("account", {"account": "100", "template": "hello_again", "language": "en_US", "status": "APPROVED"})
    await town.hub.db.run("update template_lists set read_at = now() - interval '2 minutes'")
    await town.ask("POST", f"{town.api}/api/v1/campaigns/{made['id']}/resume")
    assert (await town.ask("GET", f"{town.api}/api/v1/campaigns/{made['id']}"))["halted"] is None


async def test_quality_is_shown_at_once(town: Town) -> None:  # noqa: F811
    if town.network == "kapso":
        pytest.skip("Kapso's webhooks of its own kind do not tell of templates")
    where = await ready(town)
    await town.ask("GET", where)
    await town.control("account", {"account": "100", "template": "spring", "quality": "YELLOW"})
    end = time.monotonic() + 60
    while (await quality(town, where)) != "YELLOW":
        assert time.monotonic() < end
        await asyncio.sleep(0.05)


async def quality(one: Town, where: str) -> str:
    return next(str(t["quality"]) for t in (await one.ask("GET", where))["templates"] if t["name"] == "spring")


async def desk(one: Town) -> Desk:
    account = await one.hub.db.value("select account_id from clients limit 1")
    api: Any = SimpleNamespace(hub=one.hub, url=one.api, account=account)
    return await signed_in(api)


async def test_at_the_console(town: Town) -> None:  # noqa: F811
    """Seen with their states, one chosen for after 24 hours, a campaign written by choosing, and one sent by hand."""
    await ready(town)
    await town.say("Hello")
    await town.until(["At your service."])
    at = await desk(town)
    try:
        await _looked_at(town, at)
        await _campaign(town, at)
        await _by_hand(town, at)
    finally:
        await at.http.close()


async def _looked_at(one: Town, at: Desk) -> None:
    page = f"/console/channels/{one.client}/networks/{one.network}/templates"
    assert page in (await at.get(f"/console/channels/{one.client}")).text
    seen = (await at.get(page)).text
    assert all(word in seen for word in ("paused", "rejected", "abusive content", "quality red", "body.customer"))
    refused = await at.post(page, template="order_ready")
    assert refused.status == 400 and "variables" in refused.text
    assert "opens conversations after 24 hours" in (await at.done(page, template="hello_again")).text
    row = await one.hub.db.value("select settings->>'continuedMessagesTemplateId' from integrations")
    assert row == "hello_again"


async def _campaign(one: Town, at: Desk) -> None:
    seen: Page = await at.get("/console/campaigns/template")
    assert "Choose order_ready, pt_BR" in seen.text and "cannot be sent now" in seen.text
    place = f"{one.client}:{one.network}"
    form = await at.get(f"/console/campaigns/template?place={place}&template=order_ready&language=pt_BR")
    assert all(f'name="v.{key}"' in form.text for key in ("body.1", "body.2", "button.0"))
    fields = {"client": one.client, "channel": one.network, "kind": "template", "template": "order_ready", "language": "pt_BR"}
    people = f"phone,name\n{PEOPLE[one.network]},Ana"
    missing = await at.post("/console/campaigns", **fields, name="Orders", recipients=people, **{"v.body.1": "{name}"})
    assert missing.status == 400 and "missing: body.2, button.0" in missing.text
    values = {"v.body.1": "{name}", "v.body.2": "7", "v.button.0": "7"}
    made = await at.done("/console/campaigns", **fields, name="Orders", recipients=people, **values)
    assert "order_ready, pt_BR" in made.text and "o pedido 7" in made.text


async def _by_hand(one: Town, at: Desk) -> None:
    session = await one.hub.db.value("select id from sessions limit 1")
    await one.hub.db.run("update sessions set last_user_at = now() - interval '25 hours'")
    where = f"/console/inbox/{session}/template"
    assert where in (await at.get(f"/console/inbox/{session}")).text
    assert "Choose order_ready" in (await at.get(where)).text
    assert 'name="v.body.2"' in (await at.get(f"{where}?template=order_ready&language=pt_BR")).text
    given = {"template": "order_ready", "language": "pt_BR", "v.body.1": "Ana", "v.body.2": "9"}
    refused = await at.post(where, **given)
    assert refused.status == 400 and "button.0" in refused.text
    paused = await at.post(where, template="winter", language="en_US")
    assert paused.status == 409 and "paused" in paused.text
    said = await at.done(where, **given, **{"v.button.0": "9"})
    assert "o pedido 9" in said.text
    await one.until(["At your service.", "Olá Ana, o pedido 9 está pronto."])


async def test_schedules_say_what_is_wrong_with_the_opening_template(town: Town) -> None:  # noqa: F811
    await ready(town)
    await town.say("Hello")
    await town.until(["At your service."])
    user = await town.hub.db.value("select tag from sessions limit 1")
    for opener, complaint in (("order_ready", "variables"), ("winter", "paused"), ("none", "none that"), ("hello_again", None)):
        await town.hub.db.run("update integrations set settings = settings || $1", {"continuedMessagesTemplateId": opener})
        sent = {"externalUserId": user, "when": "tomorrow at 9", "reason": "Ask"}
        base = f"{town.api}/api/v1/web-chat-clients/{town.client}/hook-schedules"
        note = (await town.ask("POST", f"{base}/schedules", sent))["note"]
        assert (note is None) if complaint is None else (complaint in note), (opener, note)


async def test_without_a_list_nothing_is_checked_and_it_says_so(town: Town) -> None:  # noqa: F811
    await ready(town)
    await town.hub.db.run("update integrations set settings = settings - 'businessAccountId'")
    if town.network == "kapso":
        await town.control("faults", {"match": "message_templates", "status": 500, "times": 9})
    made = await town.ask("POST", f"{town.api}/api/v1/campaigns", campaign(town, "anything", parameters=["x"]))
    assert "could not be looked at" in made["note"]
    await town.ask("POST", f"{town.api}/api/v1/campaigns/{made['id']}/start")
    await eventually(town, made["id"], "done")


