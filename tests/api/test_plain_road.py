"""Completions that want nothing of the hub take a short road: what comes of one, and what it costs, is told and written
the same as on the usual one."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import pytest
from aiohttp import web

from hub.domain import Json
from hub.engine import plain as short
from hub.llm.straight import Straight
from tests.api.door import ASK, Door, events
from tests.fakes.model import USAGE, Act, event, refuses, says, whole

# Asks for nothing: a request with it goes the usual way.
USUAL = {"x-hub-cache": "off"}
JSON = "application/json"
PASSING = ("date", "x-request-id", "content-length", "x-ratelimit-remaining", "x-ratelimit-reset")
END = b"data: [DONE]\n\n"
USED = {"prompt_tokens": 7, "completion_tokens": 3}
LAST = event({}, "stop", usage=USED)


def chunked(
    *pieces: bytes, mime: str = "text/event-stream", status: int = 200, abort: bool = False, **headers: str
) -> Act:
    """These bytes in these pieces, whatever was asked."""

    async def act(request: web.Request, body: Json) -> web.StreamResponse:
        out = web.StreamResponse(status=status, headers={"Content-Type": mime, **headers})
        await out.prepare(request)
        for piece in pieces:
            await out.write(piece)
            await asyncio.sleep(0)
        if abort:
            await asyncio.sleep(0.02)
            assert request.transport is not None
            request.transport.abort()
        return out

    return act


def anywhere(raw: bytes, seed: int) -> Act:
    """The bytes, cut at places that a seed chooses."""
    chance = random.Random(seed)
    places = sorted(chance.sample(range(1, len(raw)), min(9, len(raw) - 1)))
    return chunked(*(raw[a:b] for a, b in zip([0, *places], [*places, len(raw)], strict=True)))


def saying(*words: str) -> bytes:
    return b"".join(event({"content": w}) for w in words)


def document(**message: Any) -> bytes:
    choices = [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}]
    return orjson.dumps({"id": "x", "object": "chat.completion", "model": "m-1", "choices": choices, "usage": USAGE})


WORDS = saying("Olá, ", "“tudo” ", "bem? \U0001f600 ", 'a "b" \\ \n', "", "fim")
NAMED = {"type": "function", "function": {"name": "look", "arguments": '{"a": 1}'}}
ACTS: dict[str, Act] = {
    "stream": says("Hel", "lo"),
    "document": whole("Hello"),
    "long row": chunked(saying(*(f"word{n} " for n in range(300))) + LAST + END),
    **{f"cut {seed}": anywhere(WORDS + LAST + END, seed) for seed in range(6)},
    "crlf": chunked((WORDS + LAST + END).replace(b"\n", b"\r\n")),
    "cr": chunked((WORDS + LAST + END).replace(b"\n", b"\r")),
    "comments": chunked(b": hi\n\n" + WORDS + b":\n\n" + LAST + b": bye\n" + END),
    "halves": chunked(
        *(b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n' % w for w in (b"a", b"b", b"\\ud83d",
            b"\\ude00", b"c", b"\\ud83d")), LAST, END),
    "bad utf-8": chunked(
        saying("a", "b"), b'data: {"choices":[{"delta":{"content":"\xff"}}]}\n\n', saying("c"), LAST, END),
    "no usage": chunked(WORDS, event({}, "stop"), END),
    "usage apart": chunked(
        WORDS, event({}, "stop"), b"data: " + orjson.dumps({"choices": [], "usage": USED}) + b"\n\n"),
    "usage each": chunked(
        *(event({"content": w}, usage={**USED, "completion_tokens": n}) for n, w in enumerate("abcd")),
        event({}, "length", usage=USED), END),
    "no done": chunked(WORDS, LAST),
    "no end": chunked(WORDS),
    "cut off": chunked(WORDS, b'data: {"cho', abort=True),
    "cut off at once": chunked(abort=True),
    "error first": chunked(b'data: {"error": {"message": "Busy now.", "code": "overloaded"}}\n\n'),
    "error later": chunked(WORDS, b'data: {"error": {"message": "Busy now."}}\n\n', END),
    "finish error": chunked(WORDS, event({}, "error")),
    "429": refuses(429, "Slow down.", {"Retry-After": "7"}),
    "400": refuses(400, "The field x is wrong.", code="invalid_value"),
    "401": refuses(401, "Wrong key sk-upstream-key."),
    "404": refuses(404, "The model m does not exist.", code="model_not_found"),
    "500": refuses(500, "Oh."),
    "redirect": chunked(status=307, Location="http://127.0.0.1:9/"),
    "empty": chunked(),
    "html": chunked(b"<html><title>Gate</title></html>", mime="text/html"),
    "html 502": chunked(b"<html><title>Bad gateway</title></html>", mime="text/html", status=502),
    "no json": chunked(b"certainly!", mime=JSON),
    "half a document": chunked(document(content="x")[:60], mime=JSON),
    "array": chunked(b"[" + document(content="in a list") + b"]", mime=JSON),
    "stream as json": chunked(WORDS, LAST, END, mime=JSON),
    "json as stream": chunked(document(content="whole"), mime="text/event-stream"),
    "giant line": chunked(saying("x" * 300_000), LAST, END),
    "blank": chunked(saying(" ", "\n"), LAST, END),
    "nothing said": chunked(event({}, "stop"), END),
    "thoughts": chunked(event({"reasoning_content": "hm"}), WORDS, LAST, END),
    "thoughts alone": chunked(event({"reasoning_content": "hm"}), event({}, "length", usage=USED), END),
    "refusal": chunked(event({"refusal": "I will not."}), LAST, END),
    "a call": chunked(event({"tool_calls": [{"index": 0, "id": "c1", **NAMED}]}), event({}, "tool_calls"), END),
    "a call in words": chunked(WORDS, event({"tool_calls": [{"index": 0, "id": "c1", **NAMED}]}), LAST, END),
    "document with a call": chunked(document(content=None, tool_calls=[{"id": "c1", **NAMED}]), mime=JSON),
    "document beside": chunked(document(content="See.", annotations=[{"type": "url_citation"}]), mime=JSON),
    "logprobs": chunked(
        b'data: {"choices":[{"delta":{"content":"a"},"logprobs":{"content":[{"token":"a","logprob":-1}]}}]}\n\n', LAST),
    "fingerprint": chunked(
        *(event({"content": "a"}, system_fingerprint=f) for f in ("f1", "f1", "f2", "f2", "f2")), LAST, END),
    "other choices": chunked(b'data: {"choices":[{"index":1,"delta":{"content":"no"}}]}\n\n', saying("yes"), LAST, END),
    "another model": chunked(event({"content": "a"}, model="m-2024"), LAST, END),
}
BODIES: dict[str, Json] = {
    "hi": {"messages": ASK},
    "numbers": {
        "messages": ASK, "temperature": 1, "top_p": 0.5, "seed": 7, "stop": ["END"], "max_tokens": 9, "n": 1,
        "presence_penalty": -1, "frequency_penalty": 0.5, "user": "ana", "metadata": {"a": "b"},
        "stream_options": {"include_usage": True}, "reasoning_effort": "low", "verbosity": "high",
    },
    "both limits": {"messages": ASK, "max_tokens": 9, "max_completion_tokens": 5, "stop": "x"},
    "roles": {"messages": [
        {"role": "system", "content": " One "}, {"role": "system", "content": "Two"}, {"role": "user", "content": "a"},
        {"role": "assistant", "content": "<think>hm</think> b"}, {"role": "assistant", "content": ""},
        {"role": "system", "content": "later"}, {"role": "user", "content": "né \U0001f600"},
    ]},
    "only system": {"messages": [{"role": "system", "content": "x"}]},
    "said twice": {"messages": [*ASK, *ASK], "temperature": None, "stop": None, "n": None},
}
GATEWAYS: dict[str, Json] = {
    "plain": {},
    "set": {
        "systemInstruction": " Be kind. ", "temperature": 0.25, "topP": 0.5, "stop": "STOP", "maxCompletionTokens": 50,
        "reasoningEffort": "high", "additionalSettings": {"safe": True, "model": "no"}, "contextMaximumSize": 1000,
        "providerHeaders": {"X-Team": "a"}, "promptCache": True,
    },
    "flags": {
        "flags": ["NoTemperature", "UseMaxTokens", "NoStopParameter"], "temperature": 1, "maxCompletionTokens": 8,
    },
    "short": {"contextMaximumSize": 1, "contextOverflowAction": "Truncate"},
}


@dataclass
class Told:
    """What came of a request: for its caller, its provider and its owner."""

    status: int
    headers: Json
    body: Any
    sent: list[Json]
    billed: list[tuple[Any, ...]]


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The models that were asked over the short road."""
    found: list[str] = []
    answer, ask, stream = short.answer, Straight.ask, Straight.stream

    async def seen(*args: Any) -> Any:
        if args[2].begun is None:
            found.append(args[2].model)
        return await answer(*args)

    async def at_once(*args: Any) -> Any:
        found.append("fake-1")
        return await ask(*args)

    def streamed(*args: Any) -> Any:
        found.append("fake-1")
        return stream(*args)

    monkeypatch.setattr(Straight, "stream", streamed)
    monkeypatch.setattr(short, "answer", seen)
    monkeypatch.setattr(Straight, "ask", at_once)
    return found


