"""One Z-API instance: its webhooks, and how they are delivered."""

import gzip
import time
from dataclasses import dataclass, field
from typing import Any

import orjson

from channels.twins.replies import Reply
from channels.twins.state import Message
from channels.twins.webhooks import Envelope, Policy, Push

Json = dict[str, Any]
# Path of the registration -> which callbacks it is for.
WEBHOOKS = {
    "update-webhook-received": "received",
    "update-webhook-received-delivery": "received",
    "update-webhook-delivery": "delivery",
    "update-webhook-message-status": "status",
    "update-webhook-connected": "connected",
    "update-webhook-disconnected": "disconnected",
    "update-webhook-chat-presence": "presence",
}
TYPES = {
    "ReceivedCallback": "received",
    "DeliveryCallback": "delivery",
    "MessageStatusCallback": "status",
    "ConnectedCallback": "connected",
    "DisconnectedCallback": "disconnected",
    "PresenceChatCallback": "presence",
}
AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36"
)
# Not documented: it tries a few times and then the message is lost for good.
WAITS = (0.0, 0.0, 5.0, 20.0, 60.0)
POLICY = Policy(tries=4, wait=lambda n: WAITS[min(n, 4)], timeout=30.0)
OFFLINE = 1000


@dataclass(slots=True)
class Instance:
    """What Z-API keeps of an instance."""

    id: str
    token: str
    urls: dict[str, str] = field(default_factory=dict)
    notify_me: bool = False
    connected: bool = True
    registered: float = 0.0
    seen: float = 0.0
    gzip: bool = False
    header: str = "z-api-token"
    offline: list[Message] = field(default_factory=list)

    def register(self, action: str, body: Json) -> Reply | None:
        """PUT update-...; None when it is none of them."""
        if action == "update-notify-sent-by-me":
            self.notify_me = bool(body.get("notifySentByMe"))
            return Reply(200, {"value": True})
        if action != "update-every-webhooks" and action not in WEBHOOKS:
            return None
        url = body.get("value")
        if not isinstance(url, str) or (url and not url.startswith(("https://", "http://"))):
            return Reply(400, {"error": "Invalid webhook url"})
        names = WEBHOOKS.values() if action == "update-every-webhooks" else [WEBHOOKS[action]]
        for name in names:
            self.urls[name] = url
        if "notifySentByMe" in body:
            self.notify_me = bool(body["notifySentByMe"])
        elif action == "update-webhook-received-delivery":
            self.notify_me = True
        self.registered = time.time()
        return Reply(200, {"value": True})

    def push(self, body: Json, chat: str) -> Push:
        """One callback to the address registered for its type."""
        name = TYPES[body["type"]]
        content = orjson.dumps(body)

        def make() -> Envelope | None:
            url = self.urls.get(name)
            if not url:
                return None
            headers = {
                "Content-Type": "application/json",
                "Origin": "https://api.z-api.io",
                "Server": "Z-API",
                self.header: self.token,
                "User-Agent": AGENT,
                "Connection": "Upgrade, HTTP2-Settings",
                "Upgrade": "h2c",
                "HTTP2-Settings": "AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
            }
            if self.gzip:
                return Envelope(url, headers | {"Content-Encoding": "gzip"}, gzip.compress(content))
            return Envelope(url, headers, content)

        return Push("zapi", self.id, body["type"], chat, make, POLICY, chat)
