"""Nobody holds the process up: each public door gets its worst, and no callback of the loop takes 50 ms."""

import asyncio
import base64
import io
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from hub.accounts.accounts import create_account
from hub.accounts.keys import grant
from tests.flows.test_answers import BODIES
from tests.flows.world import SECRET
from tests.security.doors import Doors, multipart, watching

MIB = 1 << 20
FORM = {"Content_Type": "application/x-www-form-urlencoded", "Sec_Fetch_Site": "same-origin"}
JSON = {"Content_Type": "application/json"}
LOGIN = "/console/login"


def _parts(count: int, size: int) -> tuple[bytes, str]:
    return multipart(*((f"f{n}", None, b"a" * size) for n in range(count)))


def _preamble() -> tuple[bytes, str]:
    return b"\r\n" * (4 * MIB) + multipart(("file", "a", b"a"))[0], "multipart/form-data; boundary=b"


def _quartets() -> tuple[bytes, str]:
    """A part whose Base64 never comes to a whole quartet."""
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n'
    head += b"Content-Transfer-Encoding: base64\r\n\r\n"
    return head + b"A" + b"!" * (4 * MIB) + b"\r\n--b--\r\n", "multipart/form-data; boundary=b"


def _nested() -> tuple[bytes, str]:
    inner = b"".join(b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (n, n + 1) for n in range(2000))
    return inner, "multipart/form-data; boundary=b0"


def _charset() -> tuple[bytes, str]:
    return multipart(("_charset_", None, b"x" * 100), boundary="b" * 60)


SHAPES: dict[str, Callable[[], tuple[bytes, str]]] = {
    "400 fields of 100 kB": lambda: _parts(400, 100_000),
    "40,000 empty fields": lambda: _parts(40_000, 0),
    "eight megabytes before the first part": _preamble,
    "base64 without a quartet": _quartets,
    "parts within parts": _nested,
    "a charset that is none": _charset,
}


def _doors(d: Doors) -> dict[str, tuple[str, dict[str, str]]]:
    """Doors that read multipart bodies, and one that must not."""
    guest, key = f"/api/v1/public/chat-clients/{d.guest}", {"Authorization": f"Bearer {d.key}"}
    return {
        "sign-in": (LOGIN, {"Sec_Fetch_Site": "same-origin"}),
        "a guest's file": (f"{guest}/attachments", {}),
        "files": (f"/api/v1/collections/{d.collection}/documents/files", key),
        "documents": (f"/api/v1/collections/{d.collection}/documents", key),
        "skills": ("/api/v1/skills/management/import", key),
    }


DOORS = ("sign-in", "a guest's file", "files", "documents", "skills")


async def _unharmed(doors: Doors, slow: list[str]) -> None:
    assert not slow, "\n".join(slow)
    status, _ = await doors.send("/health/live", method="GET")
    assert status == 200
    assert doors.held == 0, "what a request held is given back"


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("door", DOORS)
async def test_a_multipart_body_holds_nobody_up(doors: Doors, door: str, shape: str) -> None:
    path, headers = _doors(doors)[door]
    body, kind = SHAPES[shape]()
    await doors.send(path, multipart(("file", "a.txt", b"a"))[0], Content_Type=kind, **headers)
    with watching(doors) as slow:
        status, said = await doors.send(path, io.BytesIO(body), Content_Type=kind, **headers)
    assert status in (0, 200, 400, 408, 413), (status, said[:300])
    await _unharmed(doors, slow)


