"""The Responses API, by hand: what is kept and gone on from, what is told in which order, what is refused by name.
OpenAI's own clients: tests/clients."""

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
import pytest_asyncio

from hub.accounts.accounts import create_account
from hub.accounts.keys import Keyring, grant, rotate
from hub.domain import Json
from hub.processes.embedded import Server
from hub.store import responses as rows
from tests.api.door import Door, events, shared
from tests.fakes.model import cut, event, raw, refuses, says, whole

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/v1/responses"
LOOK: Json = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {"q": {}}}}
CALL: Json = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"q":"x"}'}}
HELLO = "Hello from the model."


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def door_(
    servers: tuple[Server, Server], sealing_key: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Door]:
    async with shared(servers, sealing_key, tmp_path_factory.mktemp("hub")) as one:
        yield one


@pytest.fixture
def door(door_: Door) -> Door:
    door_.model.default = None
    door_.model.plan.clear()
    return door_


async def call(door: Door, method: str, path: str, key: str | None = None, **sent: Any) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {key or door.key}", "Content-Type": "application/json"}
    body = io.BytesIO(orjson.dumps(sent)) if sent else None
    async with door.http.request(method, door.url + path, headers=headers, data=body) as r:
        return r.status, await r.json(content_type=None)


async def ask(door: Door, key: str | None = None, **sent: Any) -> Json:
    sent.setdefault("model", await door.gateway(**sent.pop("parameters", {})))
    status, found = await call(door, "POST", PATH, key, **{"input": "Hi", **sent})
    assert status == 200, found
    return dict(found)


async def refused(door: Door, key: str | None = None, **sent: Any) -> tuple[int, str, str | None]:
    """Status, code and field of a refusal; the model was not asked."""
    sent.setdefault("model", await door.gateway())
    before = len(door.model.calls)
    status, found = await call(door, "POST", PATH, key, **{"input": "Hi", **sent})
    assert status >= 400 and len(door.model.calls) == before, found
    error = found["error"]
    assert error["message"] and set(error) == {"message", "type", "param", "code"}
    return status, error["code"], error["param"]


async def test_what_is_asked_goes_on_and_what_is_deleted_is_gone(door: Door) -> None:
    id = await door.gateway()
    first = await ask(door, model=id, input="My name is Ana", instructions="Be brief.", metadata={"a": "b"})
    assert (first["status"], first["store"], first["metadata"]) == ("completed", True, {"a": "b"})
    [said] = first["output"]
    assert said["content"] == [{"type": "output_text", "text": HELLO, "annotations": [], "logprobs": []}]
    assert first["usage"] == {
        "input_tokens": 12, "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0}, "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 17,
    }
    second = await ask(door, model=id, input="Who am I?", previous_response_id=first["id"])
    # Instructions are not carried over.
    assert [(m["role"], m["content"]) for m in door.sent["messages"]] == [
        ("user", "My name is Ana"), ("assistant", HELLO), ("user", "Who am I?"),
    ]
    assert await call(door, "GET", f"{PATH}/{second['id']}") == (200, second)
    assert (await call(door, "DELETE", f"{PATH}/{first['id']}")) == (
        200, {"id": first["id"], "object": "response", "deleted": True},
    )
    for method, path in (("GET", ""), ("GET", "/input_items"), ("DELETE", ""), ("POST", "/cancel")):
        assert (await call(door, method, f"{PATH}/{first['id']}{path}"))[0] == 404
    # What went on from it is kept, and leads nowhere any more.
    assert (await call(door, "GET", f"{PATH}/{second['id']}"))[0] == 200
    for name in (first["id"], second["id"], "resp_nothing"):
        assert await refused(door, previous_response_id=name) == (
            404, "previous_response_not_found", "previous_response_id",
        )
    left = await door.hub.db.fetch("select * from responses where account_id = $1", door.account)
    assert "My name is Ana" not in str([dict(r) for r in left])


