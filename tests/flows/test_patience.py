"""A model that is away for a while: people are waited with, told once, and answered when it is back."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from hub.chat import texts
from hub.config import Settings
from tests.fakes.model import cut, refuses
from tests.flows.rig import Rig, echo, rig
from tests.flows.test_answers import say

SORRY = texts.say("fallback", "en")
AWAY = {
    "busy": refuses(429, "slow down", {"Retry-After": "0"}), "broken": refuses(500, "oops"),
    "unavailable": refuses(503, "overloaded"), "cut off": cut("You said ", "some"),
}
FOR_GOOD = {"no such model": refuses(404, "model not found"), "a wrong key": refuses(401, "invalid api key")}


@pytest.fixture
async def r(settings: Settings) -> AsyncIterator[Rig]:
    more = {"turn_seconds": 4, "model_patience_seconds": 60, "late_answer_seconds": 600}
    async with rig(settings.changed(**more), work=True) as one:
        yield one


async def _put_off(r: Rig, count: int = 1) -> None:
    async def waits() -> bool:
        sql = "select count(*) from sessions where lease_until is null and due_at > now() and last_seq > done_seq"
        return int(await r.db.value(sql)) == count

    await r.w.until(waits)


async def _older(r: Rig, seconds: float) -> None:
    """As if so much time had passed."""
    await r.db.run("update inbox set received_at = received_at - make_interval(secs => $1)", seconds)
    await r.db.run("update sessions set due_at = now() where due_at is not null")


async def _apologised(r: Rig) -> None:
    """The model was away for longer than the patience."""
    r.model.default = AWAY["busy"]
    await say(r.w, "telegram", "hello #a1-1")
    await _put_off(r)
    await _older(r, 61)
    await r.w.until(lambda: r.net.final() == [SORRY])
    await _put_off(r)


@pytest.mark.parametrize("what", AWAY.values(), ids=AWAY.keys())
async def test_a_model_that_is_away_for_a_while_is_waited_for(r: Rig, what: Any) -> None:
    r.model.default = what
    await say(r.w, "telegram", "hello #a1-1")
    await _put_off(r)
    assert r.net.final() == [] and await r.db.value("select count(*) from turns") == 0
    assert await r.db.value("select attempts from sessions") == 0, "its trouble is no mark of the message"
    r.model.default = echo()
    await r.db.run("update sessions set due_at = now()")
    await r.w.settle()
    assert r.net.final() == ["You said #a1-1"]
    await r.one_answer()


async def test_many_tries_within_the_patience_set_nothing_aside(r: Rig) -> None:
    r.model.default = AWAY["busy"]
    await say(r.w, "telegram", "hello #a1-1")
    for _ in range(7):
        await _put_off(r)
        await r.db.run("update sessions set due_at = now()")
    await _put_off(r)
    r.model.default = echo()
    await r.db.run("update sessions set due_at = now()")
    await r.w.settle()
    assert r.net.final() == ["You said #a1-1"]


@pytest.mark.parametrize("marks", ["attempts = 4", "crash_count = 2"])
async def test_what_is_asked_one_by_one_is_waited_for_as_well(r: Rig, marks: str) -> None:
    """Two messages, of which one may have stopped a worker; the model is away meanwhile."""
    r.model.default = AWAY["busy"]
    await say(r.w, "telegram", "hello #a1-1")
    await _put_off(r)
    await say(r.w, "telegram", "and #a1-2")
    await r.db.run(f"update sessions set due_at = now() + interval '1 hour', {marks}")
    asked = len(r.model.calls)
    await r.db.run("update sessions set due_at = now()")
    await r.w.until(lambda: len(r.model.calls) > asked)
    await _put_off(r)
    assert r.net.final() == [], "nobody is told that there is no answer"
    r.model.default = echo()
    await r.db.run("update sessions set due_at = now()")
    await r.w.settle()
    assert r.net.final() == ["You said #a1-1", "You said #a1-2"]


async def test_after_the_patience_one_apology_and_the_answer_still_comes(r: Rig) -> None:
    await _apologised(r)
    assert await r.db.value("select state from inbox") == "waiting", "an apology is no answer"
    assert await r.db.value("select count(*) from turns") == 0
    assert await r.db.value("select last_user_at >= last_message_at from sessions"), "in the inbox it still waits"
    assert await r.db.value("select count(*) from happenings where kind = 'apologised'") == 1
    await _older(r, 10)
    await _put_off(r)
    assert r.net.final() == [SORRY], "said once"
    r.model.default = echo()
    await _older(r, 10)
    await r.w.settle()
    assert r.net.final() == [SORRY, "You said #a1-1"]
    await r.one_answer()
    shown = await r.db.fetch("select role, source, hidden from messages order by position")
    assert [(m["role"], m["source"], m["hidden"]) for m in shown] == [
        ("user", "contact", False), ("assistant", "system", True), ("assistant", "model", False),
    ]


async def test_what_is_written_meanwhile_is_answered_with_it(r: Rig) -> None:
    await _apologised(r)
    r.model.default = echo()
    await say(r.w, "telegram", "and #a1-2")
    await r.w.settle()
    assert r.net.final() == [SORRY, "You said #a1-1 #a1-2"]


async def test_a_new_question_has_a_patience_of_its_own(r: Rig) -> None:
    await _apologised(r)
    await say(r.w, "telegram", "and #a1-2")
    await r.w.until(lambda: len(r.model.calls) >= 6)
    await _put_off(r)
    assert r.net.final() == [SORRY]
    await _older(r, 61)
    await r.w.until(lambda: r.net.final() == [SORRY, SORRY])


async def test_it_ends_one_day_without_a_second_apology(r: Rig) -> None:
    await _apologised(r)
    await _older(r, 600)
    await r.w.settle()
    assert r.net.final() == [SORRY]
    assert await r.db.value("select state from inbox") == "failed"
    assert await r.db.value("select outcome from turns") == "failed"


async def test_a_command_does_not_wait_behind_a_model(r: Rig) -> None:
    r.model.default = AWAY["busy"]
    await say(r.w, "telegram", "hello #a1-1")
    await _put_off(r)
    await say(r.w, "telegram", "/reset")
    await r.w.settle()
    assert texts.say("reset", "en") in r.net.final()


@pytest.mark.parametrize("what", FOR_GOOD.values(), ids=FOR_GOOD.keys())
async def test_what_waiting_does_not_mend_is_told_at_once(r: Rig, what: Any) -> None:
    r.model.default = what
    await say(r.w, "telegram", "hello #a1-1")
    await r.w.settle()
    assert r.net.final() == [SORRY]
    assert await r.db.value("select state from inbox") == "failed"


async def test_a_client_has_a_patience_of_its_own(r: Rig) -> None:
    await r.db.run("update clients set parameters = parameters || '{\"modelPatienceSeconds\": 0}'")
    r.model.default = AWAY["busy"]
    await say(r.w, "telegram", "hello #a1-1")
    await r.w.until(lambda: r.net.final() == [SORRY])


async def test_a_person_who_takes_over_ends_the_waiting(r: Rig) -> None:
    r.model.default = AWAY["busy"]
    await say(r.w, "telegram", "hello #a1-1")
    await _put_off(r)
    await r.db.value("select set_aside(id) from sessions")
    r.model.default = echo()
    await r.w.settle()
    assert r.net.final() == [] and await r.db.value("select state from inbox") == "ignored"
