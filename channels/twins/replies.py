"""Answers of the twins: a status, a body and headers; or a refusal raised from anywhere."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; a str body is sent as it is, None means no body."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> web.Response:
        """For aiohttp."""
        headers = dict(self.headers)
        if self.body is None:
            return web.Response(status=self.status, headers=headers)
        if isinstance(self.body, bytes):
            return web.Response(status=self.status, body=self.body, headers=headers)
        if isinstance(self.body, str):
            headers.setdefault("Content-Type", "text/html")
            return web.Response(status=self.status, body=self.body.encode(), headers=headers)
        headers["Content-Type"] = "application/json"
        return web.Response(status=self.status, body=orjson.dumps(self.body), headers=headers)


class Refused(Exception):
    """The call is not carried out."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Upload:
    """A file part of a form."""

    name: str
    mime: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Body:
    """The body of a call, read once; `data` is what JSON or the form's fields say."""

    raw: bytes = b""
    data: Any = None
    files: Mapping[str, Upload] = field(default_factory=dict)
    valid: bool = True

    def shown(self) -> Any:
        """For the call log, without file contents."""
        if self.files:
            parts = {
                k: f"<{v.name}, {v.mime}, {len(v.content)} bytes>" for k, v in self.files.items()
            }
            return {**(self.data if isinstance(self.data, dict) else {}), **parts}
        if self.data is None:
            return self.raw[:4096].decode("utf-8", "replace") or None
        return self.data if len(self.raw) < 16384 else f"<{len(self.raw)} bytes of JSON>"


async def read_body(request: web.Request) -> Body:
    """JSON, form or multipart."""
    kind = request.content_type
    if kind in ("multipart/form-data", "application/x-www-form-urlencoded"):
        try:
            form = await request.post()
        except ValueError:
            return Body(valid=False)
        fields: dict[str, Any] = {}
        files: dict[str, Upload] = {}
        for name, value in form.items():
            if isinstance(value, web.FileField):
                files[name] = Upload(value.filename, value.content_type, value.file.read())
            else:
                fields[name] = value
        return Body(data=fields, files=files)
    raw = await request.read()
    if kind != "application/json" or not raw:
        return Body(raw, None, valid=not raw or kind == "application/json")
    try:
        return Body(raw, json.loads(raw))
    except ValueError:
        return Body(raw, None, valid=False)
