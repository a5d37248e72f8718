"""Addresses of what tools made: what a browser may do with it, and for how long it is there."""

from typing import Any

import pytest

from hub import ids
from hub.store import files
from tests.api.conftest import Api

Json = dict[str, Any]


async def put(api: Api, kind: str, name: str, content: bytes, seconds: float = 60.0) -> str:
    token = ids.access_key()[4:]
    await files.add(
        api.hub.db, ids.uuid7(), api.account, None, None, token=token, name=name, mime="text/html", kind=kind,
        sha256=b"x" * 32, content=content, seconds=seconds,
    )
    return token


async def test_a_page_stands_in_a_sandbox(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "hub.access")
    token = await put(api, "page", "Menu é.html", b"<script>document.title</script>")
    got = await api.call("GET", f"/hosted/{token}", key="")
    assert "/hosted/***" in caplog.text and token not in caplog.text
    assert got.status == 200 and got.body == "<script>document.title</script>"
    policy = dict(p.split(" ", 1) for p in got.headers["Content-Security-Policy"].split("; "))
    assert policy["sandbox"] == "allow-scripts", "an origin of its own: no cookies, no storage, no console"
    for name in ("default-src", "connect-src", "form-action", "frame-ancestors"):
        assert policy[name] == "'none'"
    assert got.headers["Content-Type"] == "text/html; charset=utf-8"
    assert got.headers["X-Content-Type-Options"] == "nosniff" and "noindex" in got.headers["X-Robots-Tag"]
    assert got.headers["Content-Disposition"] == "inline; filename*=UTF-8''Menu%20%C3%A9.html"
    assert "Set-Cookie" not in got.headers and got.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    other = await api.call("GET", f"/media/{token}", key="")
    assert other.headers["Content-Type"] == "application/octet-stream"
    assert other.headers["Content-Disposition"].startswith("attachment")


async def test_a_document_is_shown_as_a_pdf(api: Api) -> None:
    token = await put(api, "pdf", "Offer.pdf", b"%PDF-1.7")
    got = await api.call("GET", f"/hosted/{token}", key="")
    assert (got.status, got.headers["Content-Type"]) == (200, "application/pdf")
    assert "default-src 'none'" in got.headers["Content-Security-Policy"]


async def test_nothing_else_is_there(api: Api) -> None:
    received = await put(api, "document", "x.html", b"<script>")
    old = await put(api, "page", "x.html", b"<p>", seconds=-1)
    for token in (received, old, "none", "a" * 500):
        got = await api.call("GET", f"/hosted/{token}", key="")
        assert got.status == 404 and "<script>" not in got.body
