"""Traces of a message from webhook to send, over two processes, read by OpenTelemetry's own messages."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from hub import ids
from hub.config import Settings, load
from hub.runtime import _tracing
from hub.tracing import KEY, OFF
from tests.fakes.model import says
from tests.flows.processes import FORKS
from tests.flows.rig import Rig, rig
from tests.flows.test_answers import telegram, zapi
from tests.flows.world import SECRET

Json = dict[str, Any]
WORDS = "Where is my parcel 4711?"
CALL: Json = {"index": 0, "id": "c1", "type": "function", "function": {"name": "calendar_search", "arguments": "{}"}}


@dataclass
class Seen:
    """A span as it came."""

    name: str
    trace: str
    id: str
    parent: str
    kind: int
    attributes: Json
    wrong: bool


@dataclass
class Collector:
    """Reads what it is sent; or, `held`, takes it and never answers."""

    url: str = ""
    spans: list[Seen] = field(default_factory=list)
    raw: bytes = b""
    held: int = 0
    hangs: bool = False

    async def handle(self, request: web.Request) -> web.Response:
        assert request.path == "/v1/traces" and request.content_type == "application/x-protobuf"
        body = await request.read()
        if self.hangs:
            self.held += 1
            await asyncio.sleep(300)
        self.raw += body
        told = ExportTraceServiceRequest()
        told.ParseFromString(body)
        for resource in told.resource_spans:
            named = {a.key: a.value.string_value for a in resource.resource.attributes}
            assert named["service.name"] == "chathub"
            for scope in resource.scope_spans:
                self.spans += [_seen(s) for s in scope.spans]
        return web.Response()

    def of(self, trace: str) -> dict[str, Seen]:
        return {s.name: s for s in self.spans if s.trace == trace}


def _seen(span: Any) -> Seen:
    values = {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in span.attributes}
    return Seen(
        span.name, span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(), span.kind, values,
        span.status.code == 2,
    )


@asynccontextmanager
async def collecting(hangs: bool = False) -> AsyncIterator[Collector]:
    found = Collector(hangs=hangs)
    app = web.Application(client_max_size=50_000_000)
    app.router.add_route("*", "/{path:.*}", found.handle)
    server = TestServer(app, handler_cancellation=True)
    await server.start_server(shutdown_timeout=0)
    found.url = str(server.make_url("")).rstrip("/")
    try:
        yield found
    finally:
        await server.close()


@asynccontextmanager
async def town(settings: Settings, collector: Collector, **more: Any) -> AsyncIterator[tuple[Rig, Callable[..., Any]]]:
    """A web process and a worker, a bot with knowledge and a tool; and a way to write to it."""
    async with rig(settings) as r:
        shop = ids.uuid7()
        await r.db.run("insert into collections (id, account_id, name) values ($1, $2, 'Shop')", shop, r.w.account)
        parameters = {
            "baseAddress": f"{r.model.url}/v1", "modelName": "fake-1", "knowledgeCollections": [str(shop)],
            "sentinelOptions": {"enabledFunctions": ["Calendar"]}, "temperature": 0.5,
        }
        await r.db.run("update gateways set parameters = $1", parameters)
        for _ in range(2):
            r.model.plan.extend([says(tool_calls=[CALL]), says("On its way.")])
        door = r.start("web", otel_endpoint=collector.url, **more)
        r.start("worker", otel_endpoint=collector.url, **more)
        await door.serving()
        async with aiohttp.ClientSession() as http:

            async def write(channel: str, body: Json) -> None:
                url = f"http://127.0.0.1:{door.port}/api/v1/webhooks/{channel}/{r.w.client}/{SECRET}"
                headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET} if channel == "telegram" else {}
                async with http.post(url, json=body, headers=headers) as got:
                    assert got.status == 200

            yield r, write


def sends(r: Rig) -> int:
    return sum("On its way." in str(c.body) for c in r.net.calls)


async def test_a_message_from_webhook_to_send_is_one_trace(settings: Settings) -> None:
    async with collecting() as collector, town(settings, collector) as (r, write):
        await write("telegram", telegram(WORDS))
        await r.w.until(lambda: sends(r) == 1)
        await write("zapi", zapi(WORDS))
        await r.w.until(lambda: sends(r) == 2)
        # Two processes tell of it, each when its own time has come.
        ends = {"webhook telegram", "webhook zapi", "send telegram", "send zapi"}
        await r.w.until(lambda: ends <= {s.name for s in collector.spans})
        twice = ("turn", "ingest", "retrieval", "execute_tool calendar_search")
        for name, count in [*((name, 2) for name in twice), ("chat fake-1", 4)]:
            await r.w.until(lambda name=name, count=count: sum(s.name == name for s in collector.spans) == count)
        roots = {s.name: s for s in collector.spans if s.name.startswith("webhook ")}
        assert set(roots) == {"webhook telegram", "webhook zapi"} and len({s.trace for s in roots.values()}) == 2
        for channel in ("telegram", "zapi"):
            root = roots[f"webhook {channel}"]
            one = collector.of(root.trace)
            assert root.parent == "" and root.kind == 2 and root.attributes["http.response.status_code"] == 200
            wanted = {"ingest", "turn", "retrieval", "chat fake-1", "execute_tool calendar_search", f"send {channel}"}
            assert wanted <= set(one)
            # The row of the database carried it over to the other process.
            assert one["ingest"].parent == root.id and one["turn"].parent == one["ingest"].id
            for name in wanted - {"ingest", "turn"}:
                assert one[name].parent == one["turn"].id, name
            assert not any(s.wrong for s in one.values())
            chat = one["chat fake-1"]
            assert chat.kind == 3 and chat.attributes["gen_ai.operation.name"] == "chat"
            assert chat.attributes["gen_ai.request.model"] == "fake-1" and chat.attributes["gen_ai.provider.name"]
            assert chat.attributes["gen_ai.request.temperature"] == 0.5
            assert chat.attributes["gen_ai.usage.input_tokens"] == 12
            assert chat.attributes["gen_ai.usage.output_tokens"] == 5
            tool = one["execute_tool calendar_search"].attributes
            assert tool["gen_ai.tool.name"] == "calendar_search" and tool["gen_ai.operation.name"] == "execute_tool"
        assert sum(s.name == "chat fake-1" for s in collector.spans) == 4
        # No words of anybody, and no secret.
        for word in (WORDS, "On its way", "123456:AAAA", SECRET, "ev-key"):
            assert word.encode() not in collector.raw
        stored = await r.db.fetch("select content::text as said from messages")
        assert stored and not any(KEY in row["said"] for row in stored)


async def test_words_are_told_where_a_setting_allows_it(settings: Settings) -> None:
    async with collecting() as collector, town(settings, collector, otel_content=True) as (r, write):
        await write("telegram", telegram(WORDS))
        await r.w.until(lambda: sum(s.name == "chat fake-1" for s in collector.spans) == 2)
        last = [s for s in collector.spans if s.name == "chat fake-1"][-1].attributes
        assert WORDS in last["gen_ai.input.messages"] and "On its way." in last["gen_ai.output.messages"]
        assert b"123456:AAAA" not in collector.raw


async def test_what_fails_is_marked_and_its_neighbour_is_not(settings: Settings) -> None:
    async with collecting() as collector, town(settings, collector) as (r, write):
        r.net.plan = lambda path: "refused" if path.endswith("send-text") else "ok"
        await write("telegram", telegram(WORDS))
        await write("zapi", zapi(WORDS))
        await r.w.until(lambda: {"send telegram", "send zapi"} <= {s.name for s in collector.spans})
        wrong = {s.name for s in collector.spans if s.wrong}
        assert wrong == {"send zapi"}


async def test_a_collector_that_hangs_slows_no_message(settings: Settings) -> None:
    """It has taken spans and never answered, and answers go out all the same; the process ends too."""
    async with collecting(hangs=True) as hole, town(settings, hole) as (r, write):
        await write("telegram", telegram(WORDS))
        await r.w.until(lambda: sends(r) == 1)
        await r.w.until(lambda: hole.held >= 1)
        await write("zapi", zapi(WORDS))
        await r.w.until(lambda: sends(r) == 2)
        assert hole.spans == []
        for child in r.children:
            child.signal(signal.SIGTERM)
            assert await child.ended() == 0


FLOOD = """
import asyncio, sys
from hub.otel import WAITING, Otel

