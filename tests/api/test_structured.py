"""Answers that must be JSON: asked for, found, checked, asked for again; and the other forms of an answer."""

import asyncio
import random
from typing import Any, cast

import orjson
import pytest

from hub.accounts.accounts import create_account
from hub.config import Settings
from hub.domain import Json
from hub.store import usage
from tests.api.door import Door, events, opened
from tests.fakes.model import refuses, says

CITY: Json = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
NATIVE: Json = {"type": "json_schema", "json_schema": {"name": "city", "schema": CITY}}
GOOD = says('```json\n{"city": ', '"Rio"}\n```')


def healing(attempts: int) -> Json:
    return {
        "type": "json_schema",
        "json_schema": {**NATIVE["json_schema"], "healing_options": {"max_attempts": attempts}},
    }


def text(got: Json) -> str:
    return str(got["choices"][0]["message"]["content"])


async def test_a_schema_is_asked_for_and_the_json_found(door: Door) -> None:
    door.model.plan.append(GOOD)
    assert orjson.loads(text(await door.asked(response_schema=CITY))) == {"city": "Rio"}
    assert '"required":["city"]' in door.sent["messages"][0]["content"] and "response_format" not in door.sent


async def test_a_wrong_answer_is_asked_for_again_with_what_is_wrong(door: Door) -> None:
    door.model.plan.extend([says("Rio, I guess."), says('{"town": 1}'), says('{"city": "Rio"}')])
    got = await door.asked(response_schema=CITY)
    assert text(got) == '{"city":"Rio"}' and len(door.model.calls) == 3
    *_, first, complaint, second, again = door.sent["messages"]
    assert (first["content"], second["content"]) == ("Rio, I guess.", '{"town": 1}')
    assert "no JSON" in complaint["content"] and "'city' is a required property" in again["content"]
    assert got["usage"]["completion_tokens"] == 15, "every attempt is paid"


@pytest.mark.parametrize(("attempts", "made"), [(1, 1), (4, 4), (None, 3)])
async def test_attempts_end(door: Door, attempts: int | None, made: int) -> None:
    door.model.default = says("no json here")
    more: Json = {"response_format": healing(attempts)} if attempts else {"response_schema": CITY}
    async with door.post(model=await door.gateway(), **more) as r:
        body = await r.json()
    assert r.status == 502 and body["code"] == "json_healing_failed" and f"{made} attempts" in body["detail"]
    assert len(door.model.calls) == made


async def test_the_provider_is_left_alone_unless_healing_is_wanted(door: Door) -> None:
    door.model.default = says("not json")
    got = await door.asked(response_format=NATIVE)
    assert text(got) == "not json" and door.sent["response_format"] == NATIVE and len(door.model.calls) == 1
    await door.hub.db.run(
        "update accounts set parameters = parameters || $2 where id = $1", door.account, {"automaticJsonHealing": True}
    )
    async with door.post(model=await door.gateway(), response_format=NATIVE) as r:
        assert r.status == 502
    assert len(door.model.calls) == 4 and "response_format" not in door.sent


@pytest.mark.parametrize(("flag", "strict"), [("StructuredOutputSupport", None), ("OpenAiStrictJson", True)])
async def test_a_provider_that_knows_schemas_gets_it_as_well(door: Door, flag: str, strict: bool | None) -> None:
    door.model.default = GOOD
    await door.asked(parameters={"flags": [flag]}, response_format=healing(2))
    sent = door.sent["response_format"]["json_schema"]
    assert sent.get("strict") is strict and sent["schema"] == CITY and "healing_options" not in sent
    await door.asked(parameters={"flags": [flag]}, response_schema=CITY)
    assert door.sent["response_format"]["json_schema"]["schema"] == CITY


