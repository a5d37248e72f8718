"""A business on every network with its worker, its API and a scheduler whose ticks a test makes itself."""

import hashlib
import hmac
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import orjson
from aiohttp.test_utils import TestServer

from hub.accounts.keys import grant
from hub.api.app import build_app
from hub.config import Settings
from hub.outreach import admission, firing
from hub.outreach.firing import Ticked
from tests.fakes.model import Act, says
from tests.flows.rig import Rig, rig

Json = dict[str, Any]
ANA = "5511999990000"
USER = {"zapi": f"zp_whatsapp:{ANA}@", "telegram": "zp_telegram:700@", "kapso": f"zp_whatsapp:{ANA}@"}
TARGET = {"zapi": "WhatsApp_ZApi", "telegram": "Telegram", "kapso": "WhatsApp_Kapso", "evolution": "WhatsApp_Evolution"}
BACK = """
    update schedules set next_at = $2, scheduled_at = case when kind = 'once' then $2 else scheduled_at end
    where id = $1
"""


@dataclass
class Street:
    rig: Rig
    url: str
    key: str
    http: aiohttp.ClientSession
    count: Any = field(default_factory=lambda: itertools.count(1))

    @property
    def db(self) -> Any:
        return self.rig.db

    @property
    def base(self) -> str:
        return f"/api/v1/web-chat-clients/{self.rig.w.client}/hook-schedules"

    def user(self, channel: str = "zapi") -> str:
        return USER[channel] + str(self.rig.w.client)[-12:]

    async def call(self, method: str, path: str, sent: Any = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.key}"}
        async with self.http.request(method, self.url + path, json=sent, headers=headers) as got:
            raw = await got.read()
            return got.status, orjson.loads(raw) if raw else None

    async def ok(self, method: str, path: str, sent: Any = None) -> Any:
        status, body = await self.call(method, path, sent)
        assert status == 200, (method, path, status, body)
        return body

    async def say(self, text: str, channel: str = "zapi", phone: str = ANA) -> None:
        n = next(self.count)
        if channel == "telegram":
            who = {"id": 700, "is_bot": False, "first_name": "Ana", "language_code": "en"}
            chat = {"id": 700, "type": "private"}
            message = {"message_id": n, "from": who, "chat": chat, "date": 1767272501, "text": text}
            await self.rig.w.knock("telegram", {"update_id": n, "message": message})
            return
        if channel == "kapso":
            await self._kapso(text, n)
            return
        body = {
            "instanceId": "I1",
            "messageId": f"Z{n}",
            "phone": phone,
            "fromMe": False,
            "momment": 1767272401000,
            "status": "RECEIVED",
            "type": "ReceivedCallback",
            "text": {"message": text},
            "isGroup": False,
            "waitingMessage": False,
        }
        await self.rig.w.knock("zapi", body)

    async def _kapso(self, text: str, n: int) -> None:
        message = {"id": f"wamid.in{n}", "timestamp": "1767272407", "type": "text", "from": ANA, "text": {"body": text}}
        raw = orjson.dumps(
            {
                "message": message | {"kapso": {"direction": "inbound"}},
                "conversation": {"phone_number": f"+{ANA}"},
                "phone_number_id": "100",
            }
        )
        signature = hmac.new(b"hook-secret", raw, hashlib.sha256).hexdigest()
        headers = {"x_webhook_event": "whatsapp.message.received", "x_webhook_signature": signature}
        await self.rig.w.knock("kapso", raw, **headers)

    async def spoken(self, text: str = "Hi", channel: str = "zapi") -> None:
        """The person writes and is answered."""
        before = len(self.rig.net.final())
        await self.say(text, channel)
        await self.rig.w.until(lambda: len(self.rig.net.final()) > before)
        await self.rig.w.settle()

    def models(self, *acts: Act) -> None:
        self.rig.model.default = acts[-1]
        self.rig.model.plan.extend(acts[:-1])

    def prompt(self) -> str:
        """All that the model was last told."""
        return "\n".join(str(m["content"]) for m in self.rig.model.calls[-1].body["messages"])

    async def schedule(self, reason: str = "Remind them of the dentist", channel: str = "zapi", **more: Any) -> str:
        """A one-time schedule of the person, due in an hour."""
        at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        sent = {"externalUserId": self.user(channel), "scheduledTime": at, "reason": reason, **more}
        return str((await self.ok("POST", f"{self.base}/schedules", sent))["id"])

    async def recurring(self, cron: str = "0 9 * * *", **more: Any) -> str:
        sent = {"externalUserId": self.user(), "cronExpression": cron, "jobDescription": "Say good morning", **more}
        return str((await self.ok("POST", f"{self.base}/recurring", sent))["id"])

    async def due(self, id: str, late: timedelta = timedelta(seconds=1)) -> Ticked:
        """The schedule's time has come; a scheduler ticks."""
        await self.db.run(BACK, id, datetime.now(UTC) - late)
        return await firing.tick(self.rig.w.hub)

    async def admit(self) -> int:
        return await admission.run(self.rig.w.hub)

    async def result(self, id: str) -> Any:
        return (await self.ok("GET", f"{self.base}/schedules/{id}"))["activationResult"]

    async def ends(self, id: str, wanted: str) -> None:
        """Wait for the schedule's result."""

        async def there() -> bool:
            return bool(await self.result(id) == wanted)

        try:
            await self.rig.w.until(there)
        except AssertionError:
            raise AssertionError(f"{await self.result(id)} instead of {wanted}") from None

    async def activation(self, id: str) -> Json:
        found = await self.ok("GET", f"/api/v1/outreach/activations?scheduleId={id}")
        return dict(found["activations"][0])

    async def decided(self, id: str) -> Json:
        """The schedule's latest activation once the policy has looked at it."""
        found: list[Json] = []

        async def there() -> bool:
            found[:] = [await self.activation(id)]
            return found[0]["state"] != "due" or bool(found[0]["reason"])

        await self.rig.w.until(there)
        return found[0]

    async def why(self, id: str) -> Json:
        return dict(await self.ok("GET", f"/api/v1/messages/{id}/why"))

    async def policy(self, **given: Any) -> None:
        await self.ok("PUT", "/api/v1/outreach/policy", given)


@asynccontextmanager
async def street(settings: Settings, *, work: bool = True, **more: Any) -> AsyncIterator[Street]:
    """Quiet hours are off unless a test sets them: it may be night."""
    async with rig(settings, work=work, **more) as r, aiohttp.ClientSession() as http:
        r.model.default = says("Remember the dentist at ten.")
        async with TestServer(build_app(r.w.hub, r.w.intake)) as server:
            key = await grant(r.db, r.w.account, "test", None)
            one = Street(r, str(server.make_url("")).rstrip("/"), key, http)
            await one.policy(quietHours={"enabled": False})
            yield one
