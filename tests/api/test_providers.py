"""Providers that fail, refuse, limit or say something else than text: what callers and people get of it."""

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from aiohttp import web

from hub.accounts import gateways
from hub.accounts.accounts import create_account
from hub.accounts.keys import grant
from hub.accounts.parameters import GatewayParameters
from hub.api.http import whole_answer
from hub.domain import Json
from tests.api.chatting import PNG, Visitor, visiting
from tests.api.conftest import Api
from tests.api.door import ASK, Door, events, opened
from tests.api.test_tools_in_answers import THEIRS, calls, far, function  # noqa: F401 - a fixture
from tests.fakes.model import Act, cut, event, hangs, raw, refuses, says
from tests.tools.conftest import Far

REASONED = {"reasoning_content": "I must look."}
DETAIL = {"type": "reasoning.encrypted", "data": "xyz", "id": "r1"}
SIGNED: Json = {
    "index": 0, "id": "call_s", "type": "function", "function": {"name": "look_up", "arguments": '{"a": 1}'},
    "extra_content": {"google": {"thought_signature": "sig"}},
}


@pytest.fixture
async def me(api: Api) -> AsyncIterator[Visitor]:
    async with visiting(api, {"messagesPerHour": 0, "maxMessages": 0}) as one:
        yield one


def streamed(*pieces: Json, finish: str = "stop", **more: Any) -> Act:
    """A stream of these deltas."""

    async def act(request: web.Request, body: Json) -> web.StreamResponse:
        content = b"".join(event(p) for p in pieces) + event({}, finish, **more) + b"data: [DONE]\n\n"
        return await raw(content)(request, body)

    return act


async def test_one_persons_trouble_stays_theirs(door: Door) -> None:
    """Two accounts with a credential each, two models, a fallback at the same address; one of them broken."""

    async def act(request: web.Request, body: Json) -> web.StreamResponse:
        broken = request.headers["Authorization"] == "Bearer sk-of-a" and body["model"] == "broken"
        return await (refuses(503) if broken else says(f"I am {body['model']}."))(request, body)

    door.model.default = act
    other = await create_account(door.hub.db, "Other")
    foreign = await grant(door.hub.db, other.id, "x", None)
    given = {"baseAddress": f"{door.model.url}/v1", "modelName": "broken", "apiKey": "sk-of-b"}
    theirs = str(await gateways.add(
        door.hub.db, door.hub.sealer, door.hub.outbound.guard, other.id, "Theirs",
        GatewayParameters.model_validate(given),
    ))  # fmt: skip
    broken = await door.gateway(modelName="broken", apiKey="sk-of-a")
    fine = await door.gateway(modelName="fine", apiKey="sk-of-a")
    falls = await door.gateway(modelName="broken", apiKey="sk-of-a", fallbackModels=[{"modelName": "second"}])

    async def one(id: str, key: str | None = None) -> tuple[int, str]:
        async with door.post(model=id, key=key) as r:
            got = await r.json(content_type=None)
            said = got["choices"][0]["message"]["content"] if r.status == 200 else got["error"]["code"]
            return r.status, said

    codes = []
    for _ in range(4):
        failed, *others = await asyncio.gather(one(broken), one(fine), one(theirs, foreign), one(falls))
        codes.append(failed)
        assert others == [(200, "I am fine."), (200, "I am broken."), (200, "I am second.")]
    assert codes[-1] == (502, "model_paused"), "what is down is left alone"


@pytest.mark.parametrize("trouble", [says(), refuses(429), refuses(400, "no"), raw(b"data: {}\n\n")])
async def test_nobody_stops_a_provider_on_purpose(door: Door, trouble: Act) -> None:
    id = await door.gateway()
    door.model.default = trouble
    for _ in range(4):
        async with door.post(model=id, key=door.public) as r:
            assert r.status >= 400
    door.model.default = says("Still here.")
    assert (await door.asked(model=id))["choices"][0]["message"]["content"] == "Still here."


