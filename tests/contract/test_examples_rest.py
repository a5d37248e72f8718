"""Operations whose answers no other test reads as a whole, asked once so that the examples have them."""

from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from tests.contract.asking import Contract

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_what_is_only_looked_at(api: Contract) -> None:
    await api.ok("PUT", "/api/v1/inbox/settings", {"hours": [{"days": ["mon"], "start": "09:00", "end": "18:00"}]})
    for path in ("/api/v1/inbox/settings", "/api/v1/inbox/available", "/api/v1/outreach/policy"):
        assert isinstance(await api.ok("GET", path), dict)


async def test_logs_of_conversations(api: Contract) -> None:
    await api.ok("PUT", "/api/v1/accounts", {"name": "Aurora", "parameters": {"allowConversationsLogging": True}})
    gateway = await api.modelled(apiKey="k")
    sent = {"model": gateway, "messages": [{"role": "user", "content": "Do you have roses?"}]}
    assert (await api.call("POST", "/v1/chat/completions", sent)).status == 200
    [line] = (await api.ok("GET", "/api/v1/conversation-logs"))["items"]
    assert (await api.ok("GET", f"/api/v1/conversation-logs/{line['id']}"))["id"] == line["id"]
    assert (await api.call("GET", "/api/v1/conversation-logs/export.jsonl")).status == 200


async def test_what_a_studio_shows(api: Contract) -> None:
    step = {"id": "a", "type": "transform", "with": {"value": 1}}
    for path, body in (
        ("/v1/chatbots", {"name": "Baker", "model": "@hub/extractive"}),
        ("/v1/workflows", {"name": "w", "steps": [step]}),
    ):
        made = (await api.call("POST", path, body)).body
        shown = await api.ok("GET", f"{path}/{made['id']}")
        assert (shown["id"], shown["name"]) == (made["id"], body["name"])


async def test_the_inbox_of_a_team(api: Contract) -> None:
    inbox = "/api/v1/inbox"
    client = (await api.ok("POST", "/api/v1/web-chat-client", {"name": "Shop"}))["id"]
    opened = await api.ok("POST", f"/api/v1/web-chat-client/{client}/sessions", {"tag": "vera"})
    talk = f"/api/v1/web-chat-client/{client}/sessions/{opened['sessionId']}"
    await api.ok("PUT", f"{talk}/handoff", {"active": True})
    await api.ok("POST", f"{talk}/messages", {"content": "Good morning"})
    team = await api.ok("POST", f"{inbox}/teams", {"name": "Sales", "members": []})
    label = await api.ok("POST", f"{inbox}/labels", {"name": "Refund", "colour": "orange"})
    one = f"{inbox}/conversations/{opened['sessionId']}"
    sent = {"team": team["id"], "addLabels": [label["id"]], "priority": "high"}
    assert (await api.ok("PATCH", one, sent))["team"] == "Sales"
    until = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    many = {"sessionIds": [opened["sessionId"], team["id"]], "status": "snoozed", "snoozeUntil": until}
    done = await api.ok("POST", f"{inbox}/conversations/bulk", many)
    assert done["done"] == 1 and len(done["failed"]) == 1
    assert (await api.ok("GET", f"{inbox}/conversations?show=any"))["items"]
    assert isinstance(await api.ok("GET", f"{inbox}/operators"), list)
    for thing, id in (("teams", team["id"]), ("labels", label["id"])):
        assert await api.ok("GET", f"{inbox}/{thing}")
        await api.ok("PUT", f"{inbox}/{thing}/{id}", {"name": "Returns"})
        await api.ok("DELETE", f"{inbox}/{thing}/{id}")


async def test_what_is_kept_of_a_person(api: Contract) -> None:
    inbox, at = "/api/v1/inbox", (datetime.now(UTC) + timedelta(days=3)).isoformat()
    field = await api.ok("POST", f"{inbox}/fields", {"key": "plan", "name": "Plan", "bot": True})
    assert (await api.ok("GET", f"{inbox}/fields"))[0]["id"] == field["id"]
    await api.ok("PUT", f"{inbox}/fields/{field['id']}", {"place": 2})
    client = (await api.ok("POST", "/api/v1/web-chat-client", {"name": "Shop"}))["id"]
    opened = await api.ok("POST", f"/api/v1/web-chat-client/{client}/sessions", {"tag": "vera"})
    who = f"/api/v1/contacts/{(await api.ok('GET', '/api/v1/contacts'))[0]['id']}"
    assert (await api.ok("PUT", f"{who}/fields", {"values": {"plan": "gold"}}))["values"] == {"plan": "gold"}
    assert (await api.ok("GET", f"{who}/fields"))["values"] == {"plan": "gold"}
    note = await api.ok("POST", f"{who}/notes", {"text": "Prefers to be called in the morning."})
    assert await api.ok("GET", f"{who}/notes") == [note]
    await api.ok("DELETE", f"{who}/notes/{note['id']}")
    assert (await api.ok("PUT", f"{inbox}/card", {"url": "https://shop.example/card"}))["secret"]
    assert (await api.ok("GET", f"{inbox}/card"))["url"] == "https://shop.example/card"
    await api.ok("DELETE", f"{inbox}/card")
    planned = f"{inbox}/conversations/{opened['sessionId']}/planned"
    made = await api.ok("POST", planned, {"content": "Your order is ready.", "at": at, "timeZone": "Europe/Lisbon"})
    assert await api.ok("GET", planned) == [made]
    await api.ok("PUT", f"{planned}/{made['id']}", {"content": "Your order has left."})
    await api.ok("DELETE", f"{planned}/{made['id']}")
    await api.ok("DELETE", f"{inbox}/fields/{field['id']}")
    typing = f"/api/v1/public/chat-clients/{opened['accessKey']}/typing"
    assert (await api.call("POST", typing, {"active": True, "text": "My order"}, key="")).status == 204


async def test_prepared_replies(api: Contract) -> None:
    replies = "/api/v1/inbox/replies"
    text, pt = "Hi {{contact.name|there}}, we open at nine.", "Abrimos às nove."
    sent = {"shortcut": "hours", "text": text, "texts": {"pt": pt}}
    made = await api.ok("POST", replies, sent)
    form = aiohttp.FormData()
    form.add_field("file", b"Monday to Friday", filename="hours.txt", content_type="text/plain")
    filed = await api.ok("POST", f"{replies}/{made['id']}/files", data=form)
    assert (await api.ok("GET", replies))[0]["files"] == filed["files"]
    await api.ok("PUT", f"{replies}/{made['id']}", {"text": "We open at ten."})
    await api.ok("DELETE", f"{replies}/{made['id']}/files/{filed['files'][0]['id']}")
    await api.ok("DELETE", f"{replies}/{made['id']}")