FORMS = {
    "200,000 fields": b"a&" * 200_000,
    "one name 100,000 times": b"&".join([b"a=b"] * 100_000),
    "a megabyte of percent signs": b"text=" + b"%25" * 350_000,
    "16 kB of fields": b"a=&" * 5000,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("page", ["sign-in", "a link", "a chat without scripts"])
async def test_a_form_holds_nobody_up(doors: Doors, page: str, form: str) -> None:
    path = {"sign-in": LOGIN, "a link": "/console/link/x", "a chat without scripts": f"/chat/{doors.guest}"}[page]
    await doors.send(path, b"a=b", **FORM)
    with watching(doors) as slow:
        status, said = await doors.send(path, io.BytesIO(FORMS[form]), **FORM)
    assert status in (303, 400, 403, 413), (status, said[:300])
    await _unharmed(doors, slow)


async def test_signing_in_takes_no_files_and_no_more_than_16_kB(doors: Doors) -> None:
    body, kind = multipart(("email", None, b"a@b.c"), ("password", None, b"x"))
    assert (await doors.send(LOGIN, body, Content_Type=kind, Sec_Fetch_Site="same-origin"))[0] == 400
    assert (await doors.send(LOGIN, b"email=" + b"a" * (16 << 10), **FORM))[0] == 413


def _said(text: Any) -> bytes:
    return orjson.dumps({"prompt": text, "commit": False})


JSONS: dict[str, Callable[[], bytes]] = {
    "a million lists": lambda: b'{"prompt": [' + b"[]," * 2_000_000 + b"[]]}",
    "a million messages": lambda: b'{"prompt": [' + b"{}," * 300_000 + b"{}]}",
    "nothing but numbers": lambda: b'{"prompt": [' + b"1," * 450_000 + b"1]}",
    "10,000 wrong parts": lambda: _said([{"role": "user", "content": [{"type": "x"}] * 10_000}]),
    "a long text": lambda: _said("a\r" * 5_000_000),
    "unknown fields": lambda: orjson.dumps({"prompt": "a"} | {f"x{n}": n for n in range(100_000)}),
    "a deep one": lambda: b'{"prompt": ' + b"[" * 500_000 + b"]" * 500_000 + b"}",
    "NULs": lambda: orjson.dumps({"prompt": "\x00" * 1_000_000}),
}


@pytest.mark.parametrize("name", JSONS)
@pytest.mark.parametrize("door", ["prompt", "messages", "embed", "completions", "responses", "anthropic", "mcp"])
async def test_json_holds_nobody_up(doors: Doors, door: str, name: str) -> None:
    guest = f"/api/v1/public/chat-clients/{doors.guest}"
    path = {
        "prompt": f"{guest}/prompt", "messages": f"{guest}/messages", "completions": "/v1/chat/completions",
        "embed": "/v1/embeddings", "mcp": "/mcp", "responses": "/v1/responses", "anthropic": "/v1/messages",
    }[door]
    headers = JSON | {"Authorization": f"Bearer {doors.key}", "Accept": "application/json, text/event-stream"}
    field = {"prompt": b'"prompt"', "responses": b'"model": "m", "input"', "anthropic": b'"model": "m", "messages"'}
    body = JSONS[name]().replace(b'"prompt"', field.get(door, b'"content"'))
    await doors.send(path, b"{}", **headers)
    with watching(doors) as slow:
        status, said = await doors.send(path, io.BytesIO(body), **headers)
    assert status < 500, (status, said[:300])
    await _unharmed(doors, slow)


async def test_files_inside_a_message_hold_nobody_up(doors: Doors) -> None:
    path = f"/api/v1/public/chat-clients/{doors.guest}/messages"
    address = "data:text/plain;base64," + base64.b64encode(b"a" * (12 * MIB)).decode()
    body = orjson.dumps({"content": [{"type": "file", "file": {"file_data": address, "filename": "a.txt"}}]})
    await doors.send(path, orjson.dumps({"content": "Hi"}), **JSON)
    with watching(doors) as slow:
        status, said = await doors.send(path, io.BytesIO(body), **JSON)
    assert status in (202, 415), said[:300]
    await _unharmed(doors, slow)


IMPORTS: dict[str, Callable[[], bytes]] = {
    "300,000 short lines": lambda: b"{}\n" * 300_000,
    "empty lines": lambda: b"\n" * (4 * MIB),
    "a line of eight megabytes": lambda: b'{"docid": "a", "text": "' + b"a" * (8 * MIB) + b'"}\n',
    "documents": lambda: b"".join(b'{"docid": "d%d", "text": "hello there"}\n' % n for n in range(3000)),
}


@pytest.mark.parametrize("lines", IMPORTS)
@pytest.mark.parametrize("door", ["documents", "skills"])
async def test_an_import_holds_nobody_up(doors: Doors, door: str, lines: str) -> None:
    path, headers = _doors(doors)[door]
    body, kind = multipart((door, "a.jsonl", IMPORTS[lines]()))
    await doors.send(path, multipart((door, "a.jsonl", b"{}"))[0], Content_Type=kind, **headers)
    with watching(doors) as slow:
        status, said = await doors.send(path, io.BytesIO(body), Content_Type=kind, **headers)
    assert status == 200, said[:300]
    await _unharmed(doors, slow)


async def test_an_import_of_nothing_but_mistakes_stops_and_says_so(doors: Doors) -> None:
    for door in ("documents", "skills"):
        path, headers = _doors(doors)[door]
        body, kind = multipart((door, "a.jsonl", b"{}\n" * 5000))
        status, said = await doors.send(path, body, Content_Type=kind, **headers)
        assert status == 200
        found = orjson.loads(said)
        assert found["errors"][-1]["line"] == 1001 and "not read" in found["errors"][-1]["error"]


def _hooks() -> dict[str, tuple[str, Callable[[], bytes]]]:
    many = {"event": "messages.upsert", "instance": "hub", "data": BODIES["evolution"]("a")["data"]}
    file = base64.b64encode(b"a" * (20 * MIB)).decode()
    with_file = BODIES["evolution"]("a")
    with_file["data"]["message"] = {"imageMessage": {"mimetype": "image/png"}, "base64": file}
    return {
        "telegram: a million lists": (
            "telegram", lambda: b'{"update_id": 1, "message": ' + b"[" + b"[]," * 300_000 + b"[]]}"
        ),
        "telegram: a long text": ("telegram", lambda: orjson.dumps(BODIES["telegram"]("*_[" * 300_000))),
        "zapi: four million lists": ("zapi", lambda: b'{"instanceId": "I1", "x": [' + b"[]," * (4 * MIB) + b"[]]}"),
        "zapi: a long text": ("zapi", lambda: orjson.dumps(BODIES["zapi"]("@5511 " * 2_000_000))),
        "evolution: 20 million lists": (
            "evolution", lambda: b'{"instance": "hub", "x": [' + b"[]," * (20 * MIB) + b"[]]}"
        ),
        "evolution: 5,000 messages": ("evolution", lambda: orjson.dumps(many | {"data": [many["data"]] * 5000})),
        "evolution: 10,000 messages": (
            "evolution",
            lambda: orjson.dumps(many | {"data": [BODIES["evolution"]("a")["data"] for _ in range(10_000)]}),
        ),
        "evolution: 900 messages": (
            "evolution", lambda: orjson.dumps(many | {"data": [BODIES["evolution"]("a")["data"] for _ in range(900)]})
        ),
        "evolution: a file": ("evolution", lambda: orjson.dumps(with_file)),
        "kapso: unsigned": ("kapso", lambda: b"a" * MIB),
    }


HOOKS = _hooks()


@pytest.mark.parametrize("name", HOOKS)
async def test_a_webhook_holds_nobody_up(doors: Doors, name: str) -> None:
    channel, made = HOOKS[name]
    headers = JSON | {"X_Telegram_Bot_Api_Secret_Token": SECRET}
    await doors.send(doors.hook(channel), orjson.dumps(BODIES[channel]("Hi")), **headers)
    body = made()
    with watching(doors) as slow:
        status, said = await doors.send(doors.hook(channel), io.BytesIO(body), **headers)
    assert status in (200, 401, 503), said[:300]
    await asyncio.sleep(0)
    await _unharmed(doors, slow)


async def test_a_large_file_that_comes_and_goes_holds_nobody_up(doors: Doors) -> None:
    """It is written, read and sent in pieces."""
    take = "update clients set parameters = parameters || $1 returning id"
    await doors.value(take, {"uploadUnsupportedFiles": True})
    path, headers = _doors(doors)["a guest's file"]
    small, kind = multipart(("file", "a.txt", b"a"))
    await doors.send(path, small, Content_Type=kind, **headers)
    body, kind = multipart(("file", "big.txt", b"words " * (3 * MIB)))
    with watching(doors) as slow:
        status, said = await doors.send(path, io.BytesIO(body), Content_Type=kind, **headers)
        assert status == 200, said[:300]
        address = orjson.loads(said)["publicUrl"]
        status, _ = await doors.send("/media/" + address.partition("/media/")[2], method="GET")
    assert status == 200
    await doors.value(take, {"uploadUnsupportedFiles": False})
    await _unharmed(doors, slow)


async def test_many_documents_that_words_alone_order_hold_nobody_up(doors: Doors) -> None:
    """While the embedder rests."""
    account = (await doors.there(create_account(doors.hub.db, "Austral"))).id
    key = await doors.there(grant(doors.hub.db, account, "test", None))
    headers = JSON | {"Authorization": f"Bearer {key}"}
    assert await doors.there(doors.hub.embedder.rest.tried([account], _broken, 60)) is None
    texts = [" ".join(f"w{n}x{k}" for k in range(430)) for n in range(1000)]
    small, large = (orjson.dumps({"query": "Where is w7x7?", "documents": some}) for some in (texts[:1], texts))
    await doors.send("/v1/rerank", small, **headers)
    with watching(doors) as slow:
        status, said = await doors.send("/v1/rerank", io.BytesIO(large), **headers)
    assert status == 200 and orjson.loads(said)["results"][0]["index"] == 7, said[:300]
    await _unharmed(doors, slow)


async def _broken() -> bool:
    raise RuntimeError("the model's file is damaged")
