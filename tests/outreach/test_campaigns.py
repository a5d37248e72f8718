"""One message for a list: looked at first, paced, paused, stopped, and nobody gets it twice."""

import asyncio
from typing import Any

from hub.outreach import firing
from tests.fakes.model import says
from tests.outreach.street import ANA, Json, Street

CSV = (
    "\ufeffphone;name;city\n+55 11 90000-0001;Ana;Recife\n5511900000002;Bia;\n5511900000001;Again;Natal\n"
    "nonsense;Caio;Rio\n5511900000003;Davi;Belém\n"
)
TEXT = {"text": "Hello {name}, we open in **{city}**."}


async def write(s: Street, message: Json = TEXT, recipients: Any = CSV, **more: Any) -> Json:
    sent = {
        "webChatId": str(s.rig.w.client),
        "name": "Opening",
        "target": "WhatsApp_ZApi",
        "message": message,
        "recipients": recipients,
        "perMinute": 6000,
        **more,
    }
    return dict(await s.ok("POST", "/api/v1/campaigns", sent))


async def open_pace(s: Street) -> None:
    await s.policy(numbers={"zapi": {"perMinute": 0}, "kapso": {"perMinute": 0}})


async def runs(s: Street, id: str, state: str = "done") -> None:
    """Tick until the campaign is in the state."""

    async def there() -> bool:
        await firing.tick(s.rig.w.hub)
        return bool((await s.ok("GET", f"/api/v1/campaigns/{id}"))["state"] == state)

    await s.rig.w.until(there, 20)


async def test_dry_run_then_text_with_variables(s: Street) -> None:
    await open_pace(s)
    await s.ok("PATCH", "/api/v1/outreach/contacts/phone:5511900000003", {"optedOut": True})
    dry = await write(s, dryRun=True)
    assert (dry["id"], dry["recipients"], dry["going"]) == (None, 5, 1)
    assert dry["refused"] == {"variables": 1, "duplicate": 1, "no_address": 1, "opted_out": 1}
    rows = {r["place"]: r for r in dry["rows"]}
    assert rows[1]["at"] and rows[1]["through"] == "text" and rows[1]["targetIdentifier"] == "5511900000001"
    assert (
        "city" in rows[2]["why"]
        and "country code" in rows[4]["why"]
        and rows[5]["why"].startswith("Refused: the contact opted out")
    )
    assert (await s.ok("GET", "/api/v1/campaigns"))["campaigns"] == []
    id = (await write(s))["id"]
    await firing.tick(s.rig.w.hub)
    assert await s.db.value("select count(*) from outbox") == 0  # a draft sends nothing
    await s.ok("POST", f"/api/v1/campaigns/{id}/start")
    await runs(s, id)
    await s.rig.w.settle()
    assert [(m.chat, m.text) for m in s.rig.net.shown] == [("5511900000001", "Hello Ana, we open in *Recife*.")]
    found = await s.ok("GET", f"/api/v1/campaigns/{id}/recipients")
    assert [(r["place"], r["state"], r["reason"]) for r in found] == [
        (1, "done", None),
        (2, "refused", "variables"),
        (3, "refused", "duplicate"),
        (4, "refused", "no_address"),
        (5, "refused", "opted_out"),
    ]
    assert found[0]["result"] == "Delivered" and found[0]["variables"] == {"name": "Ana", "city": "Recife"}
    assert (await s.why(found[0]["id"]))["verdict"].endswith("1 part(s) sent")
    assert "opted out" in (await s.why(found[4]["id"]))["verdict"]
    # What they answer goes on in the same conversation, which knows what was said.
    await s.say("Great!", phone="5511900000001")
    await s.rig.w.until(lambda: len(s.rig.net.shown) == 2)
    assert "Hello Ana, we open" in s.prompt()


