"""Tools that the hub runs during an answer: offered, called, told of, limited; as callers of the API see it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import bcrypt
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hub.accounts import salts, skills
from hub.accounts.parameters import SkillOptions
from hub.config import Settings
from hub.domain import Json
from hub.knowledge import collections
from hub.knowledge.index import index_document
from hub.store import documents
from hub.store.documents import Given
from tests.api.door import ASK, Door, events, opened
from tests.fakes.model import Act, says
from tests.tools.conftest import Far
from tests.tools.test_mcp import running

WORKER = "application/json+worker-action"
THEIRS: Json = {"type": "function", "function": {"name": "theirs", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture
async def far() -> AsyncIterator[Far]:
    found = Far()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.handle)
    async with TestServer(app) as server:
        found.url = str(server.make_url("")).rstrip("/")
        found.says("/fn", "seven")
        yield found


def calls(*wanted: tuple[str, str], text: str = "") -> Act:
    """The model asks for tools: (name, arguments as JSON)."""
    made = [
        {"index": n, "id": f"call_{n}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for n, (name, arguments) in enumerate(wanted)
    ]
    return says(*([text] if text else []), tool_calls=made, finish="tool_calls")


def function(far: Far, name: str = "look_up", path: str = "/fn", **more: Any) -> Json:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    return {"name": name, "description": "Looks.", "callbackUrl": far.url + path, "contentFormat": schema, **more}


def told(door: Door) -> list[str]:
    """What the tools said, as the model heard it last."""
    return [m["content"] for m in door.sent["messages"] if m["role"] == "tool"]


async def test_a_tool_is_run_and_the_model_goes_on(door: Door, far: Far) -> None:
    door.model.plan.extend([calls(("look_up", '{"a": 1}'), text="Let me see."), says("It is seven.")])
    got = await door.asked(
        parameters={"protocolFunctions": [function(far)]}, user="ana", metadata={"k": "v"}, idempotency_key="conv-1"
    )
    assert got["choices"][0]["message"]["content"] == "It is seven." and got["choices"][0]["finish_reason"] == "stop"
    assert got["choices"][0]["message"]["tool_calls"] == []
    [ran] = got["generation_context"]["runned_functions"]
    assert (ran["name"], ran["state"]) == ("look_up", "Completed")
    assert got["usage"]["completion_tokens"] == 10, "both rounds are counted"
    assert [t["function"]["name"] for t in door.model.calls[0].body["tools"]] == ["look_up"]
    assistant, tool = door.sent["messages"][-2:]
    assert assistant["content"] == "Let me see." and assistant["tool_calls"][0]["function"]["name"] == "look_up"
    assert (tool["role"], tool["tool_call_id"], tool["content"]) == ("tool", "call_0", "seven")
    [asked] = far.asked
    assert asked.json["function"] == {"name": "look_up", "content": {"a": 1}}
    context = asked.json["context"]
    assert (context["externalUserId"], context["metadata"], context["callSource"], context["conversationToken"]) == (
        "ana",
        {"k": "v"},
        "ChatCompletionsApi",
        "conv-1",
    )
    stored = await door.hub.db.value("select salt from accounts where id = $1", door.account)
    salt = salts.opened(door.hub.sealer, door.account, stored)
    assert bcrypt.checkpw(salt.encode(), asked.headers["X-Request-Nonce"].encode())


async def test_the_stream_tells_of_tools_and_never_hands_them_out(door: Door, far: Far) -> None:
    door.model.plan.extend([calls(("look_up", '{"a": 1}')), says("It is ", "seven.")])
    async with door.post(model=await door.gateway(protocolFunctions=[function(far)]), stream=True) as r:
        got = await events(r)
    tools = [c["servertool"] for c in got[:-1] if c.get("servertool")]
    assert [t["state"] for t in tools] == ["Created", "Running", "Completed"]
    assert all((t["name"], t["id"], t["contents"]) == ("look_up", "call_0", '{"a": 1}') for t in tools)
    assert all(c["choices"] == [] and c["usage"] is None for c in got[:-1] if c.get("servertool"))
    deltas = [c["choices"][0]["delta"] for c in got[:-1] if c["choices"]]
    assert not any("tool_calls" in d for d in deltas) and deltas[0] == {"role": "assistant"}
    assert "".join(d.get("content", "") for d in deltas) == "It is seven."
    assert got[-2]["usage"]["completion_tokens"] == 10 and got[-1] == "[DONE]"


async def test_the_openai_client_reads_a_stream_with_tools(door: Door, far: Far) -> None:
    door.model.plan.extend([calls(("look_up", '{"a": 1}')), says("Seven.")])
    text, id = "", await door.gateway(protocolFunctions=[function(far)])
    async with cast(Any, door.client()) as client:
        async for chunk in await client.chat.completions.create(model=id, messages=ASK, stream=True):
            text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
    assert text == "Seven."


async def test_tools_of_the_caller_beside_ours(door: Door, far: Far) -> None:
    door.model.plan.append(calls(("look_up", '{"a": 1}'), ("theirs", "{}")))
    id = await door.gateway(protocolFunctions=[function(far)])
    async with door.post(model=id, tools=[THEIRS], stream=True) as r:
        got = await events(r)
    handed = [d for c in got[:-1] if c["choices"] for d in c["choices"][0]["delta"].get("tool_calls", ())]
    assert [h["function"]["name"] for h in handed] == ["theirs"] and len(far.asked) == 1
    assert got[-2]["choices"][0]["finish_reason"] == "tool_calls" and len(door.model.calls) == 1
    door.model.plan.append(calls(("theirs", "{}")))
    found = await door.asked(model=id, tools=[THEIRS])
    assert [t["function"]["name"] for t in found["choices"][0]["message"]["tool_calls"]] == ["theirs"]


@pytest.mark.parametrize(
    ("call", "says_"),
    [
        (("look_up", "{"), "not valid JSON"),
        (("look_up", "[]"), "one JSON object"),
        (("look_up", "{}"), "a"),
        (("look_up", '{"a": "x"}'), "a"),
        (("nothing", "{}"), "no tool 'nothing'"),
    ],
)
async def test_wrong_calls_are_explained_to_the_model(door: Door, far: Far, call: tuple[str, str], says_: str) -> None:
    door.model.plan.extend([calls(call), says("Sorry.")])
    got = await door.asked(parameters={"protocolFunctions": [function(far)]})
    assert told(door)[0].startswith("Error: ") and says_ in told(door)[0] and far.asked == []
    assert got["generation_context"]["runned_functions"][0]["state"] == "Failed"


async def test_a_tool_that_fails_does_not_end_the_answer(door: Door, far: Far) -> None:
    far.says("/bad", "secret trace", status=500)
    door.model.plan.extend([calls(("look_up", '{"a": 1}')), says("It does not work.")])
    got = await door.asked(parameters={"protocolFunctions": [function(far, path="/bad")]})
    assert got["choices"][0]["message"]["content"] == "It does not work." and "secret" not in told(door)[0]


async def test_calls_run_side_by_side(door: Door, far: Far) -> None:
    both = asyncio.Event()
    waiting = 0

    async def slow(request: web.Request) -> web.StreamResponse:
        nonlocal waiting
        waiting += 1
        if waiting == 2:
            both.set()
        await asyncio.wait_for(both.wait(), 5)
        return web.Response(text="ok")

    far.answers["/slow"] = slow
    door.model.plan.extend([calls(("look_up", '{"a": 1}'), ("look_up", '{"a": 2}')), says("Both.")])
    await door.asked(parameters={"protocolFunctions": [function(far, path="/slow")]})
    assert told(door) == ["ok", "ok"]


async def test_explanations_are_asked_for_told_and_taken_out(door: Door, far: Far) -> None:
    given = '{"a": 1, "_tool_reason": "to know", "_tool_goal": "the number"}'
    ways: list[tuple[Json, Json]] = [
        ({"toolInvocationExplanations": True}, {}),
        ({}, {"tool_invocation_explanations": True}),
    ]
    for parameters, asked in ways:
        far.asked.clear()
        door.model.plan.extend([calls(("look_up", given)), says("Seven.")])
        id = await door.gateway(protocolFunctions=[function(far)], **parameters)
        async with door.post(model=id, stream=True, **asked) as r:
            got = await events(r)
        offered = door.model.calls[-2].body["tools"][0]["function"]["parameters"]
        assert {"_tool_reason", "_tool_goal"} <= set(offered["required"])
        tool = next(c["servertool"] for c in got[:-1] if c.get("servertool"))
        assert tool["explanation"] == {"reason": "to know", "goal": "the number"}
        assert far.asked[0].json["function"]["content"] == {"a": 1}
    door.model.plan.append(says("Hm."))
    await door.asked(parameters={"protocolFunctions": [function(far)]})
    assert "_tool_reason" not in str(door.sent["tools"])


async def test_the_same_call_again_and_again_is_stopped(door: Door, far: Far) -> None:
    door.model.plan.extend([calls(("look_up", '{"a": 1}'))] * 5 + [says("Enough.")])
    await door.asked(parameters={"protocolFunctions": [function(far)]})
    assert len(far.asked) == 3 and "same arguments" in told(door)[-1]


@pytest.mark.parametrize("gives_up", [True, False])
async def test_a_turn_has_so_many_calls(settings: Settings, far: Far, gives_up: bool) -> None:
    async with opened(settings.changed(tool_calls=2)) as door:
        door.model.plan.extend([calls(("look_up", f'{{"a": {n}}}')) for n in range(3 if gives_up else 9)])
        door.model.default = says("That is all.")
        async with door.post(model=await door.gateway(protocolFunctions=[function(far)])) as r:
            body = await r.json()
        assert len(far.asked) == 2 and "tools" not in door.sent
        if gives_up:
            assert r.status == 200 and body["choices"][0]["message"]["content"] == "That is all."
        else:
            assert r.status == 502 and body["code"] == "tool_limit" and len(door.model.calls) < 9


async def test_tokens_limit_the_calls_too(settings: Settings, far: Far) -> None:
    async with opened(settings.changed(turn_tokens=10)) as door:
        door.model.plan.extend([calls(("look_up", '{"a": 1}')), says("Done.")])
        await door.asked(parameters={"protocolFunctions": [function(far)]})
        assert far.asked == [] and "used up" in told(door)[0]


async def test_react_for_models_that_call_no_tools(door: Door, far: Far) -> None:
    door.model.plan.extend(
        [
            says("Thought: I need it.\nAction: look_up\nAct", 'ion Input: {"a": 1}\nObservation: made up'),
            says("Thought: ok\nFinal Answer: It is ", "seven."),
        ]
    )
    id = await door.gateway(protocolFunctions=[function(far)], knownToolHandlerName="react.v1.selfcall", stop="END")
    async with door.post(model=id, stream=True) as r:
        got = await events(r)
    text = "".join(c["choices"][0]["delta"].get("content", "") for c in got[:-1] if c["choices"])
    assert text == "It is seven." and far.asked[0].json["function"]["content"] == {"a": 1}
    first, second = (c.body for c in door.model.calls)
    assert "tools" not in first and "look_up: Looks." in first["messages"][0]["content"]
    assert first["stop"] == ["END", "\nObservation:"]
    assert [m["role"] for m in second["messages"]] == ["system", "user", "assistant", "user"]
    assert second["messages"][-1]["content"] == "Observation: seven"
    await door.asked(parameters={"protocolFunctions": [function(far)], "knownToolHandlerName": "native"})
    assert "tools" in door.sent


async def test_knowledge_as_a_tool(door: Door) -> None:
    db = door.hub.db
    shop = await collections.create(db, door.account, "Shop", "We sell bikes.", None)
    [saved] = await documents.put(
        db, door.account, shop, [Given("Hours", "We open at nine and close at six.", None, (), {})]
    )
    await index_document(db, door.hub.embedder, saved.id)
    door.model.plan.extend([calls(("search_knowledge", '{"query": "When do you open?"}')), says("At nine.")])
    await door.asked(parameters={"knowledgeCollections": [str(shop)], "queryStrategy": "QueryFunction"})
    assert "open at nine" in told(door)[0]
    assert "open at nine" not in str(door.model.calls[0].body["messages"]) and "We sell bikes." in str(door.sent)


REWRITES = [
    ("Plain", {}, ["three", "two\nthree"], 0),
    ("Concatenate", {"concatenateContextSize": 2}, ["two\nthree"], 0),
    ("UserRewrite", {"rewriteContextSize": 2}, ["two", "three"], 1),
    ("FullRewrite", {"rewriteContextSize": 1}, ["b", "three"], 1),
]


@pytest.mark.parametrize(("strategy", "sizes", "shown", "resolvers"), REWRITES)
async def test_query_strategies(
    door: Door, monkeypatch: pytest.MonkeyPatch, strategy: str, sizes: Json, shown: list[str], resolvers: int
) -> None:
    asked: list[list[str]] = []
    embed = door.hub.embedder.queries

    async def queries(terms: list[str], account: Any = None) -> Any:
        asked.append(list(terms))
        return await embed(terms, account)

    monkeypatch.setattr(door.hub.embedder, "queries", queries)
    shop = await collections.create(door.hub.db, door.account, "Shop", None, None)
    talk = [
        {"role": r, "content": c}
        for r, c in (("user", "zebra"), ("assistant", "a"), ("user", "two"), ("assistant", "b"), ("user", "three"))
    ]
    door.model.plan.extend([says('["What is three?", "And two?"]')] * resolvers + [says("Done.")])
    await door.asked(
        parameters={"knowledgeCollections": [str(shop)], "queryStrategy": strategy, "queryStrategyParameters": sizes},
        messages=talk,
    )
    assert len(door.model.calls) == resolvers + 1
    if resolvers:
        heard = str(door.model.calls[0].body["messages"])
        assert all(s in heard for s in shown) and "zebra" not in heard and asked == [["What is three?", "And two?"]]
    else:
        assert asked == [shown]


async def skill(door: Door, slug: str, **more: Any) -> str:
    hub = door.hub
    return str(
        await skills.add(
            hub.db,
            hub.sealer,
            hub.outbound.guard,
            door.account,
            slug,
            f"About {slug}.",
            f"Follow {slug}.",
            SkillOptions.model_validate(more),
        )
    )


async def test_skills_are_listed_taken_up_and_show_their_tools(door: Door, far: Far) -> None:
    billing = await skill(door, "billing", allowedToolsNames=["look_up"])
    id = await door.gateway(
        skills=[billing],
        hideToolsWithoutSkill=True,
        alwaysVisibleTools=["always_on"],
        protocolFunctions=[function(far), function(far, "always_on"), function(far, "never_on")],
    )
    door.model.plan.extend(
        [calls(("look_up", '{"a": 1}')), calls(("read_skill", '{"slugs": ["billing"]}')), says("Ok.")]
    )
    await door.asked(model=id)
    first, second, third = (c.body for c in door.model.calls)
    names = [[t["function"]["name"] for t in b["tools"]] for b in (first, second, third)]
    assert names[0] == names[1] == ["read_skill", "always_on"] and names[2] == ["read_skill", "look_up", "always_on"]
    assert "no tool 'look_up'" in str(second["messages"][-1]) and far.asked == [], "a hidden tool cannot be called"
    assert "billing" in first["messages"][0]["content"] and "Follow billing." not in str(first)
    assert "Follow billing." in third["messages"][0]["content"] and "activated_skill" in third["messages"][0]["content"]


async def test_memories_are_told_searched_and_kept(door: Door) -> None:
    on: Json = {"sentinelOptions": {"enabledFunctions": ["Remember", "Calendar"]}}
    door.model.plan.extend([calls(("memory_save", '{"memoryData": "Ana likes tea."}')), says("Noted.")])
    id = await door.gateway(**on)
    await door.asked(model=id, user="ana")
    await door.asked(model=id, user="ana")
    assert "Ana likes tea." in str(door.sent["messages"][0])
    names = {t["function"]["name"] for t in door.sent["tools"]}
    assert {"memory_save", "memory_search", "memory_update", "calendar_create"} <= names
    await door.asked(model=id, user="bob")
    assert "tea" not in str(door.sent["messages"])
    everything = {**on, "builtinFunctionsOptions": {"includeAllMemoryContext": True}}
    await door.asked(parameters=everything, user="ana")
    assert "Ana likes tea." in str(door.sent["messages"][0])
    assert "memory_search" not in {t["function"]["name"] for t in door.sent["tools"]}
    await door.asked(user="ana")
    assert "tools" not in door.sent
    door.model.plan.extend([calls(("memory_save", '{"memoryData": "x"}')), says("Sorry.")])
    await door.asked(model=id)
    assert "names no person" in told(door)[0]


async def test_a_request_brings_builtin_functions_of_its_own(door: Door) -> None:
    asked = {"tools": ["Remember"], "options": {"include_all_memory_context": True}}
    await door.asked(builtin_tools=asked, user="ana")
    names = {t["function"]["name"] for t in door.sent["tools"]}
    assert "memory_save" in names and "memory_search" not in names


async def test_instruction_sources(door: Door, far: Far) -> None:
    far.says("/rules", "Always say please.")
    source = {"name": "rules", "url": far.url + "/rules", "headers": {"X-Key": "k"}, "cacheDuration": 60}
    id = await door.gateway(systemInstructionsSources=[source], systemInstruction="Be kind.")
    for _ in range(2):
        await door.asked(model=id)
        assert door.sent["messages"][0]["content"] == "Be kind.\n\nAlways say please."
    assert len(far.asked) == 1 and far.asked[0].headers["X-Key"] == "k"
    far.says("/rules", "gone", status=404)
    async with door.post(
        model=await door.gateway(systemInstructionsSources=[{**source, "name": "new", "url": far.url + "/none"}])
    ) as r:
        assert r.status == 502 and "'new'" in (await r.json())["detail"]


def acting(far: Far, **data: Any) -> str:
    kind = data.pop("kind", "message.received.response")
    return far.says("/worker", {"type": kind, "data": data}, mime=WORKER)


async def test_the_worker_hears_of_every_message(door: Door, far: Far) -> None:
    id = await door.gateway(workerScriptSource=far.says("/worker", "fine"), systemInstruction="Be kind.")
    await door.asked(model=id, user="ana", metadata={"k": "v"})
    [asked] = far.asked
    assert asked.json["gatewayId"] == id and asked.json["event"]["name"] == "message.received"
    data = asked.json["event"]["data"]
    assert data == {
        "messages": [{"role": "system", "content": "Be kind."}, *ASK],
        "origin": "ChatCompletionsApi",
        "externalUserId": "ana",
        "metadata": {"k": "v"},
    }
    stored = await door.hub.db.value("select salt from accounts where id = $1", door.account)
    salt = salts.opened(door.hub.sealer, door.account, stored)
    assert bcrypt.checkpw(salt.encode(), asked.headers["X-Request-Nonce"].encode())


@pytest.mark.parametrize("stopped", ["status", "away", "nonsense", "half"])
async def test_what_the_worker_does_not_allow_is_not_asked(door: Door, far: Far, stopped: str) -> None:
    far.says("/worker", "private reason", status=403)
    if stopped == "nonsense":
        far.says(
            "/worker", {"type": "message.received.response", "data": {"rewrites": [{"type": "explode"}]}}, mime=WORKER
        )
    if stopped == "half":
        acting(far, rewrites=[{"type": "add-protocol-tool", "tool": {"name": "x"}}])
    url = "http://127.0.0.1:9/worker" if stopped == "away" else far.url + "/worker"
    async with door.post(model=await door.gateway(workerScriptSource=url)) as r:
        body = await r.json()
    assert r.status == 400 and body["code"] == "worker_rejected" and "private" not in str(body)
    assert door.model.calls == []


FULL: Json = {"systemInstruction": "Be kind.", "tools": [THEIRS]}
REMOVED = [{"type": "remove-message", "index": 0}]
CHANGES: list[tuple[list[Json], Any]] = [
    (
        [{"type": "clear"}, {"type": "add-message", "message": {"role": "user", "content": "New"}}],
        lambda b: b["messages"] == [{"role": "user", "content": "New"}] and "tools" not in b,
    ),
    ([{"type": "clear", "argument": "system"}], lambda b: b["messages"] == ASK),
    ([{"type": "clear", "argument": "tools"}], lambda b: "tools" not in b),
    (
        [
            {"type": "clear", "argument": "messages"},
            {"type": "add-message", "message": {"role": "user", "content": "New"}},
        ],
        lambda b: [m["content"] for m in b["messages"]] == ["Be kind.", "New"],
    ),
    (REMOVED, lambda b: b["messages"] == ASK),
    (
        [{"type": "add-system", "message": "Formal."}],
        lambda b: "Formal." in b["messages"][0]["content"] and "Be kind." in b["messages"][0]["content"],
    ),
    (
        [{"type": "add-message", "message": {"role": "user", "content": "Also"}}],
        lambda b: b["messages"][-1]["content"] == "Also",
    ),
    (
        [{"type": "add-tool", "tool": {**THEIRS, "function": {"name": "more"}}}],
        lambda b: [t["function"]["name"] for t in b["tools"]] == ["theirs", "more"],
    ),
    ([{"type": "clear", "argument": "meta"}], lambda b: b["messages"][0]["content"] == "Be kind."),
]


@pytest.mark.parametrize(
    "message",
    [
        {"content": "no role"}, {"role": "boss", "content": "x"}, {"role": "user", "content": 5},
        {"role": "user", "content": ["x"]}, {"role": "assistant", "tool_calls": "x"},
        {"role": "assistant", "tool_calls": [{"id": "1"}]}, "words",
    ],
)
async def test_a_message_of_the_worker_that_is_none_stops_the_request(door: Door, far: Far, message: Any) -> None:
    worker = acting(far, rewrites=[{"type": "add-message", "message": message}])
    async with door.post(model=await door.gateway(workerScriptSource=worker)) as r:
        assert r.status == 400 and (await r.json())["code"] == "worker_rejected"
    assert door.model.calls == []


@pytest.mark.parametrize(("rewrites", "holds"), CHANGES)
async def test_the_worker_rewrites_the_context(door: Door, far: Far, rewrites: list[Json], holds: Any) -> None:
    await door.asked(parameters={**FULL, "workerScriptSource": acting(far, rewrites=rewrites)})
    assert holds(door.sent), door.sent


async def test_the_worker_adds_a_protocol_tool_and_takes_metadata_and_skills_away(door: Door, far: Far) -> None:
    billing = await skill(door, "billing")
    acting(
        far,
        rewrites=[
            {"type": "clear", "argument": "meta"},
            {"type": "clear", "argument": "skills"},
            {"type": "add-protocol-tool", "tool": function(far)},
        ],
    )
    seen = iter([far.answers["/worker"], web.Response(text="go on")])

    async def worker(request: web.Request) -> web.StreamResponse:
        found = next(seen)
        assert isinstance(found, web.Response)
        return web.Response(body=found.body, headers=found.headers)

    far.answers["/worker"] = worker
    door.model.plan.extend([calls(("look_up", '{"a": 1}')), says("Done.")])
    await door.asked(parameters={"workerScriptSource": far.url + "/worker", "skills": [billing]}, metadata={"k": "v"})
    assert [t["function"]["name"] for t in door.model.calls[0].body["tools"]] == ["look_up"]
    assert "billing" not in str(door.model.calls[0].body)
    assert [a.json["context"]["metadata"] for a in far.asked if a.path == "/fn"] == [{}]
    assert [a.json["event"]["name"] for a in far.asked if a.path == "/worker"] == ["message.received", "tool.called"]


@pytest.mark.parametrize(
    ("status", "mime", "body", "heard", "ran"),
    [
        (200, "text/plain", "ok", "seven", True),
        (403, "text/plain", "no", "Error: The worker", False),
        (
            200,
            WORKER,
            {
                "type": "tool.called.response",
                "data": {"result": "eight", "messages": [{"role": "user", "content": "PS"}]},
            },
            "eight",
            False,
        ),
        (500, WORKER, {"type": "tool.called.response", "data": {"result": "nine"}}, "nine", False),
        (200, WORKER, {"type": "other", "data": {}}, "Error: The worker", False),
    ],
)
async def test_the_worker_decides_about_tools(
    door: Door, far: Far, status: int, mime: str, body: Any, heard: str, ran: bool
) -> None:
    async def worker(request: web.Request) -> web.StreamResponse:
        event = (await request.json())["event"]
        if event["name"] == "message.received":
            return web.Response(text="ok")
        assert (event["data"]["toolName"], event["data"]["toolArguments"]) == ("look_up", {"a": 1})
        reply = far.answers["/said"]
        assert isinstance(reply, web.Response)
        return web.Response(status=reply.status, body=reply.body, headers=reply.headers)

    far.says("/said", body, status=status, mime=mime)
    far.answers["/worker"] = worker
    door.model.plan.extend([calls(("look_up", '{"a": 1}')), says("Done.")])
    await door.asked(parameters={"workerScriptSource": far.url + "/worker", "protocolFunctions": [function(far)]})
    assert told(door)[0].startswith(heard) and any(a.path == "/fn" for a in far.asked) is ran
    assert ("PS" in str(door.sent["messages"])) is (heard == "eight")


async def test_a_public_key_has_no_tools(door: Door, far: Far) -> None:
    id = await door.gateway(
        protocolFunctions=[function(far)],
        sentinelOptions={"enabledFunctions": ["Remember"]},
        skills=[await skill(door, "billing")],
    )
    async with door.post(model=id, key=door.public) as r:
        assert r.status == 200
    assert "tools" not in door.sent and "billing" not in str(door.sent)
    for more in ({"user": "ana"}, {"builtin_tools": {"tools": ["Remember"]}}):
        async with door.post(model=id, key=door.public, **more) as r:
            assert r.status == 403


async def test_the_shell_works_on_files_of_the_turn(door: Door) -> None:
    door.model.plan.extend(
        [
            calls(("shell", '{"command": "echo hello > a.txt; ls"}')),
            calls(("shell", '{"command": "cat a.txt"}')),
            says("Done."),
        ]
    )
    id = await door.gateway(enableBash=True)
    await door.asked(model=id, user="ana")
    assert [t.strip() for t in told(door)] == ["a.txt", "hello"], "the commands of a turn share their files"
    door.model.plan.extend([calls(("shell", '{"command": "ls"}')), says("Done.")])
    await door.asked(model=id, user="ana")
    assert told(door) == ["[no output]"], "nothing is kept unless the gateway says so"


async def test_files_of_a_person_are_kept_where_that_is_allowed(door: Door) -> None:
    id = await door.gateway(enableBash=True, bashOptions={"allowDataPersistence": True})
    for user, command, heard in (
        ("ana", "echo mine > a.txt", "[no output]"),
        ("ana", "cat a.txt", "mine"),
        ("bob", "ls", "[no output]"),
    ):
        door.model.plan.extend([calls(("shell", orjson.dumps({"command": command}).decode())), says("Done.")])
        await door.asked(model=id, user=user)
        assert told(door)[-1].strip() == heard


@pytest.mark.parametrize(("mode", "direct"), [("WhiteList", ["shell", "other"]), ("BlackList", ["shell", "look_up"])])
async def test_tools_become_commands_of_the_shell(door: Door, far: Far, mode: str, direct: list[str]) -> None:
    command = "look_up --a 1" if mode == "WhiteList" else "other --a 1"
    given = orjson.dumps({"command": f"{command} | tr a-z A-Z"}).decode()
    door.model.plan.extend([calls(("shell", given)), says("Done.")])
    await door.asked(
        parameters={
            "enableBash": True,
            "bashOptions": {"toolList": ["look_up"], "toolExclusionMode": mode},
            "protocolFunctions": [function(far), function(far, "other")],
        }
    )
    assert {t["function"]["name"] for t in door.model.calls[0].body["tools"]} == set(direct)
    assert told(door)[0].strip() == "SEVEN" and far.asked[0].json["function"]["content"] == {"a": 1}


async def test_code_is_run_and_its_value_read(door: Door) -> None:
    door.model.plan.extend([calls(("evaluate_code", '{"code": "[1,2,3].map(x => x * 2)"}')), says("Done.")])
    await door.asked(builtin_tools={"tools": ["Code"]})
    assert "[2,4,6]" in told(door)[0].replace(" ", "")


@pytest.mark.parametrize("by", ["gateway", "worker"])
async def test_tools_of_an_mcp_server(door: Door, far: Far, by: str) -> None:
    async with running() as server:
        source = {"name": "crm", "url": server.url, "headers": {}, "cacheDuration": 60}
        rewrite = {"type": "add-mcp-source", "source": source}
        parameters: Json = {"mcpSources": [source]}
        if by == "worker":

            async def worker(request: web.Request) -> web.StreamResponse:
                if (await request.json())["event"]["name"] == "tool.called":
                    return web.Response(text="ok")
                body = {"type": "message.received.response", "data": {"rewrites": [rewrite]}}
                return web.Response(body=orjson.dumps(body), headers={"Content-Type": WORKER})

            far.answers["/worker"] = worker
            parameters = {"workerScriptSource": far.url + "/worker"}
        door.model.plan.extend([calls(("find_order", '{"id": "A1"}')), says("Done.")])
        await door.asked(parameters=parameters, user="ana", metadata={"k": "v"})
        assert "A1" in told(door)[0]
        assert "find_order" in {t["function"]["name"] for t in door.model.calls[0].body["tools"]}


@pytest.mark.parametrize("call", [("look_up", "{"), ("look_up", "{}"), ("nothing", "{}")])
async def test_calls_that_cannot_be_made_come_to_an_end_too(
    settings: Settings, far: Far, call: tuple[str, str]
) -> None:
    async with opened(settings.changed(tool_calls=3)) as door:
        door.model.default = calls(call)
        async with door.post(model=await door.gateway(protocolFunctions=[function(far)])) as r:
            assert r.status == 502 and (await r.json(content_type=None))["error"]["code"] == "tool_limit"
        assert len(door.model.calls) == 4 and far.asked == []
        assert sum(b["quantity"] for b in await door.billed() if b["sku"].endswith(".out")) == 20, "it consumed tokens"


async def test_after_the_last_call_the_caller_can_still_be_asked(settings: Settings, far: Far) -> None:
    async with opened(settings.changed(tool_calls=1)) as door:
        door.model.plan.extend([calls(("look_up", '{"a": 1}')), calls(("theirs", "{}"))])
        got = await door.asked(parameters={"protocolFunctions": [function(far)]}, tools=[THEIRS])
        assert [c["function"]["name"] for c in got["choices"][0]["message"]["tool_calls"]] == ["theirs"]


async def test_calls_that_are_not_heeded_are_not_shown(settings: Settings, far: Far) -> None:
    async with opened(settings.changed(tool_calls=1)) as door:
        door.model.default = calls(("look_up", '{"a": 1}'), text="Hm.")
        async with door.post(model=await door.gateway(protocolFunctions=[function(far)]), stream=True) as r:
            got = await events(r)
        assert not any("tool_calls" in c["choices"][0]["delta"] for c in got[:-1] if c["choices"])
        assert got[-2]["choices"][0]["finish_reason"] == "stop"


async def test_a_forced_call_is_forced_once(door: Door, far: Far) -> None:
    door.model.plan.extend([calls(("look_up", '{"a": 1}')), says("Seven.")])
    got = await door.asked(parameters={"protocolFunctions": [function(far)]}, tool_choice="required")
    assert got["choices"][0]["message"]["content"] == "Seven."
    assert door.model.calls[0].body["tool_choice"] == "required" and "tool_choice" not in door.sent


async def test_calls_without_ids_or_places_get_them(door: Door, far: Far) -> None:
    made: list[Json] = [
        {"function": {"name": "look_up", "arguments": {"a": 1}}},
        {"id": "x", "index": 0, "function": {"name": "look_up", "arguments": '{"a": 2}'}},
        {"id": "y", "index": 0, "function": {"name": "look_up", "arguments": '{"a": '}},
        {"index": 0, "function": {"arguments": "3}"}},
        {"id": "y", "index": 7, "function": {"name": "look_up", "arguments": '{"a": 4}'}},
    ]
    door.model.plan.extend([says(tool_calls=made, finish="tool_calls"), says("Done.")])
    await door.asked(parameters={"protocolFunctions": [function(far)]})
    assert sorted(a.json["function"]["content"]["a"] for a in far.asked) == [1, 2, 3, 4]
    ids = [m["tool_call_id"] for m in door.sent["messages"] if m["role"] == "tool"]
    assert len(set(ids)) == 4 and all(ids) and {"x", "y"} < set(ids)
    assert ids == [c["id"] for c in door.sent["messages"][-5]["tool_calls"]]
    door.model.plan.append(says(tool_calls=[{"function": {"name": "theirs", "arguments": "{}"}}] * 2))
    async with door.post(model=await door.gateway(), tools=[THEIRS], stream=True) as r:
        got = await events(r)
    handed = [d for c in got[:-1] for d in c["choices"][0]["delta"].get("tool_calls", ())]
    assert [h["index"] for h in handed] == [0, 1] and len({h["id"] for h in handed}) == 2


async def test_when_the_caller_leaves_no_tool_runs_on(door: Door, far: Far) -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request) -> web.Response:
        started.set()
        try:
            await asyncio.sleep(20)
        finally:
            ended.set()
        return web.Response(text="late")

    app = web.Application()
    app.router.add_post("/", slow)
    server = TestServer(app, handler_cancellation=True)
    await server.start_server()
    door.model.plan.append(calls(("look_up", '{"a": 1}'), ("look_up", '{"a": 2}')))
    id = await door.gateway(protocolFunctions=[{**function(far), "callbackUrl": str(server.make_url("/"))}])
    async with door.post(model=id, stream=True):
        await started.wait()
    async with asyncio.timeout(5):
        await ended.wait()
        while not await door.billed():
            await asyncio.sleep(0.05)
    assert [b["quantity"] for b in await door.billed()] == [8, 5, 4], "what was said was consumed"
    await server.close()


async def test_what_tools_add_is_not_the_question(door: Door, far: Far) -> None:
    """A picture comes as a message of the user; the template and the passages stay where the question is."""

    async def worker(request: web.Request) -> web.StreamResponse:
        if (await request.json())["event"]["name"] == "message.received":
            return web.Response(text="ok")
        data = {"result": "see", "messages": [{"role": "user", "content": "P"}]}
        return web.json_response({"type": "tool.called.response", "data": data}, content_type=WORKER)

    far.answers["/worker"] = worker
    door.model.plan.extend([calls(("look_up", '{"a": 1}')), says("Done.")])
    await door.asked(parameters={
        "protocolFunctions": [function(far)], "workerScriptSource": far.url + "/worker",
        "userPromptTemplate": "<<{prompt}>>", "assistantPrefill": "Well,", "toolContextCount": 1,
    })  # fmt: skip
    assert [m["content"] for m in door.sent["messages"] if m["role"] == "user"] == ["<<Hi>>", "P"]
    assert door.sent["messages"][-1]["content"] == "P", "no prefill behind a tool's result"


async def test_results_that_were_never_read_are_not_shortened(door: Door, far: Far) -> None:
    door.model.plan.extend([calls(("look_up", '{"a": 1}'), ("look_up", '{"a": 2}')), says("Done.")])
    await door.asked(parameters={"protocolFunctions": [function(far)], "toolContextCount": 1})
    assert told(door) == ["seven", "seven"]


async def test_react_without_tools_has_no_tool_messages(settings: Settings, far: Far) -> None:
    async with opened(settings.changed(tool_calls=1)) as door:
        door.model.plan.extend([says('Action: look_up\nAction Input: {"a": 1}'), says("Final Answer: Seven.")])
        parameters = {"protocolFunctions": [function(far)], "knownToolHandlerName": "react.v1.selfcall"}
        await door.asked(parameters=parameters, tools=[{"type": "web_search"}])
        assert "tool" not in {m["role"] for m in door.sent["messages"]}
        door.model.plan.append(says("Hello."))
        await door.asked(parameters=parameters, tool_choice="none")
        assert "look_up" not in str(door.sent["messages"])


async def test_a_public_key_decides_little_of_what_it_costs(door: Door) -> None:
    id = await door.gateway()
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    door.model.default = says("no json")
    schema = {"name": "a", "schema": {"type": "object"}, "healing_options": {"max_attempts": 10}}
    async with door.post(
        key=door.public, model=id, messages=[{"role": "user", "content": [{"type": "text", "text": "?"}, picture]}],
        multimodal_preprocess=True, response_format={"type": "json_schema", "json_schema": schema},
    ) as r:
        assert r.status == 502
    assert len(door.model.calls) == 3 and "image_url" in str(door.sent["messages"])
