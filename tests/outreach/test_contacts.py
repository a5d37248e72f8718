"""One person over HTTP: listed, looked at, joined wrongly and split, by the account alone."""

from typing import Any
from uuid import uuid4

import pytest

from hub import ids
from hub.accounts.keys import grant
from tests.outreach.phones import write
from tests.outreach.street import Json, Street
from tests.outreach.test_campaigns import write as campaign

ANA, BIA = "5511999990000", "5531990000123"


async def raw(s: Street, method: str, path: str, sent: Any = None, key: str | None = None) -> tuple[int, Any, Any]:
    headers = {"Authorization": f"Bearer {key or s.key}"}
    async with s.http.request(method, s.url + path, json=sent, headers=headers) as got:
        return got.status, await got.json(content_type=None), got.headers


async def stranger(s: Street) -> str:
    """A key of another account."""
    account = ids.uuid7()
    await s.db.run("insert into accounts (id, name, salt) values ($1, 'other', 's')", account)
    return await grant(s.db, account, "test", None)


async def contact(s: Street, words: str) -> Json:
    [found] = await s.ok("GET", f"/api/v1/contacts?filter={words}")
    return dict(found)


async def test_a_contact_is_found_by_any_way_to_write_it(s: Street) -> None:
    await write(s, "evolution", "oi", "553190000123", "181234567890123")
    await write(s, "kapso", "oi", BIA)
    await write(s, "zapi", "hello", ANA)
    await s.rig.w.settle()
    for words in ("5531990000123", "+55%2031%209000-0123", "181234567890123"):
        found = await contact(s, words)
        names = {(i["kind"], i["value"]) for i in found["identities"]}
        assert names >= {("phone", "553190000123"), ("lid", "181234567890123")}
        assert found["conversationCount"] == 2
    whole = await s.ok("GET", f"/api/v1/contacts/{found['id']}")
    assert {c["target"] for c in whole["conversations"]} == {"WhatsApp_Evolution", "WhatsApp_Kapso"}
    assert whole["joins"] == [] and whole["optedOutAt"] is None


async def test_pages_are_counted_and_linked(s: Street) -> None:
    for n in range(5):
        await s.ok("PATCH", f"/api/v1/outreach/contacts/phone:551199999000{n}", {"optedOut": n == 0})
    seen: list[str] = []
    path = "/api/v1/contacts?limit=2"
    for size in (2, 2, 1):
        status, body, headers = await raw(s, "GET", path)
        assert (status, len(body), headers["X-Total-Count"]) == (200, size, "5")
        seen += [c["id"] for c in body]
        more = headers.get("Link", "")
        assert (size == 1) == (more == "")
        path = "/api" + more.partition("/api")[2].partition(">")[0]
    assert len(set(seen)) == 5 and seen == sorted(seen, reverse=True)
    assert (await raw(s, "GET", "/api/v1/contacts?cursor=nonsense!"))[0] == 400
    [one] = await s.ok("GET", "/api/v1/contacts?filter=9999-0000")
    assert one["optedOutBy"] == "operator"


async def test_two_people_are_joined_wrongly_and_split(s: Street) -> None:
    await write(s, "zapi", "the secret is AZUL", ANA)
    await s.rig.w.settle()
    await write(s, "zapi", "I am somebody else", BIA)
    await write(s, "kapso", "and here I am too", BIA)
    await s.rig.w.settle()
    ana, bia = await contact(s, ANA), await contact(s, BIA)
    before = [await s.ok("GET", f"/api/v1/contacts/{c['id']}") for c in (ana, bia)]
    joined = await s.ok("POST", f"/api/v1/contacts/{bia['id']}/join", {"contactId": ana["id"], "reason": "same name"})
    assert joined["id"] == min(ana["id"], bia["id"]) and len(joined["conversations"]) == 3
    assert (joined["joins"][0]["evidence"], joined["joins"][0]["detail"]) == ("operator", {"reason": "same name"})
    for id in (ana["id"], bia["id"]):
        assert (await s.ok("GET", f"/api/v1/contacts/{id}"))["id"] == joined["id"]
    assert (await raw(s, "POST", f"/api/v1/contacts/{bia['id']}/join", {"contactId": ana["id"]}))[0] == 409
    # One conversation at the number, with what was said in both.
    await write(s, "zapi", "what did I say?", BIA)
    await s.rig.w.settle()
    assert "AZUL" in s.prompt() and "I am somebody else" in s.prompt()
    # What one of them says holds for both, on every network.
    await s.say("STOP", "zapi")
    await s.rig.w.settle()
    plan = await campaign(s, {"text": "News"}, [{"phone": ANA}, {"phone": BIA}], dryRun=True)
    assert plan["refused"] == {"opted_out": 2}
    halves = await s.ok("POST", f"/api/v1/contacts/{ana['id']}/split", {})
    assert {halves["contact"]["id"], halves["other"]["id"]} == {ana["id"], bia["id"]}
    for was in before:
        now = await s.ok("GET", f"/api/v1/contacts/{was['id']}")
        assert [i["value"] for i in now["identities"]] == [i["value"] for i in was["identities"]]
        assert {c["sessionId"] for c in now["conversations"]} == {c["sessionId"] for c in was["conversations"]}
        assert not any(c["ended"] or c["continuesIn"] for c in now["conversations"])
        assert [(j["evidence"], j["splitAt"] is None) for j in now["joins"]] == [("operator", False)]
    plan = await campaign(s, {"text": "News"}, [{"phone": ANA}, {"phone": BIA}], dryRun=True)
    assert (plan["refused"], plan["going"]) == ({"opted_out": 1}, 1)
    await write(s, "zapi", "and now?", BIA)
    await s.rig.w.settle()
    assert "AZUL" not in s.prompt() and "I am somebody else" in s.prompt()
    log = await s.db.fetch("select action from audit where action like 'contact.%' order by id")
    assert [r["action"] for r in log] == ["contact.joined", "contact.split"]


