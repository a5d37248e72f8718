"""Placeholders whose id nobody learned, where much else is said: found all the same, and without reading too much."""

import random
import re
from collections.abc import AsyncIterator

import pytest

from hub.chat.outbound.strays import REACH
from hub.config import Settings
from hub.store import strays
from hub.store.strays import ABOVE, AFTER, FAR, FAR_FROM_QUESTION
from tests.conftest import owning
from tests.fakes.model import says
from tests.flows.ledger import PLACEHOLDER, fates
from tests.flows.rig import Rig, rig
from tests.flows.test_answers import say, telegram
from tests.flows.test_placeholders import STANDING, looked, none_left

LONG_TALK = """
    insert into messages (id, account_id, session_id, role, source, content)
    select gen_random_uuid(), s.account_id, s.id, 'user', 'contact', '{"text": "x"}'
    from sessions s, generate_series(1, 3000)
"""
APART = """
    update stray_placeholders k set since = o.closed_at - interval '20 seconds',
        at = o.closed_at - interval '20 seconds'
    from (select row_number() over (order by id) as n, id from stray_placeholders) r
    join (select row_number() over (order by id) as n, closed_at from outbox) o
        on o.n = case r.n when 1 then 1 else $1::int end where r.id = k.id
"""
MARKED = """
    insert into stray_placeholders (session_id, account_id, since, at)
    select id, account_id, now() - interval '1 hour', now() - interval '1 hour' from sessions
"""
GIVEN_UP = "select count(*) = 1 from outbox where state = 'unknown' and closed_at is not null"
MOST = (FAR + FAR_FROM_QUESTION) * (REACH + 2) // REACH + ABOVE


@pytest.fixture
async def r(settings: Settings) -> AsyncIterator[Rig]:
    async with rig(settings, work=True) as one:
        yield one


@pytest.mark.parametrize("failing", [0, 0.15])
async def test_one_that_many_others_were_told_after_is_found_in_several_looks(
    settings: Settings, failing: float
) -> None:
    """Ids are one row for all chats of a bot, and nobody knows those of its other users. A network that fails now and
    then uses up no tries."""
    dice = random.Random(7)
    async with rig(settings, work=True) as r:
        r.net.plan = fates("lost")
        r.model.default = says("Hello", delay=0.3)
        await say(r.w, "telegram", "hello")
        await r.w.until(lambda: len(r.net.shown) == 1)
        for _ in range(350):
            next(r.net.numbers)
        await r.w.until(lambda: "Hello" in r.net.final())
        await r.w.settle()
        gap = int(r.net.shown[1].id) - int(r.net.shown[0].id)
        assert 3 * REACH < gap < FAR
        r.net.plan = lambda path: "broken" if "ReplyMarkup" in path and dice.random() < failing else "ok"
        await looked(r)
        assert [s.text for s in r.net.shown] == ["Hello"]
        asked = [int(c.body["message_id"]) for c in r.net.calls if c.path.endswith("editMessageReplyMarkup")]
        assert gap <= len(asked) <= MOST * (2 if failing else 1), "none is asked about in every look"


async def test_one_whose_answer_came_long_after_it_is_found_near_its_question(settings: Settings) -> None:
    """While others were told more than anybody goes through."""
    async with rig(settings, work=True) as r:
        r.net.plan = fates("lost")
        r.model.default = says("Hello", delay=0.3)
        await say(r.w, "telegram", "", telegram("hello", message_id=next(r.net.numbers)))
        await r.w.until(lambda: len(r.net.shown) == 1)
        lost = int(r.net.shown[0].id)
        for _ in range(2 * FAR):
            next(r.net.numbers)
        await r.w.until(lambda: "Hello" in r.net.final())
        await r.w.settle()
        await looked(r)
        assert [s.text for s in r.net.shown] == ["Hello"]
        asked = [int(c.body["message_id"]) for c in r.net.calls if c.path.endswith("editMessageReplyMarkup")]
        assert asked.index(lost) < REACH and len(asked) <= MOST, "the nearest first"


