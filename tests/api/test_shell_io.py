"""Files of shell workspaces over HTTP."""

import asyncio
import io
import logging
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from hub.domain import Gateway
from hub.ids import uuid7
from hub.runtime import Hub
from hub.store import contacts, people
from hub.tools.base import Context, Result
from hub.tools.shell import places, public, whose
from hub.tools.shell.tool import shell_tool, workspace
from tests.api.alone import api, provider
from tests.api.conftest import Answer, Api, Json

__all__ = ["api", "provider"]

BASE = "/api/v1/shell/io"
ANA = {"X-Shell-User-Id": "ana"}


async def ask(api: Api, method: str, what: str, path: str, user: str = "ana", **more: Any) -> Answer:
    headers = {"X-Shell-User-Id": user}
    return await api.call(method, f"{BASE}/{what}?path={quote(path, safe='')}", headers=headers, **more)


async def put(api: Api, path: str, content: bytes = b"hello", user: str = "ana", **more: object) -> Answer:
    return await ask(api, "POST", "file", path, user, data=io.BytesIO(content), **more)


async def names(api: Api, path: str = "/", user: str = "ana", **more: object) -> list[str]:
    got = await ask(api, "GET", "listing", path, user, **more)
    assert got.status == 200, got.body
    return [e["name"] for e in got.body["entries"]]


async def test_a_file_lives_its_life(api: Api) -> None:
    made = await put(api, "/docs/readme.txt")
    assert (made.status, made.body) == (200, {"message": "File uploaded successfully.", "data": None})
    got = await ask(api, "GET", "file", "docs/./readme.txt")
    assert (got.status, got.body) == (200, "hello")
    assert got.headers["Content-Disposition"] == "attachment; filename*=UTF-8''readme.txt"
    assert got.headers["X-Content-Type-Options"] == "nosniff" and "sandbox" in got.headers["Content-Security-Policy"]
    listed = (await ask(api, "GET", "listing", "/docs")).body
    [entry] = listed["entries"]
    assert entry == {
        "name": "readme.txt", "isDirectory": False, "size": 5, "lastModifiedUtc": entry["lastModifiedUtc"],
        "createdAtUtc": entry["createdAtUtc"],
    }
    assert entry["lastModifiedUtc"].endswith("Z") and set(listed) == {"entries"}
    [folder] = (await ask(api, "GET", "listing", "/")).body["entries"]
    assert (folder["name"], folder["isDirectory"], folder["size"]) == ("docs", True, None)
    assert (await ask(api, "DELETE", "file", "/docs/readme.txt")).body["message"] == "File deleted successfully."
    assert (await ask(api, "GET", "file", "/docs/readme.txt")).status == 404
    assert (await ask(api, "DELETE", "file", "/docs/readme.txt")).status == 404


async def test_folders_are_made_and_removed(api: Api) -> None:
    for _ in range(2):
        made = await ask(api, "POST", "directory", "/a/b")
        assert (made.status, made.body["message"]) == (200, "Directory created successfully.")
    await put(api, "/a/b/c")
    gone = await ask(api, "DELETE", "directory", "a")
    assert (gone.status, gone.body["message"]) == (200, "Directory deleted successfully.")
    assert await names(api) == [] and (await ask(api, "DELETE", "directory", "a")).status == 404
    for root in ("/", "", ".", "a/.."):
        refused = await ask(api, "DELETE", "directory", root)
        assert refused.status == 400 and "root folder" in refused.said
    assert (await put(api, "/")).status == 400


KINDS = [
    ("a.txt", b"text", "text/plain", True),
    ("a.json", b"{}", "application/json", True),
    ("a", b"just words \xc3\xa9", "text/plain", True),
    ("b", b"\x00\x01", "application/octet-stream", False),
    ("c", b"\xff\xfe\xfd", "application/octet-stream", False),
    ("empty", b"", "text/plain", True),
    ("page.html", b"<script>", "text/html", True),
    ("cut", "é".encode() * 5000, "text/plain", True),
    ("cut2", b"x" + "é".encode() * 5000, "text/plain", True),
    ("broken", "é".encode()[:1], "application/octet-stream", False),
    ("i.png", b"\x89PNG\x00", "image/png", False),
]


async def test_what_a_file_is(api: Api) -> None:
    for name, content, mime, plain in KINDS:
        await put(api, name, content)
        got = await ask(api, "GET", "file/details", name)
        data = got.body["data"]
        assert got.status == 200 and set(got.body) == {"data"}
        assert set(data) == {"name", "size", "createdAtUtc", "lastModifiedUtc", "mimeType", "isPlainText"}
        assert (data["name"], data["size"], data["mimeType"], data["isPlainText"]) == (name, len(content), mime, plain)
    headers = {**ANA, "X-Response-Envelope": "true"}
    assert set((await api.call("GET", f"{BASE}/file/details?path=a", headers=headers)).body) == {"message", "data"}