async def test_memories_are_the_persons_however_they_write(s: Street) -> None:
    """Kept by the business under the hub's name for a phone; told wherever that phone, or its person, writes."""
    remember = {"sentinelOptions": {"enabledFunctions": ["Remember"]}}
    await s.db.run("update gateways set parameters = parameters || $1", remember)
    end = str(s.rig.w.client)[-12:]
    keep = {"format": "Text", "content": "Prefers blue.", "externalUserId": f"zp_whatsapp:{BIA}@{end}"}
    await s.ok("POST", "/api/v1/memories", keep)
    await s.ok("POST", "/api/v1/memories", keep | {"content": "Somebody else's.", "externalUserId": "x@else.example"})
    await write(s, "zapi", "oi", "553190000123")
    await s.rig.w.settle()
    assert "Prefers blue." in s.prompt() and "Somebody else's." not in s.prompt()
    await write(s, "zapi", "oi", ANA)
    await s.rig.w.settle()
    assert "Prefers blue." not in s.prompt()
    ana, bia = await contact(s, ANA), await contact(s, BIA)
    await s.ok("POST", f"/api/v1/contacts/{ana['id']}/join", {"contactId": bia["id"]})
    await write(s, "kapso", "oi", ANA)
    await s.rig.w.settle()
    assert "Prefers blue." in s.prompt()
    await s.ok("POST", f"/api/v1/contacts/{ana['id']}/split", {})
    await write(s, "kapso", "oi", ANA)
    await s.rig.w.settle()
    assert "Prefers blue." not in s.prompt()


async def test_an_identity_is_somebody_elses(s: Street) -> None:
    await write(s, "evolution", "oi", BIA, "181234567890123")
    await s.rig.w.settle()
    one = await contact(s, BIA)
    path = f"/api/v1/contacts/{one['id']}/split"
    halves = await s.ok("POST", path, {"identity": "phone:+55 (31) 9000-0123"})
    assert [i["kind"] for i in halves["other"]["identities"]] == ["phone"]
    assert (await raw(s, "POST", path, {"identity": f"phone:{BIA}"}))[0] == 409
    assert (await raw(s, "POST", path, {"identity": "lid:181234567890123", "joinId": str(uuid4())}))[0] == 400
    assert (await raw(s, "POST", path, {"joinId": str(uuid4())}))[0] == 404


@pytest.mark.parametrize("role", ["viewer", "member"])
async def test_another_account_sees_nobody_and_a_viewer_changes_nothing(s: Street, role: str) -> None:
    await write(s, "zapi", "oi", ANA)
    await write(s, "zapi", "oi", BIA)
    await s.rig.w.settle()
    ana, bia = await contact(s, ANA), await contact(s, BIA)
    key = await stranger(s)
    assert (await raw(s, "GET", "/api/v1/contacts", key=key))[1] == []
    assert (await raw(s, "GET", f"/api/v1/contacts/{ana['id']}", key=key))[0] == 404
    join, split = (f"/api/v1/contacts/{ana['id']}/{what}" for what in ("join", "split"))
    assert (await raw(s, "POST", join, {"contactId": bia["id"]}, key))[0] == 404
    assert (await raw(s, "POST", join, {"contactId": str(uuid4())}))[0] == 404
    mine = await grant(s.db, s.rig.w.account, "of a role", None)
    await s.db.run("update api_keys set role = $1 where label = 'of a role'", role)
    status, body, _ = await raw(s, "POST", join, {"contactId": bia["id"]}, mine)
    assert (status, status == 403 and body["code"]) == ((403, "role_too_low") if role == "viewer" else (200, False))
    assert (await raw(s, "POST", split, {}, key))[0] == 404
    assert len((await raw(s, "GET", "/api/v1/contacts"))[1]) == (2 if role == "viewer" else 1)