async def test_one_is_found_however_much_was_said_since_it_was_missed(settings: Settings) -> None:
    """And another that was missed later, in the same conversation."""
    async with rig(settings, work=True) as r:
        for n in range(AFTER + 10):
            r.net.plan = fates(*(["lost"] if n in (0, AFTER + 5) else []))
            await say(r.w, "telegram", "", telegram(f"hello #a1-{n}", message_id=next(r.net.numbers)))
            await r.w.until(lambda n=n: f"You said #a1-{n}" in r.net.final())
            await r.w.settle()
        # As if a minute had passed between all of them.
        await r.db.run("update outbox set closed_at = now() + (id - 100) * interval '1 minute'")
        await r.db.run(APART, AFTER + 6)
        assert [s.text for s in r.net.shown].count(PLACEHOLDER) == 2
        await looked(r)
        assert [s.text for s in r.net.shown].count(PLACEHOLDER) == 0
        asked = [c for c in r.net.calls if c.path.endswith("editMessageReplyMarkup")]
        assert len(asked) < 30, "not before all that was said"


@pytest.mark.parametrize("known", [True, False])
async def test_one_whose_sender_was_slower_than_who_answered_stands_behind_all_else(r: Rig, known: bool) -> None:
    """Also where nothing is known that was said before."""
    await say(r.w, "telegram", "", telegram("hello #a1-1", message_id=next(r.net.numbers)))
    await r.w.until(lambda: r.net.final() == ["You said #a1-1"])
    await r.w.settle()
    if not known:
        await r.db.run("delete from outbox")
    body = {"chat_id": 700, "text": PLACEHOLDER}
    chat = await r.db.value("select chat from sessions")
    for _ in range(20):
        next(r.net.numbers)
    r.net.answer("/bot1:x/sendMessage", {**body, "chat_id": chat})
    assert [s.text for s in r.net.shown][-1] == PLACEHOLDER
    session = await r.db.value("select id from sessions")
    await strays.mark(r.w.hub.db, session)
    await looked(r)
    assert [s.text for s in r.net.shown] == ["You said #a1-1"]


async def test_one_that_comes_while_another_is_looked_for_is_looked_for_anew(r: Rig) -> None:
    """Its sender died; the look that was under way says that nothing is left."""
    await say(r.w, "telegram", "hello #a1-1")
    await r.w.until(lambda: "You said #a1-1" in r.net.final())
    await r.w.settle()
    await r.db.run(MARKED)
    hub = r.w.hub
    [first] = await strays.due(hub.db, 1, 10)
    await r.db.run("update sessions set lease_until = now(), owner = 'gone'")
    await r.db.run("update sessions set epoch = epoch + 1, lease_until = null, owner = null")
    await strays.done(hub.db, first)
    assert not await none_left(r)


async def test_of_long_conversations_only_what_is_near_is_read(r: Rig) -> None:
    """And what is read there says the same."""
    await say(r.w, "telegram", "hello #a1-1")
    await r.w.until(lambda: "You said #a1-1" in r.net.final())
    await r.w.settle()
    await r.db.run(LONG_TALK)
    async with owning(r.w.hub.settings.database_url.get_secret_value()) as owner:
        await owner.run("analyze messages")
    await r.db.run(MARKED)
    explain = f"explain (analyze, timing off) {strays.DUE}"
    plan = [row[0] for row in await r.db.fetch(explain, 1.0, 10, *strays.LIMITS)]
    scans = [line for line in plan if " on messages m" in line]
    read = [float(m[1]) for line in scans if (m := re.search(r"actual.* rows=([0-9.]+)", line))]
    assert read and max(read) <= strays.READ, plan


