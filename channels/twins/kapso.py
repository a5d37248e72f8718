"""The Kapso twin: Meta's API behind a key, the platform API, and what people do as events."""

import re
import time
import uuid
from dataclasses import replace
from typing import Any

from aiohttp import web

from channels.twins import kapso_shapes as shapes
from channels.twins.kapso_errors import meta_error, named, own_error
from channels.twins.kapso_list import listed
from channels.twins.kapso_number import Batches, KapsoPush, Number, moment, single
from channels.twins.kapso_send import KapsoSends
from channels.twins.people import Person
from channels.twins.replies import Body, Refused, Reply
from channels.twins.said import Said
from channels.twins.state import State
from channels.twins.templates import WABA, Templates
from channels.twins.webhooks import Hooks, Push
from channels.twins.whatsapp import BUSINESS, BUSINESS_NAME, act, heard, raised, unread

Json = dict[str, Any]
DEFAULT = "100000000000001"
META = re.compile(r"meta/whatsapp/v\d+\.\d+/([^/]+)(?:/(messages|media|message_templates))?")
PLATFORM = re.compile(r"platform/v1/whatsapp/phone_numbers(?:/([^/]+)(/webhooks(?:/([^/]+))?)?)?")


class KapsoTwin:
    """All numbers of a project."""

    name = "kapso"

    def __init__(self, state: State, hooks: Hooks) -> None:
        self._state = state
        self._hooks = hooks
        self.sends = KapsoSends(state, hooks, self.name)
        self.batches = Batches(hooks, state.options.speed)
        self.numbers: dict[str, Number] = {}
        self.project = str(uuid.uuid4())

    async def handle(self, request: web.Request, path: str, body: Body) -> Reply:
        """meta/..., platform/... and media addresses."""
        try:
            if path.startswith("media/"):
                return self._file(path.split("/")[1])
            key = self._key(request)
            if path == "meta/whatsapp/media_download":
                return self._file(request.query.get("token", ""))
            if found := META.fullmatch(path):
                return self._meta(request, key, found[1], found[2] or "", body)
            if found := PLATFORM.fullmatch(path):
                return self._platform(request, key, found, body)
        except Refused as e:
            return e.reply
        except (TypeError, AttributeError, KeyError, IndexError, ValueError) as e:
            return meta_error("100", str(e))
        return own_error("not_found", "Not found")

    def _key(self, request: web.Request) -> str:
        key = request.headers.get("X-API-Key", "")
        named_ = self._state.options.accounts.get(self.name)
        right = key in named_.values() if named_ else bool(key)
        if not right or not self._state.options.secret_ok(self.name, "", key) and not named_:
            raise Refused(own_error("unauthorized"))
        return key

    def _number(self, number_id: str, key: str) -> Number:
        options = self._state.options
        if not options.known(self.name, number_id) or not number_id.isdigit():
            raise Refused(own_error("not_found"))
        if not options.secret_ok(self.name, number_id, key):
            raise Refused(own_error("not_found"))  # a number of another project
        found = self.numbers.setdefault(number_id, Number(number_id, network=self.name))
        found.key, found.seen = key, time.time()
        return found

    def _file(self, file_id: str) -> Reply:
        file = self._state.files.get(file_id)
        if file is None:
            return own_error("not_found", "Media not found")
        return Reply(200, file.content, {"Content-Type": file.mime})

    def _meta(self, request: web.Request, key: str, name: str, what: str, body: Body) -> Reply:
        given = body.data if isinstance(body.data, dict) else {}
        if what == "message_templates":
            if name != WABA:
                return meta_error("100", "Unsupported get request")
            return self.sends.templates.listed(request.query)
        if what and request.method == "POST":
            number = self._number(name, key)
            return self.sends.upload(body) if what == "media" else self.sends.post(number, given)
        if what == "messages" and request.method == "GET":
            return listed(self._state, self._number(name, key), request.query)
        if not what and request.method == "GET":
            return self.sends.media(name, self._state.origin)
        return own_error("not_found", "Not found")

    # Platform

    def _platform(self, request: web.Request, key: str, found: re.Match[str], body: Body) -> Reply:
        if not found[1]:
            return Reply(200, {"data": [self._about(n) for n in self.numbers.values()]})
        number = self._number(found[1], key)
        if not found[2]:
            return Reply(200, {"data": self._about(number)})
        given = body.data if isinstance(body.data, dict) else {}
        hook = given.get("whatsapp_webhook")
        given = hook if isinstance(hook, dict) else {}
        if found[3]:
            return self._webhook(request.method, number, found[3], given)
        if request.method == "GET":
            rows = [h.row for h in number.hooks.values()]
            page = {"page": 1, "per_page": 20, "total_pages": 1, "total_count": len(rows)}
            return Reply(200, {"data": rows, "meta": page})
        if not str(given.get("url") or "").startswith("http"):
            return Reply(422, {"error": "Url is invalid"})
        row = number.add(given, self.project)
        self._changed(number)
        return Reply(201, {"data": row})

    def _about(self, number: Number) -> Json:
        known = {"id": number.id, "phone_number_id": number.id, "name": BUSINESS_NAME}
        return known | {"display_phone_number": f"+{BUSINESS}", "status": "CONNECTED", "business_account_id": WABA}

    def _webhook(self, method: str, number: Number, hook_id: str, given: Json) -> Reply:
        hook = number.hooks.get(hook_id)
        if hook is None:
            return own_error("not_found", "Webhook not found")
        if method == "DELETE":
            del number.hooks[hook_id]
            self._changed(number)
            return Reply(204)
        if method in ("PATCH", "PUT"):
            hook.row |= {k: v for k, v in given.items() if k in hook.row and k != "id"}
            hook.row["updated_at"] = moment()
            if hook.row["active"]:
                hook.recent.clear()
            number.registered = time.time()
            self._changed(number)
        return Reply(200, {"data": dict(hook.row)})

    def _changed(self, number: Number) -> None:
        shown = {"network": self.name, "id": number.id, "webhook": self._url(number)}
        self._state.publish("account", shown)

    # People

    def say(self, said: Said) -> tuple[str, list[Push]]:
        """What a person, or the human at the business's app, does as events."""
        number = self.numbers.setdefault(said.account, Number(said.account, network=self.name))
        if said.kind in ("block", "unblock"):
            state = "blocked" if said.kind == "block" else "active"
            self._state.person(self.name, {"id": said.person.id, "state": state})
            return "", []
        if said.kind == "typing":
            return "", []  # the Cloud API does not tell
        if said.kind == "waiting":
            raise ValueError("only Z-API has such messages")
        chat = self._state.chat(self.name, number.id, said.chat)
        message_id = said.id or shapes.wamid(said.chat)
        url = (
            f"{self._state.origin}/{self.name}/media/{said.file.id}/{said.file.name}" if said.file else ""
        )
        body = shapes.message(said, message_id, url)
        if said.kind in ("edit", "delete", "reaction"):
            act(self._state, said, self.name)
        else:
            self._state.add(heard(said, self.name, message_id, body))
        hidden = said.lid in ("only", "bsuid") or not said.person.phone
        item = shapes.event(number, said.person, said.chat, chat, body, hidden=hidden)
        event = "whatsapp.message.sent" if said.from_me else "whatsapp.message.received"
        return message_id, self._pushes(number, event, item, said.person)

    def _pushes(self, number: Number, event: str, item: Json, who: Person) -> list[Push]:
        meta = shapes.meta(number, who, item["message"])
        return [single(number, h, event, item, meta) for h in number.listeners(event)]

    def dispatch(self, push: Push, *, ordered: bool = True) -> None:
        """At once, or with others of the conversation."""
        if isinstance(push, KapsoPush) and push.hook and push.hook.buffered(push.event):
            self.batches.add(self.numbers[push.account], push, push.hook)
            return
        self._hooks.post(push, ordered=ordered)

    def read(self, account: str, chat: str) -> None:
        """One event for each message."""
        for message in unread(self._state, self.name, account, chat):
            raised(self._state, message, "read")
            if message.by == "api" and account in self.numbers:
                self.sends.status(self.numbers[account], message, "read")

    # For tests

    def limited(self, seconds: float, path: str) -> Reply:
        """429 with Meta's code, as some proxies give it."""
        words = "Cloud API message throughput has been reached."
        answer = meta_error("130429", words, 429)
        return replace(answer, headers={"Retry-After": str(max(1, int(seconds)))})

    def error(self, name: str, path: str) -> Reply | None:
        """Named errors: a Meta code or a word."""
        return named(name)

    def account(self, given: str) -> str:
        """A phone number id."""
        last = max(self.numbers.values(), key=lambda n: (n.registered, n.seen), default=None)
        return given or (last.id if last else DEFAULT)

    def accounts(self) -> list[Json]:
        """The numbers seen."""
        return [
            {"id": n.id, "name": f"+{BUSINESS}", "webhook": self._url(n), "since": n.registered}
            for n in self.numbers.values()
        ]

    def _url(self, number: Number) -> str | None:
        active = (str(h.row["url"]) for h in number.hooks.values() if h.row["active"])
        return next(active, None)

    def set(self, account: str, given: Json) -> None:
        """A template: {template, language?, status, reason?} or {template, quality}; hooks of kind meta hear of it."""
        name = str(given.get("template") or "")
        if not name:
            raise ValueError("only templates can be changed from outside")
        change = self.sends.templates.change(name, str(given.get("language") or ""), given)
        number = self.numbers.setdefault(account, Number(account, network=self.name))
        entry = {"id": WABA, "time": int(time.time()), "changes": [change]}
        body = {"object": "whatsapp_business_account", "entry": [entry]}
        item: Json = {"conversation": {"id": WABA}, "message": {}}
        for hook in number.hooks.values():
            if hook.row["active"] and hook.row["kind"] == "meta":
                self._hooks.post(single(number, hook, change["field"], item, body))

    def reset(self) -> None:
        """Forget all numbers."""
        self.sends.templates = Templates()
        for number in self.numbers.values():
            for hook in number.hooks.values():
                for timer in hook.timers.values():
                    timer.cancel()
        self.numbers.clear()
