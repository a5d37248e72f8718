"""An S3-compatible storage in memory: put in one or several parts, get a range, delete; told to fail when asked."""

import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer

MISSING = "<Error><Code>NoSuchKey</Code></Error>"
BEGUN = "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>"
ENDED = "<CompleteMultipartUploadResult><ETag>\"e\"</ETag></CompleteMultipartUploadResult>"


@dataclass
class Storage:
    """objects: by bucket and name. largest: bytes of the largest answer. keys: access keys that were shown."""

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    parts: dict[int, bytes] = field(default_factory=dict)
    failing: bool = False
    largest: int = 0
    keys: set[str] = field(default_factory=set)

    async def handle(self, request: web.Request) -> web.Response:
        if self.failing:
            return web.Response(status=503)
        shown = request.headers.get("Authorization", "").partition("Credential=")[2]
        self.keys.add(shown.partition("/")[0])
        name = request.path.lstrip("/")
        body = await request.read()
        method = {"PUT": self._put, "POST": self._post, "DELETE": self._delete}.get(request.method, self._get)
        return method(request, name, body)

    def _put(self, request: web.Request, name: str, body: bytes) -> web.Response:
        if "partNumber" in request.query:
            self.parts[int(request.query["partNumber"])] = body
        else:
            self.objects[name] = body
        return web.Response(headers={"ETag": f'"{hashlib.md5(body).hexdigest()}"'})

    def _post(self, request: web.Request, name: str, body: bytes) -> web.Response:
        if "delete" in request.query:
            gone = re.findall(r"<Key>(.*?)</Key>", body.decode())
            for key in gone:
                self.objects.pop(f"{name.strip('/')}/{key}", None)
            said = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in gone)
            return web.Response(text=f"<DeleteResult>{said}</DeleteResult>", content_type="application/xml")
        if "uploads" in request.query:
            self.parts.clear()
            return web.Response(text=BEGUN, content_type="application/xml")
        self.objects[name] = b"".join(self.parts[n] for n in sorted(self.parts))
        return web.Response(text=ENDED, content_type="application/xml")

    def _delete(self, _: web.Request, name: str, __: bytes) -> web.Response:
        self.objects.pop(name, None)
        return web.Response(status=204)

    def _get(self, request: web.Request, name: str, _: bytes) -> web.Response:
        whole = self.objects.get(name)
        if whole is None:
            return web.Response(status=404, text=MISSING, content_type="application/xml")
        wanted = request.http_range
        start, stop = wanted.start or 0, min(wanted.stop or len(whole), len(whole))
        found = whole[start:stop]
        self.largest = max(self.largest, len(found))
        headers = {"ETag": '"e"', "Last-Modified": "Sun, 29 Nov 2026 00:00:00 GMT"}
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(whole)}"
        return web.Response(status=206, body=found, headers=headers)


@asynccontextmanager
async def storing() -> AsyncIterator[Storage]:
    found = Storage()
    app = web.Application(client_max_size=100 << 20)
    app.router.add_route("*", "/{path:.*}", found.handle)
    async with TestServer(app) as server:
        found.url = str(server.make_url("")).rstrip("/")
        yield found
