"""The public chat client (A-35 to A-39 and beyond): what a visitor with an access key gets."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from tests.api.alone import api, provider
from tests.api.chatting import Visitor, events, text_of, visiting
from tests.api.conftest import Api
from tests.fakes.model import refuses, says

__all__ = ["api", "provider"]

Json = dict[str, Any]
NOT_AVAILABLE = {"error": "The client is not available.", "details": None, "code": "client_not_available"}


@pytest.fixture
async def me(api: Api) -> AsyncIterator[Visitor]:
    async with visiting(api, {"messagesPerHour": 0, "maxMessages": 0}) as one:
        yield one


async def test_session_information(api: Api) -> None:
    looks: Json = {
        "helloLabel": "Hi",
        "primaryColor": "#123456",
        "pageTitle": "Shop",
        "languageCode": "pt-BR",
        "inputModes": ["Image"],
        "suggestionButtons": [{"label": "Prices", "prompt": "What does it cost?"}],
    }
    async with visiting(api, **looks) as me:
        await me.prompt("Hello")
        found = await me.info()
    assert set(found) == {"messages", "chatTitle", "culture", "client", "chatCreationData"}
    assert [m["role"] for m in found["messages"]] == ["user", "assistant"]
    assert {"role", "content", "message_id"} <= set(found["messages"][0])
    assert {"sendButtonLabel", "inputPlaceholder"} <= set(found["culture"])
    documented = {
        "customScripts",
        "customStyles",
        "helloLabel",
        "helloSubLabel",
        "logoImageUrl",
        "primaryColor",
        "inputModes",
        "pageTitle",
        "suggestionButtons",
        "debug",
        "textAreaPlaceholder",
        "audioSynthesisEnabled",
    }
    assert documented <= set(found["client"])
    assert found["client"]["helloLabel"] == "Hi" and found["client"]["inputModes"] == ["text", "image"]
    assert found["client"]["suggestionButtons"][0]["prompt"] == "What does it cost?"
    assert found["client"]["audioSynthesisEnabled"] is False


async def test_prompt_answers_as_documented(me: Visitor) -> None:
    me.model.default = says("Hello ", "there.")
    found = await me.prompt({"role": "user", "content": "Hi"})
    assert found == {
        "completionText": "Hello there.",
        "reasoning": None,
        "toolCalls": [],
        "usage": {"promptTokens": 12, "completionTokens": 5, "totalTokens": 17},
        "createdMessages": found["createdMessages"],
    }
    assert [(m["role"], m["content"]) for m in found["createdMessages"]] == [("assistant", "Hello there.")]
    assert await me.said() == [("user", "Hi"), ("assistant", "Hello there.")]


@pytest.mark.parametrize(
    ("prompt", "asked"),
    [
        ("one", ["one"]),
        ({"content": "two"}, ["two"]),
        ([{"role": "user", "content": "a"}, {"role": "user", "content": "b"}], ["a", "b"]),
        ({"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "text", "text": "y"}]}, ["x\ny"]),
    ],
)
async def test_forms_of_a_prompt(me: Visitor, prompt: Any, asked: list[str]) -> None:
    await me.prompt(prompt)
    sent = "\n".join(str(m["content"]) for m in me.asked if m["role"] == "user")
    assert all(a in sent for a in asked)
    assert [m for m in await me.said() if m[0] == "user"] == [("user", a) for a in asked]


async def test_tools_of_the_caller(api: Api, me: Visitor) -> None:
    await me.set(tools=[{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}])
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"a": 1}'}}
    me.model.plan.append(says(tool_calls=[call], finish="tool_calls"))
    found = await me.prompt("Look it up")
    assert found["toolCalls"] == [
        {"id": "call_1", "functionName": "look", "contents": '{"a": 1}', "isProtocolFunction": False}
    ]
    me.model.plan.append(says("It is 7."))
    again = await me.prompt([{"role": "tool", "tool_call_id": "call_1", "name": "look", "content": "7"}])
    assert again["completionText"] == "It is 7."
    assert [m["role"] for m in me.asked if m["role"] != "system"] == ["user", "assistant", "tool"]
    assert me.asked[-1]["content"] == "7" and me.asked[-1]["tool_call_id"] == "call_1"


async def test_not_kept_with_commit_false(me: Visitor) -> None:
    await me.prompt("First")
    found = await me.prompt("Second", commit=False)
    assert found["completionText"] == "Hello from the model."
    assert "First" in str(me.asked) and "Second" in str(me.asked)
    assert [text for _, text in await me.said()] == ["First", "Hello from the model."]
    chunks = await me.stream("Third", commit=False)
    assert text_of(chunks) == "Hello from the model." and len(await me.said()) == 2


async def test_instructions_of_one_request(me: Visitor) -> None:
    sent = {"prompt": "Hi", "instructions": ["Answer in verse.", "Be brief."]}
    await me.call("POST", "/prompt", sent, headers=me.server)
    system = str([m for m in me.asked if m["role"] == "system"])
    assert "Answer in verse." in system and "Be brief." in system
    await me.call("POST", "/prompt", {"prompt": "Again", "instructions": "Only once."}, headers=me.server)
    assert "Only once." in str(me.asked) and "verse" not in str(me.asked)


async def test_said_twice_is_answered_once(me: Visitor) -> None:
    me.model.default = says("Yes", delay=0.1)
    name = str(uuid4())
    both = await asyncio.gather(*(me.prompt("Hi", clientMessageId=name) for _ in range(3)))
    later = await me.prompt("Hi", clientMessageId=name)
    assert {b["completionText"] for b in (*both, later)} == {"Yes"}
    assert len(me.model.calls) == 1 and len(await me.said()) == 2
    assert text_of(await me.stream("Hi", clientMessageId=name)) == "Yes"
    assert len(me.model.calls) == 1


async def test_two_at_once_are_both_answered_in_order(me: Visitor) -> None:
    me.model.default = says("Fine", delay=0.1)
    first = asyncio.create_task(me.prompt("One"))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(me.prompt("Two"))
    assert [(await t)["completionText"] for t in (first, second)] == ["Fine", "Fine"]
    users = [text for role, text in await me.said() if role == "user"]
    assert users == ["One", "Two"]


async def test_retry_and_asking_again(me: Visitor) -> None:
    assert (await me.call("POST", "/retry")).status == 400
    await me.prompt("Hi")
    me.model.default = says("Better.")
    found = await me.prompt([])
    assert found["completionText"] == "Better."
    assert await me.said() == [("user", "Hi"), ("assistant", "Better.")]
    got = await me.call("POST", "/retry")
    assert (got.status, got.body) == (204, "")
    assert await me.said() == [("user", "Hi")]


async def test_reset(me: Visitor) -> None:
    await me.prompt("Hi")
    assert (await me.call("POST", "/reset")).status == 204
    assert await me.said() == []
    await me.prompt("Anew")
    assert [m["content"] for m in me.asked if m["role"] == "user"] == ["Anew"]


async def test_transcript(api: Api) -> None:
    async with visiting(api, session={"extraContext": "Gold", "metadata": {"a": "1"}}) as me:
        await me.prompt("Hi")
        got = await me.call("GET", "/transcript.json", headers=me.server)
    assert got.headers["Content-Disposition"] == 'attachment; filename="transcript.json"'
    assert got.body == {
        "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello from the model."}],
        "context": "Gold",
        "sessionId": me.session,
        "metadata": {"a": "1"},
    }


async def test_events_of_a_stream(me: Visitor) -> None:
    me.model.default = says("Hello", " you", reasoning="hm")
    chunks = await me.stream("Hi")
    assert chunks[-1] == "[DONE]"
    first, *middle, last = chunks[:-1]
    assert first["object"] == "chat.completion.chunk" and first["choices"][0]["delta"]["role"] == "assistant"
    assert text_of(chunks) == "Hello you"
    assert all(c["choices"][0]["delta"] and c["choices"][0]["finish_reason"] is None for c in (first, *middle))
    assert last["choices"][0]["finish_reason"] == "stop" and last["choices"][0]["delta"] == {}
    assert last["usage"]["completion_tokens"] == 5 and all(c["usage"] is None for c in (first, *middle))
    assert len({c["id"] for c in (first, *middle, last)}) == 1
    got = await me.call("POST", "/prompt", {"prompt": "Hi"}, headers={"Accept": "text/event-stream"})
    assert got.headers["Content-Type"].startswith("text/event-stream") and events(got.body)[-1] == "[DONE]"


async def test_cancel_from_elsewhere(me: Visitor) -> None:
    me.model.default = says(*(f"w{n} " for n in range(100)), delay=0.05)
    task = asyncio.create_task(me.stream("Tell me"))
    while not me.model.calls:
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)
    got = await me.call("DELETE")
    assert (got.status, got.body) == (200, {"message": "Inference cancelled."})
    chunks = await asyncio.wait_for(task, 20)
    assert chunks[-1] == "[DONE]" and 0 < len(text_of(chunks)) < 390
    kept = (await me.said())[-1]
    assert kept[0] == "assistant" and kept[1].startswith("w0")
    assert (await me.call("DELETE")).status == 200
    me.model.default = says("Next.")
    assert (await me.prompt("And now"))["completionText"] == "Next."


@pytest.mark.parametrize("why", ["unknown", "expired", "deleted", "no gateway", "full"])
async def test_not_available(api: Api, why: str) -> None:
    async with visiting(api, {"maxMessages": 2} if why == "full" else {}) as me:
        await make(me, why)
        talks = [("POST", "/prompt"), ("POST", "/stream")]
        looks = [
            ("GET", ""),
            ("DELETE", ""),
            ("POST", "/retry"),
            ("GET", "/transcript.json"),
            ("POST", "/reset"),
            ("GET", "/events"),
        ]
        for method, path in talks + (looks if why in ("unknown", "expired", "deleted") else []):
            got = await me.call(method, path, {"prompt": "Hi"} if path in ("/prompt", "/stream") else None)
            assert (got.status, got.body) == (422, NOT_AVAILABLE), path


async def make(me: Visitor, why: str) -> None:
    db = me.api.hub.db
    if why == "unknown":
        me.key = "wky_" + "a" * 55
    elif why == "expired":
        await db.run("update sessions set expires_at = now() - interval '1 second'")
    elif why == "deleted":
        await me.api.ok("DELETE", f"/api/v1/web-chat-client/{me.client}/sessions/{me.session}")
    elif why == "no gateway":
        await me.api.ok("PUT", f"/api/v1/web-chat-client/{me.client}", {"aiGatewayId": None})
    else:
        await me.prompt("Hi")


async def test_messages_per_hour(api: Api) -> None:
    async with visiting(api, {"messagesPerHour": 1}) as me:
        await me.prompt("One")
        got = await me.call("POST", "/prompt", {"prompt": "Two"})
    assert got.status == 429 and got.body["code"] == "rate_limited"
    assert 0 < int(got.headers["Retry-After"]) <= 3600


async def test_balance_used_up(api: Api) -> None:
    async with visiting(api) as me:
        object.__setattr__(api.hub.settings, "billing", True)
        await api.hub.db.run("update accounts set balance = 0")
        got = await me.call("POST", "/prompt", {"prompt": "Hi"})
    assert got.status == 402 and got.body["code"] == "insufficient_balance"
    assert not me.model.calls


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": {"role": "system", "content": "x"}}, "prompt"),
        ({"prompt": {"role": "tool", "content": "x"}}, "tool_call_id"),
        ({"prompt": {"content": [{"type": "file"}]}}, "file"),
        ({"prompt": {"content": [{"type": "image_url", "image_url": {"url": "http://169.254.169.254/"}}]}}, "data:"),
        ({"prompt": "x" * 100_001}, "prompt"),
        ({}, "prompt"),
    ],
)
async def test_refused_prompts(me: Visitor, sent: Json, field: str) -> None:
    for path in ("/prompt", "/stream"):
        got = await me.call("POST", path, sent)
        assert got.status == 400 and field in got.said, got.body
    assert await me.said() == [] and not me.model.calls


async def test_a_model_that_fails(api: Api, me: Visitor) -> None:
    me.model.default = refuses(500, "secret upstream words")
    got = await me.call("POST", "/prompt", {"prompt": "Hi"})
    assert "secret upstream words" not in str(got.body) and "k-upstream" not in str(got.body)
    assert got.status in (200, 502)
    if got.status == 200:
        assert got.body["completionText"], "a visitor is never left without a word"


async def test_new_messages_arrive_once_and_without_a_gap(me: Visitor) -> None:
    await me.prompt("One")
    seen: list[tuple[str, str]] = []

    async def follow(last: str | None, wanted: int) -> str:
        headers = {"Last-Event-ID": last} if last is not None else {}
        number, fresh = "", False
        async with me.api.http.get(me.api.url + me.base + "/events", headers=headers) as got:
            async for line in got.content:
                if line.startswith(b"id: "):
                    number, fresh = line[4:].strip().decode(), True
                if line.startswith(b"data: ") and fresh:
                    fresh = False  # pieces of an answer in the making have no number
                    [found] = events(line.decode())
                    seen.append((found["role"], found["content"]))
                    if len(seen) == wanted:
                        return number
        raise AssertionError("the stream ended")

    last = await asyncio.wait_for(follow("0", 2), 5)
    await me.prompt("Two")
    await me.prompt("Three")
    waiting = asyncio.create_task(follow(last, 8))
    await asyncio.sleep(0.3)
    await me.prompt("Four")
    await asyncio.wait_for(waiting, 5)
    assert [text for role, text in seen if role == "user"] == ["One", "Two", "Three", "Four"]
    assert len(seen) == 8


async def test_feedback(me: Visitor) -> None:
    await me.prompt("Hi")
    answer = (await me.info())["messages"][-1]["message_id"]
    for rating in ("up", "down", 5):
        assert (
            await me.call("POST", f"/messages/{answer}/feedback", {"rating": rating, "comment": "ok"})
        ).status == 204
    for bad in ("meh", 0, 6):
        assert (await me.call("POST", f"/messages/{answer}/feedback", {"rating": bad})).status == 400
    assert (await me.call("POST", f"/messages/{uuid4()}/feedback", {"rating": "up"})).status == 404


async def test_the_visitor_goes_away(me: Visitor) -> None:
    """The answer is kept, although nobody waited for it."""
    me.model.default = says("Still ", "here.", delay=0.3)
    async with aiohttp.ClientSession() as http:
        async with http.post(me.api.url + me.base + "/stream", json={"prompt": "Hi"}) as got:
            await got.content.readline()
    for _ in range(100):
        if len(await me.said()) == 2:
            break
        await asyncio.sleep(0.1)
    assert len(await me.said()) == 2


async def test_cross_origin(me: Visitor) -> None:
    got = await me.call("OPTIONS", "/prompt")
    assert got.status == 204 and got.headers["Access-Control-Allow-Origin"] == "*"
    assert (await me.call("GET", headers={"Origin": "https://shop.example"})).headers[
        "Access-Control-Allow-Origin"
    ] == "*"


async def test_what_moderation_withheld_stays_withheld(me: Visitor) -> None:
    await me.set(moderationParameters={"violenceThreshold": 10})
    judged = '{"violence": %d, "sexual": 0, "political": 0, "dangerous": 0, "jailbreak": 0}'
    me.model.plan.extend([says(judged % 10), says("I cannot help with that."), says(judged % 0), says("At nine.")])
    await me.prompt("SECRET WISH")
    await me.prompt("When do you open?")
    assert ("user", "SECRET WISH") in await me.said()
    sent = str(me.model.calls[-1].body["messages"])
    assert "SECRET WISH" not in sent and "withheld" in sent and "When do you open?" in sent