async def main():
    for address in sys.argv[1:]:
        told = Otel(address, "1", False)
        for _ in range(3 * WAITING):
            with told.within("one") as span:
                span.set("nothing", None)
                assert told.carrier()
        await told.close()
        print("went on")

asyncio.run(main())
"""


async def script(text: str, *words: str, **env: str) -> str:
    """What a Python of its own prints."""
    made = await asyncio.create_subprocess_exec(
        sys.executable, "-c", text, *words, stdout=asyncio.subprocess.PIPE, env={"PATH": "/usr/bin:/bin", **env}
    )
    out, _ = await made.communicate()
    assert made.returncode == 0
    return out.decode().strip()


async def test_more_spans_than_a_collector_takes_are_dropped() -> None:
    """One that hangs, and one that is not there."""
    async with collecting(hangs=True) as hole:
        assert await script(FLOOD, hole.url, "http://127.0.0.1:9") == "went on\nwent on"
        assert hole.held >= 1 and hole.spans == []


def loaded() -> list[str]:
    return [m for m in sys.modules if m.startswith(("opentelemetry.sdk", "opentelemetry.exporter", "hub.otel"))]


def _looked(told: Path) -> None:
    """In a process that has imported all of the hub."""
    off = _tracing(load()) is OFF
    before = loaded()
    os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:9"
    on = _tracing(load()).on
    told.write_text(f"{off} {before} {on} {'hub.otel' in loaded()}")


async def test_nothing_of_the_sdk_is_loaded_when_it_is_off(tmp_path: Path) -> None:
    """The one variable turns it on."""
    told = tmp_path / "told"
    process: Any = FORKS.Process(target=_looked, args=(told,), daemon=True)
    process.start()
    await asyncio.to_thread(process.join)
    assert told.read_text() == "True [] True True"
