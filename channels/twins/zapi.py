"""The Z-API twin: instances, calls, and what people do as callbacks."""

import time
from dataclasses import replace
from typing import Any

from aiohttp import web

from channels.twins import zapi_shapes as shapes
from channels.twins.people import digits, person
from channels.twins.replies import Body, Refused, Reply
from channels.twins.said import Said
from channels.twins.state import State
from channels.twins.webhooks import Hooks, Push
from channels.twins.whatsapp import (
    BUSINESS,
    BadMedia,
    act,
    heard,
    new_id,
    raised,
    unread,
)
from channels.twins.zapi_instance import Instance
from channels.twins.zapi_send import SENDS, ZapiSends, refused

Json = dict[str, Any]
DEFAULT = "3TWIN000INSTANCE000000000000TWIN"
TOKEN = "TWININSTANCETOKEN000000000000001"
POSTS = (*SENDS, "read-message")
ERRORS: dict[str, tuple[int, Json]] = {
    "not_sent": (200, {"value": False}),
    "client_token": (400, {"error": "your client-token is not configured"}),
    "client_token_null": (400, {"error": "null not allowed"}),
    "ip": (403, {"error": "[203.0.113.10] not allowed"}),
    "instance": (400, {"error": "Instance not found"}),
    "internal": (500, {"error": "Internal Server Error"}),
}