async def test_a_response_belongs_to_its_key_and_to_the_one_that_took_its_place(door: Door) -> None:
    db = door.hub.db
    mine = await grant(db, door.account, "mine", None)
    kept = await ask(door, mine)
    other = await create_account(db, "Boreal")
    theirs = await grant(db, other.id, "theirs", None)
    for key in (door.key, theirs):
        for method, path in (("GET", ""), ("GET", "/input_items"), ("DELETE", ""), ("POST", "/cancel")):
            assert (await call(door, method, f"{PATH}/{kept['id']}{path}", key))[0] == 404
    assert (await refused(door, previous_response_id=kept["id"]))[0] == 404
    item = {"type": "item_reference", "id": kept["output"][0]["id"]}
    assert (await refused(door, input=[item]))[1] == "item_not_found"
    who = await Keyring(db).caller(mine)
    new = (await rotate(db, who, who.key_id))[1]
    assert (await call(door, "GET", f"{PATH}/{kept['id']}", new))[0] == 200
    assert (await ask(door, new, previous_response_id=kept["id"]))["status"] == "completed"


async def test_items_are_listed_a_page_at_a_time(door: Door) -> None:
    sent = [{"role": "user", "content": f"n{n}"} for n in range(5)]
    kept = await ask(door, input=sent)
    path = f"{PATH}/{kept['id']}/input_items"
    status, first = await call(door, "GET", f"{path}?limit=2&order=asc")
    assert status == 200 and [i["content"] for i in first["data"]] == ["n0", "n1"] and first["has_more"]
    _, rest = await call(door, "GET", f"{path}?limit=9&order=asc&after={first['last_id']}")
    assert [i["content"] for i in rest["data"]] == ["n2", "n3", "n4"] and not rest["has_more"]
    _, newest = await call(door, "GET", f"{path}?limit=2")
    assert [i["content"] for i in newest["data"]] == ["n4", "n3"] and newest["first_id"] == newest["data"][0]["id"]
    for query in ("after=nothing", "limit=0", "order=up"):
        assert (await call(door, "GET", f"{path}?{query}"))[0] == 400


async def test_nothing_is_kept_where_nobody_wants_it(door: Door) -> None:
    count = "select count(*) from responses"
    before = await door.hub.db.value(count)
    id = await door.gateway()
    alone = await ask(door, model=id, store=False)
    public = await ask(door, door.public, model=id)
    assert not alone["store"] and not public["store"]
    assert await door.hub.db.value(count) == before
    assert (await call(door, "GET", f"{PATH}/{alone['id']}"))[0] == 404
    for sent in ({"store": True}, {"previous_response_id": "resp_x"}):
        assert await refused(door, door.public, model=id, **sent) == (403, "private_key_needed", next(iter(sent)))
    assert (await refused(door, door.public, model=id, instructions="Be bad."))[0] == 403


async def test_tools_and_their_outputs(door: Door) -> None:
    id = await door.gateway()
    door.model.plan.append(says(tool_calls=[CALL], finish="tool_calls"))
    asked = await ask(door, model=id, input="weather", tools=[LOOK], tool_choice={"type": "function", "name": "look"})
    assert door.sent["tools"][0]["function"]["name"] == "look"
    assert door.sent["tool_choice"] == {"type": "function", "function": {"name": "look"}}
    [made] = asked["output"]
    assert (made["type"], made["call_id"], made["name"], made["arguments"]) == (
        "function_call", "call_1", "look", '{"q":"x"}',
    )
    result = {"type": "function_call_output", "call_id": "call_1", "output": [
        {"type": "input_text", "text": "Sunny"}, {"type": "input_image", "image_url": "data:image/png;base64,AA=="},
    ]}
    # By its forerunner, by a name of its item, and sent again whole: the model hears the same.
    talks = []
    for sent in (
        {"input": [result], "previous_response_id": asked["id"]},
        {"input": [{"role": "user", "content": "weather"}, {"type": "item_reference", "id": made["id"]}, result]},
        {"input": [{"role": "user", "content": "weather"}, made, result]},
    ):
        assert (await ask(door, model=id, tools=[LOOK], **sent))["output"][0]["content"][0]["text"] == HELLO
        talks.append(door.sent["messages"])
    assert [m["role"] for m in talks[0]] == ["user", "assistant", "tool", "user"]
    assert talks[0][1]["tool_calls"][0]["id"] == "call_1" and talks[0][2]["content"] == "Sunny"
    assert talks[0][3]["content"][0]["type"] == "image_url"
    assert talks[0] == talks[1] == talks[2]


