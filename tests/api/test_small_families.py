"""Small things of ARES, AresGen and Characters that their documents allow."""

from typing import Any

import pytest

from hub.pydantic_base import Camel, Moment, Snake
from tests.api.alone import api, provider
from tests.api.chatting import visiting
from tests.api.conftest import Api, Json
from tests.fakes.model import serve

__all__ = ["api", "provider"]


async def entered(api: Api, name: str) -> str:
    sent = {"email": f"{name}@example.com", "password": "correct horse", "name": name}
    made = await api.call("POST", "/api/v1/ares/users", sent)
    assert made.status == 201, made.body
    return str((await api.ok("POST", "/api/auth/login", sent, key=""))["access_token"])


async def say(api: Api, token: str, message: str, context: str | None = "default") -> Json:
    sent = {"message": message, "agent_type": "hr", "context_id": context}
    found: Json = await api.ok("POST", "/api/chat", sent, key=token)
    return found


async def test_two_users_have_contexts_of_the_same_name(api: Api) -> None:
    async with serve() as model:
        await api.gateway(baseAddress=f"{model.url}/v1", modelName="fake-1")
        ana, bob = await entered(api, "ana"), await entered(api, "bob")
        for token, words in ((ana, "I am Ana"), (bob, "I am Bob"), (ana, "Ana again")):
            assert (await say(api, token, words))["context_id"] == "default"
        for token, count, words in ((ana, 4, "I am Ana"), (bob, 2, "I am Bob")):
            [line] = await api.ok("GET", "/api/conversations", key=token)
            assert (line["id"], line["message_count"]) == ("default", count)
            whole = await api.ok("GET", "/api/conversations/default", key=token)
            assert whole["messages"][0]["content"] == words
        assert (await api.call("DELETE", "/api/conversations/default", key=bob)).status == 204
        assert (await api.call("GET", "/api/conversations/default", key=bob)).status == 404
        assert (await api.ok("GET", "/api/conversations/default", key=ana))["messages"]


async def test_a_long_conversation_is_shown_as_far_as_the_context_goes(api: Api) -> None:
    async with serve() as model:
        gateway = await api.gateway(baseAddress=f"{model.url}/v1", modelName="fake-1")
        ana = await entered(api, "ana")
        for n in range(15):
            await say(api, ana, f"Number {n}.")
        said = [m["content"] for m in model.calls[-1].body["messages"] if m["role"] == "user"]
        assert said == [f"Number {n}." for n in range(15)]
        # A small context: the newest that fit, and no refusal.
        await api.ok("PATCH", f"/api/v1/ai-gateways/{gateway}", {"parameters": {"contextMaximumSize": 700}})
        for n in range(15, 25):
            await say(api, ana, f"Number {n}. " + "word " * 60)
        said = [m["content"].split(".")[0] for m in model.calls[-1].body["messages"] if m["role"] == "user"]
        assert said[-1] == "Number 24" and 1 < len(said) < 10


async def test_a_run_without_a_body(api: Api) -> None:
    steps = [{"id": "a", "type": "transform", "with": {"value": "done"}}]
    made = await api.call("POST", "/v1/workflows", {"name": "empty", "steps": steps})
    if made.status != 201:
        pytest.fail(str(made.body))
    path = f"/v1/workflows/{made.body['id']}/runs"
    for data in (b"", b"  ", b"{}"):
        got = await api.call("POST", path, data=data, headers={"Content-Type": "application/json"})
        assert got.status == 202, got.body
    assert (await api.call("POST", path)).status == 202
    assert (
        await api.call("POST", "/v1/workflows", data=b"", headers={"Content-Type": "application/json"})
    ).status == 400


async def test_a_system_message_in_a_history(api: Api) -> None:
    async with visiting(api) as me:
        llm = next(m["id"] for m in await api.ok("GET", "/api/v1/models?type=llm") if m["name"] == "Shop bot")
        past = [{"role": "system", "content": "Speak like a pirate."}, {"role": "user", "content": "Hi"}]
        made = await api.call("POST", "/api/v1/conversations", {"llm_id": llm, "messages": past})
        assert made.status == 201, made.body
        path = f"/api/v1/conversations/{made.body['id']}/messages"
        assert [m["content"] for m in await api.ok("GET", path)] == ["Hi"]
        assert (await api.call("POST", path, {"content": "And now?"})).status == 201
        assert "Speak like a pirate." in str(me.model.calls[-1].body["messages"])


async def test_the_last_second_and_null(api: Api) -> None:
    for at in ("2016-12-31T23:59:60Z", "2016-12-31T23:59:60.5%2B00:00", "1990-12-31T15:59:60-08:00"):
        got = await api.call("POST", "/v1/webhooks/replay", {"from": at.replace("%2B", "+"), "to": None})
        assert got.status == 202, got.body
    assert (await api.call("POST", "/v1/webhooks/replay", {"from": "2016-12-31T23:61:00Z"})).status == 400
    nothing: Json = {"title": None, "content": "x", "voice_id": None, "model": None}
    assert (await api.call("POST", "/v1/documents", nothing)).status == 201
    sent: dict[str, Any] = {"url": "http://127.0.0.1:9/x", "events": ["*"], "description": None}
    assert (await api.call("POST", "/v1/webhooks", sent)).status == 201


def test_null_is_the_default_where_it_means_nothing() -> None:
    class Snaky(Snake):
        size: int = 3
        name: str | None = "x"
        must: str
        at: Moment | None = None

    class Camely(Camel):
        some_size: int = 3

    found = Snaky.model_validate({"size": None, "name": None, "must": "y", "at": "2016-12-31T23:59:60Z"})
    assert (found.size, found.name, found.at is not None and found.at.second) == (3, None, 59)
    assert (
        Camely.model_validate({"someSize": None}).some_size == Camely.model_validate({"some_size": None}).some_size == 3
    )
    with pytest.raises(ValueError, match="must"):
        Snaky.model_validate({"must": None})
