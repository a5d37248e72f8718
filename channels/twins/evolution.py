"""The Evolution twin: instances, guards, and what people do as events."""

import base64
import time
from dataclasses import replace
from typing import Any

from aiohttp import web

from channels.twins import evolution_shapes as shapes
from channels.twins.evolution_instance import Instance, failed
from channels.twins.evolution_list import remembered
from channels.twins.evolution_send import REQUIRED, EvolutionSends, validate
from channels.twins.people import digits
from channels.twins.replies import Body, Refused, Reply
from channels.twins.said import MEDIA, Said
from channels.twins.state import Message, State
from channels.twins.webhooks import Hooks, Push
from channels.twins.whatsapp import (
    BUSINESS_NAME,
    BadMedia,
    act,
    heard,
    new_id,
    raised,
    unread,
)

Json = dict[str, Any]
CODE_SECONDS = 20.0  # then WhatsApp gives the next one
DEFAULT = "twin"
NOTHING = Reply(200, b"null", {"Content-Type": "application/json"})
ERRORS: dict[str, Reply] = {
    "closed": failed(400, "Bad Request", ["Error: Connection Closed"]),
    "no_sessions": failed(400, "Bad Request", ["SessionError: No sessions"]),
    "unauthorized": failed(401, "Unauthorized", "Unauthorized"),
    "internal": failed(500, "Internal Server Error", ["Error: Timed Out"]),
    "license": Reply(
        503,
        {
            "error": "service not activated",
            "code": "LICENSE_REQUIRED",
            "register_url": "https://evo.example.com/manager",
            "message": "The server has no licence.",
        },
    ),
}