@pytest.mark.parametrize("more", [{"response_schema": CITY}, {"response_format": NATIVE}, {}])
async def test_json_alone(door: Door, more: Json) -> None:
    door.model.default = GOOD
    async with door.post(model=await door.gateway(), json_only=True, **more) as r:
        assert r.content_type == "application/json" and await r.json() == {"city": "Rio"}
    async with door.post(model=await door.gateway(), json_only=True, stream=True, **more) as r:
        assert await events(r) == [{"city": "Rio"}, "[DONE]"]


async def test_a_stream_shows_only_what_is_valid(door: Door) -> None:
    door.model.plan.extend([says("Hm, ", "let me think"), GOOD])
    async with door.post(model=await door.gateway(), response_schema=CITY, stream=True) as r:
        got = await events(r)
    assert "".join(c["choices"][0]["delta"].get("content", "") for c in got[:-1]) == '{"city":"Rio"}'


async def test_the_openai_client_parses_an_answer(door: Door) -> None:
    door.model.default = GOOD
    async with cast(Any, door.client()) as client:
        got = await client.chat.completions.create(
            model=await door.gateway(), messages=[{"role": "user", "content": "Where?"}], response_format=healing(2)
        )
    assert orjson.loads(got.choices[0].message.content or "") == {"city": "Rio"}


async def test_everything_as_blocks_of_text(door: Door) -> None:
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "a<b", "arguments": "{}"}}

    def plan() -> None:
        door.model.plan.extend(
            [says("I look.", reasoning="Hm.", tool_calls=[call]), says("Done ", "now.", reasoning="Ok.")]
        )

    parameters: Json = {"flags": ["ReturnReasoningTokens"], "sentinelOptions": {"enabledFunctions": ["Remember"]}}
    plan()
    whole = text(await door.asked(parameters=parameters, rendering_mode="textual_blocks"))
    plan()
    async with door.post(model=await door.gateway(**parameters), rendering_mode="textual_blocks", stream=True) as r:
        got = await events(r)
    streamed = "".join(c["choices"][0]["delta"].get("content", "") for c in got[:-1])
    assert whole == streamed and not any(c.get("servertool") for c in got[:-1])
    assert whole == (
        "<thinking-group>\n<think>\nHm.\n</think>\n</thinking-group>\n\n"
        "<assistant-answer>\nI look.\n</assistant-answer>\n\n"
        "<thinking-group>\n<think>\nOk.\n</think>\n</thinking-group>\n\n"
        "<assistant-answer>\nDone now.\n</assistant-answer>"
    )


async def test_tools_stand_in_the_blocks(door: Door) -> None:
    arguments = '{"memoryData": "x", "_tool_reason": "<b>why</b>", "_tool_goal": "g"}'
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "memory_save", "arguments": arguments}}
    door.model.plan.extend([says(tool_calls=[call]), says("Done.")])
    got = text(
        await door.asked(
            parameters={"sentinelOptions": {"enabledFunctions": ["Remember"]}},
            rendering_mode="textual_blocks",
            user="ana",
            tool_invocation_explanations=True,
        )
    )
    assert got.startswith(
        '<thinking-group>\n<div class="tool-result reason" data-tool-name="memory_save"><b>memory_save</b>'
        "<span>&lt;b&gt;why&lt;/b&gt;</span></div>\n"
    ) and got.endswith("<assistant-answer>\nDone.\n</assistant-answer>")


async def test_conversations_are_logged_where_the_account_allows_it(door: Door) -> None:
    async def rows() -> list[Json]:
        return [
            dict(r) for r in await door.hub.db.fetch("select * from conversations where account_id = $1", door.account)
        ]

    id = await door.gateway()
    await door.asked(model=id)
    assert await rows() == []
    await door.hub.db.run(
        "update accounts set parameters = parameters || $2 where id = $1",
        door.account,
        {"allowConversationsLogging": True},
    )
    id = await door.gateway()
    more: Json = {"user": "ana", "metadata": {"k": "v"}, "idempotency_key": "order-1"}
    await door.asked(model=id, **more)
    await door.asked(model=id, messages=[{"role": "user", "content": "Again"}], **more)
    [row] = await rows()
    assert (row["token"], row["external_user"], row["metadata"], row["origin"], row["model"]) == (
        "order-1",
        "ana",
        {"k": "v"},
        "ChatCompletionsApi",
        "fake-1",
    )
    assert [m["content"] for m in row["messages"]] == ["Again", "Hello from the model."] and row["tokens"] == 34
    door.model.default = refuses(400, "broken")
    async with door.post(model=id) as r:
        assert r.status == 400
    assert [r["error"] for r in await rows() if r["error"]] == [
        "upstream_error: The model provider refused the request (status 400)."
    ]


