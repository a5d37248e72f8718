"""The public chat (A-35 to A-39): the access key in the path is the credential."""

import pytest

from tests.contract.asking import Contract, Json
from tests.fakes.model import says

pytestmark = pytest.mark.asyncio(loop_scope="module")
GONE = "The client is not available."
LOOK: Json = {"helloLabel": "Welcome!", "inputModes": ["Image"], "suggestionButtons": [{"label": "a", "prompt": "b"}]}


@pytest.mark.row("A-35", "A-38")
async def test_the_session(api: Contract) -> None:
    talk = await api.talk(clientParameters=LOOK)
    empty = await api.both_ways("A-35", talk.key)
    assert empty["messages"] == [] and empty["chatTitle"] is None and empty["chatCreationData"] is None
    assert {"sendButtonLabel", "inputPlaceholder"} <= set(empty["culture"])
    assert empty["client"]["inputModes"] == ["text", "image"] and empty["client"]["helloLabel"] == "Welcome!"
    api.model.default = says("Hi there!")
    await api.good("A-38", talk.key, sent={"prompt": {"role": "user", "content": "Hello!"}})
    found = await api.both_ways("A-35", talk.key)
    assert [(m["role"], m["content"]) for m in found["messages"]] == [("user", "Hello!"), ("assistant", "Hi there!")]
    assert found["chatTitle"]


@pytest.mark.row("A-35")
async def test_a_session_that_shows_how_it_was_made(api: Contract) -> None:
    talk = await api.talk(session={"tag": "ana"}, clientParameters={"debug": True})
    assert (await api.both_ways("A-35", talk.key))["chatCreationData"]["tag"] == "ana"


@pytest.mark.row("A-36")
async def test_a_cancellation(api: Contract) -> None:
    talk = await api.talk()
    assert await api.both_ways("A-36", talk.key) == {"message": "Inference cancelled."}


@pytest.mark.row("A-37")
async def test_a_retry(api: Contract) -> None:
    talk = await api.talk()
    await api.refused("A-37", 400, talk.key)
    await api.good("A-38", talk.key, sent={"prompt": "Hello!"})
    got = await api.row("A-37", talk.key)
    assert (got.status, got.body) == (204, "")
    assert [m["role"] for m in (await api.good("A-35", talk.key))["messages"]] == ["user"]


@pytest.mark.row("A-38")
async def test_a_prompt(api: Contract) -> None:
    talk = await api.talk()
    api.model.default = says("The capital of France is Paris.")
    sent = {"prompt": {"role": "user", "content": "What is the capital of France?"}}
    found = await api.good("A-38", talk.key, sent=sent)
    assert (found["completionText"], found["reasoning"], found["toolCalls"]) == (
        "The capital of France is Paris.", None, [],
    )
    assert found["usage"] == {"promptTokens": 12, "completionTokens": 5, "totalTokens": 17}
    for form in ("Why?", [{"role": "user", "content": "Why?"}]):
        more: Json = {"prompt": form, "commit": False, "instructions": ["Be brief."]}
        await api.good("A-38", talk.key, sent=more, headers={"Authorization": api.key})
    assert (await api.refused("A-38", 403, talk.key, sent=more))["code"] == "private_key_needed"
    del more["instructions"]
    enveloped = await api.row("A-38", talk.key, sent=more, headers={"X-Response-Envelope": "true"})
    assert set(enveloped.body) == {"message", "data"} and enveloped.body["data"]["completionText"]


@pytest.mark.row("A-38")
async def test_a_prompt_that_calls_a_tool_of_the_caller(api: Contract) -> None:
    look = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    talk = await api.talk(gateway={"tools": [look], "flags": ["ReturnReasoningTokens"]})
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    api.model.plan.append(says(reasoning="I must look.", tool_calls=[call], finish="tool_calls"))
    found = await api.good("A-38", talk.key, sent={"prompt": "Look it up"})
    assert found["reasoning"] == "I must look." and found["completionText"] == ""
    assert found["toolCalls"] == [
        {"id": "call_1", "functionName": "look", "contents": "{}", "isProtocolFunction": False}
    ]


@pytest.mark.row("A-39")
async def test_a_transcript(api: Contract) -> None:
    talk = await api.talk(session={"extraContext": "Additional context.", "metadata": {"plan": "gold"}})
    await api.good("A-38", talk.key, sent={"prompt": "Hello!"})
    guest = await api.good("A-39", talk.key)
    assert (guest["context"], guest["metadata"]) == (None, {})
    got = await api.row("A-39", talk.key, headers={"Authorization": api.key})
    assert got.status == 200 and got.headers["Content-Type"] == "application/json"
    assert got.headers["Content-Disposition"] == 'attachment; filename="transcript.json"'
    assert (got.body["context"], got.body["sessionId"], got.body["metadata"]) == (
        "Additional context.", talk.session, {"plan": "gold"},
    )
    assert [m["role"] for m in got.body["messages"]] == ["user", "assistant"]
    bare = await api.talk()
    found = await api.good("A-39", bare.key)
    assert (found["context"], found["metadata"], found["messages"]) == (None, {}, [])


@pytest.mark.parametrize("row", ["A-35", "A-36", "A-37", "A-38", "A-39"])
async def test_a_client_that_is_not_available(api: Contract, row: str) -> None:
    sent: Json = {"sent": {"prompt": "Hello"}} if row == "A-38" else {}
    body = await api.refused(row, 422, "wky_nobody", **sent)
    assert body == {"error": GONE, "details": None, "code": "client_not_available"}
    talk = await api.talk()
    await api.good("A-17", talk.client, talk.session)
    await api.refused(row, 422, talk.key, said=GONE, **sent)


async def test_a_client_without_a_gateway(api: Contract) -> None:
    id = await api.client()
    key = (await api.good("A-15", id, sent={}))["accessKey"]
    await api.refused("A-38", 422, key, sent={"prompt": "Hello"}, said=GONE)


async def test_what_a_prompt_may_not_be(api: Contract) -> None:
    talk = await api.talk()
    await api.refused("A-38", 400, talk.key, sent={}, said="prompt is missing")
    await api.refused("A-38", 400, talk.key, sent={"prompt": {"role": "system", "content": "x"}}, said="prompt.role")
    await api.refused("A-38", 400, talk.key, sent={"prompt": ""}, said="prompt")
