"""What providers answered, and clients sent, that went wrong somewhere: through the door, streamed and whole."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from hub.domain import Json
from tests.api.door import ASK, Door, door, events, place
from tests.fakes.wire import wired
from tests.later import later

if TYPE_CHECKING:
    import openai
else:
    openai = later("openai")

__all__ = ["door", "place"]
INPUTS = Path(__file__).with_name("inputs")
THINKING = {"flags": ["ReturnReasoningTokens", "ThinkingProcess"]}
SHOWN = {"flags": ["ReturnReasoningTokens"]}


async def asked(door: Door, name: str, stream: bool, parameters: Json | None = None) -> tuple[Json, list[Json]]:
    """The answer to a file, whole or put together from its stream, and what was sent to the provider."""
    request = INPUTS / f"{name}.request.json"
    body = orjson.loads(request.read_bytes()) if request.exists() else {"messages": ASK}
    async with wired((INPUTS / f"{name}.http").read_bytes()) as wire:
        body |= {"model": await door.gateway(baseAddress=wire.url, **(parameters or {})), "stream": stream}
        async with door.post(**body) as r:
            if r.content_type == "text/event-stream":
                found = joined(await events(r))
            else:
                found = await r.json(content_type=None)
            return found | {"status": r.status, "headers": dict(r.headers)}, wire.sent


def joined(told: list[Any]) -> Json:
    """A stream as the answer it stands for, by what OpenAI's clients do with it."""
    assert told.pop() == "[DONE]"
    message: Json = {"content": None, "refusal": None, "tool_calls": [], "annotations": [], "images": []}
    finish = None
    for chunk in told:
        assert "error" not in chunk, chunk
        [choice] = chunk["choices"]
        finish = choice["finish_reason"] or finish
        delta = choice["delta"]
        for name in ("content", "refusal", "reasoning"):
            if delta.get(name):
                message[name] = (message.get(name) or "") + delta[name]
        for name in ("annotations", "images"):
            message[name] += delta.get(name, [])
        pieces = delta.get("tool_calls", [])
        assert len({p["index"] for p in pieces}) == len(pieces)
        for piece in pieces:
            function = piece.get("function", {})
            if piece["index"] == len(message["tool_calls"]):
                assert piece["id"] and piece["type"] == "function"
                message["tool_calls"].append({**piece, "function": {"arguments": "", **function}})
                continue
            assert "name" not in function and "id" not in piece, "a name stands once"
            message["tool_calls"][piece["index"]]["function"]["arguments"] += function.get("arguments", "")
    choices = [{"message": message, "finish_reason": finish}]
    return {"choices": choices, "usage": told[-1]["usage"], "citations": next(
        (c["citations"] for c in told if c.get("citations")), None)}


def called(found: Json) -> list[tuple[str, Any]]:
    calls = found["choices"][0]["message"]["tool_calls"]
    assert all(isinstance(c["id"], str) and c["id"] for c in calls)
    return [(c["function"]["name"], orjson.loads(c["function"]["arguments"])) for c in calls]


