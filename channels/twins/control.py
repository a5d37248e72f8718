"""Control endpoints: what tests and the page do to the twins. All JSON; {network} as in NETWORKS.

POST /control/{network}/message   a person acts; answers {"messages": [{"id", "chat", "account"}]}
    account    bot id, instance or phone number id; default: whoever registered a webhook last
    person     key ("700000001", "5511999990000", "181...@lid") or {id, name, phone, lid, ...}
    group      id or {id, title}; Telegram -100..., Z-API ...-group, Evolution ...@g.us, Kapso any
    kind       text image voice audio video video_note animation document sticker location contact
               button reaction edit delete typing block unblock unsupported
    text       the text or caption; the new text of an edit
    file       {base64, mime, name, seconds, size} or {id}; size may lie; default: a tiny file
    latitude, longitude, name, address   of a location; contact {name, phone}
    button     {id, text, list}, message_id: where it was; emoji: of a reaction, "" removes it
    message_id the message that edit, delete, reaction or button is about
    reply_to, forwarded, album, mention, at (epoch seconds), id (instead of a new one)
    lid        WhatsApp: only | both | swap | prev | 2.3.7 (how the phone is hidden; see each twin)
    from_me    a human typed it on the business's own phone (WhatsApp networks)
    messages   a list of such acts, each over the outer one's values; count: the same act n times
    duplicate  each webhook n times more; concurrent: all at once, in no queue; shuffle: any order
    delay_ms   between one webhook and the next; wait: seconds to wait until all is delivered
POST /control/{network}/faults    a fault or {"faults": [...]}; see faults.Fault; {"planned": n}
GET, DELETE /control/{network}/faults
GET  /control/{network}/chats, /control/{network}/chats/{chat}?account=   {"messages": [...]}
GET  /control/{network}/calls?since=&limit=&match=   API calls {"calls": [...]}
GET  /control/{network}/deliveries?since=&limit=&event=   {"deliveries": [...]}
POST /control/{network}/read      {chat, account}: the person has seen everything
POST /control/{network}/person    {id, name, exists, state: active|blocked|deactivated, ...}
POST /control/{network}/account   {account, connected: bool}; WhatsApp from Meta and Kapso: {account, template,
                                  language, status, reason} or {..., quality}
GET  /control/state               people, accounts and chats, for the page
GET  /control/idle?timeout=5      waits until nothing is being delivered: {"idle": bool}
GET  /control/events              server-sent events: message typing draft account delivery call reset
POST /control/reset
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

import orjson
from aiohttp import web

from channels.twins.events import stream
from channels.twins.faults import Fault, Faults
from channels.twins.said import parse
from channels.twins.state import Message, State
from channels.twins.twin import Twin
from channels.twins.webhooks import Hooks, Outcome, Push
from channels.twins.whatsapp import raised

Json = dict[str, Any]
SEVERAL = 10_000
OUTER = ("messages", "count", "duplicate", "concurrent", "shuffle", "delay_ms", "wait")


class Control:
    """The endpoints over the twins."""

    def __init__(
        self, state: State, faults: Faults, hooks: Hooks, twins: Mapping[str, Twin]
    ) -> None:
        self._state = state
        self._faults = faults
        self._hooks = hooks
        self._twins = twins

    def routes(self) -> list[web.RouteDef]:
        """All of them."""
        one = "/control/{network}"
        return [
            web.get("/control/state", self.overview),
            web.get("/control/idle", self.idle),
            web.get("/control/events", self.events),
            web.post("/control/reset", self.reset),
            web.post(f"{one}/message", self.message),
            web.post(f"{one}/faults", self.plan),
            web.get(f"{one}/faults", self.planned),
            web.delete(f"{one}/faults", self.unplan),
            web.get(f"{one}/chats", self.chats),
            web.get(f"{one}/chats/{{chat}}", self.chat),
            web.get(f"{one}/calls", self.calls),
            web.get(f"{one}/deliveries", self.deliveries),
            web.post(f"{one}/read", self.read),
            web.post(f"{one}/person", self.person),
            web.post(f"{one}/account", self.account),
        ]

    async def message(self, request: web.Request) -> web.Response:
        """One or more people act."""
        twin, given = self._twin(request), await _object(request)
        acts = _acts(given)
        said = []
        pushes: list[Push] = []
        for act in acts:
            account = twin.account(str(act.get("account") or ""))
            one = parse(self._state, twin.name, account, act)
            message_id, told = twin.say(one)
            said.append({"id": message_id, "chat": one.chat, "account": account})
            self._ticked(told, self._state.find(twin.name, account, one.chat, message_id))
            pushes += told * (1 + int(given.get("duplicate") or 0))
        if given.get("shuffle"):
            random.shuffle(pushes)
        ordered = not given.get("concurrent") and not given.get("shuffle")
        await self._dispatch(twin, pushes, ordered, float(given.get("delay_ms") or 0) / 1000)
        answer: Json = {"messages": said}
        if given.get("wait"):
            answer["idle"] = await self._settled(float(given["wait"]))
        return _json(answer)

    def _ticked(self, told: list[Push], message: Message | None) -> None:
        """The person's own message is delivered when a webhook has taken it."""
        if message is None or message.side != "person":
            return

        for push in told:
            push.attempted = _also(
                push.attempted, lambda: raised(self._state, message, "delivered")
            )

    async def _dispatch(self, twin: Twin, pushes: list[Push], ordered: bool, pause: float) -> None:
        for n, push in enumerate(pushes):
            if n and pause:
                await asyncio.sleep(pause)
            twin.dispatch(push, ordered=ordered)

    async def plan(self, request: web.Request) -> web.Response:
        """Faults to come."""
        twin, given = self._twin(request), await _object(request)
        listed = given.get("faults")
        found = [Fault.of(f) for f in (listed if isinstance(listed, list) else [given])]
        for fault in found:
            if fault.error and twin.error(fault.error, "") is None:
                raise ValueError(f"{twin.name} has no error named {fault.error}")
            self._faults.add(twin.name, fault)
        return _json({"planned": len(self._faults.listing(twin.name))})

    async def planned(self, request: web.Request) -> web.Response:
        """What is still to come."""
        return _json({"faults": self._faults.listing(self._twin(request).name)})

    async def unplan(self, request: web.Request) -> web.Response:
        """No more faults."""
        self._faults.clear(self._twin(request).name)
        return _json({"planned": 0})

    async def chats(self, request: web.Request) -> web.Response:
        """Which chats there are."""
        name = self._twin(request).name
        found = [
            {"account": account, "chat": chat, "title": c.title, "messages": len(c.messages)}
            for (network, account, chat), c in self._state.chats.items()
            if network == name
        ]
        return _json({"chats": found})

    async def chat(self, request: web.Request) -> web.Response:
        """The messages as the person's phone shows them, oldest first."""
        name = self._twin(request).name
        wanted = self._state.resolve(name, request.match_info["chat"])
        account = request.query.get("account", "")
        found = [
            (account_, c)
            for (network, account_, chat), c in self._state.chats.items()
            if network == name and chat == wanted and account in ("", account_)
        ]
        messages = [m.seen() for _, c in found for m in c.messages.values()]
        until = max((c.typing_until for _, c in found), default=0.0)
        messages.sort(key=lambda m: m["seq"])
        drafts = [c.draft for _, c in found if c.draft and c.draft["until"] > time.time()]
        shown = {
            "chat": wanted, "typing": until > time.time(), "draft": drafts[0] if drafts else None, "messages": messages,
        }
        return _json(shown)

    async def calls(self, request: web.Request) -> web.Response:
        """The API calls received, oldest first."""
        name, match = self._twin(request).name, request.query.get("match", "")
        found = (c for c in self._state.calls if c["network"] == name and match in c["path"])
        return _json({"calls": _since(request, found)})

    async def deliveries(self, request: web.Request) -> web.Response:
        """Every attempt to deliver a webhook, oldest first."""
        name, event = self._twin(request).name, request.query.get("event", "")
        found = (d for d in self._state.deliveries if d["network"] == name and event in d["event"])
        return _json({"deliveries": _since(request, found)})

    async def read(self, request: web.Request) -> web.Response:
        """The person has seen the business's messages."""
        twin, given = self._twin(request), await _object(request)
        account = twin.account(str(given.get("account") or ""))
        twin.read(account, self._state.resolve(twin.name, str(given.get("chat") or "")))
        return _json({"ok": True})

    async def person(self, request: web.Request) -> web.Response:
        """A person, new or changed."""
        found = self._state.person(self._twin(request).name, await _object(request))
        return _json(asdict(found))

    async def account(self, request: web.Request) -> web.Response:
        """Change an account."""
        twin, given = self._twin(request), await _object(request)
        account = twin.account(str(given.pop("account", "") or ""))
        twin.set(account, given)
        return _json({"account": account})

    async def overview(self, request: web.Request) -> web.Response:
        """What the page begins with."""
        networks = []
        for name, twin in self._twins.items():
            people = [asdict(p) for p in self._state.people[name].values()]
            known = {"name": name, "people": people[-200:], "accounts": twin.accounts()}
            networks.append(known | {"account": twin.account("")})
        chats = [
            {
                "network": n,
                "account": a,
                "chat": c,
                "last": next(reversed(chat.messages.values())).seen(),
            }
            for (n, a, c), chat in list(self._state.chats.items())[-300:]
            if chat.messages
        ]
        found = {"origin": str(request.url.origin()), "networks": networks, "chats": chats}
        return _json(found | {"traffic": self._traffic()})

    def _traffic(self) -> list[Json]:
        """The newest calls and deliveries together."""
        wanted = (
            *("network", "event", "method", "path", "status"),
            *("attempt", "error", "ms", "at"),
        )
        both = [*list(self._state.calls)[-60:], *list(self._state.deliveries)[-60:]]
        both.sort(key=lambda e: e["at"])
        return [{k: e[k] for k in wanted if k in e} for e in both[-60:]]

    async def idle(self, request: web.Request) -> web.Response:
        """Wait for the deliveries to end."""
        return _json({"idle": await self._settled(float(request.query.get("timeout", "5")))})

    async def _settled(self, seconds: float) -> bool:
        ends = time.monotonic() + seconds
        while not self._hooks.idle:
            if time.monotonic() > ends:
                return False
            await asyncio.sleep(0.01)
        return True

    async def events(self, request: web.Request) -> web.StreamResponse:
        """The feed."""
        return await stream(self._state, request)

    async def reset(self, request: web.Request) -> web.Response:
        """As at the start."""
        self._state.reset()
        self._faults.clear()
        self._hooks.reset()
        for twin in self._twins.values():
            twin.reset()
        self._state.publish("reset", {})
        return _json({"ok": True})

    def _twin(self, request: web.Request) -> Twin:
        name = request.match_info["network"]
        if name not in self._twins:
            raise ValueError(f"no network {name}; there are {', '.join(self._twins)}")
        return self._twins[name]


