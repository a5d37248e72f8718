"""WhatsApp's own switch for marketing messages: who stops them there has opted out, and nobody answers to it."""

import hashlib
import hmac

import orjson

from tests.outreach.street import ANA, Json, Street
from tests.outreach.test_campaigns import write as campaign

BIA = "5511900000002"


def preference(value: str, phone: str = ANA, at: int = 1_731_617_831, category: str = "marketing_messages") -> Json:
    said = {
        "wa_id": phone, "detail": f"User requested to {value} marketing messages", "category": category, "value": value,
        "timestamp": at,
    }
    whole = {
        "messaging_product": "whatsapp", "metadata": {"display_phone_number": "1", "phone_number_id": "100"},
        "contacts": [{"profile": {"name": "Ana"}, "wa_id": phone}], "user_preferences": [said],
    }
    changes = [{"field": "user_preferences", "value": whole}]
    return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]}


async def told(s: Street, body: Json) -> None:
    raw = orjson.dumps(body)
    signature = hmac.new(b"hook-secret", raw, hashlib.sha256).hexdigest()
    await s.rig.w.knock("kapso", raw, x_webhook_signature=signature)
    await s.rig.w.settle()


async def refused(s: Street) -> Json:
    plan = await campaign(s, {"text": "Hello {name}."}, [{"phone": ANA, "name": "Ana"}, {"phone": BIA, "name": "Bia"}])
    return dict(plan["refused"])


async def test_who_stops_marketing_at_whatsapp_has_opted_out_until_they_resume(s: Street) -> None:
    await s.spoken(channel="kapso")
    said, asked = len(s.rig.net.final()), len(s.rig.model.calls)
    await told(s, preference("stop"))
    assert (await refused(s)).get("opted_out") == 1
    [person] = await s.ok("GET", "/api/v1/outreach/contacts")
    words = "User requested to stop marketing messages"
    assert (person["contact"], person["optedOutBy"], person["optedOutWords"]) == (f"phone:{ANA}", "contact", words)
    await told(s, preference("resume", at=1_731_617_999))
    assert "opted_out" not in await refused(s)
    # The same call, sent again late, is no other word; nor is what is about something else.
    await told(s, preference("stop"))
    await told(s, preference("stop", at=1_731_618_000, category="service_messages"))
    assert "opted_out" not in await refused(s)
    assert (len(s.rig.net.final()), len(s.rig.model.calls)) == (said, asked), "nobody answers to it"


async def test_who_never_wrote_may_stop_what_they_got(s: Street) -> None:
    await told(s, preference("stop", BIA))
    assert (await refused(s)).get("opted_out") == 1
    assert await s.db.value("select count(*) from sessions") == 0
    await s.spoken(channel="kapso")
    assert (await refused(s)).get("opted_out") == 1, "Ana has not said anything"