async def asked(door: Door, acts: Sequence[Act], parameters: Json, usual: bool, body: Json) -> Told:
    """A request to a gateway of its own, whose provider does this."""
    id = await door.gateway(apiKey=f"sk-{usual}-{random.random()}", tries=len(acts), **parameters)
    door.model.plan.clear()
    door.model.plan += acts
    before = len(door.model.calls)
    async with door.post(model=id, headers=USUAL if usual else None, **body) as r:
        if r.content_type == "text/event-stream":
            said: Any = joined(await events(r))
        else:
            said = orjson.loads(await r.read())
            for name in ("id", "created"):
                said.pop(name, None)
        headers = {k: v for k, v in r.headers.items() if k.lower() not in PASSING}
    await door.hub.meter.settled()
    rows = await door.hub.db.fetch(
        "select sku, quantity, amount, description, key_id, account_id from usage where gateway_id = $1 order by id",
        UUID(id),
    )
    calls = door.model.calls[before:]
    return Told(r.status, headers, said, [unstreamed(c.body) | {"team": c.headers.get("X-Team")} for c in calls],
                [tuple(row) for row in rows])


def unstreamed(body: Json) -> Json:
    return {k: v for k, v in body.items() if k not in ("stream", "stream_options")}


def joined(told: list[Any]) -> Json:
    """What a stream says, in whatever pieces it came."""
    assert told and told[-1] == "[DONE]" and len({e["id"] for e in told[:-1]}) == 1
    found: Json = {"words": {}, "calls": [], "rest": [], "heads": []}
    for one in told[:-1]:
        [choice] = one["choices"]
        found["heads"] = sorted({*found["heads"], one["object"], one["model"]})
        delta = dict(choice["delta"])
        for name in ("content", "reasoning", "refusal", "role"):
            if name in delta:
                found["words"][name] = found["words"].get(name, "") + delta.pop(name)
        found["calls"] += delta.pop("tool_calls", [])
        others = {k: v for k, v in one.items() if k not in ("id", "object", "created", "model", "choices") and v}
        rest = [delta, choice["logprobs"], choice["finish_reason"], others]
        found["rest"] += [rest] if any(rest) else []
    return found