@pytest.mark.parametrize(
    ("trouble", "status", "code", "words"),
    [
        (refuses(400, "bad field"), 400, "invalid_request", "bad field"),
        (refuses(413, "too big"), 400, "invalid_request", "too big"),
        (refuses(422, "no", code="odd_code"), 400, "odd_code", "no"),
        (refuses(404, "The model `x` does not exist", code="model_not_found"), 404, "model_not_found", "`x`"),
        (raw(b"404 page not found", "text/plain", 404), 502, "upstream_error", "baseAddress"),
        (refuses(401, "bad key"), 502, "upstream_error", "apiKey"),
        (refuses(402, "no money"), 502, "upstream_error", "credit"),
        (refuses(403, "not yours"), 502, "upstream_error", "may not do this"),
        (refuses(500, "broke"), 502, "upstream_error", "broke"),
        (refuses(429, "slow", {"Retry-After": "7"}), 429, "rate_limit_exceeded", "slow"),
    ],
)
@pytest.mark.parametrize("inside", [False, True])
async def test_statuses(door: Door, trouble: Act, status: int, code: str, words: str, inside: bool) -> None:
    door.model.default = trouble
    async with door.post(model=await door.gateway(), stream=inside) as r:
        got = await r.json(content_type=None)
        assert (r.status, got["error"]["code"]) == (status, code) and words in got["error"]["message"]
        assert r.headers.get("Retry-After") == ("7" if status == 429 else None)
    async with door.post(model=await door.gateway(), key=door.public) as r:
        told = (await r.json(content_type=None))["error"]["message"]
        assert r.status == status and words not in told


@pytest.mark.parametrize("code", [400, 401, 404, 429, 500, "context_length_exceeded", "rate_limit_exceeded"])
async def test_errors_within_a_stream_have_the_same_statuses(door: Door, code: Any) -> None:
    said = {"message": "the model is too full", "code": code}
    door.model.default = streamed(error=said)
    async with door.post(model=await door.gateway(), stream=True) as r:
        got = await r.json(content_type=None)
        expected = {400: 400, 401: 502, 404: 404, 429: 429, 500: 502}.get(code, 429 if "rate" in str(code) else 400)
        assert r.status == expected and "too full" in got["error"]["message"]
    door.model.default = streamed({"content": "Half"}, finish="", error=said)
    async with door.post(model=await door.gateway(), stream=True) as r:
        told = await events(r)
    assert "too full" in told[-2]["error"]["message"] and told[0]["choices"][0]["delta"]["content"] == "Half"


async def test_a_short_wait_is_waited_and_a_long_one_told(door: Door) -> None:
    door.model.plan += [refuses(429, headers={"Retry-After": "0.2"}), says("Now.")]
    assert (await door.asked())["choices"][0]["message"]["content"] == "Now."
    door.model.plan += [refuses(503, headers={"Retry-After": "90"}), says("Late.")]
    async with door.post(model=await door.gateway(modelName="x")) as r:
        assert r.status == 502 and len(door.model.calls) == 3


async def test_a_wait_goes_to_the_fallback(door: Door) -> None:
    door.model.plan += [refuses(429, headers={"Retry-After": "60"}), says("Second.")]
    door.model.default = says("Second again.")
    id = await door.gateway(fallbackModels=[{"modelName": "second"}])
    assert (await door.asked(model=id))["model"] == "second"
    assert (await door.asked(model=id))["model"] == "second"
    assert [c.body["model"] for c in door.model.calls] == ["fake-1", "second", "second"], "not asked meanwhile"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    "trouble",
    [
        says(), cut(), hangs(5), streamed({"reasoning_content": "Hm."}), streamed({}, finish="content_filter"),
        streamed({}, finish="length"), streamed(error={"message": "x"}), streamed({}, finish="error"),
    ],
    ids=["nothing", "dies", "silent", "only thinks", "filtered", "too long", "error", "cut"],
)
async def test_a_fallback_answers_for_who_says_nothing(door: Door, trouble: Act, stream: bool) -> None:
    async def act(request: web.Request, body: Json) -> web.StreamResponse:
        return await (says("Second.") if body["model"] == "second" else trouble)(request, body)

    door.model.default = act
    id = await door.gateway(fallbackModels=[{"modelName": "second"}], timeLimits={"firstToken": 1})
    async with door.post(model=id, stream=stream) as r:
        assert r.status == 200
        text = "".join(c["choices"][0]["delta"].get("content", "") for c in (await events(r))[:-1]) if stream else (
            await r.json())["choices"][0]["message"]["content"]
    assert text == "Second."


