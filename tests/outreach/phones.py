"""People who write from WhatsApp in all ways in which networks write a phone."""

import hashlib
import hmac
import itertools
import time
from pathlib import Path
from typing import Any

import orjson

from hub.chat.inbound.webhooks import Verdict
from tests.outreach.street import Json, Street

INPUTS = Path(__file__).parent / "inputs"
COUNT = itertools.count(1)
WHATSAPP = ("zapi", "evolution", "kapso")


def given(name: str) -> Json:
    found: Json = orjson.loads((INPUTS / f"{name}.json").read_bytes())
    return found


async def kapso(s: Street, body: Json, event: str = "whatsapp.message.received") -> Verdict:
    body["message"]["timestamp"] = str(int(time.time()))
    body = body | {"phone_number_id": "100", "conversation": body["conversation"] | {"phone_number_id": "100"}}
    raw = orjson.dumps(body)
    signature = hmac.new(b"hook-secret", raw, hashlib.sha256).hexdigest()
    return await s.rig.w.knock("kapso", raw, x_webhook_event=event, x_webhook_signature=signature)


async def evolution(s: Street, body: Json) -> Verdict:
    body["data"]["messageTimestamp"] = int(time.time())
    return await s.rig.w.knock("evolution", body | {"instance": "hub"})


async def write(s: Street, network: str, text: str, phone: str | None = None, lid: str | None = None) -> None:
    """A message of somebody on WhatsApp, known by phone, LID or both."""
    n = next(COUNT)
    if network == "kapso":
        message = {"id": f"wamid.p{n}", "type": "text", "from": phone, "text": {"body": text}}
        await kapso(s, {
            "message": message | {"kapso": {"direction": "inbound"}}, "conversation": {"phone_number": f"+{phone}"},
            "phone_number_id": "100",
        })
    elif network == "evolution":
        jids = [f"{lid}@lid"] * bool(lid) + [f"{phone}@s.whatsapp.net"] * bool(phone)
        key: Json = {"remoteJid": jids[0], "fromMe": False, "id": f"EP{n}"}
        if len(jids) > 1:
            key["remoteJidAlt"] = jids[1]
        await evolution(s, {
            "event": "messages.upsert",
            "data": {"key": key, "message": {"conversation": text}, "messageType": "conversation"},
        })
    else:
        body: dict[str, Any] = {
            "instanceId": "I1", "messageId": f"ZP{n}", "phone": phone or f"{lid}@lid", "fromMe": False,
            "momment": int(time.time() * 1000), "status": "RECEIVED", "type": "ReceivedCallback",
            "text": {"message": text}, "isGroup": False, "waitingMessage": False,
        }
        await s.rig.w.knock("zapi", body | ({"chatLid": f"{lid}@lid"} if lid else {}))


async def sessions(s: Street) -> int:
    return int(await s.db.value("select count(*) from sessions where kind = 'channel' and closed_at is null"))