CALLS = {
    "u06b-same-index-noid": [("get_weather", {"city": "Paris"}), ("get_time", {"tz": "JST"})],
    "u07-name-repeated": [("get_weather", {"city": "Paris"})],
    "u11-args-object": [("get_weather", {"city": "Paris"})],
    "tool-fragments-in-one-read": [("get_weather", {"city": "Paris"})],
    "u61-unknown-tool": [("delete_all", {})],
}
# The text, the reason for the end, and the parameters of the gateway.
TEXTS: dict[str, tuple[str | None, str, Json]] = {
    "u13-finish-eos": ("Hi there", "stop", {}),
    "u13-finish-MAX_TOKENS": ("Hi there", "length", {}),
    "u13-finish-guardrail_intervened": ("Hi there", "content_filter", {}),
    "u13-finish-end_turn": ("Hi there", "stop", {}),
    "u13-finish-function_call": ("Hi there", "stop", {}),
    "u21-data-comment": ("Hi", "stop", {}),
    "u23b-cr-only": ("Hi", "stop", {}),
    "u23c-bom": ("Hi", "stop", {}),
    "u24b-last-line-no-newline": ("Hi", "stop", {}),
    "u28-lone-surrogates": ("ok \U0001f600 end", "stop", {}),
    "u29e-think-close-only": ("Hi", "stop", THINKING),
    "u30-reasoning-ate-budget": ("", "length", SHOWN),
    "u30b-empty-length": ("", "length", {}),
    "u31-refusal": (None, "stop", {}),
    "u32-content-filter": ("", "content_filter", {}),
    "u33-annotations": ("See [1]", "stop", {}),
    "u34-images": ("", "stop", {}),
    "u42c-sse-as-json-type": ("Hi", "stop", {}),
    "u60-nan": ("Hi", "stop", {}),
}
# The status, the code if it matters, words that are told, and whether they are all that details hold.
ERRORS: dict[str, tuple[int, str | None, str]] = {
    "u14-error-first": (400, None, "prompt too long here"),
    "u16-error-vllm-old": (400, "context_length_exceeded", "TOO LONG FOR THIS MODEL (limit 4096)"),
    "u18c-json-array-in-200": (400, "INVALID_ARGUMENT", "bad argument somewhere"),
    "u18d-json-array-400": (400, "INVALID_ARGUMENT", "no signature on the function call"),
    "u19-200-code-msg": (502, None, "no money left"),
    "u19d-400-detail": (400, None, "field missing"),
    "u19e-400-mistral": (400, None, "foo"),
    "u37-429-retry-after": (429, "rate_limit_exceeded", "too many requests"),
    "u37c-429-quota": (429, "insufficient_quota", "quota used up"),
    "u38-400-context": (400, "context_length_exceeded", "TOO LONG: 9000 of 8192"),
}


def test_every_input_is_here() -> None:
    assert {p.stem for p in INPUTS.glob("*.http")} == {*CALLS, *TEXTS, *ERRORS}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("name", CALLS)
async def test_calls(door: Door, name: str, stream: bool) -> None:
    found, sent = await asked(door, name, stream)
    assert found["status"] == 200 and called(found) == CALLS[name] and len(sent) == 1
    assert found["choices"][0]["finish_reason"] == "tool_calls" and not found["choices"][0]["message"]["content"]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("name", TEXTS)
async def test_texts(door: Door, name: str, stream: bool) -> None:
    text, reason, parameters = TEXTS[name]
    found, sent = await asked(door, name, stream, parameters)
    assert found["status"] == 200 and len(sent) == 1
    [choice] = found["choices"]
    message = choice["message"]
    # A stream does not tell an empty text from none.
    assert message["content"] == ((text or None) if stream else text)
    assert choice["finish_reason"] == reason
    if "usage" in (INPUTS / f"{name}.http").read_text(errors="replace"):
        assert found["usage"]["total_tokens"] == 12
    thoughts = {"u29e-think-close-only": "abc", "u30-reasoning-ate-budget": "long thoughts"}
    assert message.get("reasoning") == thoughts.get(name)
    assert message["refusal"] == ("This I will not do." if name == "u31-refusal" else None)
    cited = [a["url_citation"]["url"] for a in message["annotations"]]
    assert cited == (["https://example.org"] if name == "u33-annotations" else [])
    shown = [i["image_url"]["url"] for i in message.get("images") or ()]
    assert shown == (["data:image/png;base64,iVBORw0KGgo="] if name == "u34-images" else [])


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("name", ERRORS)
async def test_errors(door: Door, name: str, stream: bool) -> None:
    status, code, told = ERRORS[name]
    found, sent = await asked(door, name, stream)
    assert found["status"] == status and told in found["error"]["message"] and told in found["details"]["message"]
    assert code is None or found["error"]["code"] == code
    assert len(sent) == 1 or status == 502
    if name == "u37-429-retry-after":
        assert found["headers"]["Retry-After"] == "34"


