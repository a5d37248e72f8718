"""A local OpenAI-compatible model server that does what a test tells it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

Json = dict[str, Any]
Act = Callable[[web.Request, Json], Awaitable[web.StreamResponse]]
CACHED = {"cached_tokens": 4}
USAGE = {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17, "prompt_tokens_details": CACHED}


@dataclass(frozen=True)
class Call:
    """A request as it came."""

    path: str
    headers: Mapping[str, str]
    body: Json


@dataclass
class FakeModel:
    """`plan` holds what the next requests get, first come first served; then `default`. spoken: what is heard in the
    next recordings; without any it hears nothing and says 503. deaf: until it is set, recordings get no answer."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    plan: deque[Act] = field(default_factory=deque)
    default: Act | None = None
    open: int = 0
    gone: int = 0
    spoken: deque[Any] = field(default_factory=deque)
    recordings: list[Json] = field(default_factory=list)
    deaf: asyncio.Event | None = None

    async def hear(self, request: web.Request) -> web.StreamResponse:
        sent = await request.post()
        file = sent["file"]
        assert isinstance(file, web.FileField)
        self.recordings.append({
            **{k: v for k, v in sent.items() if isinstance(v, str)}, "name": file.filename, "mime": file.content_type,
            "content": file.file.read(), "key": request.headers.get("Authorization"),
        })
        file.file.close()  # whoever asks may go before there is an answer
        if self.deaf is not None:
            await self.deaf.wait()
        if not self.spoken:
            return web.json_response({"error": {"message": "Busy."}}, status=503)
        told = self.spoken.popleft()
        return web.json_response(told if isinstance(told, dict) else {"text": told})

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.calls.append(Call(request.path_qs, dict(request.headers), body))
        act = self.plan.popleft() if self.plan else self.default or says("Hello from the model.")
        self.open += 1
        try:
            return await act(request, body)
        except (ConnectionResetError, asyncio.CancelledError):
            self.gone += 1
            raise
        finally:
            self.open -= 1


def event(delta: Json, finish: str | None = None, **more: Any) -> bytes:
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    body = {"id": "c", "object": "chat.completion.chunk", "choices": choices, **more}
    return b"data: " + orjson.dumps(body) + b"\n\n"


async def _open(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    return response


def says(
    *pieces: str, delay: float = 0.0, reasoning: str = "", finish: str = "stop", usage: Json | None = USAGE,
    model: str = "fake-1", tool_calls: Sequence[Json] = (), done: bool = True,
) -> Act:
    """Stream the pieces, `delay` seconds before each."""

    async def act(request: web.Request, body: Json) -> web.StreamResponse:
        out = await _open(request)
        await out.write(event({"role": "assistant", "content": ""}, model=model))
        if reasoning:
            await out.write(event({"reasoning_content": reasoning}, model=model))
        for piece in pieces:
            await asyncio.sleep(delay)
            await out.write(event({"content": piece}, model=model))
        for call in tool_calls:
            await out.write(event({"tool_calls": [call]}, model=model))
        await out.write(event({}, finish, model=model))
        if usage is not None and (body.get("stream_options", {}).get("include_usage") or not body.get("stream")):
            await out.write(b"data: " + orjson.dumps({"choices": [], "usage": usage}) + b"\n\n")
        if done:
            await out.write(b"data: [DONE]\n\n")
        return out

    return act


def whole(text: str, **message: Any) -> Act:
    """One JSON document in place of a stream."""

    async def act(request: web.Request, body: Json) -> web.StreamResponse:
        said = {"role": "assistant", "content": text, **message}
        choices = [{"message": said, "finish_reason": "stop"}]
        return web.json_response({"model": "fake-1", "usage": USAGE, "choices": choices})

    return act


def refuses(status: int, message: str = "no", headers: Mapping[str, str] | None = None, code: str | None = None) -> Act:
    """An error with a body like OpenAI's."""

    async def act(request: web.Request, body: Json) -> web.StreamResponse:
        return web.json_response({"error": {"message": message, "code": code}}, status=status, headers=headers)

    return act


def cut(*pieces: str, abort: bool = True) -> Act:
    """Break off after the pieces: in the middle of an event, or (not abort) as a clean end of the body."""

    async def act(request: web.Request, body: Json) -> web.StreamResponse:
        out = await _open(request)
        for piece in pieces:
            await out.write(event({"content": piece}))
        await out.write(b'data: {"choices": [{"delta": {"con')
        if abort:
            await asyncio.sleep(0.02)
            assert request.transport is not None
            request.transport.abort()
        return out

    return act


def raw(content: bytes, mime: str = "text/event-stream", status: int = 200) -> Act:
    """These bytes."""

    async def act(request: web.Request, body: Json) -> web.StreamResponse:
        return web.Response(body=content, content_type=mime, status=status)

    return act


def hangs(seconds: float = 30.0) -> Act:
    """Say nothing, not even a status."""

    async def act(request: web.Request, body: Json) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return web.Response(status=504)

    return act


@asynccontextmanager
async def serve() -> AsyncIterator[FakeModel]:
    model = FakeModel()
    app = web.Application(client_max_size=50_000_000)
    app.router.add_post("/v1/audio/transcriptions", model.hear)
    app.router.add_route("*", "/{tail:.*}", model.handle)
    # A caller that leaves cancels its handler, as a real server's generation would be.
    server = TestServer(app, handler_cancellation=True)
    await server.start_server()
    model.url = str(server.make_url("")).rstrip("/")
    try:
        yield model
    finally:
        await server.close()
