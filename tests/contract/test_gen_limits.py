"""AresGen: so many requests a minute and key, then 429 with Retry-After."""

import pytest

from tests.contract.asking import Contract

pytestmark = pytest.mark.asyncio(loop_scope="module")
SETTINGS = {"aresgen_per_minute": 5}


async def test_a_key_that_asks_too_often(api: Contract) -> None:
    got = [await api.row("G-08") for _ in range(6)]
    assert [g.status for g in got] == [200] * 5 + [429], "all of them may be spent at once"
    last = got[-1]
    assert 1 <= int(last.headers["Retry-After"]) <= 60 and last.body["code"] == "rate_limited"
    assert last.body["type"] == "https://hub.example/problems/rate_limited"
    kept = {"model": "@hub/extractive", "prompt": "Hi", "store": True}
    await api.refused("G-01", 429, sent=kept)
    plain = await api.refused("G-01", 429, sent={"model": "@hub/extractive", "prompt": "Hi"})
    assert plain["code"] == "rate_limited"
    assert (await api.row("G-08", key=api.foreign)).status == 200, "each key has its own"
