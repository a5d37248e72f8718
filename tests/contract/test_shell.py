"""Files of the shell sandbox (A-26 to A-33)."""

import io

import pytest

from tests.contract.asking import Contract, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")
ANA = {"X-Shell-User-Id": "ana"}
ROWS = ("A-26", "A-27", "A-28", "A-29", "A-30", "A-31", "A-32", "A-33")


@pytest.mark.row("A-26", "A-27", "A-28", "A-32", "A-33")
async def test_a_file(api: Contract) -> None:
    place: Json = {"query": {"path": "/docs/readme.txt"}, "headers": ANA}
    await api.good("A-27", data=io.BytesIO(b"# Hello"), **place)
    got = await api.row("A-26", **place)
    assert (got.status, got.body) == (200, "# Hello")
    details = (await api.both_ways("A-32", **place))["data"]
    said = {"name": "readme.txt", "size": 7, "mimeType": "text/plain", "isPlainText": True}
    assert {name: details[name] for name in said} == said
    address = (await api.good("A-33", **place))["data"]
    assert (address["name"], address["size"]) == ("readme.txt", 7)
    assert address["publicUrl"].startswith("https://hub.example/api/v1/public/ext-res/file/")
    path = address["publicUrl"].removeprefix("https://hub.example")
    assert (await api.call("GET", path, key="")).body == "# Hello"
    other = {**place, "headers": {"X-Shell-User-Id": "bob"}}
    await api.refused("A-26", 404, **other)
    await api.refused("A-28", 404, **other)
    await api.good("A-28", **place)
    await api.refused("A-28", 404, **place)
    await api.refused("A-26", 404, **place)
    for row in ("A-32", "A-33"):
        got = await api.row(row, **place)
        assert (got.status, got.body) == (404, {}), "the printed body"


@pytest.mark.row("A-29", "A-30", "A-31")
async def test_a_folder(api: Contract) -> None:
    assert await api.both_ways("A-29", query={"path": "/"}, headers=ANA) == {"entries": []}
    await api.both_ways("A-30", query={"path": "/a/b"}, headers=ANA)
    await api.good("A-27", query={"path": "/a/c.bin"}, headers=ANA, data=b"\0\1")
    found = await api.both_ways("A-29", query={"path": "/a"}, headers=ANA)
    assert {(e["name"], e["isDirectory"], e["size"]) for e in found["entries"]} == {
        ("b", True, None), ("c.bin", False, 2),
    }
    await api.refused("A-29", 404, query={"path": "/none"}, headers=ANA)
    await api.refused("A-31", 404, query={"path": "/none"}, headers=ANA)
    await api.refused("A-31", 400, query={"path": "/"}, headers=ANA, said="root")
    await api.good("A-31", query={"path": "/a"}, headers=ANA)
    assert await api.good("A-29", query={"path": "/"}, headers=ANA) == {"entries": []}


@pytest.mark.parametrize("row", ROWS)
async def test_the_user_and_the_path_are_needed(api: Contract, row: str) -> None:
    await api.refused(row, 400, query={"path": "/x"}, said="X-Shell-User-Id is missing")
    await api.refused(row, 400, headers=ANA, said="path is missing")
    await api.refused(row, 400, query={"path": "../x"}, headers=ANA, said="path")
