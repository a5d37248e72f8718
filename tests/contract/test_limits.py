"""What an account without balance, or one that asks too often, is told (A-02, A-38)."""

import pytest

from tests.contract.asking import Contract

pytestmark = pytest.mark.asyncio(loop_scope="module")
SETTINGS = {"billing": True, "requests_per_minute": 2}
FULL = "update accounts set balance = 5 where id = $1"
ASK = {"model": "@hub/extractive", "prompt": "Hi"}


async def test_without_balance(api: Contract) -> None:
    body = await api.refused("A-02", 402, sent=ASK)
    assert body["error"]["type"] == "insufficient_quota"
    talk = await api.talk()
    body = await api.refused("A-38", 402, talk.key, sent={"prompt": "Hello"})
    assert body["code"] == "insufficient_balance"


async def test_too_often(api: Contract) -> None:
    await api.hub.db.run(FULL, api.account)
    answers = [await api.row("A-02", sent=ASK) for _ in range(4)]
    statuses = [a.status for a in answers]
    assert statuses[0] == 200 and statuses[-1] == 429, statuses
    last = answers[-1]
    assert last.body["error"]["type"] == "rate_limit_error" and int(last.headers["Retry-After"]) >= 1
    assert last.headers["Content-Type"].startswith("application/problem+json")


async def test_a_session_that_holds_all_it_may(api: Contract) -> None:
    await api.hub.db.run(FULL, api.account)
    talk = await api.talk(limitingParameters={"messagesPerHour": 0, "maxMessages": 2})
    await api.good("A-38", talk.key, sent={"prompt": "One"})
    await api.refused("A-38", 422, talk.key, sent={"prompt": "Two"})
    talk = await api.talk(limitingParameters={"messagesPerHour": 1, "maxMessages": 0})
    await api.good("A-38", talk.key, sent={"prompt": "One"})
    got = await api.row("A-38", talk.key, sent={"prompt": "Two"})
    assert got.status == 429 and int(got.headers["Retry-After"]) >= 1