async def test_what_is_not_there(api: Api) -> None:
    assert await names(api) == []
    assert (await ask(api, "GET", "listing", "/x")).status == 404
    for what in ("file/details", "file/public-address"):
        got = await ask(api, "GET", what, "/x")
        assert (got.status, got.body) == (404, {})
    await put(api, "f")
    assert (await ask(api, "GET", "listing", "/f")).status == 404
    assert (await ask(api, "GET", "file", "/f/g")).status == 404


ALL = [
    ("GET", "file"), ("POST", "file"), ("DELETE", "file"), ("GET", "listing"), ("POST", "directory"),
    ("DELETE", "directory"), ("GET", "file/details"), ("GET", "file/public-address"),
]


async def test_header_and_path_are_needed(api: Api, tmp_path: Path) -> None:
    for method, what in ALL:
        for user, words in ((None, "is missing"), (" ", "is missing"), ("a" * 257, "must have at most 256")):
            headers = {} if user is None else {"X-Shell-User-Id": user}
            got = await api.call(method, f"{BASE}/{what}?path=/x", headers=headers)
            assert got.status == 400 and f"X-Shell-User-Id {words}" in got.said
        got = await api.call(method, f"{BASE}/{what}", headers=ANA)
        assert got.status == 400 and "path is missing" in got.said
        for path in ("../x", "/a/../../x", "x/../..", "a/" * 65 + "x", "x" * 2000):
            got = await ask(api, method, what, path)
            assert got.status == 400 and "path" in got.said, (method, what, path, got.body)
    assert "workspaces" not in [p.name for p in tmp_path.iterdir()]


async def test_people_and_accounts_have_their_own(api: Api) -> None:
    await put(api, "mine")
    assert await names(api, user="bob") == [] == await names(api, user="ANA")
    assert await names(api, user=" ana ") == ["mine"]
    assert await names(api, key=api.foreign) == []
    assert (await ask(api, "GET", "file", "mine", key=api.foreign)).status == 404
    assert (await put(api, "x", user="../../other")).status == 200
    assert await names(api, user="../../other") == ["x"]
    assert (await put(api, "x", user="joão")).status == 200 and await names(api, user="joão") == ["x"]


async def test_an_upload_replaces_the_file_whole_and_has_limits(api: Api) -> None:
    big = os.urandom(1 << 20) * 3
    assert (await put(api, "big", big)).status == 200
    assert (await put(api, "big", b"small")).status == 200
    assert (await ask(api, "GET", "file", "big")).body == "small"

    async def endless() -> AsyncIterator[bytes]:
        piece = bytes(1 << 20)
        for _ in range(101):
            yield piece

    got = await api.call("POST", f"{BASE}/file?path=big", headers=ANA, data=endless())
    assert got.status == 413 and "larger than 100 MB" in got.said
    assert (await ask(api, "GET", "file", "big")).body == "small"
    await ask(api, "POST", "directory", "folder")
    assert (await put(api, "folder")).status == 400 and (await put(api, "big/x")).status == 400


async def test_a_workspace_that_is_full(api: Api) -> None:
    object.__setattr__(api.hub, "settings", api.hub.settings.changed(shell_workspace_mb=1, shell_workspace_files=10))
    got = await put(api, "big", bytes(1 << 20) + b"x")
    assert got.status == 413 and "at most 1 MB and 10 files" in got.said
    for n in range(10):
        assert (await put(api, f"f{n}")).status == 200
    assert (await put(api, "more")).status == 413 and (await ask(api, "POST", "directory", "d")).status == 413
    await ask(api, "DELETE", "file", "f0")
    assert (await ask(api, "POST", "directory", "d")).status == 200


async def test_a_public_address_is_open_for_a_time(api: Api) -> None:
    await put(api, "/pages/olá.html", b"<script>alert(1)</script>")
    data = (await ask(api, "GET", "file/public-address", "/pages/olá.html")).body["data"]
    assert data["name"] == "olá.html" and data["size"] == 25
    assert data["publicUrl"].startswith("https://hub.example/api/v1/public/ext-res/file/")
    path = urlsplit(data["publicUrl"]).path
    got = await api.call("GET", path, key="")
    assert got.status == 200 and got.body == "<script>alert(1)</script>"
    assert got.headers["Content-Disposition"] == "attachment; filename*=UTF-8''ol%C3%A1.html"
    assert got.headers["X-Content-Type-Options"] == "nosniff" and "sandbox" in got.headers["Content-Security-Policy"]
    assert got.headers["Cache-Control"] == "no-store"
    await ask(api, "DELETE", "file", "/pages/olá.html")
    assert (await api.call("GET", path, key="")).status == 404