class ZapiTwin:
    """All instances."""

    name = "zapi"

    def __init__(self, state: State, hooks: Hooks) -> None:
        self._state = state
        self._hooks = hooks
        self.sends = ZapiSends(state, hooks)
        self.instances: dict[str, Instance] = {}

    async def handle(self, request: web.Request, path: str, body: Body) -> Reply:
        """instances/{id}/token/{token}/{action}."""
        parts = path.split("/")
        if len(parts) < 5 or (parts[0], parts[2]) != ("instances", "token"):
            return Reply(404, {"error": "NOT_FOUND", "message": "Unable to find matching target"})
        try:
            instance = self._instance(parts[1], parts[3])
            self._client_token(request)
            return await self._call(instance, request, "/".join(parts[4:]), body)
        except Refused as e:
            return e.reply
        except BadMedia as e:
            return Reply(400, {"error": f"Invalid media: {e}"})

    def _instance(self, key: str, token: str) -> Instance:
        options = self._state.options
        if not options.known(self.name, key) or not options.secret_ok(self.name, key, token):
            raise refused(400, "Instance not found")
        found = self.instances.setdefault(key, Instance(key, token))
        found.token, found.seen = token, time.time()
        return found

    def _client_token(self, request: web.Request) -> None:
        given, wanted = request.headers.get("Client-Token"), self._state.options.client_token
        if given and (given.lower().startswith("bad") or (wanted and given != wanted)):
            raise refused(403, f"Client-Token {given} not allowed")
        if wanted and not given:
            raise refused(400, "null not allowed")

    async def _call(self, instance: Instance, request: web.Request, path: str, body: Body) -> Reply:
        action, _, rest = path.partition("/")
        method = request.method
        if action in POSTS and method != "POST" or action == "messages" and method != "DELETE":
            raise refused(405, "Method Not Allowed")
        if action.startswith("update-") and method not in ("PUT", "POST"):
            raise refused(405, "Method Not Allowed")
        if method in ("POST", "PUT") and request.content_type != "application/json":
            raise refused(415, "Unsupported Media Type")
        given = body.data if isinstance(body.data, dict) else {}
        if action in SENDS:
            return self.sends.send(instance, action, rest, given)
        if registered := instance.register(action, given):
            shown = {"network": self.name, "id": instance.id, "webhook": self._webhook(instance)}
            self._state.publish("account", shown)
            return registered
        return self._other(instance, action, rest, given, request)

    def _other(
        self, instance: Instance, action: str, rest: str, given: Json, request: web.Request
    ) -> Reply:
        match action:
            case "read-message":
                self.sends.read(instance, str(given.get("messageId") or ""))
                return Reply(204)
            case "messages":
                self.sends.delete(instance, request.query.get("messageId", ""))
                return Reply(204)
            case "status":
                words = (
                    "You are already connected." if instance.connected else "You are not connected."
                )
                on = instance.connected
                return Reply(200, {"connected": on, "error": words, "smartphoneConnected": on})
            case "me":
                return Reply(200, self._me(instance))
            case "phone-exists":
                known = person(self.name, self._state.resolve(self.name, rest))
                known = self._state.people[self.name].get(known.id, known)
                lid = known.lid if known.exists else None
                return Reply(200, {"exists": known.exists, "phone": digits(rest), "lid": lid})
            case "chat-messages":
                raise refused(400, "Does not work in multi device version")
            case "chats":
                return Reply(200, self._chats(instance))
            case "disconnect" | "restart":
                self.set(instance.id, {"connected": action == "restart"})
                return Reply(200, {"value": True})
        return Reply(
            404, {"error": "NOT_FOUND", "message": "Unable to find matching target resource"}
        )

    def _me(self, instance: Instance) -> Json:
        urls = {f"{k}CallbackUrl": v for k, v in instance.urls.items()}
        known = {"id": instance.id, "token": instance.token, "name": f"Twin {instance.id[-4:]}"}
        return known | {"connected": instance.connected, "phone": BUSINESS} | urls

    def _chats(self, instance: Instance) -> list[Json]:
        return [
            {"phone": chat, "name": chat, "lastMessageTime": str(int(c.last_inbound * 1000))}
            for (n, a, chat), c in self._state.chats.items()
            if (n, a) == (self.name, instance.id)
        ]

    # People

    def say(self, said: Said) -> tuple[str, list[Push]]:
        """What a person, or the human at the business's phone, does as callbacks."""
        instance = self.instances.setdefault(said.account, Instance(said.account, TOKEN))
        if said.kind in ("block", "unblock"):
            state = "blocked" if said.kind == "block" else "active"
            self._state.person(self.name, {"id": said.person.id, "state": state})
            return "", []
        if said.kind == "typing":
            return "", [
                instance.push(shapes.presence(instance.id, said.person, "COMPOSING"), said.chat)
            ]
        message_id, body = self._body(instance, said)
        if said.from_me and not instance.notify_me:
            return message_id, []
        return message_id, [instance.push(body, said.chat)]

    def _body(self, instance: Instance, said: Said) -> tuple[str, Json]:
        if said.kind in ("edit", "delete", "reaction"):
            about = act(self._state, said, self.name)
            if said.kind == "delete":
                return about.id, shapes.revoked(instance.id, said, about)
            if said.kind == "edit":
                # The names are the wrong way round, as with the real one.
                body = shapes.received(instance.id, said, about.id)
                body |= {"isEdit": True, "editMessageId": new_id()}
                return about.id, body | {"text": {"message": said.text}}
            body = shapes.received(instance.id, said, new_id())
            return body["messageId"], body | shapes.reaction(said, about)
        message_id = said.id or new_id("3A" if said.from_me else "3EB0")
        if said.kind == "waiting":
            return message_id, shapes.waiting(instance.id, said, message_id)
        if said.kind == "button":
            said = replace(said, reply_to=said.target or said.reply_to)
        body = shapes.received(instance.id, said, message_id) | shapes.content(
            said, self.sends.url(said)
        )
        self._state.add(heard(said, self.name, message_id, body))
        return message_id, body

    def dispatch(self, push: Push, *, ordered: bool = True) -> None:
        """No promise of order, though first attempts leave in order."""
        self._hooks.post(push, ordered=ordered)

    def read(self, account: str, chat: str) -> None:
        """One callback for all messages seen at once."""
        seen = unread(self._state, self.name, account, chat)
        for message in seen:
            raised(self._state, message, "read")
        if seen and account in self.instances:
            instance = self.instances[account]
            body = shapes.status(account, chat, "READ", [m.id for m in seen])
            self.sends.tell(instance, body, chat)

    # For tests

    def limited(self, seconds: float, path: str) -> Reply:
        """429; never seen in the wild."""
        return Reply(
            429, {"error": "Too Many Requests"}, {"Retry-After": str(max(1, int(seconds)))}
        )

    def error(self, name: str, path: str) -> Reply | None:
        """Named errors."""
        return Reply(*ERRORS[name]) if name in ERRORS else None

    def account(self, given: str) -> str:
        """An instance's id."""
        last = max(self.instances.values(), key=lambda i: (i.registered, i.seen), default=None)
        return given or (last.id if last else DEFAULT)

    def accounts(self) -> list[Json]:
        """The instances seen."""
        return [
            {
                "id": i.id,
                "name": f"Instance {i.id[-4:]}",
                "webhook": self._webhook(i),
                "since": i.registered,
                "connected": i.connected,
            }
            for i in self.instances.values()
        ]

    def _webhook(self, instance: Instance) -> str | None:
        return instance.urls.get("received") or None

    def set(self, account: str, given: Json) -> None:
        """connected, gzip (bodies), header (name of the token's header)."""
        instance = self.instances.setdefault(account, Instance(account, TOKEN))
        instance.gzip = bool(given.get("gzip", instance.gzip))
        instance.header = str(given.get("header", instance.header))
        connected = bool(given.get("connected", instance.connected))
        if connected == instance.connected:
            return
        instance.connected = connected
        self.sends.tell(instance, shapes.connection(instance.id, connected), "")
        if connected:
            for message in instance.offline:
                self._state.spawn(self.sends.deliver(instance, message, 1.0, 0.0))
            instance.offline.clear()

    def reset(self) -> None:
        """Forget all instances."""
        self.instances.clear()