async def test_a_fallback_takes_over_what_nobody_was_shown(door: Door) -> None:
    async def act(request: web.Request, body: Json) -> web.StreamResponse:
        return await (says("Second.") if body["model"] == "second" else cut("Half an"))(request, body)

    door.model.default = act
    got = await door.asked(parameters={"fallbackModels": [{"modelName": "second"}]})
    assert (got["model"], got["choices"][0]["message"]["content"]) == ("second", "Second.")


async def test_what_a_provider_needs_back_it_gets_within_the_turn(door: Door, far: Far) -> None:  # noqa: F811
    door.model.plan += [
        streamed({**REASONED, "reasoning_details": [DETAIL]}, {"tool_calls": [SIGNED]}, finish="tool_calls"),
        says("Seven."),
    ]
    got = await door.asked(parameters={"protocolFunctions": [function(far)]})
    said = door.sent["messages"][1]
    assert said["reasoning_content"] == "I must look." and said["reasoning_details"] == [DETAIL]
    assert said["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "sig"}}
    assert "I must look" not in str(got), "people are not shown it"
    async with door.post(model=await door.gateway(), messages=[*ASK, {
        "role": "assistant", "content": "x", "reasoning_content": "old"}, *ASK]) as r:
        assert r.status == 200 and "old" not in str(door.sent["messages"])


@pytest.mark.parametrize("named", ["reasoning_content", "reasoning"])
async def test_thoughts_go_back_under_the_name_they_came_by(door: Door, far: Far, named: str) -> None:  # noqa: F811
    door.model.plan += [streamed({named: "Hm."}, {"tool_calls": [SIGNED]}, finish="tool_calls"), says("Seven.")]
    await door.asked(parameters={"protocolFunctions": [function(far)]})
    said = door.sent["messages"][1]
    assert said[named] == "Hm." and len({"reasoning", "reasoning_content"} & set(said)) == 1


@pytest.mark.parametrize("stream", [True, False])
async def test_signatures_reach_the_caller_and_come_back(door: Door, stream: bool) -> None:
    door.model.plan.append(streamed({"tool_calls": [SIGNED]}, finish="tool_calls"))
    async with door.post(model=await door.gateway(), tools=[THEIRS], stream=stream) as r:
        if stream:
            [call] = [c for e in (await events(r))[:-1] for c in e["choices"][0]["delta"].get("tool_calls", ())]
        else:
            [call] = (await r.json())["choices"][0]["message"]["tool_calls"]
    assert call["extra_content"] == SIGNED["extra_content"]
    told = {"role": "tool", "tool_call_id": "call_s", "content": "1"}
    await door.asked(messages=[*ASK, {"role": "assistant", "content": None, "tool_calls": [call]}, told])
    assert door.sent["messages"][1]["tool_calls"] == [{k: v for k, v in SIGNED.items() if k != "index"}]


async def test_on_a_channel_the_turn_goes_on_with_what_the_provider_needs(me: Visitor) -> None:
    look = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}
    await me.set(tools=[look])
    me.model.plan += [streamed(REASONED, {"tool_calls": [SIGNED]}, finish="tool_calls"), says("Seven.")]
    found = await me.prompt("Look")
    assert found["toolCalls"][0]["functionName"] == "look_up" and "must look" not in str(found)
    assert "must look" not in str(await me.info())
    await me.prompt([{"role": "tool", "content": "7", "tool_call_id": "call_s"}])
    said = next(m for m in me.asked if m["role"] == "assistant")
    assert said["reasoning_content"] == "I must look."
    assert said["tool_calls"][0]["extra_content"] == SIGNED["extra_content"]
    me.model.plan.append(says("Fine."))
    await me.prompt("And?")
    assert "must look" not in str(me.asked), "another turn"


