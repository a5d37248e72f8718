"""Skills (A-18 to A-25)."""

import io
from uuid import uuid4

import aiohttp
import orjson
import pytest

from tests.contract.asking import Contract, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")
SOURCE: Json = {
    "name": "Rules", "description": "What holds", "url": "https://docs.example/rules", "headers": {},
    "cacheDuration": 60,
}
SKILL: Json = {
    "slug": "summarizer", "description": "Summarizes text", "instructions": "Summarize the input concisely.",
    "options": {"instructionSources": [SOURCE], "allowedToolsNames": ["web_search"]},
}
LINES = (
    b'{"slug":"summarizer","description":"Summarizes text","instructions":"You are a summarizer. Summarize the input'
    b' concisely.","options":{"instructionSources":[],"allowedToolsNames":["web-search"]}}\n'
    b'{"slug":"translator","description":"Translates text","instructions":"Translate the input to the target'
    b' language specified by the user."}\n'
)


def form(content: bytes, name: str = "skills") -> aiohttp.FormData:
    found = aiohttp.FormData()
    found.add_field(name, io.BytesIO(content), filename="skills.jsonl", content_type="application/jsonl")
    return found


@pytest.mark.row("A-18", "A-19", "A-20", "A-22")
async def test_a_skill(api: Contract) -> None:
    id = (await api.good("A-19", sent=SKILL))["data"]["id"]
    shown = await api.both_ways("A-20", id)
    assert {name: shown[name] for name in SKILL} == SKILL and shown["id"] == id
    [line] = await api.both_ways("A-18")
    assert (line["slug"], line["description"], line["allowedToolsCount"]) == ("summarizer", "Summarizes text", 1)
    bare = (await api.good("A-19", sent={"slug": "bare", "instructions": "Be brief."}))["data"]["id"]
    shown = await api.both_ways("A-20", bare)
    assert (shown["description"], shown["options"]) == (None, {"instructionSources": [], "allowedToolsNames": []})
    assert None in [s["description"] for s in await api.both_ways("A-18")]
    for row in ("A-20", "A-22"):
        await api.refused(row, 404, id, key=api.foreign)
    await api.good("A-22", id)
    for row in ("A-20", "A-22"):
        await api.refused(row, 404, id)


@pytest.mark.row("A-21")
async def test_an_edit(api: Contract) -> None:
    id = (await api.good("A-19", sent=SKILL))["data"]["id"]
    await api.both_ways("A-21", id, sent={**SKILL, "slug": "short"})
    await api.both_ways("A-21", id, sent={"options": {"allowedToolsNames": []}})
    shown = await api.good("A-20", id)
    assert shown["slug"] == "short" and shown["instructions"] == SKILL["instructions"]
    assert shown["options"] == {"instructionSources": [SOURCE], "allowedToolsNames": []}
    await api.refused("A-21", 404, uuid4(), sent={})


async def test_what_a_skill_may_not_be(api: Contract) -> None:
    await api.good("A-19", sent=SKILL)
    await api.refused("A-19", 400, sent={"slug": "x"}, said="instructions is missing")
    await api.refused("A-19", 400, sent={**SKILL, "slug": "with space"}, said="slug")
    await api.refused("A-19", 400, sent={**SKILL, "slug": "x" * 65}, said="slug")
    await api.refused("A-19", 400, sent={**SKILL, "slug": "Summarizer"}, said="slug")
    nameless = {**SKILL, "slug": "other", "options": {"instructionSources": [{"url": SOURCE["url"]}]}}
    await api.refused("A-19", 400, sent=nameless, said="options.instructionSources.0.name")


@pytest.mark.row("A-24", "A-25", "A-23")
async def test_the_printed_lines_go_in_and_out(api: Contract) -> None:
    done = await api.good("A-24", data=form(LINES))
    assert (done["enqueued"], done["skipped"]) == (2, 0)
    done = await api.good("A-24", data=form(b'{"slug": "x"}\n{\n'))
    assert (done["enqueued"], done["skipped"]) == (0, 2)
    got = await api.row("A-25")
    assert got.status == 200 and got.headers["Content-Type"].startswith("application/jsonl")
    lines = {line["slug"]: line for line in map(orjson.loads, got.body.splitlines())}
    printed = {line["slug"]: line for line in map(orjson.loads, LINES.splitlines())}
    empty: Json = {"options": {"instructionSources": [], "allowedToolsNames": []}}
    assert lines == {"summarizer": printed["summarizer"], "translator": {**printed["translator"], **empty}}
    await api.refused("A-24", 400, data=form(LINES, "file"), said="skills is missing")
    await api.good("A-23")
    assert await api.good("A-18") == [] and (await api.row("A-25")).body == ""


@pytest.mark.parametrize("body", [b"--x\r\nno header\r\n\r\n{}\r\n--x--\r\n", b"--y\r\n\r\n--y--", b"", b"--x\r\nA"])
async def test_a_multipart_body_that_is_none(api: Contract, body: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    await api.refused("A-24", 400, data=body, headers=headers)
    id = (await api.good("A-44", sent={"collectionName": "Shop"}))["collectionId"]
    await api.refused("A-52", 400, id, data=body, headers=headers)
    talk = await api.talk()
    got = await api.call(
        "POST", f"/api/v1/public/chat-clients/{talk.key}/attachments", data=body, headers=headers, key=""
    )
    assert got.status == 400, got.body
