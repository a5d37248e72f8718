"""Files of a public chat: which are taken, what the model gets, how they are served."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.alone import api, provider
from tests.api.chatting import OGG, PNG, Visitor, visiting
from tests.api.conftest import Api

__all__ = ["api", "provider"]

Json = dict[str, Any]


@pytest.fixture
async def me(api: Api) -> AsyncIterator[Visitor]:
    async with visiting(api, inputModes=["Image", "Document"]) as one:
        yield one


def inside(mime: str, raw: bytes) -> str:
    return f"data:{mime};base64,{base64.b64encode(raw).decode()}"


async def test_an_image_reaches_the_model(me: Visitor) -> None:
    got = await me.upload(PNG, "application/octet-stream", "dot.png")
    assert got.status == 200, got.body
    assert {k: got.body[k] for k in ("name", "mimeType", "size", "kind")} == {
        "name": "dot.png",
        "mimeType": "image/png",
        "size": len(PNG),
        "kind": "image",
    }
    await me.prompt(
        {"content": [{"type": "text", "text": "What is it?"}, {"type": "file", "file": {"file_id": got.body["id"]}}]}
    )
    parts = me.asked[-1]["content"]
    assert [p["type"] for p in parts] == ["text", "image_url"]


async def test_files_inside_the_message(me: Visitor) -> None:
    await me.prompt({"content": [{"type": "image_url", "image_url": {"url": inside("image/png", PNG)}}]})
    assert "image_url" in str(me.asked[-1]["content"])
    bad = {"content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,!!!"}}]}
    assert (await me.call("POST", "/prompt", {"prompt": bad})).status == 400


@pytest.mark.parametrize(
    ("raw", "mime", "status"),
    [
        (OGG, "image/png", 415),  # it says it is an image
        (b"<svg onload=alert(1)>", "image/svg+xml", 415),
        (b"MZ" + bytes(50), "application/x-msdownload", 415),
        (b"", "text/plain", 400),
        (b"%PDF-1.7 ", "application/pdf", 200),
        (b"plain words", "text/plain; charset=utf-8", 200),
    ],
)
async def test_kinds(me: Visitor, raw: bytes, mime: str, status: int) -> None:
    got = await me.upload(raw, mime)
    assert got.status == status, got.body
    if status == 415:
        assert "image, document" in got.said


async def test_unsupported_files_where_they_are_wanted(api: Api) -> None:
    async with visiting(api, uploadUnsupportedFiles=True) as me:
        assert (await me.upload(OGG, "audio/ogg")).body["kind"] == "audio"


async def test_too_large(api: Api, me: Visitor) -> None:
    object.__setattr__(api.hub.settings, "upload_limit_mb", 1)
    got = await me.upload(PNG + bytes(1 << 20), "image/png")
    assert got.status == 413 and "1" in got.said


async def test_files_of_others_are_refused(api: Api, me: Visitor) -> None:
    async with visiting(api, inputModes=["Image"]) as other:
        theirs = (await other.upload(PNG, "image/png")).body["id"]
    for file_id in (theirs, "nonsense"):
        sent = {"prompt": {"content": [{"type": "file", "file": {"file_id": file_id}}]}}
        got = await me.call("POST", "/prompt", sent)
        assert got.status == 400, got.body
    assert not me.model.calls


@pytest.mark.parametrize(
    ("raw", "mime", "shown"),
    [(PNG, "image/png", "inline"), (b"<script>alert(1)</script>", "text/html", "attachment")],
)
async def test_stored_files_are_served_safely(me: Visitor, raw: bytes, mime: str, shown: str) -> None:
    made = (await me.upload(raw, mime, 'a"; X: y.html')).body
    path = made["publicUrl"].removeprefix("https://hub.example")
    got = await me.api.call("GET", path, key="")
    assert got.status == 200
    assert got.headers["Content-Disposition"].startswith(shown)
    assert got.headers["Content-Type"] == (mime if shown == "inline" else "application/octet-stream")
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in got.headers["Content-Security-Policy"] and "X" not in got.headers
    assert (await me.api.call("GET", "/media/" + "a" * 40, key="")).status == 404
