"""What the manual's chapter of the AresGen API says is true."""

import re
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from hub.api.app import ROUTES
from hub.studio import events, outgoing_webhooks
from hub.studio.aresgen.voices import SLIDERS
from hub.studio.aresgen.workflow import source
from hub.studio.aresgen.workflow.definition import checked
from hub.studio.aresgen.workflow.steps_with import TYPES
from hub.studio.session_events import SHAPES
from tests.contract.aresgen import ROWS
from tests.contract.asking import Contract

MANUAL = Path(__file__).parents[2] / "templates" / "manual"
TEXT = (MANUAL / "aresgen.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_the_table_names_every_row() -> None:
    told = dict(re.findall(r"^\| (G-\d\d) \| `([^`]+)`", TEXT, re.MULTILINE))
    assert told == {id: f"{row.method} {row.path.replace('<', '{').replace('>', '}')}" for id, row in ROWS.items()}


def test_every_path_and_every_type_is_one() -> None:
    paths = {re.sub(r"\{\w+\}", "{}", r.path) for r in ROUTES} | {"/embed/{}"}
    told = {re.sub(r"\{\w+\}", "{}", p) for p in re.findall(r"`(?:[A-Z/]+ )?(/(?:v1|embed)/[^`?]+)", TEXT)}
    assert len(told) > 15 and told - paths == set()
    named = set(re.findall(r"`((?:chat|document|voice|chatbot|workflow|key)\.[a-z_.]+)`", TEXT))
    assert named == set(events.TYPES) - set(SHAPES)
    for language in ("en", "pt", "es"):
        chapter = (MANUAL / f"events.{language}.md").read_text(encoding="utf-8")
        assert set(re.findall(r"`((?:session|contact|campaign)\.[a-z_.]+)`", chapter)) == set(SHAPES)
    assert set(re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)) == set(TYPES)
    assert all(f"`{name}`" in TEXT for name in SLIDERS)


def test_the_workflow_can_be_made() -> None:
    [text] = blocks("yaml")
    assert [s.id for s in checked(source.read(text.encode())).steps] == ["draft", "notify"]


def test_the_verification_verifies() -> None:
    [code] = blocks("python")
    known: dict[str, Any] = {}
    exec(code, known)
    body, now = b'{"id":"evt_1"}', str(int(time.time()))
    headers = {"Aresgen-Timestamp": now, "Aresgen-Signature": outgoing_webhooks.signature("whsec_x", now, body)}
    assert known["genuine"]("whsec_x", headers, body)
    assert not known["genuine"]("whsec_y", headers, body) and not known["genuine"]("whsec_x", headers, body + b" ")
    old = str(int(time.time()) - 301)
    headers = {"Aresgen-Timestamp": old, "Aresgen-Signature": outgoing_webhooks.signature("whsec_x", old, body)}
    assert not known["genuine"]("whsec_x", headers, body)


@pytest.mark.asyncio(loop_scope="module")
async def test_the_example_is_answered(api: Contract) -> None:
    [command] = blocks("sh")
    path = re.search(r"127\.0\.0\.1:8080(\S+)", command)
    sent = re.search(r"-d '(.*)'", command)
    assert path and sent
    headers = dict(re.findall(r'-H "([\w-]+): ([^"$]+)"', command))
    got = await api.call("POST", path[1], data=sent[1].encode(), headers=headers)
    assert got.status == 200 and got.body["thread_id"].startswith("thr_"), orjson.dumps(got.body)
    again = await api.call("POST", path[1], data=sent[1].encode(), headers=headers)
    assert again.headers["Idempotency-Replayed"] == "true"