@pytest.mark.parametrize(
    "trouble", [streamed({}, finish="length"), streamed({}, finish="content_filter"), streamed({"content": " "})]
)
async def test_people_always_hear_something(me: Visitor, trouble: Act) -> None:
    me.model.default = trouble
    found = await me.prompt("Hi")
    assert len(found["completionText"]) > 10


async def test_people_hear_a_refusal_in_words(me: Visitor) -> None:
    me.model.default = streamed({"refusal": "That I "}, {"refusal": "will not do."})
    assert (await me.prompt("Hi"))["completionText"] == "That I will not do."


async def test_people_see_the_pictures_of_a_model(me: Visitor, far: Far) -> None:  # noqa: F811
    """Those within the answer, and those at an address, within bounds; what cannot be had is told."""
    there = far.says("/a.png", PNG, mime="text/plain")
    far.says("/page", "<html>", mime="image/png")
    far.says("/drawn.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>", mime="image/svg+xml")
    far.says("/large.png", PNG + b"x" * 10_000_001, mime="image/png")
    within = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    for text in ("Here.", ""):
        me.model.default = streamed({"content": text, "images": pictures(within, there, "data:x", "ftp://x")})
        await me.prompt("Paint")
        last = (await me.info())["messages"][-1]
        assert [p["mime_type"] for p in last["attachments"]] == ["image/png"] * 2 and last["text"] == text
        for picture in last["attachments"]:
            async with me.api.http.get(me.api.url + "/media/" + picture["url"].rsplit("/", 1)[1]) as r:
                assert await r.read() == PNG
    lost = [f"{far.url}/{name}" for name in ("page", "drawn.svg", "large.png", "none")]
    lost.append("http://169.254.169.254/latest/meta-data/")
    me.model.default = streamed({"content": "Here.", "images": pictures(*lost)})
    await me.prompt("Paint")
    last = (await me.info())["messages"][-1]
    assert not last.get("attachments") and last["text"] == "\n".join(["Here.", "", *lost])
    me.model.default = streamed({"images": pictures("data:x")})
    assert len((await me.prompt("Paint"))["completionText"]) > 10


def pictures(*urls: str) -> list[Json]:
    return [{"type": "image_url", "image_url": {"url": u}} for u in urls]


async def test_a_call_of_nothing_ends_on_a_channel_too(me: Visitor) -> None:
    me.model.default = calls(("delete_all", "{}"))
    assert (await me.prompt("Hi"))["completionText"] and len(me.model.calls) == 4


@pytest.mark.parametrize("stream", [True, False])
async def test_a_tool_nobody_offered_goes_back_to_the_caller(door: Door, far: Far, stream: bool) -> None:  # noqa: F811
    for tools, ours, back in (([THEIRS], [], True), ([], [], True), ([THEIRS], [function(far)], True)):
        door.model.plan.append(calls(("delete_all", "{}")))
        before = len(door.model.calls)
        id = await door.gateway(protocolFunctions=ours)
        async with door.post(model=id, stream=stream, tools=tools or None) as r:
            text = await r.text()
        assert ('"delete_all"' in text) is back and len(door.model.calls) == before + 1


async def test_with_server_tools_the_same_failure_ends_the_loop(door: Door, far: Far) -> None:  # noqa: F811
    door.model.plan += [calls(("delete_all", "{}"))] * 3 + [says("Then not.")]
    got = await door.asked(parameters={"protocolFunctions": [function(far)]})
    assert got["choices"][0]["message"]["content"] == "Then not." and len(door.model.calls) == 4
    assert "tools" not in door.sent


