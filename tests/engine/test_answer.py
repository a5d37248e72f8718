"""One question, one answer, against a local model server."""

import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from channels.base import Channel
from hub.config import Settings
from hub.domain import Gateway, Json, Usage
from hub.engine.answer import answer
from hub.engine.ask import Ask
from hub.errors import Overloaded, Upstream
from hub.guarded_http import open_outbound
from hub.llm.embedder import Embedder
from hub.llm.gateway import Models
from hub.llm.toolcalls import gather
from hub.llm.types import Broken, Delta
from hub.store import collections
from hub.store.db import Db
from hub.tracing import OFF
from tests.fakes.model import FakeModel, cut, hangs, refuses, says, serve, whole

ACCOUNT = UUID(int=1)
TOOL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"a"'}}
MORE = {"index": 0, "function": {"arguments": ": 1}"}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"a": 1}'}}


class NoDatabase:
    """Every use is a failure."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the database was asked: {name}")


class House:
    """The parts of a hub that the engine uses."""

    def __init__(self, models: Models, db: Any = None) -> None:
        self.models = models
        self.db = db or NoDatabase()
        self.embedder = Embedder()
        self.settings = Settings()
        self.channels: dict[str, Channel] = {}
        self.tracing = OFF


@pytest.fixture
async def fake() -> AsyncIterator[FakeModel]:
    async with serve() as model:
        yield model


@pytest.fixture
async def house() -> AsyncIterator[Any]:
    async with open_outbound("127.0.0.0/8") as outbound:
        yield House(Models(outbound, first_wait=0.01))


def ask(fake: FakeModel | None, *, seconds: float = 5.0, **more: Any) -> Ask:
    address = fake.url if fake else "@integrated"
    parameters = {"baseAddress": address, "modelName": "m" if fake else "@hub/extractive", **more.pop("parameters", {})}
    gateway = Gateway(uuid4(), ACCOUNT, "g", "g:aaaa", parameters, None)
    messages = more.pop("messages", [{"role": "user", "content": "Hi"}])
    return Ask(account_id=ACCOUNT, gateway=gateway, messages=messages, deadline=time.monotonic() + seconds, **more)


async def heard(house: Any, question: Ask) -> tuple[Any, list[Delta]]:
    got: list[Delta] = []

    async def sink(delta: Delta) -> None:
        got.append(delta)

    return await answer(house, question, sink), got


async def test_answer_without_database(house: Any, fake: FakeModel) -> None:
    fake.plan.append(says("Hel", "lo", delay=0.01))
    got, deltas = await heard(house, ask(fake, system=("Be short.",), options={"temperature": 0.2}))
    assert (got.text, got.finish, got.model, got.usage) == ("Hello", "stop", "m", Usage(12, 5, 4))
    assert "".join(d.text for d in deltas) == "Hello" and got.tool_calls == [] and got.passages == ()
    assert [(b["sku"], b["quantity"]) for b in got.billed] == [
        ("inference.chat_completions.in", 8), ("inference.chat_completions.out", 5),
        ("inference.chat_completions.in.cached", 4),
    ]
    assert set(got.timings) == {"search_ms", "first_ms", "model_ms"}
    assert got.timings["first_ms"] <= got.timings["model_ms"]
    body = fake.calls[0].body
    assert body["messages"][0] == {"role": "system", "content": "Be short."} and body["temperature"] == 0.2


async def test_tokens_are_estimated_when_nobody_counts(house: Any, fake: FakeModel) -> None:
    fake.plan.append(says("a" * 40, usage=None))
    assert (await answer(house, ask(fake))).usage == Usage(1, 10)


async def test_tool_calls_go_to_the_caller(house: Any, fake: FakeModel) -> None:
    fake.plan.append(says(tool_calls=[TOOL, MORE], finish="tool_calls"))
    tools = [{"type": "function", "function": {"name": "look"}}]
    got, deltas = await heard(house, ask(fake, parameters={"tools": tools}))
    assert got.tool_calls == [CALL] and got.finish == "tool_calls" and got.text == ""
    assert fake.calls[0].body["tools"] == tools
    told: dict[int, Json] = {}
    for delta in deltas:
        gather(told, delta.tool_calls)
    assert list(told.values()) == [CALL]


@pytest.mark.parametrize(
    ("flags", "text", "reasoning"),
    [
        ([], "<think>hm</think>\nYes", ""),
        (["ThinkingProcess"], "Yes", ""),
        (["ThinkingProcess", "ReturnReasoningTokens"], "Yes", "Whyhm"),
        (["ReturnReasoningTokens"], "<think>hm</think>\nYes", "Why"),
    ],
)
async def test_thoughts(house: Any, fake: FakeModel, flags: list[str], text: str, reasoning: str) -> None:
    fake.plan.append(says("<thi", "nk>hm</think>\n", "Yes", reasoning="Why", delay=0.005))
    got, deltas = await heard(house, ask(fake, parameters={"flags": flags}))
    assert (got.text, got.reasoning) == (text, reasoning)
    assert "".join(d.text for d in deltas) == text and "".join(d.reasoning for d in deltas) == reasoning


async def test_prefill_and_stop_in_the_message(house: Any, fake: FakeModel) -> None:
    fake.default = says('"a": 1}')
    parameters = {"assistantPrefill": "```{", "stop": "```", "includePrefillingInMessages": True}
    got, deltas = await heard(house, ask(fake, parameters=parameters))
    assert got.text == '```{"a": 1}```' == "".join(d.text for d in deltas)
    parameters["includePrefillingInMessages"] = False
    assert (await answer(house, ask(fake, parameters=parameters))).text == '"a": 1}'
    assert fake.calls[0].body["messages"][-1] == {"role": "assistant", "content": "```{"}


async def test_a_very_long_answer_is_cut(house: Any, fake: FakeModel) -> None:
    fake.default = says(*["x" * 50_000] * 20)
    got, deltas = await heard(house, ask(fake))
    assert len(got.text) == 100_000 == sum(len(d.text) for d in deltas) and got.finish == "length"
    fake.default = whole("y" * 1_000_000)
    assert len((await answer(house, ask(fake, longest=5))).text) == 5


async def test_broken_answer_is_begun_again(house: Any, fake: FakeModel) -> None:
    fake.plan += [cut("Half an"), says("Whole answer")]
    got, deltas = await heard(house, ask(fake))
    assert got.text == "Whole answer"
    place = [d.restart for d in deltas].index(True)
    assert "".join(d.text for d in deltas[:place]) == "Half an"
    assert "".join(d.text for d in deltas[place:]) == "Whole answer"


async def test_without_listener_nobody_sees_the_break(house: Any, fake: FakeModel) -> None:
    fake.plan += [cut("Half"), cut("Half again"), says("Whole")]
    assert (await answer(house, ask(fake, retractable=False))).text == "Whole"


async def test_what_was_streamed_for_good_is_not_repeated(house: Any, fake: FakeModel) -> None:
    fake.plan += [cut("Half"), says("Whole")]
    with pytest.raises(Broken):
        await heard(house, ask(fake, retractable=False))
    assert len(fake.calls) == 1


async def test_hidden_thoughts_do_not_forbid_a_new_beginning(house: Any, fake: FakeModel) -> None:
    fake.plan += [says(reasoning="Hm", finish="stop"), says("Whole")]
    got, deltas = await heard(house, ask(fake, retractable=False))
    assert got.text == "Whole" and not any(d.restart for d in deltas)


async def test_always_breaking_ends(house: Any, fake: FakeModel) -> None:
    fake.default = cut("Half")
    with pytest.raises(Upstream):
        await answer(house, ask(fake))
    assert len(fake.calls) == 3


@pytest.mark.parametrize("trouble", [refuses(500), refuses(401), hangs(), says(), cut("a")])
async def test_failure_is_an_error_in_time(house: Any, fake: FakeModel, trouble: Any) -> None:
    fake.default = trouble
    started = time.monotonic()
    with pytest.raises(Upstream):
        await answer(house, ask(fake, seconds=1.0))
    assert time.monotonic() - started < 15, "a second was given, and thirty would be taken"


async def test_a_failing_sink_ends_the_call(house: Any, fake: FakeModel) -> None:
    fake.default = says(*["more "] * 500, delay=0.01)

    async def sink(delta: Delta) -> None:
        raise Overloaded

    with pytest.raises(Overloaded):
        await answer(house, ask(fake), sink)


async def test_integrated_model_without_collections(house: Any) -> None:
    got, deltas = await heard(house, ask(None, messages=[{"role": "user", "content": "Qual o prazo de entrega?"}]))
    assert got.text.startswith("Não encontrei") and len(deltas) > 1
    assert got.usage.completion > 0 and got.billed[0]["unit_price"] == 0


ACCOUNT_SQL = "insert into accounts (id, name, salt) values ($1, 'a', 's')"


async def test_collection_texts_reach_the_model(fake: FakeModel, db: Db) -> None:
    await db.run(ACCOUNT_SQL, ACCOUNT)
    shop = await collections.add(db, ACCOUNT, "Shop", "The shop is called Aurora.", [])
    other = await collections.add(db, ACCOUNT, "Other", "Not asked for.", [])
    async with open_outbound("127.0.0.0/8") as outbound:
        house: Any = House(Models(outbound), db)
        parameters: Json = {"knowledgeCollections": [str(shop)], "systemInstruction": "Be kind."}
        wordless = [{"role": "user", "content": [{"type": "image_url"}]}]
        await answer(house, ask(fake, parameters=parameters, messages=wordless))
        await house.embedder.close()
    assert fake.calls[0].body["messages"][0]["content"] == "Be kind.\n\nThe shop is called Aurora."
    assert other