async def test_spaces_of_names_and_tools_that_take_text(door: Door) -> None:
    inner = {**LOOK, "name": "close"}
    tools = [{"type": "namespace", "name": "agents", "tools": [inner]}, {"type": "custom", "name": "write"}]
    calls = [
        {"index": 0, "id": "a", "function": {"name": "agents__close", "arguments": "{}"}},
        {"index": 1, "id": "b", "function": {"name": "write", "arguments": '{"input": "some text"}'}},
    ]
    door.model.plan.append(says(tool_calls=calls, finish="tool_calls"))
    id = await door.gateway()
    asked = await ask(door, model=id, tools=tools)
    first, second = asked["output"]
    assert (first["name"], first["namespace"], second["type"], second["input"]) == (
        "close", "agents", "custom_tool_call", "some text",
    )
    done = [
        {"type": "function_call_output", "call_id": "a", "output": "closed"},
        {"type": "custom_tool_call_output", "call_id": "b", "output": "written"},
    ]
    await ask(door, model=id, tools=tools, input=[{"role": "user", "content": "Go"}, first, second, *done])
    assert [c["function"] for c in door.sent["messages"][1]["tool_calls"]] == [
        {"name": "agents__close", "arguments": "{}"}, {"name": "write", "arguments": '{"input":"some text"}'},
    ]
    allowed = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "custom", "name": "write"}]}
    await ask(door, model=id, tools=tools, tool_choice=allowed)
    assert [t["function"]["name"] for t in door.sent["tools"]] == ["write"] and door.sent["tool_choice"] == "required"


def posted(door: Door, headers: Json | None = None, **sent: Any) -> Any:
    headers = {"Authorization": f"Bearer {door.key}", **(headers or {})}
    return door.http.post(door.url + PATH, json={"input": "Hi", **sent}, headers=headers)


async def stream(door: Door, **sent: Any) -> list[Json]:
    async with posted(door, stream=True, model=await door.gateway(), **sent) as r:
        assert r.status == 200 and r.content_type == "text/event-stream", await r.text()
        found: list[Json] = await events(r)
    assert [e["sequence_number"] for e in found] == list(range(len(found)))
    return found


async def test_a_stream_is_told_as_documented_and_kept_as_it_was_told(door: Door) -> None:
    door.model.plan.append(says("One ", "two", reasoning="Hm.", tool_calls=[CALL], finish="tool_calls"))
    found = await stream(
        door, tools=[LOOK], reasoning={"summary": "auto", "effort": "low"}, include=["reasoning.encrypted_content"]
    )
    assert door.sent["reasoning_effort"] == "low"
    assert [e["type"].removeprefix("response.") for e in found] == [
        "created", "in_progress", "output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta",
        "reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.added", "content_part.added",
        "output_text.delta", "output_text.delta", "output_text.done", "content_part.done", "output_item.done",
        "output_item.added", "function_call_arguments.delta", "function_call_arguments.done", "output_item.done",
        "output_item.done", "completed",
    ]
    last = found[-1]["response"]
    thoughts, said, called = last["output"]
    assert thoughts["summary"] == [{"type": "summary_text", "text": "Hm."}] and thoughts["encrypted_content"]
    assert said["content"][0]["text"] == "One two" and called["arguments"] == '{"q":"x"}'
    done = {e["output_index"]: e["item"] for e in found if e["type"] == "response.output_item.done"}
    assert [done[n] for n in range(3)] == last["output"]
    assert await call(door, "GET", f"{PATH}/{last['id']}") == (200, last)