@web.middleware
async def explain(request: web.Request, handler: Any) -> web.StreamResponse:
    """Mistakes in control calls are told in words; pages of other sites may make none."""
    origin = request.headers.get("Origin")
    if origin and request.path.startswith("/control/") and urlsplit(origin).netloc != request.host:
        return web.json_response({"error": "only the twins' own page may do this"}, status=403)
    try:
        answer: web.StreamResponse = await handler(request)
    except (ValueError, TypeError, KeyError) as e:
        if not request.path.startswith("/control/"):
            raise
        return web.json_response({"error": str(e) or type(e).__name__}, status=400)
    return answer


def _also(
    first: Callable[[Outcome], None] | None, then: Callable[[], object]
) -> Callable[[Outcome], None]:
    def attempted(outcome: Outcome) -> None:
        if first:
            first(outcome)
        if outcome.ok:
            then()

    return attempted


def _acts(given: Json) -> list[Json]:
    base = {k: v for k, v in given.items() if k not in OUTER}
    listed = given.get("messages")
    if isinstance(listed, list):
        return [base | m for m in listed[:SEVERAL]]
    return [base] * min(int(given.get("count") or 1), SEVERAL)


def _since(request: web.Request, entries: Iterable[Json]) -> list[Json]:
    since = int(request.query.get("since", "0"))
    limit = int(request.query.get("limit", "1000"))
    return [e for e in entries if e["id"] > since][-limit:]


async def _object(request: web.Request) -> Json:
    raw = await request.read()
    given = orjson.loads(raw) if raw else {}
    if not isinstance(given, dict):
        raise ValueError("a JSON object is expected")
    return given


def _json(body: Json) -> web.Response:
    return web.Response(body=orjson.dumps(body), content_type="application/json")