class EvolutionTwin:
    """All instances of one server."""

    name = "evolution"

    def __init__(self, state: State, hooks: Hooks) -> None:
        self._state = state
        self._hooks = hooks
        self.sends = EvolutionSends(state, hooks)
        self.instances: dict[str, Instance] = {}

    async def handle(self, request: web.Request, path: str, body: Body) -> Reply:
        """<group>/<call>/{instance}: the instance is looked for before the key is."""
        route, _, name = path.rpartition("/")
        try:
            if path in ("", "instance/create", "instance/fetchInstances"):
                return self._server(request, path, body)
            return await self._call(self._instance(request, name), request, route, body)
        except Refused as e:
            return e.reply
        except (BadMedia, KeyError, TypeError, AttributeError, ValueError) as e:
            return failed(400, "Bad Request", [str(e)])

    def _server(self, request: web.Request, path: str, body: Body) -> Reply:
        if not path:
            known = {"status": 200, "message": "Welcome to the Evolution API, it is working!"}
            return Reply(200, known | {"version": self._state.options.evolution_version})
        self._key(request, "", lenient=True)
        if path == "instance/fetchInstances":
            return Reply(200, [self._shown(i) for i in self.instances.values()])
        given = body.data if isinstance(body.data, dict) else {}
        name = str(given.get("instanceName") or "")
        if not name:
            return failed(400, "Bad Request", [['instance requires property "instanceName"']])
        instance = self._made(name)
        instance.key = str(given.get("token") or instance.key or request.headers["apikey"])
        instance.state = "close"
        if hook := given.get("webhook"):
            instance.register({"webhook": {"enabled": True, **hook}})
        made = {"instanceName": name, "instanceId": instance.id, "status": instance.state}
        return Reply(201, {"instance": made, "hash": instance.key, "webhook": {}})

    def _instance(self, request: web.Request, name: str) -> Instance:
        options = self._state.options
        if not options.known(self.name, name):
            words = f'The "{name}" instance does not exist'
            raise Refused(failed(404, "Not Found", [words]))
        key = self._key(request, name)
        instance = self._made(name)
        instance.key, instance.seen = key, time.time()
        instance.server = f"{self._state.origin}/evolution"
        return instance

    def _key(self, request: web.Request, name: str, lenient: bool = False) -> str:
        key = request.headers.get("apikey", "")
        right = bool(key) if lenient else self._state.options.secret_ok(self.name, name, key)
        if not right:
            raise Refused(failed(401, "Unauthorized", "Unauthorized"))
        return key

    def _made(self, name: str) -> Instance:
        if name not in self.instances:
            version = self._state.options.evolution_version
            self.instances[name] = Instance(name, version=version)
        return self.instances[name]

    async def _call(
        self, instance: Instance, request: web.Request, route: str, body: Body
    ) -> Reply:
        given = body.data if isinstance(body.data, dict) else {}
        if route in REQUIRED:
            if request.method != "POST":
                return self._missing(request)
            validate(route, given)
            group, _, call = route.partition("/")
            if group == "message":
                return await self.sends.send(instance, call, given, body)
            return await self._chat(instance, call, given)
        match request.method, route:
            case "DELETE", "chat/deleteMessageForEveryone":
                return self.sends.delete(instance, given)
            case "POST", "webhook/set":
                return self._register(instance, given)
            case "GET", "webhook/find":
                return Reply(200, instance.row) if instance.row else NOTHING
            case "GET", "instance/connectionState":
                state = {"instanceName": instance.name, "state": instance.state}
                return Reply(200, {"instance": state})
            case "GET", "instance/connect":
                return self._connect(instance)
            case "DELETE", "instance/logout" | "instance/delete":
                return self._leave(instance, route)
        return self._missing(request)

    def _missing(self, request: web.Request) -> Reply:
        return failed(404, "Not Found", [f"Cannot {request.method} {request.path}"])

    async def _chat(self, instance: Instance, call: str, given: Json) -> Reply:
        match call:
            case "updateMessage":
                return self.sends.edit(instance, given)
            case "sendPresence":
                chat, _ = self.sends.receiver(instance, given)
                seconds = float(given["delay"]) / 1000
                if given["presence"] in ("composing", "recording"):
                    self._state.typing(self.name, instance.name, chat, seconds)
                await self._state.sleep(seconds)
                return Reply(201, {"presence": given["presence"]})
            case "markMessageAsRead":
                for key in given["readMessages"]:
                    known = instance.messages.get(str(key.get("id")))
                    if known is not None and not str(key.get("remoteJid")).endswith("@lid"):
                        raised(self._state, known, "read")
                return Reply(201, {"message": "Read messages", "read": "success"})
            case "findMessages":
                return remembered(instance, given)
            case "whatsappNumbers":
                return Reply(200, [self._number(str(n)) for n in given["numbers"]])
        return self._bytes(instance, given)

    def _number(self, number: str) -> Json:
        known = self._state.people[self.name].get(self._state.resolve(self.name, number))
        jid = f"{digits(number)}@s.whatsapp.net"
        exists = known.exists if known else number.isdigit()
        return {"jid": jid, "exists": exists, "number": number, "name": known.name if known else ""}

    def _bytes(self, instance: Instance, given: Json) -> Reply:
        key = (given.get("message") or {}).get("key") or {}
        known = instance.messages.get(str(key.get("id") or ""))
        if known is None:
            return failed(400, "Bad Request", ["Message not found"])
        if known.file is None:
            return failed(400, "Bad Request", ["The message is not of the media type"])
        file = known.file
        found = {
            "mediaType": shapes.TYPES.get(known.kind, "documentMessage"),
            "fileName": file.name,
            "caption": known.text,
            "size": {"fileLength": str(file.size), "height": 0, "width": 0},
            "mimetype": file.mime,
            "base64": base64.b64encode(file.content).decode(),
            "buffer": None,
        }
        return Reply(201, found)

    def _register(self, instance: Instance, given: Json) -> Reply:
        answer = instance.register(given)
        if answer.status == 201:
            shown = {"network": self.name, "id": instance.name, "webhook": self._url(instance)}
            self._state.publish("account", shown)
        return answer

    def _connect(self, instance: Instance) -> Reply:
        if instance.state == "open":
            state = {"instanceName": instance.name, "state": "open"}
            return Reply(200, {"instance": state})
        if time.monotonic() - instance.coded > CODE_SECONDS:
            instance.codes, instance.coded = instance.codes + 1, time.monotonic()
        code = {
            "pairingCode": None,
            "code": f"2@TWIN{instance.codes}",
            "base64": "data:image/png;base64,",
            "count": instance.codes,
        }
        return Reply(200, code)

    def _leave(self, instance: Instance, route: str) -> Reply:
        gone = route == "instance/delete"
        words = "Instance deleted" if gone else "Instance logged out"
        if gone:
            self.instances.pop(instance.name, None)
        else:
            self.set(instance.name, {"connected": False})
        return Reply(200, {"status": "SUCCESS", "error": False, "response": {"message": words}})

    def _shown(self, instance: Instance) -> Json:
        state = {"name": instance.name, "id": instance.id, "connectionStatus": instance.state}
        return state | {"ownerJid": shapes.SELF, "profileName": BUSINESS_NAME}

    # People

    def say(self, said: Said) -> tuple[str, list[Push]]:
        """What a person, or the human at the business's phone, does as events."""
        instance = self._made(said.account)
        match said.kind:
            case "block" | "unblock":
                state = "blocked" if said.kind == "block" else "active"
                self._state.person(self.name, {"id": said.person.id, "state": state})
                return "", []
            case "waiting":
                raise ValueError("only Z-API has such messages")
            case "typing":
                jid = shapes.jid(said.person)
                data: Json = {"id": jid, "presences": {jid: {"lastKnownPresence": "composing"}}}
                return "", self._pushes(instance, "presence.update", data, said.chat)
            case "edit" | "delete":
                return self._changed(instance, said)
        return self._upsert(instance, said)

    def _changed(self, instance: Instance, said: Said) -> tuple[str, list[Push]]:
        about = act(self._state, said, self.name)
        if said.kind == "edit":
            data = shapes.edited(about.raw["key"], said.text, about.file is not None)
        else:
            names = ("remoteJid", "fromMe", "id")
            data = {"key": {k: about.raw["key"][k] for k in names}, "type": "REVOKE"}
        return about.id, self._pushes(instance, "messages.edited", data, said.chat)

    def _upsert(self, instance: Instance, said: Said) -> tuple[str, list[Push]]:
        enc = shapes.Encoding(instance.version)
        message_id = said.id or new_id("3A" if said.from_me else "AC")
        about: Message | None = None
        if said.kind == "reaction":
            about = act(self._state, said, self.name)
            kind, content = "reactionMessage", self._reaction(said, about, enc)
        else:
            kind, content = shapes.content(said, enc)
            content["messageContextInfo"] = enc.context()
        hook = instance.webhook or {}
        if said.kind in MEDIA and said.file and hook.get("base64"):
            content["base64"] = base64.b64encode(said.file.content).decode()
        data: Json = {
            "key": shapes.key(said, message_id),
            "pushName": BUSINESS_NAME if said.from_me else said.person.name,
            "status": "SERVER_ACK" if said.from_me else "DELIVERY_ACK",
            "message": content,
            **self._context(instance, said, kind),
            "messageType": kind,
            "messageTimestamp": int(said.at),
            "instanceId": instance.id,
            "source": "ios" if said.from_me else "android",
        }
        if about is None:
            seen = self._state.add(heard(said, self.name, message_id, data))
            instance.keep(seen, self._state.options.keep)
        return message_id, self._pushes(instance, "messages.upsert", data, said.chat)

    def _reaction(self, said: Said, about: Message, enc: shapes.Encoding) -> Json:
        names = ("remoteJid", "fromMe", "id")
        key = {k: about.raw["key"][k] for k in names}
        stamp = enc.long(int(said.at * 1000))
        return {"reactionMessage": {"key": key, "text": said.emoji, "senderTimestampMs": stamp}}

    def _context(self, instance: Instance, said: Said, kind: str) -> Json:
        stanza = said.reply_to or (said.target if said.kind == "button" else "")
        if stanza:
            quoted = instance.messages.get(stanza)
            own = quoted is None or quoted.side == "business"
            content = quoted.raw.get("message") if quoted else None
            return {"contextInfo": shapes.quote(stanza, content, own, said.person)}
        if said.mention:
            return {"contextInfo": {"mentionedJid": [shapes.SELF], "groupMentions": []}}
        if kind in shapes.LINKED:
            return {"contextInfo": {"mentionedJid": [], "groupMentions": []}}
        return {}

    def _pushes(self, instance: Instance, event: str, data: Json, chat: str) -> list[Push]:
        return [instance.push(event, data, chat)] if instance.wants(event) else []

    def dispatch(self, push: Push, *, ordered: bool = True) -> None:
        """Nothing is in order, and an edit holds the whole instance back."""
        self._hooks.post(push, ordered=ordered)

    def read(self, account: str, chat: str) -> None:
        """One event for each message."""
        for message in unread(self._state, self.name, account, chat):
            raised(self._state, message, "read")
            if message.by == "api" and account in self.instances:
                self.sends.status(self.instances[account], message, "READ")

    # For tests

    def limited(self, seconds: float, path: str) -> Reply:
        """429: the server has no limit of its own, a proxy before it may."""
        words = ["Too many requests"]
        answer = failed(429, "Too Many Requests", words)
        return replace(answer, headers={"Retry-After": str(max(1, int(seconds)))})

    def error(self, name: str, path: str) -> Reply | None:
        """Named errors."""
        return ERRORS.get(name)

    def account(self, given: str) -> str:
        """An instance's name."""
        last = max(self.instances.values(), key=lambda i: (i.registered, i.seen), default=None)
        return given or (last.name if last else DEFAULT)

    def accounts(self) -> list[Json]:
        """The instances seen."""
        return [
            {
                "id": i.name,
                "name": i.name,
                "webhook": self._url(i),
                "since": i.registered,
                "connected": i.state == "open",
            }
            for i in self.instances.values()
        ]

    def _url(self, instance: Instance) -> str | None:
        hook = instance.webhook or {}
        return hook.get("url") if hook.get("enabled") else None

    def set(self, account: str, given: Json) -> None:
        """connected; expose (apikey in the body); version."""
        instance = self._made(account)
        instance.expose = bool(given.get("expose", instance.expose))
        instance.version = str(given.get("version", instance.version))
        if "connected" not in given:
            return
        instance.state = "open" if given["connected"] else "close"
        data: Json = {"instance": account, "state": instance.state, "statusReason": 200}
        if given["connected"]:
            data |= {"wuid": shapes.SELF, "profileName": BUSINESS_NAME, "profilePictureUrl": None}
        else:
            data["statusReason"] = 428
        for push in self._pushes(instance, "connection.update", data, ""):
            self._hooks.post(push)

    def reset(self) -> None:
        """Forget all instances."""
        self.instances.clear()
