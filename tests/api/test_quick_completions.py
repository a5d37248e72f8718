"""Plain completions are answered below the application, and nobody can tell by the answer; what turns out otherwise
goes on there, with what was begun of it. What such answers are is in test_plain_road.py, which goes the same way."""

import asyncio
from typing import Any

import pytest

from hub.api.openai import plain, road
from hub.api.quick_completions import Quick
from hub.errors import TooMany
from tests.api.door import Door, events
from tests.api.test_plain_road import ACTS, NAMED
from tests.fakes.model import hangs, says, whole


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which way each request went: quick, handed on, or the application's own."""
    found: list[str] = []

    def noted(owner: Any, name: str, word: str) -> None:
        before = getattr(owner, name)

        async def seen(*args: Any) -> Any:
            found.append(word)
            return await before(*args)

        monkeypatch.setattr(owner, name, seen)

    noted(Quick, "_answer", "quick")
    noted(Quick, "_handed_on", "on")
    noted(plain, "_understood", "application")
    return found


@pytest.mark.parametrize("stream", [False, True])
async def test_no_application_is_asked(door: Door, ways: list[str], stream: bool) -> None:
    door.model.default = whole("Hi")
    async with door.post(model=await door.gateway(), stream=stream, headers={"X-Request-Id": "mine-1"}) as r:
        assert r.status == 200 and b"Hi" in await r.read()
        assert r.headers["X-Request-Id"] == "mine-1" and int(r.headers.get("Content-Length", 1))
        assert len(r.headers.getall("Date")) == len(r.headers.getall("Server")) == 1
    assert ways == ["quick"]


async def test_two_requests_of_one_connection_and_what_differs_between_them(door: Door, ways: list[str]) -> None:
    door.model.default = whole("Hi")
    id, ids = await door.gateway(), set()
    keyed = {"path": f"/v1/chat/completions?api-key={door.key}"}
    several: tuple[Any, ...] = ({}, {"tools": [NAMED]}, {}, {"headers": {"x-hub-cache": "off"}}, keyed)
    for more in several:
        async with door.post(**{"model": id, **more}) as r:
            assert r.status == 200, await r.text()
            ids.add(r.headers["X-Request-Id"])
    assert len(ids) == 5 and ways.count("quick") == 2 and "on" not in ways


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_is_not_plain_goes_on_with_what_was_begun(
    door: Door, ways: list[str], stream: bool
) -> None:
    door.model.plan.append(ACTS["document with a call" if not stream else "a call"])
    async with door.post(model=await door.gateway(), stream=stream, headers={"X-Request-Id": "mine-2"}) as r:
        assert r.status == 200 and r.headers["X-Request-Id"] == "mine-2"
        said: Any = await events(r) if stream else await r.json()
    assert "look" in str(said) and len(door.model.calls) == 1
    assert ways == ["quick", "on"]


async def test_who_asks_too_often_is_told_so_as_everywhere(
    door: Door, ways: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuses(*_: Any) -> None:
        raise TooMany("Not so often.", retry_after=7)

    id = await door.gateway()
    monkeypatch.setattr(road, "_counted", refuses)
    told = []
    for headers in ({}, {"x-hub-cache": "off"}):
        async with door.post(model=id, headers=headers) as r:
            told.append((r.status, r.headers["Retry-After"], await r.json()))
    assert told[0] == told[1] and told[0][:2] == (429, "7")
    assert ways == ["quick", "on", "application"] and not door.model.calls


async def test_keys_that_may_not_ask_are_told_by_the_application(door: Door, ways: list[str]) -> None:
    id = await door.gateway()
    for key, status in (("sk-hub-wrong", 401), (door.public, 200)):
        door.model.default = says("Hi")
        async with door.post(model=id, key=key) as r:
            assert r.status == status
    async with door.post(model="no-such-model") as r:
        assert r.status == 404
    assert "quick" not in ways


async def test_figures_of_plain_answers_are_whole_when_they_are_read(door: Door) -> None:
    door.model.default = whole("Hi")
    id, registry = await door.gateway(), door.hub.models.figures.registry

    def read() -> list[float]:
        names: tuple[tuple[str, dict[str, str]], ...] = (
            ("requests_total", {"outcome": "answered"}), ("tokens_total", {"kind": "in"}),
            ("tokens_total", {"kind": "out"}), ("first_token_seconds_count", {}),
        )
        return [registry.get_sample_value(f"hub_model_{n}", {"model": "own", **more}) or 0 for n, more in names]

    async def ask() -> int:
        async with door.post(model=id) as r:
            await r.read()
            return int(r.status)

    before = read()
    assert await asyncio.gather(*(ask() for _ in range(5))) == [200] * 5
    after = read()
    assert [b - a for a, b in zip(before, after, strict=True)] == [5, 40, 25, 5]


async def test_who_leaves_is_noted_as_gone(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    door.model.default = hangs()
    id, told, statuses = await door.gateway(), asyncio.Event(), list[int]()
    before = Quick._told

    def noted(self: Quick, request: Any, who: Any, status: int, seconds: float) -> None:
        before(self, request, who, status, seconds)
        statuses.append(status)
        told.set()

    async def ask() -> None:
        async with door.post(model=id) as r:
            await r.read()

    monkeypatch.setattr(Quick, "_told", noted)
    asking = asyncio.create_task(ask())
    while not door.model.open:
        await asyncio.sleep(0.01)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await told.wait()
    assert statuses in ([0], [road.GONE])  # cancelled, or found to be gone