@pytest.mark.parametrize("buttons", [True, False], ids=["with buttons", "without"])
@pytest.mark.parametrize("old", [True, False], ids=["as old as its question", "behind it"])
async def test_a_part_that_may_have_arrived_hides_nothing_and_stays_as_it_is(
    settings: Settings, old: bool, buttons: bool
) -> None:
    """Each message of ours is read before it is taken away."""
    async with rig(settings.changed(reconcile_seconds=1), work=True) as r:
        offered = [{"label": "Prices", "prompt": "What does it cost?"}] if buttons else []
        await r.w.parameters(splitAnswerIntoMessageChunks=True, suggestionButtons=offered)
        r.model.default = says("one\n\n**two**")
        r.net.plan = fates("ok", "ok", "lost")
        await say(r.w, "telegram", "", telegram("hello", message_id=next(r.net.numbers)))
        await r.w.until(lambda: r.db.value(GIVEN_UP))
        await r.w.settle()
        below = r.net.shown[-1].buttons
        assert bool(below) == buttons
        r.model.default = says("three")
        await say(r.w, "telegram", "", telegram("and then?", message_id=next(r.net.numbers)))
        await r.w.until(lambda: "three" in r.net.final())
        await r.w.settle()
        if old:
            await r.db.run("update inbox set received_at = received_at - interval '1 hour'")
        r.model.default = says("four")
        r.net.plan = fates("lost")
        await say(r.w, "telegram", "", telegram("and then?", message_id=next(r.net.numbers)))
        await r.w.until(lambda: "four" in r.net.final())
        await r.w.settle()
        await r.db.run("update stray_placeholders set since = now() - interval '2 hours', at = now()")
        # From the first question on, so that the words in doubt are read as well.
        await r.db.run("update outbox set closed_at = greatest(closed_at, now()) where state = 'sent'")
        shown = [s.text for s in r.net.shown]
        assert len(shown) == 5 and shown.count(PLACEHOLDER) == 1
        await r.db.run(STANDING)
        await looked(r)
        assert [s.text for s in r.net.shown] == [t for t in shown if t != PLACEHOLDER]
        assert r.net.shown[1].buttons == below and not any(s.marked for s in r.net.shown)


@pytest.mark.parametrize("planned", [("lost",), ("ok", "lost"), ("ok", "ok", "lost"), ("ok", "hang")])
async def test_reading_is_gone_on_with_wherever_it_was_cut_off(settings: Settings, planned: tuple[str, ...]) -> None:
    """Its button stays nowhere, below neither words that may have arrived nor others."""
    async with rig(settings.changed(reconcile_seconds=1), work=True) as r:
        await r.w.parameters(splitAnswerIntoMessageChunks=True)
        r.model.default = says("one\n\ntwo")
        r.net.plan = fates("lost", "ok", "ok", "lost")
        await say(r.w, "telegram", "", telegram("hello", message_id=next(r.net.numbers)))
        await r.w.until(lambda: r.db.value(GIVEN_UP))
        await r.w.settle()
        r.model.default = says("three")
        await say(r.w, "telegram", "", telegram("and then?", message_id=next(r.net.numbers)))
        await r.w.until(lambda: "three" in r.net.final())
        await r.w.settle()
        fate, r.net.patience = fates(*planned), 0.1
        r.net.plan = lambda path: fate(path) if path.endswith("editMessageReplyMarkup") else "ok"
        await r.db.run(STANDING)
        await looked(r)
        assert [s.text for s in r.net.shown] == ["one", "two", "three"] and not any(s.marked for s in r.net.shown)


async def test_the_placeholder_of_an_answer_is_found_whose_last_part_may_have_arrived(settings: Settings) -> None:
    """Parts of a conversation are begun one after the other: what fills in stands before the one nobody knows of."""
    async with rig(settings.changed(reconcile_seconds=1), work=True) as r:
        await r.w.parameters(splitAnswerIntoMessageChunks=True)
        r.model.default = says("one\n\ntwo")
        r.net.plan = fates("lost", "ok", "ok", "lost")
        await say(r.w, "telegram", "", telegram("hello", message_id=next(r.net.numbers)))
        await r.w.until(lambda: r.db.value(GIVEN_UP))
        await r.w.settle()
        assert [s.text for s in r.net.shown] == [PLACEHOLDER, "one", "two"]
        await looked(r)
        assert [s.text for s in r.net.shown] == ["one", "two"]