@pytest.mark.parametrize("name", ["tool-fragments-in-one-read", "u06b-same-index-noid", "u07-name-repeated"])
async def test_the_openai_client_reads_calls_of_a_stream(door: Door, name: str) -> None:
    async with wired((INPUTS / f"{name}.http").read_bytes()) as wire, door.client() as client:
        asking: Any = {"model": await door.gateway(baseAddress=wire.url), "messages": ASK}
        tools: Any = orjson.loads((INPUTS / "u07-name-repeated.request.json").read_bytes())["tools"]
        async with client.chat.completions.stream(**asking, tools=tools) as stream:
            made = await stream.get_final_completion()
    calls = made.choices[0].message.tool_calls or []
    assert [(c.function.name, orjson.loads(c.function.arguments)) for c in calls] == CALLS[name]


def client_sends(name: str, **more: Any) -> Json:
    return {**orjson.loads((INPUTS / f"c-{name}.json").read_bytes()), **more}


async def test_its_own_answer_comes_back_as_input(door: Door) -> None:
    await door.asked(**client_sends("echo-own-answer", model=await door.gateway()))
    assert door.sent["messages"] == [
        {"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello there."},
        {"role": "user", "content": "and now?"},
    ]
    async with door.client() as client:
        asking: Any = {"model": await door.gateway(), "messages": [*ASK]}
        first = await client.chat.completions.create(**asking)
        asking["messages"] += [first.choices[0].message, {"role": "user", "content": "And now?"}]
        await client.chat.completions.create(**asking)
    assert door.sent["messages"][1] == {"role": "assistant", "content": "Hello from the model."}


async def test_what_comes_back_of_other_answers(door: Door) -> None:
    call = {"index": 0, "id": "x", "type": "function", "function": {
        "name": "f", "arguments": "", "parsed_arguments": {}}, "extra_content": {"google": {"thought_signature": "s"}}}
    talk: list[Json] = [
        {"role": "user", "content": "q", "name": "ana"}, {"role": "assistant", "content": None, "refusal": "No."},
        {"role": "user", "content": [{"type": "image_url", "image_url": "https://x.example/a.png"}]},
        {"role": "assistant", "content": "", "tool_calls": []}, {"role": "assistant", "content": None, "images": [1]},
        {"role": "assistant", "content": None, "audio": {"id": "audio_1", "data": "xx"}, "function_call": None},
        {"role": "user", "content": "w"},
        {"role": "assistant", "content": None, "tool_calls": [call], "reasoning_content": "t", "parsed": {}},
        {"role": "tool", "tool_call_id": "x", "name": "f", "content": "1", "annotations": []},
    ]
    await door.asked(messages=talk)
    assert door.sent["messages"] == [
        {"role": "user", "content": "q", "name": "ana"}, {"role": "assistant", "content": "No."},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}]},
        {"role": "assistant", "content": None, "audio": {"id": "audio_1"}}, {"role": "user", "content": "w"},
        {
            "role": "assistant", "content": None, "reasoning_content": "t",
            "tool_calls": [{
                "id": "x", "type": "function", "function": {"name": "f", "arguments": "{}"},
                "extra_content": {"google": {"thought_signature": "s"}},
            }],
        },
        {"role": "tool", "tool_call_id": "x", "name": "f", "content": "1"},
    ]


async def test_parts_of_the_responses_api_are_those_of_chat(door: Door) -> None:
    said = {"type": "output_text", "text": "Yo", "annotations": [], "logprobs": []}
    asked = [{"type": "input_text", "text": "Hi"}, {"type": "input_image", "image_url": "https://x.example/a.png"}]
    await door.asked(messages=[*ASK, {"role": "assistant", "content": [said]}, {"role": "user", "content": asked}])
    assert [m["content"] for m in door.sent["messages"][1:]] == [
        [{"type": "text", "text": "Yo"}],
        [{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}],
    ]


async def test_the_developer_speaks_as_system_wherever_it_stands(door: Door) -> None:
    await door.asked(**client_sends("developer-later", model=await door.gateway()))
    assert [m["role"] for m in door.sent["messages"]] == ["user", "assistant", "system", "user"]
    await door.asked(**client_sends("developer-later", model=await door.gateway(flags=["NoSystemInstruct"])))
    assert [m["role"] for m in door.sent["messages"]] == ["user", "assistant", "user"]
    assert "be brief" in door.sent["messages"][0]["content"]


