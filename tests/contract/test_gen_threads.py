"""AresGen: completions that are kept as threads, in a voice (G-01 to G-03)."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.chatting import events
from tests.contract.asking import Contract
from tests.fakes.model import says, whole

pytestmark = pytest.mark.asyncio(loop_scope="module")
Json = dict[str, Any]
SAMPLE = "We bake bread with care, and we love what we do. " * 40


async def model(api: Contract) -> str:
    return await api.gateway(baseAddress=f"{api.model.url}/v1", modelName="fake-1", apiKey="k-upstream")


def said(api: Contract) -> list[tuple[str, str]]:
    """What the model was asked last."""
    return [(m["role"], m["content"]) for m in api.model.calls[-1].body["messages"]]


@pytest.mark.row("G-01", "G-02", "G-03")
async def test_a_thread_from_its_beginning_to_its_end(api: Contract) -> None:
    name = await model(api)
    first = await api.good("G-01", sent={"model": name, "store": True, "messages": [
        {"role": "system", "content": "Be short."}, {"role": "user", "content": "Good morning"}]})
    thread = first["thread_id"]
    assert thread.startswith("thr_") and len(thread) == 30
    api.model.default = says("Twice seven is fourteen.")
    again = await api.good("G-01", sent={"model": name, "thread_id": thread, "messages": [
        {"role": "user", "content": "And seven twice?"}]})
    assert again["thread_id"] == thread
    assert said(api) == [
        ("user", "Good morning"), ("assistant", "Hello from the model."), ("user", "And seven twice?"),
    ]
    found = await api.good("G-02", thread)
    assert [(m["role"], m["content"]) for m in found["messages"]] == [
        ("user", "Good morning"), ("assistant", "Hello from the model."),
        ("user", "And seven twice?"), ("assistant", "Twice seven is fourteen."),
    ]
    assert (found["title"], found["model"], found["voice_id"]) == ("Good morning", "fake-1", None)
    assert found["message_count"] == 4
    for row in ("G-02", "G-03"):
        await api.refused(row, 404, thread, key=api.foreign)
        await api.refused(row, 403, thread, key=api.public)
    assert (await api.good("G-03", thread)) == ""
    await api.refused("G-02", 404, thread)
    await api.refused("G-01", 404, sent={"model": name, "thread_id": thread, "prompt": "x"}, said="no thread")
    log = await api.hub.db.fetch(
        "select action, object, actor_id from audit where account_id = $1 and action like 'thread%'", api.account
    )
    assert [(r["action"], r["object"]) for r in log] == [("thread.deleted", thread)]


async def test_names_of_ones_own_and_streams(api: Contract) -> None:
    name = await model(api)
    got = await api.row("G-01", sent={"model": name, "thread_id": "order:17", "stream": True, "prompt": "One"})
    chunks = events(str(got.body))
    assert {c["thread_id"] for c in chunks if isinstance(c, dict)} == {"order:17"}
    await api.good("G-01", sent={"model": name, "thread_id": "order:17", "prompt": "Two"})
    listed = (await api.call("GET", "/v1/chat/threads?limit=1")).body
    assert [(t["id"], t["message_count"]) for t in listed["data"]] == [("order:17", 4)]
    assert (listed["has_more"], listed["next_cursor"]) == (False, None)
    await api.refused("G-01", 400, sent={"model": name, "thread_id": "a/b", "prompt": "x"}, said="thread_id")
    # The same name elsewhere is another thread.
    await api.good("G-01", key=api.foreign, sent={"model": "@hub/extractive", "thread_id": "order:17", "prompt": "Hi"})
    assert (await api.good("G-02", "order:17"))["message_count"] == 4
    plain = await api.good("G-01", sent={"model": name, "prompt": "Not kept"})
    assert "thread_id" not in plain


async def test_what_a_public_key_may_not(api: Contract) -> None:
    name = await model(api)
    for field in ({"thread_id": "t"}, {"store": True}, {"voice_id": f"voc_{'0' * 26}"}):
        await api.refused("G-01", 403, key=api.public, sent={"model": name, "prompt": "x", **field}, said="public key")


async def test_a_voice_speaks_and_never_says_what_it_bans(api: Contract) -> None:
    name = await model(api)
    voice = await api.good("G-07", sent={"name": "Bakery", "sample": SAMPLE, "banned_phrases": ["cheap bread"]})
    asked = {"model": name, "voice_id": voice["id"], "prompt": "Sell bread"}
    api.model.plan += [says("We have Cheap  bread today."), whole("We have affordable loaves today.")]
    made = await api.good("G-01", sent=asked)
    assert made["choices"][0]["message"]["content"] == "We have affordable loaves today."
    system = api.model.calls[-2].body["messages"][0]["content"]
    assert 'brand voice "Bakery"' in system and "Never use these phrases" in system
    assert "cheap bread" in api.model.calls[-1].body["messages"][0]["content"].lower()
    # What the rewriting leaves is cut out; a stream holds nothing of it either.
    api.model.plan += [says("Buy ", "cheap ", "bread now."), whole("Buy cheap bread, friend.")]
    got = await api.row("G-01", sent={**asked, "stream": True, "store": True})
    text = "".join(c["choices"][0]["delta"].get("content", "") for c in events(str(got.body)) if c != "[DONE]")
    assert text == "Buy, friend." and "cheap" not in str(got.body).lower()
    thread = next(c["thread_id"] for c in events(str(got.body)))
    kept = await api.good("G-02", thread)
    assert kept["messages"][-1]["content"] == "Buy, friend." and kept["voice_id"] == voice["id"]
    await api.refused("G-01", 404, sent={**asked, "voice_id": f"voc_{'0' * 26}"})
    await api.refused("G-01", 404, sent={**asked, "voice_id": str(uuid4())})
    await api.refused("G-01", 404, key=api.foreign, sent={**asked, "model": "@hub/extractive"})