async def same(door: Door, acts: Sequence[Act], parameters: Json, body: Json) -> Told:
    usual = await asked(door, acts, parameters, True, body)
    found = await asked(door, acts, parameters, False, body)
    if found.status == 429:
        found.headers.pop("Retry-After"), usual.headers.pop("Retry-After")
    assert found == usual
    return found


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", ACTS)
async def test_whatever_a_provider_answers(door: Door, taken: list[str], name: str, stream: bool) -> None:
    await same(door, [ACTS[name]], {}, {"messages": ASK, "stream": stream})
    assert taken == ["fake-1"]


@pytest.mark.parametrize("gateway", GATEWAYS)
@pytest.mark.parametrize("name", BODIES)
async def test_whatever_is_asked(door: Door, taken: list[str], name: str, gateway: str) -> None:
    for stream in (False, True):
        found = await same(door, [says("Hel", "lo")], GATEWAYS[gateway], {**BODIES[name], "stream": stream})
        assert found.sent or gateway == "short"
    assert taken or gateway == "short"


@pytest.mark.parametrize("stream", [False, True])
async def test_tried_again(door: Door, taken: list[str], stream: bool) -> None:
    found = await same(door, [refuses(503), says("Hi")], {}, {"messages": ASK, "stream": stream})
    assert (found.status, len(found.sent), len(taken)) == (200, 2, 1)