async def test_thoughts_come_back_to_the_gateway_that_had_them(door: Door) -> None:
    id, other = await door.gateway(), await door.gateway()
    door.model.plan.append(says(reasoning="Deep thought.", tool_calls=[CALL], finish="tool_calls"))
    include = ["reasoning.encrypted_content"]
    asked = await ask(door, model=id, store=False, tools=[LOOK], include=include)
    sealed = next(i for i in asked["output"] if i["type"] == "reasoning")
    result = {"type": "function_call_output", "call_id": "call_1", "output": "Sunny"}
    history = [{"role": "user", "content": "weather"}, *asked["output"], result]
    await ask(door, model=id, store=False, tools=[LOOK], input=history)
    assert door.sent["messages"][1]["reasoning_content"] == "Deep thought."
    await ask(door, model=other, store=False, tools=[LOOK], input=history)
    assert "reasoning_content" not in door.sent["messages"][1]
    wrong = {**sealed, "encrypted_content": "bm90aGluZw=="}
    assert (await refused(door, input=["x", wrong][1:]))[1] == "invalid_encrypted_content"


async def test_an_error_within_a_stream_and_before_it(door: Door) -> None:
    door.model.default = cut("One")
    found = await stream(door)
    assert [e["type"] for e in found[-2:]] == ["error", "response.failed"]
    assert found[-1]["response"]["error"]["code"] == "server_error" and found[-1]["response"]["status"] == "failed"
    assert (await call(door, "GET", f"{PATH}/{found[-1]['response']['id']}"))[0] == 404
    door.model.default = refuses(400, "too long", code="context_length_exceeded")
    async with posted(door, model=await door.gateway(), stream=True) as r:
        assert r.status == 400 and (await r.json(content_type=None))["error"]["code"] == "context_length_exceeded"


@pytest.mark.parametrize(("finish", "status", "reason"), [
    ("length", "incomplete", "max_output_tokens"), ("content_filter", "incomplete", "content_filter"),
    ("stop", "completed", None),
])
async def test_how_it_ended(door: Door, finish: str, status: str, reason: str | None) -> None:
    door.model.plan += [says("One", finish=finish)] * 2
    for found in (await ask(door, max_output_tokens=9), (await stream(door))[-1]["response"]):
        assert found["status"] == status and (found["incomplete_details"] or {}).get("reason") == reason


