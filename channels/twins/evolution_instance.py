"""One Evolution instance: its webhook and how events leave."""

import base64
import hashlib
import hmac
import random
import time
import uuid
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from channels.twins.evolution_shapes import SELF
from channels.twins.replies import Reply
from channels.twins.state import Message
from channels.twins.webhooks import Envelope, Policy, Push

Json = dict[str, Any]
FINAL = frozenset({400, 401, 403, 404, 422})


def pause(attempt: int) -> float:
    """Five seconds doubled each time, at most five minutes, a fifth more or less."""
    return min(5.0 * 2.0 ** (attempt - 2), 300.0) * random.uniform(0.8, 1.2)


POLICY = Policy(10, pause, timeout=30.0, final=FINAL)
# The server waits for this one event inside its message loop: a slow receiver stalls the instance.
AWAITED = Policy(10, pause, timeout=30.0, final=FINAL, order="strict")


@dataclass(slots=True)
class Instance:
    """What the server keeps of an instance."""

    name: str
    key: str = ""
    version: str = "2.3.7"
    server: str = ""
    state: str = "open"
    webhook: Json | None = None
    registered: float = 0.0
    seen: float = 0.0
    codes: int = 0
    coded: float = -1e9
    expose: bool = False  # body.apikey is null unless the server is told to show it
    row: Json = field(default_factory=dict)
    messages: OrderedDict[str, Message] = field(default_factory=OrderedDict)

    @property
    def id(self) -> str:
        """The same for the same name."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"twin/{self.name}"))

    def keep(self, message: Message, limit: int) -> None:
        """Remember a message by its id."""
        self.messages[message.id] = message
        while len(self.messages) > limit:
            self.messages.popitem(last=False)

    def register(self, given: Json) -> Reply:
        """/webhook/set."""
        hook = given.get("webhook")
        if not isinstance(hook, dict):
            return invalid('instance requires property "webhook"')
        for name in ("enabled", "url"):
            if name not in hook:
                return invalid(f'instance.webhook requires property "{name}"')
        url = hook.get("url")
        if not isinstance(url, str) or (hook["enabled"] and not url.startswith("http")):
            return failed(400, "Bad Request", ['Invalid "url" property'])
        self.webhook, self.registered = dict(hook), time.time()
        moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.row = {
            "id": self.row.get("id") or f"cm{uuid.uuid4().hex[:23]}",
            "url": url,
            "headers": hook.get("headers"),
            "enabled": bool(hook["enabled"]),
            "events": hook.get("events") or [],
            "webhookByEvents": bool(hook.get("byEvents")),
            "webhookBase64": bool(hook.get("base64")),
            "createdAt": self.row.get("createdAt") or moment,
            "updatedAt": moment,
            "instanceId": self.id,
        }
        return Reply(201, self.row)

    def wants(self, event: str) -> bool:
        """Whether the event is among those asked for; an empty list means all."""
        hook = self.webhook or {}
        listed = hook.get("events") or []
        return not listed or event.replace(".", "_").replace("-", "_").upper() in listed

    def push(self, event: str, data: Any, chat: str) -> Push:
        """One event."""

        def make() -> Envelope | None:
            hook = self.webhook or {}
            if not hook.get("enabled") or not self.wants(event):
                return None
            url = str(hook["url"])
            if hook.get("byEvents"):
                url += "/" + event.replace(".", "-").replace("_", "-")
            return Envelope(url, self._headers(event), self._body(event, data, url))

        policy = AWAITED if event == "messages.edited" else POLICY
        return Push("evolution", self.name, event, chat, make, policy, "loop")

    def _headers(self, event: str) -> dict[str, str]:
        headers = {
            "Accept": "application/json, text/plain, */*",
            "Content-Type": "application/json",
            "User-Agent": "axios/1.7.9",
            "Accept-Encoding": "gzip, compress, deflate, br",
        }
        if self.version.startswith("2.4"):
            headers |= {
                "User-Agent": "EvolutionAPI-Webhook/2.4.0",
                "X-Instance-ID": self.id,
                "X-Instance-Name": self.name,
                "X-Event-Type": event,
                "X-Timestamp": str(int(time.time() * 1000)),
            }
        given = dict((self.webhook or {}).get("headers") or {})
        if secret := given.pop("jwt_key", None):
            headers["Authorization"] = f"Bearer {jwt(str(secret))}"
        return headers | {str(k): str(v) for k, v in given.items()}

    def _body(self, event: str, data: Any, url: str) -> bytes:
        # Local time with a false "Z": what the real one sends.
        local = datetime.now().astimezone().replace(tzinfo=None)
        return orjson.dumps(
            {
                "event": event,
                "instance": self.name,
                "data": data,
                "destination": url,
                "date_time": local.isoformat(timespec="milliseconds") + "Z",
                "sender": SELF,
                "server_url": self.server,
                "apikey": self.key if self.expose else None,
            }
        )


def jwt(secret: str) -> str:
    """A token for ten minutes, signed with HS256."""
    now = int(time.time())
    parts: list[Json] = [
        {"alg": "HS256", "typ": "JWT"},
        {"iat": now, "exp": now + 600, "app": "evolution", "action": "webhook"},
    ]
    head = b".".join(_bare(orjson.dumps(p)) for p in parts)
    signed = hmac.new(secret.encode(), head, hashlib.sha256).digest()
    return (head + b"." + _bare(signed)).decode()


def _bare(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def failed(status: int, error: str, message: Any) -> Reply:
    """An error in Evolution's shape."""
    return Reply(status, {"status": status, "error": error, "response": {"message": message}})


def invalid(*problems: str) -> Reply:
    """A body that the schema does not allow."""
    return failed(400, "Bad Request", [list(problems)])
