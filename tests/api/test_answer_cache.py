"""Answers that are given again: for exactly the same question of the same rights, and for nothing else."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from hub.accounts import gateways
from hub.accounts.accounts import create_account
from hub.accounts.keys import grant
from hub.accounts.parameters import GatewayParameters
from hub.domain import Json
from hub.processes.embedded import Server
from hub.store import answer_cache
from hub.store.db import Db
from tests.api.door import ASK, Door, events, opened
from tests.conftest import cloned, small
from tests.fakes.model import cut, event, raw, refuses, says

pytestmark = pytest.mark.asyncio(loop_scope="module")
USE: Json = {"x-hub-cache": "use"}
ALLOWED: Json = {"answerCacheSeconds": 600}
TOOL: Json = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(
    servers: tuple[Server, Server], sealing_key: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Door]:
    async with cloned(servers[0]) as dsn:
        async with opened(small(dsn, servers[1].url, sealing_key, tmp_path_factory.mktemp("hub"))) as one:
            yield one


@pytest_asyncio.fixture(loop_scope="module")
async def door(place: Door) -> Door:
    await place.hub.db.run("delete from answer_cache")
    place.model.default = None
    place.model.plan.clear()
    place.model.calls.clear()
    return place


async def asked(
    door: Door, id: str, key: str | None = None, headers: Json | None = None, **body: Any
) -> tuple[str, Json]:
    """What the header says, and the answer."""
    async with door.post(model=id, key=key, headers=USE if headers is None else headers, **body) as r:
        assert r.status == 200, await r.text()
        return r.headers.get("x-hub-cache", ""), await r.json(content_type=None)


async def test_the_same_question_is_answered_again_and_costs_nothing(door: Door) -> None:
    door.model.plan.append(says("Hel", "lo.", reasoning="hm"))
    id = await door.gateway(**ALLOWED, flags=["ReturnReasoningTokens"])
    first, second = await asked(door, id), await asked(door, id)
    assert (first[0], second[0], len(door.model.calls)) == ("miss", "hit", 1)
    [one], [other] = first[1]["choices"], second[1]["choices"]
    assert one == other and other["message"]["content"] == "Hello." and other["message"]["reasoning"] == "hm"
    assert second[1]["usage"] == {
        "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "prompt_tokens_details": {"cached_tokens": 0},
    }
    [row] = second[1]["generation_context"]["generated_usage"]
    assert row["amount"] == 0 and row["sku"].endswith(".cached") and "cache" in row["description"]
    assert [r["amount"] for r in await door.billed() if r["sku"] == row["sku"]] == [0]
    async with door.post(model=id, headers=USE, stream=True) as r:
        assert r.headers["x-hub-cache"] == "hit"
        told = await events(r)
    assert "".join(c["choices"][0]["delta"].get("content", "") for c in told[:-1]) == "Hello."
    assert told[-2]["usage"]["total_tokens"] == 0 and len(door.model.calls) == 1


async def test_a_streamed_answer_is_given_again_whole_with_its_calls(door: Door) -> None:
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    door.model.plan.append(says("Let me", " see.", tool_calls=[call], finish="tool_calls"))
    id = await door.gateway(**ALLOWED)
    async with door.post(model=id, headers=USE, stream=True, tools=[TOOL]) as r:
        assert r.headers["x-hub-cache"] == "miss" and await events(r)
    said, got = await asked(door, id, tools=[TOOL])
    [choice] = got["choices"]
    assert said == "hit" and choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] == "Let me see." and choice["message"]["tool_calls"][0]["id"] == "c1"


async def test_only_where_both_ask_for_it(door: Door) -> None:
    plain, allowed = await door.gateway(), await door.gateway(**ALLOWED)
    for _ in range(2):
        assert (await asked(door, plain))[0] == "off"
        assert (await asked(door, allowed, headers={}))[0] == ""
        assert (await asked(door, allowed, user="ana"))[0] == "off", "nobody's answers are kept"
        assert (await asked(door, allowed, store=True))[0] == ""
    assert len(door.model.calls) == 8
    async with door.post(model=allowed, headers={"x-hub-cache": "maybe"}) as r:
        assert r.status == 400
    assert (await asked(door, allowed, headers={"X-Hub-Cache": "refresh"}))[0] == "miss"
    door.model.default = says("Newer.")
    assert (await asked(door, allowed))[0] == "hit"
    assert (await asked(door, allowed, headers={"x-hub-cache": "refresh"}))[0] == "miss"
    assert (await asked(door, allowed))[1]["choices"][0]["message"]["content"] == "Newer."


OTHERS: list[Json] = [
    {"messages": [{"role": "user", "content": "Hi "}]}, {"temperature": 0.5}, {"tools": [TOOL]}, {"seed": 1},
    {"messages": [{"role": "system", "content": "S"}, *ASK]}, {"response_format": {"type": "json_object"}},
    {"stop": ["x"]}, {"reasoning_effort": "low"}, {"extra_body": {"x": 1}}, {"max_tokens": 7},
]


@pytest.mark.parametrize("other", OTHERS)
async def test_another_question_is_asked(door: Door, other: Json) -> None:
    id = await door.gateway(**ALLOWED)
    await asked(door, id)
    assert (await asked(door, id, **other))[0] == "miss" and len(door.model.calls) == 2


@pytest.mark.parametrize("parameters", [
    {"systemInstruction": "Else."}, {"modelName": "fake-2"}, {"temperature": 0.1}, {"apiKey": "sk-another-upstream"},
    {"flags": ["NoTemperature"]}, {"additionalSettings": {"x": 1}}, {"tools": [TOOL]},
    {"fallbackModels": [{"modelName": "second"}]}, {"userPromptTemplate": "{prompt}!"},
])  # fmt: skip
async def test_another_gateway_is_asked(door: Door, parameters: Json) -> None:
    await asked(door, await door.gateway(**ALLOWED, apiKey=f"sk-{parameters}"))
    assert (await asked(door, await door.gateway(**ALLOWED, apiKey=f"sk-{parameters}")))[0] == "hit", "its twin"
    other = await door.gateway(**{**ALLOWED, "apiKey": f"sk-{parameters}", **parameters})
    assert (await asked(door, other))[0] == "miss" and len(door.model.calls) == 2


async def test_other_accounts_and_other_rights_do_not_find_it(door: Door) -> None:
    """The question is the same to the letter; who asks is not."""
    id = await door.gateway(**ALLOWED)
    await asked(door, id)
    twin = await grant(door.hub.db, door.account, "twin", None)
    assert (await asked(door, id, key=twin))[0] == "hit", "the same rights"
    assert (await asked(door, id, key=door.public))[0] == "miss"
    assert (await asked(door, id, key=door.public))[0] == "hit"
    other = await create_account(door.hub.db, "Other")
    given = {"baseAddress": f"{door.model.url}/v1", "modelName": "fake-1", "apiKey": "sk-upstream-key", **ALLOWED}
    hub = door.hub
    theirs = await gateways.add(
        hub.db, hub.sealer, hub.outbound.guard, other.id, "Shop bot", GatewayParameters.model_validate(given))
    foreign = await grant(hub.db, other.id, "x", None)
    assert (await asked(door, str(theirs), key=foreign))[0] == "miss"
    assert len(door.model.calls) == 3


async def test_another_state_of_the_knowledge_is_another_question(door: Door) -> None:
    hub, account = door.hub, door.account
    collection = await hub.db.value(
        "insert into collections (id, account_id, name) values (gen_random_uuid(), $1, 'K') returning id", account)
    id = await door.gateway(**ALLOWED, knowledgeCollections=[str(collection)])
    body: Json = {"messages": [{"role": "user", "content": "When do you open?"}]}
    await asked(door, id, **body)
    assert (await asked(door, id, **body))[0] == "hit"
    await hub.db.run("update collections set context = 'We open at nine.' where id = $1", collection)
    assert (await asked(door, id, **body))[0] == "miss"
    assert "We open at nine." in str(door.sent["messages"])


async def _broken() -> bool:
    raise RuntimeError("the model's file is damaged")


async def test_what_was_found_by_words_alone_is_not_kept(door: Door) -> None:
    hub, account = door.hub, door.account
    body: Json = {"messages": [{"role": "user", "content": "When do you open?"}]}
    one, other = [
        await hub.db.value(
            "insert into collections (id, account_id, name) values (gen_random_uuid(), $1, $2) returning id", account,
            name)
        for name in ("One", "Other")
    ]
    ids = [await door.gateway(**ALLOWED, knowledgeCollections=[str(c)]) for c in (one, other)]
    assert await hub.embedder.rest.tried([one], _broken, 60) is None
    said = [[(await asked(door, id, **body))[0] for _ in range(2)] for id in ids]
    assert said == [["miss", "miss"], ["miss", "hit"]]


@pytest.mark.parametrize("act", [
    refuses(400, "no"), cut("Half"), says("Half", finish="length"), says("x", finish="content_filter"),
    raw(event({"refusal": "No."}) + event({}, "stop") + b"data: [DONE]\n\n"),
])  # fmt: skip
async def test_what_is_no_whole_answer_is_not_kept(door: Door, act: Any) -> None:
    id = await door.gateway(**ALLOWED)
    door.model.default = act
    async with door.post(model=id, headers=USE) as r:
        await r.read()
    door.model.default = says("Now.")
    said, got = await asked(door, id)
    assert said == "miss" and got["choices"][0]["message"]["content"] == "Now."


async def test_what_lies_elsewhere_may_change(door: Door) -> None:
    id = await door.gateway(**ALLOWED)
    picture = {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}
    inside = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    for part, expected in ((picture, ["off", "off"]), (inside, ["miss", "hit"])):
        body: Json = {"messages": [{"role": "user", "content": [part]}]}
        assert [(await asked(door, id, **body))[0] for _ in range(2)] == expected


async def test_tools_of_the_hub_are_run_each_time(door: Door) -> None:
    id = await door.gateway(**ALLOWED, sentinelOptions={"enabledFunctions": ["Code"]})
    assert [(await asked(door, id))[0] for _ in range(2)] == ["off", "off"] and len(door.model.calls) == 2


async def test_it_is_bounded_in_time_and_bytes_and_goes_with_its_account(door: Door) -> None:
    db, account = door.hub.db, await create_account(door.hub.db, "Bounded")
    other = await create_account(door.hub.db, "Beside")
    digests = [n.to_bytes(32, "big") for n in range(6)]
    await answer_cache.put(db, other.id, digests[0], b"x" * 600, 60, 2000)
    for one in digests:
        await answer_cache.put(db, account.id, one, b"x" * 600, 60, 2000)
    assert [await answer_cache.get(db, account.id, d) is not None for d in digests] == [False] * 3 + [True] * 3
    assert await answer_cache.get(db, other.id, digests[0]), "another account's stay"
    await db.run("update answer_cache set expires_at = now() - interval '1 second' where account_id = $1", account.id)
    assert await answer_cache.get(db, account.id, digests[5]) is None
    assert await answer_cache.forget(db) == 3
    await db.run("delete from accounts where id = $1", other.id)
    assert not await db.value("select exists (select 1 from answer_cache where account_id = $1)", other.id)


class Counting:
    """A database that counts what is done in it."""

    def __init__(self, db: Db) -> None:
        self._db = db
        self.calls = 0

    async def run(self, sql: str, *args: Any) -> int:
        self.calls += 1
        return await self._db.run(sql, *args)


async def test_it_is_seldom_looked_how_much_there_is(db: Db) -> None:
    """Of what is small beside what an account may have, much is put in between two looks; never far too much."""
    account, counting = (await create_account(db, "A")).id, Counting(db)
    counted: Any = counting
    for n in range(150):
        await answer_cache.put(counted, account, n.to_bytes(4), b"x" * 100, 60, 64 << 20)
    assert 150 <= counting.calls < 200
    for n in range(400):
        await answer_cache.put(db, account, n.to_bytes(4), b"x" * 1000, 60, 100_000)
    assert await db.value("select sum(size) from answer_cache where account_id = $1", account) < 160_000
