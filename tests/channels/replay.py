"""Payload files: inbound bodies, and a local server that answers calls as a file says."""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from channels.base import Download

PAYLOADS = Path(__file__).parent / "payloads"


def body(network: str, name: str) -> bytes:
    return (PAYLOADS / network / f"{name}.json").read_bytes()


def load(network: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(body(network, name))
    return found


def inbound(network: str) -> list[str]:
    """The names of the inbound payloads of a network."""
    names = (p.stem for p in sorted((PAYLOADS / network).glob("*.json")))
    return [n for n in names if not n.startswith(("out-", "_"))]


@dataclass
class Seen:
    """A call as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Provider:
    """Answers in turn and remembers the calls."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        self.seen.append(
            Seen(request.method, request.raw_path, dict(request.headers), await _read(request))
        )
        answer = self.answers.pop(0)
        content = answer.get("body")
        return web.Response(
            status=answer["status"],
            headers=answer.get("headers"),
            body=json.dumps(content).encode() if content else None,
            content_type="application/json",
        )


async def _read(request: web.Request) -> Any:
    if not request.content_type.startswith("multipart/"):
        raw = await request.read()
        return json.loads(raw) if raw else None
    parts: dict[str, Any] = {}
    async for part in await request.multipart():
        assert isinstance(part, aiohttp.BodyPartReader)
        content = bytes(await part.read())
        name = part.name or ""
        if part.filename is None:
            parts[name] = content.decode()
        else:
            parts[name] = {
                "filename": part.filename,
                "content_type": part.headers["Content-Type"],
                "bytes_base64": base64.b64encode(content).decode(),
            }
    return {"_multipart": parts}


@asynccontextmanager
async def serving(
    *answers: dict[str, Any],
) -> AsyncIterator[tuple[Provider, aiohttp.ClientSession]]:
    """A provider at a real port that gives these answers, and a session to call it with."""
    provider = Provider(answers=list(answers))
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", provider.handle)
    async with TestServer(app) as server, aiohttp.ClientSession() as http:
        provider.url = str(server.make_url("")).rstrip("/")
        yield provider, http


def check_call(seen: Seen, request: dict[str, Any]) -> None:
    """The call is the one in the file."""
    assert (seen.method, seen.path) == (request["method"], request["path"])
    assert seen.body == request["body"]
    lower = {k.lower(): v for k, v in seen.headers.items()}
    for name, value in request["headers"].items():
        if not value.startswith("multipart/"):
            assert lower[name.lower()] == value


@dataclass
class Fetched:
    """Stands in for the guarded client: no test reaches a foreign address."""

    content: bytes = b"bytes"
    calls: list[tuple[str, dict[str, str], int]] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    async def __call__(self, url: str, headers: Mapping[str, str], limit: int) -> Download:
        self.calls.append((url, dict(headers), limit))
        if self.errors:
            raise self.errors.pop(0)
        return Download(self.content, "application/x-served", "served.bin")
