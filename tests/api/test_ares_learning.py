"""What a user said is learned after the answer, whatever dies meanwhile, and never what shall be forgotten."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web

from hub.studio.ares import learning
from tests.api.alone import api, provider
from tests.api.conftest import Api, Json
from tests.fakes.model import FakeModel, refuses, says, serve
from tests.flows.processes import Dies, family, start

__all__ = ["api", "provider"]

HOUR = "update ares_lessons set due_at = now() - interval '1 hour'"
NAME: Json = {"category": "Personal", "key": "Name", "value": "Ana\nSouza", "confidence": 0.9}
SHORT: Json = {"category": "output", "key": "length", "value": "short", "confidence": 0.8}


@pytest.fixture
async def model(api: Api) -> AsyncIterator[FakeModel]:
    async with serve() as found:
        await api.gateway(baseAddress=f"{found.url}/v1", modelName="fake-1")
        yield found


@pytest.fixture
async def token(api: Api) -> str:
    given = {"email": "ana@example.com", "password": "correct horse"}
    await api.call("POST", "/api/v1/ares/users", given)
    return str((await api.ok("POST", "/api/auth/login", given, key=""))["access_token"])


async def say(api: Api, token: str, message: str = "My name is Ana Souza.", **more: Any) -> Json:
    found: Json = await api.ok("POST", "/api/chat", {"message": message, "agent_type": "hr", **more}, key=token)
    return found


async def known(api: Api, token: str) -> dict[str, str]:
    found = await api.ok("GET", "/api/memory", key=token)
    liked = {f"{p['category']}/{p['key']}": p["value"] for p in found["preferences"]}
    return liked | {f"{f['category']}/{f['fact_key']}": f["fact_value"] for f in found["facts"]}


async def lessons(api: Api) -> int:
    return int(await api.hub.db.value("select count(*) from ares_lessons"))


async def test_a_model_says_what_to_remember(api: Api, model: FakeModel, token: str) -> None:
    await say(api, token)
    wrong = [{"category": "x"}, "y", {**NAME, "confidence": 7}, {**NAME, "value": "v" * 900}]
    found = {"preferences": [SHORT, *wrong], "facts": [NAME, None]}
    model.plan.append(says("Here it is: ```json\n" + orjson.dumps(found).decode() + "\n```"))
    await learning.run(api.hub)
    asked = str(model.calls[-1].body["messages"])
    assert "My name is Ana Souza." in asked and "Hello from the model." in asked and "(nothing)" in asked
    assert await known(api, token) == {"output/length": "short", "personal/name": "Ana Souza"}
    before = (await api.ok("GET", "/api/memory", key=token))["facts"][0]
    await say(api, token, "Call me Bia.")
    model.plan.append(says(orjson.dumps({"facts": [{**NAME, "value": "Bia"}]}).decode()))
    await learning.run(api.hub)
    assert "personal/name: Ana Souza" in str(model.calls[-1].body["messages"])
    after = (await api.ok("GET", "/api/memory", key=token))["facts"][0]
    assert (after["fact_value"], after["id"], after["created_at"]) == ("Bia", before["id"], before["created_at"])
    assert after["updated_at"] > before["updated_at"] and await lessons(api) == 0
    sku = "inference.resolving.memory.in"
    assert await api.hub.db.value("select count(*) from usage where sku = $1", sku) == 2


async def test_a_model_that_fails_is_asked_again_and_then_done_without(
    api: Api, model: FakeModel, token: str
) -> None:
    await say(api, token)
    model.default = refuses(401, "bad key")
    for n in range(learning.TRIES):
        assert await known(api, token) == {}, n
        await api.hub.db.run(HOUR)
        await learning.run(api.hub)
    assert await known(api, token) == {"personal/name": "Ana Souza"} and await lessons(api) == 0


async def test_what_shall_be_forgotten_is_not_learned(api: Api, model: FakeModel, token: str) -> None:
    said = await say(api, token)

    async def forgotten(request: web.Request, body: Json) -> web.StreamResponse:
        assert (await api.call("DELETE", "/api/memory", key=token)).status == 204
        return await says(orjson.dumps({"facts": [NAME]}).decode())(request, body)

    model.plan.append(forgotten)
    await learning.run(api.hub)
    assert await known(api, token) == {}
    await say(api, token, context_id=said["context_id"])
    assert (await api.call("DELETE", f"/api/conversations/{said['context_id']}", key=token)).status == 204
    assert await lessons(api) == 0


async def test_two_who_learn_learn_it_once(api: Api, model: FakeModel, token: str) -> None:
    for n in range(12):
        await say(api, token, f"My name is Ana {n}.")
    model.default = says(orjson.dumps({"facts": [NAME]}).decode(), delay=0.02)
    calls = len(model.calls)
    await asyncio.gather(*(learning.run(api.hub) for _ in range(3)))
    assert len(model.calls) - calls == 12 and await lessons(api) == 0


@pytest.mark.timeout(240)  # processes start slowly on a busy machine
async def test_the_worker_learns_and_one_that_is_killed_leaves_it_to_the_next(
    api: Api, token: str, tmp_path: Path
) -> None:
    once = tmp_path / "died"
    with family() as children:
        children.append(start("worker", api.hub.settings, reached=Dies("LEARN", once)))
        await say(api, token)
        assert await children[0].ended(100) == 9
        assert await known(api, token) == {} and await lessons(api) == 1
        # Taken by the dead: due again in a minute. Nothing of it is in Redis.
        await api.hub.db.run(HOUR)
        await api.hub.redis.flushall()
        children.append(start("worker", api.hub.settings, reached=Dies("LEARN", once)))
        while await lessons(api):
            assert children[1].alive
            await asyncio.sleep(0.05)
    assert await known(api, token) == {"personal/name": "Ana Souza"} and await lessons(api) == 0


async def test_what_was_withheld_teaches_nothing(api: Api, model: FakeModel, token: str) -> None:
    said = await say(api, token)
    withheld = {"withheld": ["violence"]}
    await api.hub.db.run("update messages set content = content || $1 where role = 'user'", withheld)
    calls = len(model.calls)
    await learning.run(api.hub)
    assert len(model.calls) == calls and await known(api, token) == {} and await lessons(api) == 0
    await say(api, token, "And now?", context_id=said["context_id"], agent_type="router")
    assert "My name is Ana Souza." not in str(model.calls[-2].body["messages"])


async def test_what_is_not_sure_takes_the_place_of_nothing_that_is(api: Api, model: FakeModel, token: str) -> None:
    for facts, wanted in (
        ([{**NAME, "value": "Ana"}], "Ana"), ([{**NAME, "value": "Banana", "confidence": 0.5}], "Ana"),
        ([{**NAME, "value": "on the"}], "Ana"), ([{**NAME, "value": "Bia", "confidence": 0.85}], "Bia"),
    ):
        await say(api, token, "Whatever I say.")
        model.plan.append(says(orjson.dumps({"facts": facts}).decode()))
        await learning.run(api.hub)
        assert await known(api, token) == {"personal/name": wanted}