async def test_refusals_annotations_and_probabilities(door: Door) -> None:
    cited = {"type": "url_citation", "url_citation": {"url": "https://a.example", "title": "A", "start_index": 0}}
    door.model.plan.append(whole("Look", annotations=[cited]))
    [said] = (await ask(door))["output"]
    assert said["content"][0]["annotations"] == [
        {"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0}
    ]
    door.model.plan.append(whole("", content=None, refusal="I will not."))
    [said] = (await ask(door))["output"]
    assert said["content"] == [{"type": "refusal", "refusal": "I will not."}]
    logprobs = {"content": [{"token": "A", "logprob": -0.1, "bytes": [65], "top_logprobs": []}]}
    choice = {"index": 0, "delta": {"content": "A"}, "logprobs": logprobs, "finish_reason": None}
    body = b"data: " + orjson.dumps({"choices": [choice]}) + b"\n\n" + event({}, "stop") + b"data: [DONE]\n\n"
    door.model.plan.append(raw(body))
    [said] = (await ask(door, include=["message.output_text.logprobs"], top_logprobs=2))["output"]
    assert (door.sent["logprobs"], door.sent["top_logprobs"]) == (True, 2)
    assert said["content"][0]["logprobs"] == logprobs["content"]


async def test_fields_act(door: Door) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    form = {"type": "json_schema", "name": "thing", "schema": schema, "strict": True}
    await ask(
        door, text={"format": form, "verbosity": "low"}, temperature=0.5, top_p=0.5, max_output_tokens=7,
        parallel_tool_calls=False, tools=[LOOK], prompt_cache_key="k", safety_identifier="s", user="ana",
        input=[{"role": "developer", "content": "Rule."}, {"role": "user", "content": [
            {"type": "input_text", "text": "See"}, {"type": "input_image", "image_url": "https://a.example/x.png"},
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="},
        ]}],
    )
    sent = door.sent
    assert sent["response_format"] == {
        "type": "json_schema", "json_schema": {"name": "thing", "strict": True, "schema": schema},
    }
    assert (sent["temperature"], sent["top_p"], sent["verbosity"]) == (0.5, 0.5, "low")
    assert sent["parallel_tool_calls"] is False
    assert sent["max_completion_tokens"] == 7 and sent["prompt_cache_key"] == "k"
    assert [p["type"] for p in sent["messages"][1]["content"]] == ["text", "image_url", "file"]
    long = [{"role": "user", "content": f"{n} " + "word " * 200} for n in range(3)]
    small: Json = {"contextMaximumSize": 400}
    assert (await call(
        door, "POST", PATH, model=await door.gateway(**small), input=long, truncation="disabled"
    ))[1]["error"]["code"] == "context_overflow"
    await ask(door, parameters=small, input=long, truncation="auto")
    assert len(door.sent["messages"]) == 1


@pytest.mark.parametrize("sent", [
    {"background": True}, {"conversation": "conv_1"}, {"prompt": {"id": "p"}}, {"max_tool_calls": 3}, {"nonsense": 1},
    {"include": ["file_search_call.results"]}, {"tools": [{"type": "file_search", "vector_store_ids": ["x"]}]},
    {"tools": [{"type": "web_search"}]}, {"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]},
    {"tools": [{"type": "mcp", "server_label": "x"}]}, {"tools": [{"type": "image_generation"}]},
    {"tools": [{"type": "custom", "name": "x", "format": {"type": "grammar", "syntax": "lark", "definition": ""}}]},
    {"tools": [LOOK, LOOK]}, {"tools": [LOOK], "tool_choice": {"type": "function", "name": "other"}},
    {"tool_choice": {"type": "file_search"}}, {"text": {"format": {"type": "json_schema", "name": "x"}}},
    {"input": [{"type": "computer_call_output"}]}, {"input": [{"role": "robot", "content": "x"}]},
    {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "file-1"}]}]},
    {"input": [{"role": "user", "content": [{"type": "input_file", "file_url": "https://a.example/a.pdf"}]}]},
    {"input": [{"type": "function_call_output", "output": "x"}]}, {"input": []}, {"input": ""}, {"input": None},
    {"metadata": {"a": 1}}, {"reasoning": {"summary": "loud"}}, {"truncation": "some"}, {"stream_options": {"x": 1}},
    {"include": "all"}, {"text": {"format": "x"}}, {"tools": ["x"]}, {"tools": [{"type": "namespace", "tools": [1]}]},
    {"input": [{"type": "reasoning", "summary": 1, "content": "x"}, {"role": "user", "content": 5}]},
], ids=str)
async def test_what_cannot_be_done_is_refused_by_its_name(door: Door, sent: Json) -> None:
    status, _, field = await refused(door, **sent)
    assert status == 400 and field is not None and field.split(".")[0] in sent


async def test_a_built_in_tool_that_the_gateway_has_is_its_own(door: Door) -> None:
    id = await door.gateway(sentinelOptions={"enabledFunctions": ["WebSearch"]})
    await ask(door, model=id, tools=[{"type": "web_search"}])
    assert [t["function"]["name"] for t in door.sent["tools"]] == ["web_search"]
    # Codex offers it to everybody, and is told what became of it.
    tools = [LOOK, {"type": "web_search"}]
    async with posted(door, model=await door.gateway(), tools=tools, headers={"originator": "codex_exec"}) as r:
        assert r.status == 200 and r.headers["X-Unknown-Fields"] == "tools.1"