@pytest.mark.parametrize("ours", [True, False])
async def test_the_length_wins_over_calls(door: Door, far: Far, ours: bool) -> None:  # noqa: F811
    cut_off = {"index": 0, "id": "c", "function": {"name": "look_up" if ours else "theirs", "arguments": '{"a": '}}
    door.model.default = says("So", tool_calls=[cut_off], finish="length")
    more: Json = {"parameters": {"protocolFunctions": [function(far)]}} if ours else {"tools": [THEIRS]}
    [choice] = (await door.asked(**more))["choices"]
    assert choice["finish_reason"] == "length" and choice["message"]["content"] == "So" and not far.asked
    assert len(choice["message"]["tool_calls"]) == (0 if ours else 1) and len(door.model.calls) == 1


@pytest.mark.parametrize("stream", [True, False])
async def test_what_is_no_text_is_passed_on(door: Door, stream: bool) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 7}}
    token = {"token": "a", "logprob": -0.1, "top_logprobs": []}
    audio = [{"id": "au", "data": "QUJD"}, {"data": "REVG", "transcript": "Hel"}, {"transcript": "lo", "expires_at": 9}]
    door.model.default = streamed(
        *({"audio": a} for a in audio), usage=usage, citations=["https://a.example"],
        choices=[{"index": 0, "delta": {}, "finish_reason": "stop", "logprobs": {"content": [token]}}],
    )
    async with door.post(model=await door.gateway(), stream=stream, logprobs=True) as r:
        if stream:
            told = (await events(r))[:-1]
            assert [a for c in told if (a := c["choices"][0]["delta"].get("audio"))]
            assert any(c.get("citations") for c in told)
            assert [c["choices"][0]["logprobs"] for c in told if c["choices"][0]["logprobs"]] == [{"content": [token]}]
            assert [a for c in told if (a := c["choices"][0]["delta"].get("annotations"))]
            used = told[-1]["usage"]
        else:
            got = await r.json()
            message, used = got["choices"][0]["message"], got["usage"]
            assert message["audio"] == {"id": "au", "data": "QUJDREVG", "transcript": "Hello", "expires_at": 9}
            assert message["annotations"][0]["url_citation"]["url"] == "https://a.example" == got["citations"][0]
            assert got["choices"][0]["logprobs"] == {"content": [token]}
    assert used["completion_tokens_details"] == {"reasoning_tokens": 7} and door.sent["logprobs"] is True


@pytest.mark.parametrize("stream", [True, False])
async def test_functions_the_older_form_of_tools(door: Door, stream: bool) -> None:
    door.model.plan.append(streamed({"function_call": {"name": "look", "arguments": ""}}, {
        "function_call": {"arguments": '{"a":1}'}}, finish="function_call"))
    asked: Json = {"functions": [{"name": "look", "parameters": {}}], "function_call": {"name": "look"}}
    talk = [
        *ASK, {"role": "assistant", "content": None, "function_call": {"name": "look", "arguments": "{}"}},
        {"role": "function", "name": "look", "content": "7"},
    ]
    async with door.post(model=await door.gateway(), messages=talk, stream=stream, **asked) as r:
        if stream:
            told = (await events(r))[:-1]
            pieces = [p for c in told if (p := c["choices"][0]["delta"].get("function_call"))]
            called = {"name": pieces[0]["name"], "arguments": "".join(p["arguments"] for p in pieces)}
            finish = told[-1]["choices"][0]["finish_reason"]
        else:
            [choice] = (await r.json())["choices"]
            called, finish = choice["message"]["function_call"], choice["finish_reason"]
    assert called == {"name": "look", "arguments": '{"a":1}'} and finish == "function_call"
    assert door.sent["tools"] == [{"type": "function", "function": asked["functions"][0]}]
    assert "functions" not in door.sent and [m["role"] for m in door.sent["messages"]] == ["user", "assistant", "tool"]
    assert door.sent["messages"][1]["tool_calls"][0]["id"] == door.sent["messages"][2]["tool_call_id"]


