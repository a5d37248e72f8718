"""The door to the models, against a local server: retries, failures, the breaker."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import web

from hub.domain import Gateway, Usage
from hub.errors import HubError, Invalid
from hub.guarded_http import open_outbound
from hub.llm import breaker as breakers
from hub.llm import exchange
from hub.llm.breaker import Breaker
from hub.llm.gateway import Models
from hub.llm.types import Broken, Delta, Failed, Limits, Prompt
from tests.fakes.model import FakeModel, cut, event, hangs, raw, refuses, says, serve, whole

ACCOUNT = UUID(int=1)


@pytest.fixture
async def fake() -> AsyncIterator[FakeModel]:
    async with serve() as model:
        yield model


@pytest.fixture
async def models() -> AsyncIterator[Models]:
    async with open_outbound("127.0.0.0/8") as outbound:
        yield Models(outbound, first_wait=0.01)


def gateway(address: str, key: str | None = "sk-very-secret-key", **parameters: Any) -> Gateway:
    return Gateway(uuid4(), ACCOUNT, "g", "g:aaaa", {"baseAddress": address, "modelName": "m", **parameters}, key)


PROMPT = Prompt("m", [{"role": "user", "content": "Hi"}], {"temperature": 0.1})


async def ask(models: Models, to: Gateway, seconds: float = 5.0, prompt: Prompt = PROMPT) -> list[Delta]:
    return [d async for d in models.stream(to, prompt, time.monotonic() + seconds)]


def text(deltas: list[Delta]) -> str:
    return "".join(d.text for d in deltas)


async def test_streams(models: Models, fake: FakeModel) -> None:
    fake.plan.append(says("Hel", "lo", reasoning="hm", delay=0.02))
    got = await ask(models, gateway(fake.url + "/v1"))
    assert text(got) == "Hello" and len([d for d in got if d.text]) == 2
    assert "".join(d.reasoning for d in got) == "hm"
    assert [d.usage for d in got if d.usage] == [Usage(12, 5, 4)]
    call = fake.calls[0]
    assert call.path == "/v1/chat/completions" and call.headers["Authorization"] == "Bearer sk-very-secret-key"
    assert call.body == {
        "model": "m", "messages": PROMPT.messages, "temperature": 0.1, "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_server_that_does_not_stream(models: Models, fake: FakeModel) -> None:
    fake.plan.append(whole("Whole"))
    got = await ask(models, gateway(fake.url))
    assert text(got) == "Whole" and got[0].finish == "stop" and got[0].usage == Usage(12, 5, 4)


async def test_server_without_stream_options(models: Models, fake: FakeModel) -> None:
    fake.plan += [refuses(400, "Unrecognized request argument supplied: stream_options"), says("ok")]
    assert text(await ask(models, gateway(fake.url))) == "ok"
    assert "stream_options" not in fake.calls[1].body


@pytest.mark.parametrize(
    "trouble",
    [
        refuses(500), refuses(503), refuses(429), says(), says("  \n"), cut(),
        raw(b"<html>oops</html>", "text/html"), raw(b"data: {nonsense\n\n"),
        raw(b'{"choices": []}', "application/json"),
        raw(b'{"error": {"message": "overloaded"}}', "application/json"), raw(b""),
        raw(b'data: {"error": {"message": "overloaded"}}\n\n'),
    ],
    ids=lambda a: a.__qualname__.split(".")[0],
)
async def test_trouble_before_the_first_word_is_retried(models: Models, fake: FakeModel, trouble: Any) -> None:
    fake.plan += [trouble, says("at last")]
    assert text(await ask(models, gateway(fake.url))).strip() == "at last" and len(fake.calls) == 2


async def test_a_long_silence_is_not_paid_for_twice(models: Models, fake: FakeModel) -> None:
    fake.plan += [hangs(3), says("too late")]
    with pytest.raises(Failed, match="in time") as e:
        await ask(models, gateway(fake.url), prompt=replace(PROMPT, limits=Limits(0.2, 5.0)))
    assert e.value.code == "model_timeout" and len(fake.calls) == 1


async def test_silence_in_the_middle_ends_an_answer(models: Models, fake: FakeModel) -> None:
    async def act(request: web.Request, body: Any) -> web.StreamResponse:
        out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await out.prepare(request)
        await out.write(event({"role": "assistant"}))
        await asyncio.sleep(0.4)
        await out.write(event({"content": "Half"}))
        await asyncio.sleep(20)
        return out

    fake.plan += [act, says("again")]
    with pytest.raises(Broken, match="in time"):
        await ask(models, gateway(fake.url), prompt=replace(PROMPT, limits=Limits(5.0, 0.3)))
    assert len(fake.calls) == 1


async def test_after_the_reason_for_the_end_nobody_waits_long(
    models: Models, fake: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "AFTERWARDS", 0.2)

    async def act(request: web.Request, body: Any) -> web.StreamResponse:
        out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await out.prepare(request)
        await out.write(event({"content": "Whole"}) + event({}, "stop"))
        await asyncio.sleep(20)
        return out

    fake.plan.append(act)
    assert text(await ask(models, gateway(fake.url))) == "Whole"


async def test_three_tries_then_the_reason(models: Models, fake: FakeModel) -> None:
    fake.default = refuses(500, "database at 10.1.2.3 exploded, key sk-very-secret-key")
    with pytest.raises(Failed) as e:
        await ask(models, gateway(fake.url))
    assert len(fake.calls) == 3 and e.value.status == 502
    assert e.value.details == {"status": 500, "message": "database at (address) exploded, key ***"}


async def test_final_refusals_are_not_repeated(models: Models, fake: FakeModel) -> None:
    fake.default = refuses(401, "bad key")
    with pytest.raises(Failed, match="refused"):
        await ask(models, gateway(fake.url))
    assert len(fake.calls) == 1


async def test_retry_after_is_honoured(models: Models, fake: FakeModel) -> None:
    fake.plan += [refuses(429, headers={"Retry-After": "0.3"}), says("ok")]
    started = time.monotonic()
    assert text(await ask(models, gateway(fake.url))) == "ok"
    assert time.monotonic() - started >= 0.3


async def test_retry_after_beyond_the_deadline_gives_up_at_once(models: Models, fake: FakeModel) -> None:
    fake.default = refuses(429, headers={"Retry-After": "60"})
    started = time.monotonic()
    with pytest.raises(Failed):
        await ask(models, gateway(fake.url))
    assert time.monotonic() - started < 20 and len(fake.calls) == 1


async def test_deadline(models: Models, fake: FakeModel) -> None:
    fake.default = hangs()
    started = time.monotonic()
    with pytest.raises(Failed, match="in time"):
        await ask(models, gateway(fake.url), 0.5)
    assert time.monotonic() - started < 15


async def test_endless_stream_ends_at_the_deadline(models: Models, fake: FakeModel) -> None:
    fake.default = says(*["more "] * 1000, delay=0.02)
    with pytest.raises(Broken):
        await ask(models, gateway(fake.url), 0.5)


@pytest.mark.parametrize("abort", [True, False])
async def test_cut_after_words_is_broken(models: Models, fake: FakeModel, abort: bool) -> None:
    fake.plan.append(cut("Half an ans", abort=abort))
    got = []
    with pytest.raises(Broken):
        async for delta in models.stream(gateway(fake.url), PROMPT, time.monotonic() + 5):
            got.append(delta)  # noqa: PERF401 - what came before the failure counts
    assert text(got) == "Half an ans" and len(fake.calls) == 1


async def test_no_done_line_is_no_failure(models: Models, fake: FakeModel) -> None:
    fake.plan.append(says("fine", done=False))
    assert text(await ask(models, gateway(fake.url))) == "fine"


async def test_megabyte(models: Models, fake: FakeModel) -> None:
    fake.plan.append(says("x" * 1_000_000))
    assert len(text(await ask(models, gateway(fake.url)))) == 1_000_000


async def test_unreachable(models: Models) -> None:
    with pytest.raises(Failed, match="cannot be reached") as e:
        await ask(models, gateway("http://127.0.0.1:9"), 2)
    assert "127" not in str(e.value) + str(e.value.details)


async def test_guarded(fake: FakeModel) -> None:
    async with open_outbound("") as outbound:
        with pytest.raises(Failed):
            await ask(Models(outbound, first_wait=0.01), gateway(fake.url), 2)
    assert fake.calls == []


@pytest.mark.parametrize("address", ["ftp://x.example", "nonsense", "http://u:p@x.example", "http://x.example:99999"])
async def test_address_that_cannot_be_used(models: Models, address: str) -> None:
    with pytest.raises(HubError, match="baseAddress"):
        await ask(models, gateway(address))


async def test_stopping_to_listen_closes_the_call(models: Models, fake: FakeModel) -> None:
    fake.default = says(*["more "] * 500, delay=0.01)
    stream = models.stream(gateway(fake.url), PROMPT, time.monotonic() + 5)
    async for delta in stream:
        if delta.text:
            break
    await stream.aclose()
    for _ in range(100):
        if fake.gone:
            break
        await asyncio.sleep(0.02)
    assert fake.gone == 1 and fake.open == 0


async def test_breaker_pauses_a_failing_provider(models: Models, fake: FakeModel) -> None:
    fake.default = refuses(500)
    to = gateway(fake.url)
    for _ in range(2):
        with pytest.raises(Failed):
            await ask(models, to)
    assert len(fake.calls) == 5
    with pytest.raises(Failed, match="tried again") as e:
        await ask(models, to)
    assert e.value.code == "model_paused" and len(fake.calls) == 5
    fake.default = says("ok")
    assert text(await ask(models, gateway(fake.url, key="sk-of-somebody-else"))) == "ok", "another credential"
    assert text(await ask(models, to, prompt=replace(PROMPT, model="other"))) == "ok", "another model"
    with pytest.raises(Failed, match="tried again"):
        await ask(models, gateway(fake.url))


@pytest.mark.parametrize(
    "trouble", [refuses(429), says(), refuses(400), refuses(401), raw(b"nonsense"), raw(b'{"error": "overloaded"}')]
)
async def test_what_says_nothing_of_the_provider_never_pauses_it(
    models: Models, fake: FakeModel, trouble: Any
) -> None:
    fake.default = trouble
    for _ in range(6):
        with pytest.raises(Failed) as e:
            await ask(models, gateway(fake.url))
        assert e.value.code != "model_paused"
    fake.default = says("ok")
    assert text(await ask(models, gateway(fake.url))) == "ok"


async def test_who_is_told_to_wait_waits_alone(models: Models, fake: FakeModel) -> None:
    fake.plan.append(refuses(429, headers={"Retry-After": "34"}))
    fake.default = says("ok")
    for _ in range(2):
        with pytest.raises(Failed, match="limits the requests") as e:
            await ask(models, gateway(fake.url))
        assert e.value.retry_after == pytest.approx(34, abs=1) and e.value.kind == 429
    assert len(fake.calls) == 1, "within the wait it is not asked again"
    assert text(await ask(models, gateway(fake.url, key="sk-of-somebody-else"))) == "ok"
    assert text(await ask(models, gateway(fake.url), prompt=replace(PROMPT, model="other"))) == "ok"


async def test_a_trial_that_is_left_lets_the_next_one_try(models: Models, fake: FakeModel) -> None:
    breaker = Breaker()
    for n in range(5):
        breaker.failed("a", float(n))
    assert breaker.wait("a", 35.0) == 0 and breaker.wait("a", 35.0) > 0
    breaker.left("a", 36.0)
    assert breaker.wait("a", 36.0) == 0 and breaker.wait("a", 36.0) > 0


def test_breaker_lets_one_try_after_the_pause() -> None:
    breaker = Breaker()
    for n in range(5):
        assert breaker.wait("a", n) == 0
        breaker.failed("a", float(n))
    assert breaker.wait("a", 5.0) == pytest.approx(29.0)
    assert breaker.wait("a", 35.0) == 0 and breaker.wait("a", 35.0) > 0
    breaker.failed("a", 36.0)
    assert breaker.wait("a", 37.0) > 0
    assert breaker.wait("a", 70.0) == 0
    breaker.succeeded("a")
    assert breaker.wait("a", 70.0) == 0 == breaker.wait("a", 70.0)


def test_breaker_forgets_slow_failures_and_old_gateways() -> None:
    breaker = Breaker()
    for n in range(20):
        breaker.failed("slow", n * 31.0)
        assert breaker.wait("slow", n * 31.0) == 0
    for n in range(breakers.REMEMBERED + 10):
        breaker.failed(str(n), 0.0)
    assert len(breaker._failed) <= breakers.REMEMBERED


async def test_unknown_integrated_model(models: Models) -> None:
    with pytest.raises(Invalid, match="@hub/extractive"):
        await ask(models, gateway("@integrated"), prompt=Prompt("@openai/gpt-5", []))


async def test_integrated_model(models: Models) -> None:
    got = await ask(models, gateway("@integrated"), prompt=Prompt("@hub/extractive", [], question="hello"))
    assert text(got) == "Hello! How can I help?" and got[-1].finish == "stop"