async def test_an_instruction_is_a_turn_for_each(s: Street) -> None:
    await open_pace(s)
    s.models(says("Dear Ana: 10% off."))
    made = await write(s, {"instruction": "Tell {name} about the discount"}, [{"phone": ANA, "name": "Ana"}])
    await s.ok("POST", f"/api/v1/campaigns/{made['id']}/start")
    await runs(s, made["id"])
    await s.rig.w.settle()
    assert s.rig.net.final() == ["Dear Ana: 10% off."] and "Tell Ana about the discount" in s.prompt()


async def test_a_template_with_parameters(s: Street) -> None:
    message = {"template": "opening", "language": "pt_BR", "parameters": ["{name}", "10%"]}
    lines = '{"phone": "5511900000001", "variables": {"name": "Ana"}}\n{"phone": "5511900000002", "name": "Bia"}\n'
    made = await write(s, message, lines, target="WhatsApp_Kapso")
    assert made["going"] == 2 and made["rows"][0]["through"] == "template opening"
    await s.ok("POST", f"/api/v1/campaigns/{made['id']}/start")
    await runs(s, made["id"])
    await s.rig.w.settle()
    bodies = [c.body for c in s.rig.net.calls if c.path.endswith("/messages")]
    # Two people, whose conversations wait for nobody else's.
    assert sorted(b["template"]["components"][0]["parameters"][0]["text"] for b in bodies) == ["Ana", "Bia"]
    assert bodies[0]["template"]["language"] == {"code": "pt_BR"}


async def test_pause_resume_stop(s: Street) -> None:
    await open_pace(s)
    people = [{"phone": f"55119000000{n:02}", "name": "x", "city": "y"} for n in range(10)]
    id = (await write(s, recipients=people, perMinute=60))["id"]
    status, _ = await s.call("POST", f"/api/v1/campaigns/{id}/pause")
    assert status == 409
    await s.ok("POST", f"/api/v1/campaigns/{id}/start")
    await firing.tick(s.rig.w.hub)
    await s.rig.w.until(lambda: len(s.rig.net.shown) == 1)
    await s.ok("POST", f"/api/v1/campaigns/{id}/pause")
    await asyncio.sleep(1.1)
    await firing.tick(s.rig.w.hub)
    await s.rig.w.settle()
    assert len(s.rig.net.shown) == 1
    await s.ok("POST", f"/api/v1/campaigns/{id}/resume")
    await firing.tick(s.rig.w.hub)
    await s.rig.w.until(lambda: len(s.rig.net.shown) >= 2)
    await s.ok("POST", f"/api/v1/campaigns/{id}/stop")
    seen = await s.ok("GET", f"/api/v1/campaigns/{id}")
    assert seen["state"] == "stopped" and seen["counts"]["cancelled"] == 8 and seen["counts"]["done"] == 2
    assert (await s.call("POST", f"/api/v1/campaigns/{id}/resume"))[0] == 409
    await s.ok("DELETE", f"/api/v1/campaigns/{id}")
    assert (await s.call("GET", f"/api/v1/campaigns/{id}"))[0] == 404


BAD: list[tuple[Json, str]] = [
    ({"recipients": ""}, "recipients is empty"),
    ({"recipients": "a,b\n1,2\n"}, "no column targetIdentifier or phone"),
    ({"recipients": '{"phone": 1}\n{broken'}, "line 2"),
    ({"recipients": "[1]"}, "item 1"),
    ({"message": {}}, "needs one of text, template and instruction"),
    ({"message": {"template": "x"}}, "is for WhatsApp_Kapso"),
    ({"perMinute": 0}, "perMinute"),
]


async def test_what_cannot_be_a_campaign(s: Street) -> None:
    for changes, words in BAD:
        sent = {
            "webChatId": str(s.rig.w.client),
            "name": "x",
            "target": "WhatsApp_ZApi",
            "message": TEXT,
            "recipients": CSV,
        }
        status, body = await s.call("POST", "/api/v1/campaigns", sent | changes)
        assert status == 400 and words in body["error"], body