async def test_a_refusal_is_no_json_to_be_repaired(door: Door) -> None:
    door.model.default = streamed({"refusal": "No."})
    for more in ({"response_schema": {"type": "object"}}, {"json_only": True}):
        message = (await door.asked(**more))["choices"][0]["message"]
        assert (message["refusal"], message["content"]) == ("No.", None)
    assert len(door.model.calls) == 2


def slow(first: float, then: float) -> Act:
    """Says a word after `first` seconds and another one `then` seconds later."""

    async def act(request: web.Request, body: Json) -> web.StreamResponse:
        out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await out.prepare(request)
        await out.write(b": a comment is no word\n\n" + event({"role": "assistant"}))
        for seconds, word in ((first, "One "), (then, "two.")):
            await asyncio.sleep(seconds)
            await out.write(event({"content": word}))
        await out.write(event({}, "stop"))
        return out

    return act


@pytest.mark.parametrize(
    ("first", "then", "limits"),
    [(20, 0, {"firstToken": 0.3}), (0, 20, {"silence": 0.3}), (20, 0, {"whole": 0.5}), (0, 20, {"whole": 0.5})],
)
@pytest.mark.parametrize("by", ["gateway", "request", "account"])
async def test_limits_of_time(door: Door, first: float, then: float, limits: Json, by: str) -> None:
    door.model.default = slow(first, then)
    if by == "account":
        await door.hub.db.run("update accounts set parameters = parameters || $2 where id = $1", door.account,
                              {"inferenceSeconds": 0.5})
    id = await door.gateway(timeLimits=limits if by == "gateway" else {})
    own = {"firstToken": "first_token"}
    more: Json = {"time_limits": {own.get(k, k): v for k, v in limits.items()}} if by == "request" else {}
    async with door.post(model=id, **more) as r:
        assert r.status == 502 and (await r.json())["error"]["code"] == "model_timeout"
    assert len(door.model.calls) == 1, "so long a silence is not paid for twice"


async def test_a_request_may_wait_longer_than_its_gateway_but_not_with_a_public_key(door: Door) -> None:
    door.model.default = slow(0.6, 0)
    id = await door.gateway(timeLimits={"firstToken": 0.3})
    wait = {"first_token": 20, "silence": 20, "whole": 20}
    assert (await door.asked(model=id, time_limits=wait))["choices"][0]["message"]["content"] == "One two."
    async with door.post(model=id, time_limits=wait, key=door.public) as r:
        assert r.status == 502
    async with door.post(model=id, time_limits={"first_token": 0}) as r:
        assert r.status == 400


async def test_what_tools_make_is_in_the_answer(door: Door, far: Far) -> None:  # noqa: F811
    picture = bytes.fromhex("89504e470d0a1a0a") + bytes(40)

    async def paint(request: web.Request) -> web.StreamResponse:
        return web.json_response({"data": [{"b64_json": base64.b64encode(picture).decode()}]})

    far.answers["/v1/images/generations"] = paint
    settings = door.hub.settings.changed(image_url=far.url + "/v1", image_key="k", public_url="https://hub.example")
    async with opened(settings) as one:
        for stream in (False, True):
            one.model.plan += [calls(("generate_image", '{"prompt": "a cat"}')), says("Here.")]
            async with one.post(
                model=await one.gateway(), builtin_tools={"tools": ["ImageGeneration"]}, stream=stream
            ) as r:
                if stream:
                    got = [i for c in (await events(r))[:-1] for choice in c["choices"]
                           for i in choice["delta"].get("images", ())]
                else:
                    message = (await r.json())["choices"][0]["message"]
                    got = message["images"]
                    assert message["content"] == "Here."
            [image] = got
            assert image["image_url"]["url"].startswith("https://hub.example/media/")


PAGE = "https://shop.example"