async def test_fields_of_sdks_go_to_a_provider_of_my_own(door: Door) -> None:
    given = client_sends("extra-fields", model=await door.gateway())
    await door.asked(**given)
    assert {k: v for k, v in given.items() if k not in ("model", "messages")}.items() <= door.sent.items()
    async with door.post(**{**given, "model": "@hub/extractive"}) as r:
        told = (await r.json())["error"]
        assert r.status == 400 and "min_p" in told["message"] and told["param"] == "min_p"


async def test_no_limit_is_none(door: Door) -> None:
    await door.asked(**client_sends("max_tokens-minus-1", model=await door.gateway()))
    assert not {"max_tokens", "max_completion_tokens"} & set(door.sent)


MISTRAL = b'HTTP/1.1 422 X\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n' + orjson.dumps({
    "object": "error", "type": "invalid_request_error", "message": {"detail": [{
        "type": "extra_forbidden", "loc": ["body", "max_completion_tokens"], "msg": "Extra inputs are not permitted",
    }]},
})
OPENAI = b'HTTP/1.1 400 X\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n' + orjson.dumps({"error": {
    "message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
    "instead.", "type": "invalid_request_error", "param": "max_tokens", "code": "unsupported_parameter"}})
FINE = (INPUTS / "u24b-last-line-no-newline.http").read_bytes()


async def test_the_name_of_a_limit_is_learned(door: Door) -> None:
    async with wired(MISTRAL, FINE) as wire:
        id = await door.gateway(baseAddress=wire.url, maxCompletionTokens=50)
        for _ in range(2):
            await door.asked(model=id)
        assert [(b.get("max_completion_tokens"), b.get("max_tokens")) for b in wire.sent] == [
            (50, None), (None, 50), (None, 50)
        ], "asked wrongly once"
    async with wired(OPENAI, FINE) as wire:
        id = await door.gateway(baseAddress=wire.url, flags=["UseMaxTokens"])
        for _ in range(2):
            await door.asked(**client_sends("max_tokens-mistral", model=id))
        assert [(b.get("max_completion_tokens"), b.get("max_tokens")) for b in wire.sent] == [
            (None, 50), (50, None), (50, None)
        ]


async def test_a_limit_that_is_refused_for_itself_is_not_renamed(door: Door) -> None:
    told = OPENAI.split(b"\r\n\r\n")[0] + b'\r\n\r\n{"error":{"message":"max_completion_tokens is above 4096"}}'
    async with wired(told) as wire, door.post(
        model=await door.gateway(baseAddress=wire.url), max_completion_tokens=9000
    ) as r:
        assert r.status == 400 and "above 4096" in (await r.json())["error"]["message"] and len(wire.sent) == 1


async def test_helpers_learn_it_too(door: Door) -> None:
    routes = {f"{level}ComplexityModelName": "m" for level in ("low", "medium", "high")}
    async with wired(MISTRAL, FINE) as wire:
        await door.asked(parameters={"baseAddress": wire.url, "modelRoutingParameters": routes})
        assert "max_completion_tokens" in wire.sent[0] and "max_tokens" in wire.sent[1]


def refused(e: "openai.APIStatusError") -> tuple[int, str | None]:
    return e.status_code, e.code


async def test_the_openai_client_raises_what_it_should(door: Door) -> None:
    async with door.client() as client:
        for name, kind in (("u38-400-context", openai.BadRequestError), ("u37c-429-quota", openai.RateLimitError)):
            async with wired((INPUTS / f"{name}.http").read_bytes()) as wire:
                asking: Any = {"model": await door.gateway(baseAddress=wire.url), "messages": ASK, "stream": True}
                with pytest.raises(kind) as e:
                    await client.chat.completions.create(**asking)
                assert refused(e.value) == (ERRORS[name][0], ERRORS[name][1])