async def test_the_provider_is_asked_as_the_caller_asked(door: Door, taken: list[str]) -> None:
    id = await door.gateway()
    door.model.default = whole("Hi")
    for stream in (False, True):
        async with door.post(model=id, stream=stream) as r:
            assert r.status == 200 and await r.read()
    sent = [c.body for c in door.model.calls]
    assert "stream" not in sent[0] and "stream_options" not in sent[0]
    assert sent[1]["stream"] is True and len(taken) == 2


async def test_a_provider_that_answers_in_streams_alone_is_asked_so(door: Door, taken: list[str]) -> None:
    id = await door.gateway(tries=1)
    door.model.plan += [refuses(400, "This model only supports stream mode."), says("Hi"), says("again")]
    for said in ("Hi", "again"):
        async with door.post(model=id) as r:
            assert (await r.json())["choices"][0]["message"]["content"] == said
    assert ["stream" in c.body for c in door.model.calls] == [False, True, True] and len(taken) == 2


WANTING: dict[str, Json] = {
    "tools": {"tools": [NAMED]},
    "rules": {"outputRules": [{"type": "words", "action": "mask", "words": ["secret"]}]},
    "masking": {"providerMasking": {"kinds": ["Email"]}},
    "moderation": {"moderationParameters": {"violenceThreshold": 3}},
    "functions": {"sentinelOptions": {"enabledFunctions": ["Code"]}},
    "prefill": {"assistantPrefill": "Sure"},
    "template": {"userPromptTemplate": "Q: {prompt}"},
    "others": {"fallbackModels": [{"modelName": "m-2"}]},
    "thinking": {"flags": ["ThinkingProcess"]},
}


@pytest.mark.parametrize("name", WANTING)
async def test_what_wants_more_goes_the_usual_way(door: Door, taken: list[str], name: str) -> None:
    id = await door.gateway(**WANTING[name])
    door.model.default = says("Hi")
    async with door.post(model=id) as r:
        assert r.status in (200, 502)
    assert not taken


@pytest.mark.parametrize("more", [
    {"tools": [NAMED]}, {"response_format": {"type": "json_object"}}, {"store": True}, {"top_k": 3}, {"extra": 1},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]}, {"temperature": "1"},
    {"messages": [{"role": "user", "content": "Hi", "name": "ana"}]}, {"max_tokens": -1}, {"stream": "yes"},
    {"time_limits": {"silence": 1}}, {"messages": [{"role": "developer", "content": "Hi"}]}, {"prompt_cache_key": "a"},
])
async def test_requests_that_want_more_go_the_usual_way(door: Door, taken: list[str], more: Json) -> None:
    id = await door.gateway()
    async with door.post(model=id, **more) as r:
        assert r.status == 200, await r.text()
    assert not taken


@pytest.mark.parametrize("wrong", [
    {"temperature": 3}, {"n": 2}, {"messages": []}, {"messages": [{"role": "user"}]}, {"stop": [1]},
    {"messages": [{"role": "king", "content": "x"}]}, {"messages": [{"role": ["user"], "content": "x"}]},
    {"metadata": {"a": 1}}, {"user": "x" * 300}, {"max_tokens": 0},
])
async def test_wrong_requests_are_told_the_same(door: Door, taken: list[str], wrong: Json) -> None:
    id = await door.gateway()
    async with door.post(model=id, **wrong) as r, door.post(model=id, headers=USUAL, **wrong) as usual:
        assert r.status == usual.status == 400 and await r.json() == await usual.json()
    assert not taken and not door.model.calls
