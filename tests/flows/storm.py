"""A storm: many chats write while everything around them dies."""

import asyncio
import hashlib
import hmac
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from hub.config import Settings
from hub.live.connect import DOWN
from hub.processes.embedded import Server, start_postgres
from tests.fakes.model import FakeModel, cut, refuses, says
from tests.flows.history import History
from tests.flows.ledger import Ledger, Shown
from tests.flows.processes import Child, start
from tests.flows.proxy import Hole
from tests.flows.rig import echo, marks
from tests.flows.world import SECRET, World

Json = dict[str, Any]
REDELIVERED = 0.15
CROWD = 25
FAULTS = (("busy", 0.03), ("broken", 0.03), ("lost", 0.03), ("hang", 0.01), ("late", 0.01))


def again(server: Server) -> Server:
    """The same server at the same address, after it was killed."""
    with server.log.open("ab") as out:
        args: Any = server.process.args
        process = subprocess.Popen(args, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    return Server(server.name, server.url, process, server.log, server.quit_signal)


@dataclass(frozen=True, slots=True)
class Chat:
    """Somebody who writes to a chat client over a network."""

    network: str
    number: str
    client: World

    def mark(self, n: int) -> str:
        return f"#{self.network[0]}{self.number}-{n}"

    def body(self, n: int) -> Json:
        text = f"hello {self.mark(n)}"
        if self.network == "telegram":
            who = {"id": int(self.number), "is_bot": False, "first_name": "Ana", "language_code": "en"}
            chat = {"id": int(self.number), "type": "private"}
            unique = int(self.number) * 10_000 + n
            message = {"message_id": n, "from": who, "chat": chat, "date": 1767272501, "text": text}
            return {"update_id": unique, "message": message}
        if self.network == "evolution":
            key = {"remoteJid": f"{self.number}@s.whatsapp.net", "fromMe": False, "id": f"E{self.number}-{n}"}
            data: Json = {"key": key, "pushName": "Ana", "message": {"conversation": text}}
            data |= {"messageType": "conversation", "messageTimestamp": int(time.time())}
            return {"event": "messages.upsert", "instance": "hub", "data": data}
        if self.network == "kapso":
            message = {"id": f"wamid.{self.number}-{n}", "timestamp": "1767272407", "type": "text", "from": self.number}
            message |= {"text": {"body": text}, "kapso": {"direction": "inbound"}}
            return {"message": message, "conversation": {"phone_number": f"+{self.number}"}, "phone_number_id": "100"}
        return zapi(self.number, f"Z{self.number}-{n}", text)


def zapi(phone: str, id: str, text: str, **more: Any) -> Json:
    return {
        "instanceId": "I1",
        "messageId": id,
        "phone": phone,
        "fromMe": False,
        "momment": 1767272401000,
        "status": "RECEIVED",
        "type": "ReceivedCallback",
        "text": {"message": text},
        "isGroup": False,
        "waitingMessage": False,
        **more,
    }


@dataclass
class Storm:
    """The scene. `workers`, `webs` and `servers` (PostgreSQL, Valkey) are replaced as they die."""

    settings: Settings
    net: Ledger
    folder: Path
    dice: random.Random
    servers: list[Server]
    chats: list[Chat]
    hole: Hole
    model: FakeModel
    history: History = field(default_factory=History)
    workers: list[Child] = field(default_factory=list)
    webs: list[Child] = field(default_factory=list)
    clocks: list[Child] = field(default_factory=list)
    leaving: list[Child] = field(default_factory=list)
    crowds: int = 0
    done: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    echoes: set["asyncio.Task[None]"] = field(default_factory=set)
    calm: bool = False
    picture: str = ""  # an address of one of the hub's own files

    def begin(self) -> None:
        self.workers = [start("worker", self.settings) for _ in range(2)]
        self.webs = [start("web", self.settings) for _ in range(2)]
        self.clocks = [start("scheduler", self.settings) for _ in range(2)]
        self.model.default = self._thinks
        self.net.plan = self._fate
        self.net.heard = self._echo
        self.net.patience = 3.0
        self.history.shown, self.history.drafts = self.net.shown, self.net.drafts
        others = (c for c in self.chats if c.client is not self.chats[0].client)
        self.history.drafted = {c.number for c in others if c.network == "telegram"}

    def end(self) -> None:
        for child in (*self.workers, *self.webs, *self.clocks, *self.leaving):
            child.kill()

    async def _thinks(self, request: web.Request, body: Json) -> web.StreamResponse:
        """The model: mostly it answers; now and then it fails, or breaks off."""
        if not self.calm:
            chosen = self.dice.random()
            if chosen < 0.01:
                self.done["model 500"] += 1
                return await refuses(500)(request, body)
            if chosen < 0.02:
                self.done["model broke off"] += 1
                return await cut("You ")(request, body)
        return await self._answers(request, body)

    async def _answers(self, request: web.Request, body: Json) -> web.StreamResponse:
        """Says back what was asked; every fourth question at Telegram gets pictures with it."""
        asked: list[str] = []
        for message in body["messages"]:
            asked = [] if message["role"] == "assistant" else asked
            asked += marks(orjson.dumps(message["content"]).decode()) if message["role"] == "user" else []
        if not any(m.startswith("#t") and int(m.rpartition("-")[2]) % 4 == 0 for m in asked):
            return await echo(0.15)(request, body)
        pictures = " ".join(f"![{asked[-1][1:]}_{n}]({self.picture})" for n in (1, 2, 3))
        said = says("You ", "said ", " ".join(asked), f"\n\n{pictures}", delay=0.05)
        return await said(request, body)

    def _fate(self, path: str) -> str:
        if self.calm:
            return "ok"
        chosen = self.dice.random()
        for fate, share in FAULTS:
            chosen -= share
            if chosen < 0:
                self.done[f"provider {fate}"] += 1
                return fate
        return "ok"

    def _echo(self, shown: Shown) -> None:
        """The network of the second client tells what was sent through it."""
        chat = next((c for c in self.chats if c.number == shown.chat and c.network == "zapi"), None)
        if chat is not None:
            body = zapi(shown.chat, shown.id, shown.text, fromMe=True, fromApi=True)
            task = asyncio.create_task(self._told(chat, body))
            self.echoes.add(task)
            task.add_done_callback(self.echoes.discard)

    async def _told(self, chat: Chat, body: Json) -> None:
        async with aiohttp.ClientSession() as http:
            await self.post(http, chat, body)

    async def post(self, http: aiohttp.ClientSession, chat: Chat, body: Json) -> None:
        """Bring a webhook until it is taken, as a network does."""
        data = orjson.dumps(body)
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET, "Content-Type": "application/json"}
        if chat.network == "kapso":
            headers["X-Webhook-Event"] = "whatsapp.message.received"
            headers["X-Webhook-Signature"] = hmac.new(b"hook-secret", data, hashlib.sha256).hexdigest()
        while True:
            door = self.dice.choice(self.webs)
            url = f"http://127.0.0.1:{door.port}/api/v1/webhooks/{chat.network}/{chat.client.client}/{SECRET}"
            try:
                async with http.post(url, data=data, headers=headers, timeout=aiohttp.ClientTimeout(total=8)) as answer:
                    self.done[f"webhook {answer.status}"] += 1
                    if answer.status == 200:
                        return
            except (aiohttp.ClientError, OSError, TimeoutError):
                self.done["webhook broken"] += 1
            await asyncio.sleep(0.25)

    async def write(self, chat: Chat, until: float) -> None:
        """One person: a message, a pause, a message; some arrive twice."""
        n = 0
        async with aiohttp.ClientSession() as http:
            while time.monotonic() < until:
                n += 1
                body = chat.body(n)
                if chat.network == "telegram":  # what people write and what they are told there is one row of ids
                    body["message"]["message_id"] = next(self.net.numbers)
                began = time.monotonic()
                await self.post(http, chat, body)
                self.took(chat, n)
                self.waits.append(time.monotonic() - began)
                if self.dice.random() < REDELIVERED:
                    self.done["redelivered"] += 1
                    await self.post(http, chat, body)
                await self.press(http, chat, n)
                await asyncio.sleep(self.dice.uniform(0.3, 2.5))

    def stumbled(self) -> list[str]:
        """What the web processes said of calls that they answered neither with 200 nor with 503."""
        told = {t for t in self.done if t.startswith("webhook ")} - {"webhook 200", "webhook 503", "webhook broken"}
        logs = [log.read_text(errors="replace") for log in self.settings.home.glob("web-*.log")] if told else []
        return [*told, *(text[at : at + 4000] for text in logs if (at := text.find(" failed (request")) >= 0)]

    async def press(self, http: aiohttp.ClientSession, chat: Chat, n: int) -> None:
        """A button below the first answer, now and then; Telegram may tell of it twice."""
        data = self.net.buttons.get(chat.number)
        if chat.network != "telegram" or data is None or n % 5:
            return
        who = {"id": int(chat.number), "is_bot": False, "first_name": "Ana", "language_code": "en"}
        unique = int(chat.number) * 10_000 + 5_000 + n
        where = {"id": int(chat.number), "type": "private"}
        # Of a message that is not known: what it said would be quoted, with a mark that was answered before.
        message = {"message_id": next(self.net.numbers), "chat": where, "date": 1767272501, "text": "x"}
        pressed = {"id": f"c{unique}", "from": who, "message": message, "chat_instance": "1", "data": data}
        body = {"update_id": unique, "callback_query": pressed}
        await self.post(http, chat, body)
        self.history.pressed[chat.number] += 1
        if self.dice.random() < REDELIVERED:
            await self.post(http, chat, body)

    def took(self, chat: Chat, n: int) -> None:
        self.history.accepted[chat.number].append(chat.mark(n))
        self.history.accepted_at[chat.mark(n)] = time.monotonic()

    async def nemesis(self, until: float) -> None:
        """One fault after the other, each kind in every round."""
        kinds: tuple[Callable[[], Awaitable[None]], ...] = (
            self.kill_worker,
            self.pause_worker,
            self.empty_bell,
            self.kill_worker,
            self.kill_bell,
            self.kill_web,
            self.crash_database,
            self.darken_bell,
            self.deploy_worker,
            self.deploy_web,
            self.kill_scheduler,
            self.crowd,
        )
        while time.monotonic() < until:
            for fault in self.dice.sample(kinds, len(kinds)):
                await asyncio.sleep(self.dice.uniform(0.6, 1.6))
                if time.monotonic() > until:
                    return
                self.done[fault.__name__] += 1
                await fault()

    async def kill_worker(self) -> None:
        place = self.dice.randrange(2)
        self.workers[place].kill()
        self.workers[place] = start("worker", self.settings)

    async def kill_scheduler(self) -> None:
        place = self.dice.randrange(2)
        self.clocks[place].kill()
        self.clocks[place] = start("scheduler", self.settings)

    async def deploy_worker(self) -> None:
        """The new one is there before the old one has finished."""
        place = self.dice.randrange(2)
        self._leaves(self.workers[place])
        self.workers[place] = start("worker", self.settings)

    async def deploy_web(self) -> None:
        place = self.dice.randrange(2)
        self._leaves(self.webs[place])
        self.webs[place] = start("web", self.settings)

    def _leaves(self, child: Child) -> None:
        child.signal(signal.SIGTERM)
        self.leaving = [c for c in self.leaving if c.alive] + [child]

    async def darken_bell(self) -> None:
        """Valkey takes everything and never answers."""
        self.hole.dark = True
        await asyncio.sleep(2.0)
        self.hole.heal()

    async def crowd(self) -> None:
        """Many people write at once to the client that never sends twice."""
        like = next(c for c in self.chats if c.network == "zapi" and c.client is not self.chats[0].client)
        async with aiohttp.ClientSession() as http:
            self.crowds += 1
            many = [Chat("zapi", f"5531{self.crowds:03}{n:03}", like.client) for n in range(CROWD)]
            self.chats += many

            async def one(chat: Chat) -> None:
                await self.post(http, chat, chat.body(1))
                self.took(chat, 1)

            await asyncio.gather(*(one(chat) for chat in many))

    async def pause_worker(self) -> None:
        sleeper = self.dice.choice(self.workers)
        sleeper.signal(signal.SIGSTOP)
        await asyncio.sleep(self.settings.lease_seconds + 1.2)
        sleeper.signal(signal.SIGCONT)

    async def kill_web(self) -> None:
        place = self.dice.randrange(2)
        self.webs[place].kill()
        self.webs[place] = start("web", self.settings)

    async def empty_bell(self) -> None:
        with suppress(*DOWN):
            await self.chats[0].client.hub.redis.flushall()

    async def kill_bell(self) -> None:
        self.servers[1].process.kill()
        self.servers[1].process.wait(5)
        await asyncio.sleep(0.5)
        self.servers[1] = again(self.servers[1])

    async def crash_database(self) -> None:
        self.servers[0].process.send_signal(signal.SIGQUIT)
        await asyncio.to_thread(self.servers[0].process.wait, 10)
        await asyncio.sleep(0.3)
        self.servers[0] = await asyncio.to_thread(start_postgres, self.folder)