async def test_nothing_is_cancelled_here(door: Door) -> None:
    kept = await ask(door)
    status, found = await call(door, "POST", f"{PATH}/{kept['id']}/cancel")
    assert (status, found["error"]["code"]) == (400, "not_cancellable")
    assert (await call(door, "GET", f"{PATH}/{kept['id']}?stream=true"))[0] == 400


async def test_a_conversation_that_goes_while_it_is_answered(door: Door) -> None:
    first = await ask(door)

    async def meanwhile(request: Any, body: Json) -> Any:
        assert (await call(door, "DELETE", f"{PATH}/{first['id']}"))[0] == 200
        return await says(HELLO)(request, body)

    door.model.plan.append(meanwhile)
    count = "select count(*) from responses where previous_id is not null and root_id = previous_id and account_id = $1"
    before = await door.hub.db.value(count, door.account)
    status, found = await call(
        door, "POST", PATH, model=await door.gateway(), input="Hi", previous_response_id=first["id"]
    )
    assert status == 404, found
    assert await door.hub.db.value(count, door.account) == before


async def test_what_is_too_old_or_too_much_goes(door: Door) -> None:
    kept, other = await ask(door), await ask(door)
    aged = "update responses set expires_at = now() - interval '1 second' where answer->>'id' = $1"
    await door.hub.db.run(aged, kept["id"])
    assert (await call(door, "GET", f"{PATH}/{kept['id']}"))[0] == 404
    assert (await refused(door, previous_response_id=kept["id"]))[0] == 404
    assert await rows.forget(door.hub.db) >= 1
    assert (await call(door, "GET", f"{PATH}/{other['id']}"))[0] == 200
    large = "x" * (9 << 20)
    image = {"type": "input_image", "image_url": f"data:image/png;base64,{large}"}
    said = [{"role": "user", "content": [image]}]
    assert await refused(door, input=said) == (413, "too_large", "store")


async def test_two_who_go_on_from_one_at_once_do_not_meet(door: Door) -> None:
    first = await ask(door)
    found = await asyncio.gather(*(ask(door, input=f"n{n}", previous_response_id=first["id"]) for n in range(4)))
    assert len({f["id"] for f in found}) == 4
    await ask(door, input="again", previous_response_id=found[0]["id"])
    said = [m["content"] for m in door.sent["messages"] if m["role"] == "user"]
    assert said == ["Hi", "n0", "again"]


async def test_the_input_is_counted_without_asking_the_model(door: Door) -> None:
    kept = await ask(door, instructions="Be kind.")
    before = len(door.model.calls)
    id = await door.gateway()

    async def counted(**sent: Any) -> int:
        status, found = await call(door, "POST", f"{PATH}/input_tokens", **{"model": id, "input": "Hi", **sent})
        assert (status, found["object"]) == (200, "response.input_tokens"), found
        return int(found["input_tokens"])

    few = await counted()
    assert few < await counted(instructions="Be kind. " * 20) < await counted(input="Be kind. " * 90)
    assert few < await counted(tools=[{"type": "function", "name": "look", "parameters": {"type": "object"}}])
    assert few < await counted(previous_response_id=kept["id"])
    assert len(door.model.calls) == before
    async with door.client() as client:
        assert (await client.responses.input_tokens.count(model=id, input="Hi")).input_tokens == few
    assert (await call(door, "POST", f"{PATH}/input_tokens", model="nothing", input="Hi"))[0] == 404
    sent = {"model": id, "input": "Hi", "previous_response_id": kept["id"]}
    status, found = await call(door, "POST", f"{PATH}/input_tokens", door.public, **sent)
    assert (status, found["error"]["code"]) == (403, "private_key_needed")