async def test_a_token_cannot_be_made_or_kept(api: Api) -> None:
    await put(api, "f")
    sealer, parts = api.hub.sealer, ("f",)
    good = public.token(sealer, api.account, "ana", parts)
    old = public.token(sealer, api.account, "ana", parts, now=time.time() - 7201)
    foreign = public.token(sealer, uuid7(), "ana", parts)
    assert (await api.call("GET", f"/api/v1/public/ext-res/file/{good}", key="")).status == 200
    changed = good[:60] + ("A" if good[60] != "A" else "B") + good[61:]
    for token in (old, foreign, good[:-2], changed, "x", "A" * 9000, good + "!"):
        got = await api.call("GET", f"/api/v1/public/ext-res/file/{token}", key="")
        assert got.status in (400, 404), token
    assert public.read(sealer, good) == (api.account, "ana", parts, None)


async def test_a_token_is_not_logged(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    token = public.token(api.hub.sealer, api.account, "ana", ("f",))
    with caplog.at_level(logging.INFO):
        await api.call("GET", f"/api/v1/public/ext-res/file/{token}", key="")
    ours = " ".join(r.getMessage() for r in caplog.records if r.name.startswith("hub."))
    assert "/ext-res/file/***" in ours and token not in ours


def turn(hub: Hub, api: Api, user: str) -> Context:
    keeping: Json = {"enableBash": True, "bashOptions": {"allowDataPersistence": True}}
    gateway = Gateway(uuid7(), api.account, "Shop", "shop:abcd", keeping)
    return Context(
        hub=hub, account_id=api.account, gateway=gateway, deadline=time.monotonic() + 30, external_user=user
    )


async def test_commands_and_callers_share_the_workspace(api: Api) -> None:
    async def nothing(_: str, __: Json) -> Result:
        raise AssertionError

    await put(api, "in/question.txt", b"6 * 7")
    context = turn(api.hub, api, "ana")
    async with workspace(context) as space:
        shell = shell_tool(space, [], nothing)
        command = "echo $(($(cat in/question.txt))) > answer; mv in/question.txt in/old; ln -s /etc/hostname link"
        assert (await shell.run(context, {"command": command})).text == "[no output]"
    assert (await ask(api, "GET", "file", "answer")).body == "42\n"
    assert await names(api, "in") == ["old"] and (await ask(api, "GET", "file", "link")).status == 404
    assert (await put(api, "in/old", b"new")).status == 200
    assert (await ask(api, "DELETE", "directory", "in")).status == 200


async def test_files_are_the_persons_by_any_of_their_names(api: Api) -> None:
    """What was kept before people had ids is carried over, once; a name of somebody else opens nothing."""
    before = places.kept(api.hub.settings.home, api.account, "ana")
    before.make()
    (before.files / "old.txt").write_text("from before")
    ana = await people.owner(api.hub.db, api.account, "ana")
    assert await names(api) == ["old.txt"] and not before.folder.exists()
    assert (await put(api, "new.txt", user="ana")).status == 200
    assert await names(api) == ["new.txt", "old.txt"] and await names(api, user="bob") == []
    # Another name of hers, under which there was something too.
    await api.hub.db.run(
        "insert into identities (account_id, key, value, person_id, source) values ($1, $3, $3, $2, 'user')",
        api.account, ana, "user:a7",
    )
    second = places.kept(api.hub.settings.home, api.account, "a7")
    second.make()
    (second.files / "more.txt").write_text("more")
    [folder] = [n for n in await names(api, user="a7") if n.startswith("earlier-")]
    assert await names(api, folder) == ["more.txt"]
    # Joined with somebody, both see the older one's; split, each has their own again.
    await put(api, "bob.txt", user="bob")
    bob = await people.owner(api.hub.db, api.account, "bob")
    join = await contacts.join(api.hub.db, api.account, bob, ana, "operator", {}, "x")
    assert "old.txt" in await names(api, user="bob")
    assert join and await contacts.split(api.hub.db, api.account, join, "x")
    assert await names(api, user="bob") == ["bob.txt"] and "old.txt" in await names(api)


async def test_a_file_that_changes_while_it_is_sent(api: Api) -> None:
    await put(api, "f", bytes(5 << 20))
    path = (await whose.place(api.hub, api.account, "ana")).files / "f"
    headers = {**ANA, "Authorization": f"Bearer {api.key}"}
    async with api.http.get(f"{api.url}{BASE}/file?path=f", headers=headers) as got:
        with path.open("ab") as file:
            await asyncio.to_thread(file.write, b"more")
        assert len(await got.read()) == 5 << 20


async def test_people_whose_ids_are_the_same_up_to_an_at_have_their_own_files(api: Api) -> None:
    users = ("ana@one.example", "ana@two.example", "ana")
    for user in users:
        await api.ok("POST", f"{BASE}/file?path=mine.txt", data=user.encode(), headers={"X-Shell-User-Id": user})
    gone = {"X-Shell-User-Id": users[0]}
    await api.ok("DELETE", f"{BASE}/file?path=mine.txt", headers=gone)
    for user in users[1:]:
        got = await api.call("GET", f"{BASE}/file?path=mine.txt", headers={"X-Shell-User-Id": user})
        assert (got.status, got.body) == (200, user)