async def test_requests_are_limited_by_key(settings: Settings) -> None:
    async with opened(settings.changed(requests_per_minute=3)) as door:
        id = await door.gateway()
        got: list[Any] = []
        for _ in range(4):
            async with door.post(model=id) as r:
                got.append((r.status, r.headers.get("Retry-After")))
        assert [s for s, _ in got] == [200, 200, 200, 429] and int(got[3][1]) >= 1


async def test_a_public_key_has_a_limit_of_its_own(door: Door) -> None:
    id = await door.gateway()
    statuses = []
    for _ in range(22):
        async with door.post(model=id, key=door.public) as r:
            statuses.append(r.status)
    assert statuses[:20] == [200] * 20 and 429 in statuses


async def test_usage_is_taken_off_the_balance(door: Door) -> None:
    await door.hub.db.run("update accounts set balance = 10 where id = $1", door.account)
    row = {"sku": "x", "quantity": 3, "unit_price": 0.5, "amount": 1.5, "description": "d"}
    await door.hub.meter.add(door.account, [row, row])
    assert await door.hub.db.value("select balance::float8 from accounts where id = $1", door.account) == 7.0


@pytest.mark.parametrize("stream", [True, False])
async def test_a_call_of_the_callers_tool_is_no_json_yet(door: Door, stream: bool) -> None:
    tool: Json = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    door.model.plan.append(says(tool_calls=[call], finish="tool_calls"))
    async with door.post(model=await door.gateway(), json_only=True, tools=[tool], stream=stream) as r:
        got = (await events(r))[:-1] if stream else [await r.json()]
    made = got[0]["choices"][0]["delta" if stream else "message"]["tool_calls"]
    assert [c["id"] for c in made] == ["c1"] and got[-1]["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("text", ["[" * 50_000, '{"a": 12345678901234567890123,}', '{"a": "\\ud800",}'])
async def test_json_that_cannot_be_written_is_no_answer(door: Door, text: str) -> None:
    door.model.plan.extend([says(text), says('{"a": 1}')])
    got = await door.asked(response_schema={"type": "object"})
    assert got["choices"][0]["message"]["content"] == '{"a":1}'


async def test_answers_that_could_not_be_mended_are_charged(door: Door) -> None:
    door.model.default = says("no json")
    async with door.post(model=await door.gateway(), response_schema={"type": "object"}) as r:
        assert r.status == 502
    assert [int(b["quantity"]) for b in await door.billed() if b["sku"].endswith(".out")] == [15]


async def test_accounts_charged_together_do_not_wait_for_each_other(door: Door) -> None:
    """Writes for many accounts at once, each for others, and each in its own order."""
    accounts = [door.account, *[(await create_account(door.hub.db, f"Other {n}")).id for n in range(40)]]
    order = random.Random(1)
    writes = [order.sample(accounts, 20) for _ in range(200)]
    async with asyncio.timeout(30):
        await asyncio.gather(*(
            door.hub.db.run(usage.ADD, [
                {"account": str(a), "sku": "x", "quantity": 1, "unit_price": 1, "amount": 1, "description": "d"}
                for a in write
            ]) for write in writes
        ))
    sum_of = "select sum(balance)::float8 from accounts where id = any($1)"
    assert await door.hub.db.value(sum_of, accounts) == -20.0 * len(writes)
