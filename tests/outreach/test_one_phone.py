"""One phone is one person, however it is written; what is sent goes where the network says."""

import pytest

from tests.outreach import phones
from tests.outreach.phones import evolution, given, kapso, sessions, write
from tests.outreach.street import Street
from tests.outreach.test_campaigns import runs
from tests.outreach.test_campaigns import write as campaign

# (written first, written then): Brazil's ninth digit, Mexico's 1, Argentina's 9.
SAME = [("5531990000123", "553190000123"), ("553170000123", "5531970000123"), ("5215512345678", "525512345678"),
        ("541123456789", "5491123456789")]
OTHERS = [
    ("553132221111", "5531932221111"),  # a landline, and a mobile phone that it is not
    ("553132221111", "553132221112"), ("5531990000123", "5521990000123"),
    ("5215512345678", "525512345679"), ("541123456789", "5491123456780"),
    ("351910000123", "35110000123"), ("12125550123", "121255501239"), ("5215512345678", "15512345678"),
]


@pytest.mark.parametrize("network", phones.WHATSAPP)
@pytest.mark.parametrize(("first", "second"), SAME)
async def test_two_ways_to_write_a_phone_are_one_conversation(s: Street, network: str, first: str, second: str) -> None:
    await write(s, network, "primeira", first)
    await s.rig.w.settle()
    await write(s, network, "segunda", second)
    await s.rig.w.settle()
    assert await sessions(s) == 1 and await s.db.value("select count(*) from people") == 1
    assert "primeira" in s.prompt() and "segunda" in s.prompt()
    # What is answered goes where the network says the person is.
    sent = [b.get("phone") or b.get("number") or b.get("to") for b in s.rig.net.sent()]
    assert [to for to in sent if to] == [first, second]


@pytest.mark.parametrize(("first", "second"), OTHERS)
async def test_other_phones_are_other_people(s: Street, first: str, second: str) -> None:
    await write(s, "evolution", "one", first)
    await write(s, "evolution", "two", second)
    await s.rig.w.settle()
    assert await sessions(s) == 2


async def test_brazil_as_reported(s: Street) -> None:
    sample = given("09-brazil-ninth-digit")
    await kapso(s, sample["first"])
    await kapso(s, sample["second"])
    await s.rig.w.settle()
    assert await sessions(s) == 1


async def test_a_stop_holds_for_the_phone_however_it_is_written(s: Street) -> None:
    sample = given("10-optout-ninth-digit")
    await evolution(s, sample["webhook"])
    await s.rig.w.settle()
    wanted = sample["then POST /api/v1/campaigns"] | {"webChatId": str(s.rig.w.client)}
    plan = await s.ok("POST", "/api/v1/campaigns", wanted)
    assert (plan["going"], plan["refused"]) == (0, {"opted_out": 1})
    [person] = await s.ok("GET", "/api/v1/outreach/contacts")
    assert person["contact"] == "phone:553190000123", "as the network wrote it"
    for way in ("5531990000123", "+55 31 9000-0123"):
        changed = await s.ok("PATCH", f"/api/v1/outreach/contacts/phone:{way}", {"optedOut": False})
        assert changed["optedOutAt"] is None
        await s.ok("PATCH", f"/api/v1/outreach/contacts/phone:{way}", {"optedOut": True})
    assert len(await s.ok("GET", "/api/v1/outreach/contacts")) == 1
    # Stopped for one number is stopped at the other networks too, and somebody else is not.
    for target in ("WhatsApp_ZApi", "WhatsApp_Kapso"):
        two = wanted | {"target": target, "recipients": [{"phone": "5531990000123"}, {"phone": "5531990000124"}]}
        message = {"template": "hi"} if "Kapso" in target else wanted["message"]
        plan = await s.ok("POST", "/api/v1/campaigns", two | {"message": message})
        assert (plan["going"], plan["refused"]) == (1, {"opted_out": 1}), target


async def test_a_human_at_the_phone_is_heard_without_the_nine(s: Street) -> None:
    sample = given("12-coexistence-echo-without-nine")
    await kapso(s, sample["first"])
    await s.rig.w.settle()
    asked = len(s.rig.model.calls)
    await kapso(s, sample["second (event whatsapp.message.sent)"], "whatsapp.message.sent")
    await kapso(s, sample["third"])
    await s.rig.w.settle()
    assert len(s.rig.model.calls) == asked and await sessions(s) == 1


async def test_who_answers_a_campaign_without_the_nine_is_understood(s: Street) -> None:
    sample = given("13-campaign-answered-without-nine")
    to = [{"phone": sample["campaign to"]}]
    id = (await campaign(s, {"text": sample["text"]}, to, target="WhatsApp_Evolution"))["id"]
    await s.policy(numbers={"evolution": {"perMinute": 0}})
    await s.ok("POST", f"/api/v1/campaigns/{id}/start")
    await runs(s, id)
    await s.rig.w.settle()
    await evolution(s, sample["webhook"])
    await s.rig.w.settle()
    assert "AZUL-77" in s.prompt() and await sessions(s) == 1


async def test_caps_count_the_phone_not_its_spelling(s: Street) -> None:
    await s.policy(perDay=1, numbers={"zapi": {"perMinute": 0}})
    for phone, going in (("5531990000123", 1), ("553190000123", 0), ("553190000124", 1)):
        id = (await campaign(s, {"text": "News"}, [{"phone": phone}]))["id"]
        await s.ok("POST", f"/api/v1/campaigns/{id}/start")
        await runs(s, id)
        [row] = await s.ok("GET", f"/api/v1/campaigns/{id}/recipients")
        assert (row["state"] == "done") == bool(going), (phone, row)
    plan = await campaign(s, {"text": "News"}, [{"phone": "5531990000124"}, {"phone": "553190000124"}], dryRun=True)
    assert plan["refused"] == {"daily_cap": 1, "duplicate": 1}


async def test_a_zone_is_the_phones_and_a_schedule_finds_its_person(s: Street) -> None:
    await write(s, "zapi", "oi", "553190000123")
    await s.rig.w.settle()
    await s.ok("PATCH", "/api/v1/outreach/contacts/phone:5531990000123", {"timeZone": "Asia/Kathmandu"})
    people = await s.ok("GET", "/api/v1/outreach/contacts?optedOut=false")
    assert [p["timeZone"] for p in people] == ["Asia/Kathmandu"]
    end = str(s.rig.w.client)[-12:]
    for user in (f"zp_whatsapp:5531990000123@{end}", f"zp_whatsapp:553190000123@{end}"):
        sent = {"externalUserId": user, "scheduledTime": "2030-01-01T00:00:00Z", "reason": "Hello"}
        await s.ok("POST", f"{s.base}/schedules", sent)
    assert await s.db.value("select count(distinct contact_id) from schedules") == 1
