"""The twin of a customer's own system behind the plain webhook channel."""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from channels.twins.replies import Body, Reply
from channels.twins.said import Said
from channels.twins.state import Message, State
from channels.twins.webhooks import Envelope, Hooks, Policy, Push
from channels.twins.whatsapp import heard

Json = dict[str, Any]
SECRET = "webhook-secret-0001"
DEFAULT = "shop"
POLICY = Policy(5, lambda n: 0.5 * 2**n, timeout=10.0, order="strict", retry_after=True)
LATE = 300


@dataclass(slots=True)
class System:
    """One system, by the last part of its address."""

    id: str
    webhook: str | None = None
    registered: float = 0.0


class WebhookTwin:
    """All systems; each has the same secret."""

    name = "webhook"

    def __init__(self, state: State, hooks: Hooks) -> None:
        self._state = state
        self._hooks = hooks
        self.systems: dict[str, System] = {}

    async def handle(self, request: web.Request, path: str, body: Body) -> Reply:
        """POST /{system}: an answer of the bot, or where to post to."""
        stamp = request.headers.get("X-Hub-Timestamp", "")
        right = stamp.isdigit() and abs(time.time() - int(stamp)) < LATE
        if not right or not hmac.compare_digest(request.headers.get("X-Hub-Signature", ""), _sign(stamp, body.raw)):
            return Reply(401, {"error": "the signature is wrong"})
        given = body.data if isinstance(body.data, dict) else {}
        system = self.systems.setdefault(path, System(path))
        if "webhook" in given:
            system.webhook, system.registered = given["webhook"], time.time()
            self._state.publish("account", {"network": self.name, "id": path, "webhook": system.webhook})
            return Reply(200, {})
        if given.get("ping"):
            return Reply(200, {})
        if not given.get("chat"):
            return Reply(400, {"error": "chat is missing"})
        return Reply(200, {"id": self._answered(system, given)})

    def _answered(self, system: System, given: Json) -> str:
        """The same id is the same message."""
        chat, id = str(given["chat"]), str(given.get("id") or secrets.token_hex(8))
        self._state.person(self.name, chat)
        if self._state.find(self.name, system.id, chat, id) is None:
            message = Message(
                id=id, network=self.name, account=system.id, chat=chat, side="business", by="api",
                text=str(given.get("text") or ""), reply_to=given.get("replyTo"), status="read",
            )
            message.buttons = [
                {"id": c.get("id"), "text": c.get("label"), "url": c.get("url")} for c in given.get("choices") or []
            ]
            if given.get("location"):
                message.kind, message.place = "location", dict(given["location"])
            if given.get("contact"):
                message.kind, message.card = "contact", dict(given["contact"])
            if given.get("file"):
                message.kind = str(given["file"].get("kind"))
            self._state.add(message)
            self._state.accepted("send", message)
        return id

    def say(self, said: Said) -> tuple[str, list[Push]]:
        """What a person does, as calls."""
        system = self.systems.setdefault(said.account, System(said.account))
        id = said.id or secrets.token_hex(8)
        sent: Json = {"id": id, "chat": said.chat, "name": said.person.name, "text": said.text, "at": int(said.at)}
        if said.kind in ("edit", "delete"):
            sent |= {"type": said.kind, "of": said.target}
        elif said.kind == "button":
            sent |= {"text": said.button["text"], "button": said.button["id"]}
        elif said.file is not None:
            url = f"{self._state.origin}/media/{said.file.id}/{said.file.name}"
            sent["files"] = [{"url": url, "mime": said.file.mime, "name": said.file.name}]
        elif said.kind != "text":
            return "", []
        if said.reply_to:
            sent["replyTo"] = said.reply_to
        if said.kind not in ("edit", "delete"):
            self._state.add(heard(said, self.name, id, sent))
        return id, [self._push(system, sent, said.chat)]

    def _push(self, system: System, sent: Json, chat: str) -> Push:
        body = orjson.dumps(sent)

        def make() -> Envelope | None:
            if system.webhook is None:
                return None
            stamp = str(int(time.time()))
            headers = {"X-Hub-Timestamp": stamp, "X-Hub-Signature": _sign(stamp, body)}
            return Envelope(system.webhook, {"Content-Type": "application/json", **headers}, body)

        return Push(self.name, system.id, str(sent.get("type") or "message"), chat, make, POLICY, chat)

    def dispatch(self, push: Push, *, ordered: bool = True) -> None:
        """At once."""
        self._hooks.post(push, ordered=ordered)

    def read(self, account: str, chat: str) -> None:
        """Such a system tells nobody."""

    def limited(self, seconds: float, path: str) -> Reply:
        """429."""
        return Reply(429, {"error": "slow down"}, {"Retry-After": str(max(1, int(seconds)))})

    def error(self, name: str, path: str) -> Reply | None:
        """There are no named ones."""
        return None

    def account(self, given: str) -> str:
        """The one that was registered last."""
        last = max(self.systems.values(), key=lambda s: s.registered, default=None)
        return given or (last.id if last else DEFAULT)

    def accounts(self) -> list[Json]:
        """The systems seen."""
        return [
            {"id": s.id, "name": s.id, "webhook": s.webhook, "since": s.registered} for s in self.systems.values()
        ]

    def set(self, account: str, given: Json) -> None:
        """Nothing can be changed from outside."""

    def reset(self) -> None:
        """Forget all systems."""
        self.systems.clear()


def _sign(stamp: str, body: bytes) -> str:
    return "sha256=" + hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