async def test_pages_may_use_a_public_key(door: Door) -> None:
    id, other = await door.gateway(), await door.gateway()
    bound = await grant(door.hub.db, door.account, "w", None, "public", origins=[PAGE], models=[UUID(id)])
    url = f"{door.url}/v1/chat/completions"
    asks = {"Origin": PAGE, "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,x-stainless-lang"}
    async with door.http.options(url, headers=asks) as r:
        assert r.status == 204 and r.headers["Access-Control-Allow-Origin"] == PAGE
        assert "x-stainless-lang" in r.headers["Access-Control-Allow-Headers"]
    for key, origin, status, shared in (
        (door.public, PAGE, 200, PAGE), (door.public, "https://any.example", 200, "https://any.example"),
        (bound, PAGE, 200, PAGE), (bound, "https://thief.example", 403, None), (door.key, PAGE, 200, None),
        ("pk-hub-nothing", PAGE, 401, None),
    ):
        for stream in (False, True):
            async with door.post(model=id, key=key, headers={"Origin": origin}, stream=stream) as r:
                assert (r.status, r.headers.get("Access-Control-Allow-Origin")) == (status, shared)
    async with door.post(model=id, key=bound, headers={"Origin": PAGE}, temperature=9) as r:
        assert r.status == 400 and r.headers["Access-Control-Allow-Origin"] == PAGE, "errors can be read too"
    async with door.post(model=other, key=bound) as r:
        assert r.status == 403 and (await r.json(content_type=None))["error"]["code"] == "model_refused"
    for key, seen in ((door.public, {id, other}), (bound, {id})):
        async with door.http.get(f"{door.url}/v1/models", headers={"Authorization": f"Bearer {key}"}) as r:
            assert r.status == 200 and {m["id"] for m in (await r.json())["data"]} == seen


def paused(act: Act, seconds: float = 1.6) -> Act:
    """A first word, silence, then the rest."""

    async def said(request: web.Request, body: Json) -> web.StreamResponse:
        out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await out.prepare(request)
        await out.write(event({"content": "First. "}))
        await asyncio.sleep(seconds)
        if act is HANG_UP:
            assert request.transport is not None
            request.transport.abort()
            return out
        await out.write(event({"content": "Then."}) + event({}, "stop") + b"data: [DONE]\n\n")
        return out

    return said


HANG_UP, GO_ON = hangs(), says()


async def test_who_waits_for_a_whole_answer_is_kept_alive(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """By spaces before it, once the model answers; statuses stay right, and an answer that fails is none."""
    monkeypatch.setattr(whole_answer, "QUIET_SECONDS", 0.1)
    door.model.default = paused(GO_ON)
    id = await door.gateway()

    async def read(**headers: str) -> tuple[int, str, bytes]:
        async with door.post(model=id, headers=headers) as r:
            return r.status, r.content_type, await r.read()

    async with door.client() as client:
        kept, quiet, said = await asyncio.gather(
            read(), read(**{"Sse-Stream-Options": "no-ping"}),
            client.chat.completions.create(model=id, messages=[{"role": "user", "content": "Hi"}]),
        )
    assert kept[:2] == quiet[:2] == (200, "application/json")
    assert kept[2].startswith(b" {") and quiet[2].startswith(b"{")
    assert said.choices[0].message.content == "First. Then."
    door.model.plan.extend([paused(HANG_UP), refuses(400, "no")])
    with pytest.raises(aiohttp.ClientPayloadError):
        async with door.post(model=id) as r:
            assert r.status == 200, "nothing was wrong yet"
            await r.read()


async def test_what_is_refused_after_a_silence_has_its_status(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_answer, "QUIET_SECONDS", 0.1)

    async def late(request: web.Request, body: Json) -> web.StreamResponse:
        await asyncio.sleep(1.3)
        return await refuses(400, "bad field")(request, body)

    door.model.default = late
    async with door.post(model=await door.gateway()) as r:
        assert r.status == 400 and "bad field" in await r.text()
    door.model.default = paused(GO_ON, 1.2)
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}
    form = {"type": "json_schema", "json_schema": {"schema": schema, "healing_options": {"max_attempts": 1}}}
    async with door.post(model=await door.gateway(), response_format=form) as r:
        assert r.status == 502 and (await r.json(content_type=None))["error"]["code"] == "json_healing_failed"
