"""Telegram's placeholder: one for an answer, never a flood of them, never left standing."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from itertools import count

import pytest

from hub.chat.outbound import refused_parts
from hub.chat.outbound.strays import GIVES_UP, TRIES
from hub.config import Settings
from hub.jobs import sweeps
from hub.store import handoffs, outbox
from hub.store.strays import ABOVE
from tests.fakes.model import says
from tests.flows.ledger import fates
from tests.flows.picky import Picky, given, picky, picture, shelf
from tests.flows.rig import Rig, rig
from tests.flows.test_answers import say, telegram
from tests.flows.test_provider_failures import listed

PLACEHOLDER = "…"


@pytest.fixture
async def r(settings: Settings) -> AsyncIterator[Rig]:
    async with picky() as net, rig(settings, work=True, net=net) as one:
        yield one


def net(r: Rig) -> Picky:
    assert isinstance(r.net, Picky)
    return r.net


def sends(r: Rig) -> list[str]:
    return [str(b["text"]) for b in net(r).paths("sendMessage")]


async def test_a_placeholder_that_is_always_gone_is_tried_once_more(r: Rig) -> None:
    case = given("01")
    answer = case["network answers to editMessageText, every time"]
    net(r).refuse("editMessageText", answer["status"], answer["body"])
    r.model.default = says("Hello **Ana**")
    await say(r.w, "telegram", "", case["webhook"])
    await r.w.settle()
    assert sends(r) == [PLACEHOLDER, PLACEHOLDER, "Hello <b>Ana</b>"]
    assert net(r).final() == ["Hello <b>Ana</b>"]


async def test_a_group_that_was_upgraded_gets_one_answer(r: Rig) -> None:
    case = given("02")
    moved = case["network answers to every call with chat_id -4100009001"]
    await r.db.run("update integrations set groups = 'all'")
    net(r).refuse("/bot", moved["status"], moved["body"], when=lambda b: str(b.get("chat_id")) == "-4100009001")
    r.model.default = says("Hello")
    await say(r.w, "telegram", "", case["webhook"])
    await r.w.settle()
    assert [(s.chat, s.text) for s in net(r).shown] == [("-1001900009001", "Hello")]


async def test_a_long_answer_shows_one_placeholder(r: Rig) -> None:
    await r.w.parameters(splitAnswerIntoMessageChunks=True)
    r.model.default = says("one\n\ntwo\n\nthree")
    await say(r.w, "telegram", "hello")
    await r.w.settle()
    assert sends(r) == [PLACEHOLDER, "two", "three"]
    assert net(r).final() == ["one", "two", "three"]


@pytest.mark.parametrize(
    "words",
    ["Bad Request: MESSAGE_TOO_STRANGE", "Bad Request: message can't be edited", "Bad Request: message is too long"],
)
async def test_a_refused_edit_leaves_no_placeholder(r: Rig, words: str) -> None:
    net(r).refuse("editMessageText", 400, {"ok": False, "error_code": 400, "description": words})
    r.model.default = says("Hello")
    await say(r.w, "telegram", "hello")
    await r.w.settle()
    assert [s.text for s in net(r).shown] == ["Hello"]


async def test_one_that_cannot_be_taken_away_now_is_taken_away_later(r: Rig) -> None:
    """The words do not wait for that."""
    strange = {"ok": False, "error_code": 400, "description": "Bad Request: MESSAGE_TOO_STRANGE"}
    net(r).refuse("editMessageText", 400, strange)
    broken = {"ok": False, "error_code": 500, "description": "Internal"}
    net(r).refuse("deleteMessage", 500, broken, times=1)
    r.model.default = says("Hello")
    await say(r.w, "telegram", "hello")
    await r.w.settle()
    assert [s.text for s in net(r).shown] == [PLACEHOLDER, "Hello"]
    await r.db.run(AGED)
    await sweeps.tidy(r.w.hub, r.w.runner)
    await r.w.until(lambda: [s.text for s in net(r).shown] == ["Hello"])


async def test_words_that_are_refused_in_every_form_leave_no_placeholder(r: Rig) -> None:
    said = {"ok": False, "error_code": 400, "description": "Bad Request: strange"}
    net(r).refuse("/bot", 400, said, when=lambda b: "Hello" in str(b.get("text")))
    r.model.default = says("Hello")
    await say(r.w, "telegram", "hello")
    await r.w.settle()
    assert net(r).shown == []
    [dead] = await listed(r, "dead")
    assert dead["error"] == "Telegram refused: Bad Request: strange"


async def test_a_placeholder_that_is_refused_for_a_while_holds_the_answer_that_long(r: Rig) -> None:
    busy = {"ok": False, "error_code": 429, "description": "Too Many Requests", "parameters": {"retry_after": 2}}
    net(r).refuse("sendMessage", 429, busy, times=1)
    began = time.monotonic()
    await say(r.w, "telegram", "one #a1-1")
    await r.w.settle()
    assert net(r).final() == ["You said #a1-1"]
    assert net(r).shown[0].at - began >= 1.9
    assert len(sends(r)) == 2, "nothing was asked in between"


async def test_a_placeholder_of_the_sender_itself_does_not_stay_either(r: Rig) -> None:
    """The one beside the model could not be sent; the one that came with the answer cannot be filled in."""
    said = {"ok": False, "error_code": 400, "description": "Bad Request: strange"}
    net(r).refuse("sendMessage", 500, {"ok": False, "error_code": 500, "description": "Internal"}, times=1)
    net(r).refuse("/bot", 400, said, when=lambda b: "Hello" in str(b.get("text")))
    r.model.default = says("Hello")
    await say(r.w, "telegram", "hello")
    await r.w.settle()
    assert net(r).shown == []


async def test_placeholders_whose_answers_are_lost_are_few(r: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refused_parts, "WAITS", (0.1, 0.1, 0.1, 0.1))
    net(r).plan = lambda path: "lost" if path.endswith("sendMessage") and not said(r) else "ok"
    r.model.default = says("Hello")
    await say(r.w, "telegram", "hello")
    await r.w.until(lambda: said(r))
    await r.w.settle()
    assert [s.text for s in net(r).shown].count(PLACEHOLDER) <= 4
    assert net(r).final() in (["Hello"], ["Hello"] * 2), "twice at most, when nobody can know"


def said(r: Rig) -> bool:
    return "Hello" in net(r).final()


PASSED = """
    with parts as (update outbox set closed_at = closed_at - interval '2 minutes' where closed_at is not null),
        questions as (update inbox set received_at = received_at - interval '2 minutes')
    update stray_placeholders set since = since - interval '2 minutes', at = at - interval '2 minutes', asked_at = case
"""
# As if some time had passed since all was said, and since somebody has looked, who does not now; and as if nobody had.
WAITED = f"""
    {PASSED} when asked_at < now() - make_interval(secs => $1) then asked_at - interval '2 hours' else asked_at end
"""
STANDING = f"{PASSED} when false then asked_at end"
LAST = f"update stray_placeholders set asked_at = null, tries = {TRIES - 1}"


@pytest.mark.parametrize("how", ["lost", "lost twice", "killed"])
async def test_a_placeholder_whose_id_nobody_learned_is_found_and_removed(settings: Settings, how: str) -> None:
    async with rig(settings.changed(lease_seconds=1)) as r:
        if how == "killed":
            r.net.heard = lambda shown: r.children[0].kill() if len(r.net.shown) == 1 else None
        else:
            r.net.plan = fates("lost", *(["lost"] if how == "lost twice" else []))
        r.start()
        await say(r.w, "telegram", "", telegram("hello #a1-1", message_id=next(r.net.numbers)))
        if how == "killed":
            await r.w.until(lambda: not r.children[0].alive)
            r.start()
        await r.w.until(lambda: r.net.final() == ["You said #a1-1"])
        await r.w.settle()
        assert len(r.net.shown) > 1, "one is left"
        await looked(r)
        assert [s.text for s in r.net.shown] == ["You said #a1-1"]
        probes = [c for c in r.net.calls if c.path.endswith("editMessageReplyMarkup")]
        most = 10 + (ABOVE if how == "lost twice" else 0)
        assert 1 <= len(probes) <= most, "and no more is asked than need be: it stands behind the question"


async def test_many_that_are_lost_are_all_removed_though_the_network_fails_now_and_then(settings: Settings) -> None:
    async with rig(settings, work=True) as r:
        for n in range(3):
            r.net.plan = fates("lost")
            await say(r.w, "telegram", f"hello #a1-{n}")
            await r.w.until(lambda n=n: f"You said #a1-{n}" in r.net.final())
            await r.w.settle()
        assert [s.text for s in r.net.shown].count(PLACEHOLDER) == 3
        dice = random.Random(7)
        r.net.plan = lambda path: "broken" if "ReplyMarkup" in path and dice.random() < 0.05 else "ok"
        await looked(r)
        assert [s.text for s in r.net.shown] == [f"You said #a1-{n}" for n in range(3)]


async def test_pictures_of_an_album_are_no_placeholders(settings: Settings) -> None:
    """Its network has an id for each of them, of which the hub knows the first."""
    files = {f"{n}_png": (picture(), "image/png") for n in range(3)}
    async with rig(settings, work=True) as r, shelf(**files) as place:
        await r.w.parameters(allowedMediaOrigins=[place])
        r.model.default = says("\n".join(f"![{n}]({place}/{n}.png)" for n in range(3)))
        await say(r.w, "telegram", "show me")
        await r.w.settle()
        assert [len(c.files) for c in r.net.calls if c.path.endswith("sendMediaGroup")] == [3]
        r.model.default = says("Hello")
        r.net.plan = fates("lost")
        await say(r.w, "telegram", "hello")
        await r.w.until(lambda: "Hello" in r.net.final())
        await r.w.settle()
        await looked(r)
        first = int(await r.db.value("select network_id from outbox where body ? 'album'"))
        gone = {int(c.body["message_id"]) for c in r.net.calls if c.path.endswith("deleteMessage")}
        assert [s for s in r.net.shown if s.text == PLACEHOLDER] == []
        assert gone.isdisjoint(range(first, first + 3)), "the pictures stay"


LOOKED = "select count(*) = 1 from stray_placeholders where asked_at is not null"
# Another part of the same conversation; of each kind one that a placeholder could be taken for, or not.
PART = """
    with part as (
        insert into outbox (id, key, account_id, session_id, message_id, integration_id, chat, body, sha, mode, state,
            attempt, created_at, closed_at, wire_deadline)
        overriding system value
        select case when $3::text like '-%' then o.id - 1 else o.id + 1000 end, gen_random_uuid(), o.account_id,
            o.session_id, o.message_id, o.integration_id, o.chat, '{"text": "x", "bare": true}', 's', o.mode, $1, 1,
            now() + $3::text::interval,
            case when $2 then now() end, now() + interval '1 hour' from outbox o limit 1
        returning id)
    insert into attempts (delivery_id, outcome) select id, $4 from part
"""


@pytest.mark.parametrize(
    ("state", "closed", "begun", "outcome", "looks"),
    [
        ("dead", True, "-1 minute", "dead", True),  # refused: it stands nowhere
        ("unknown", True, "1 minute", "unknown", True),  # begun when what follows the placeholder was there
        ("unknown", True, "-1 minute", "unknown", True),  # it may have arrived: what is there is read
        ("dead", True, "-1 minute", "lost", True),  # the same before it was given up
        ("sending", False, "-1 minute", "queued", False),  # its id may still come
        ("unknown", False, "-1 minute", "unknown", False),
    ],
)
async def test_what_may_still_get_an_id_is_waited_for_before_a_placeholder_is_looked_for(
    settings: Settings, state: str, closed: bool, begun: str, outcome: str, looks: bool
) -> None:
    async with rig(settings, work=True) as r:
        r.net.plan = fates("lost")
        await say(r.w, "telegram", "", telegram("hello #a1-1", message_id=next(r.net.numbers)))
        await r.w.until(lambda: r.net.final() == ["You said #a1-1"])
        await r.w.settle()
        await r.db.run(PART, state, closed, begun, outcome)
        await r.db.run(STANDING)
        if not looks:
            await r.w.until(lambda: r.db.value(LOOKED))
            assert not await none_left(r) and len(r.net.shown) == 2, "too early"
            await r.db.run("delete from outbox where body ? 'bare'")
        await looked(r)
        assert len(r.net.shown) == 1
        assert [c for c in r.net.calls if c.path.endswith("editMessageReplyMarkup")]


async def tried(r: Rig) -> bool:
    """Looked at until it is given up."""
    if not await under_way(r):
        await r.db.run(LAST)
        await sweeps.tidy(r.w.hub, r.w.runner)
    return await none_left(r)


async def test_words_of_an_earlier_conversation_that_may_have_arrived_are_not_taken_for_it(settings: Settings) -> None:
    """Ids of a chat are one row, however many conversations it had; the network tells what each of ours says."""
    async with rig(settings.changed(reconcile_seconds=1), work=True) as r:
        await r.w.parameters(splitAnswerIntoMessageChunks=True)
        r.model.default = says("one\n\ntwo\n\nthree")
        r.net.plan = fates("ok", "ok", "lost")
        await say(r.w, "telegram", "hello")
        given_up = "select count(*) = 1 from outbox where state = 'unknown' and closed_at is not null"
        await r.w.until(lambda: r.db.value(given_up))
        await r.w.settle()
        assert r.net.final() == ["one", "two", "three"]
        await r.db.run("update sessions set closed_at = now()")
        r.model.default = says("Hello")
        r.net.plan = fates("lost")
        await say(r.w, "telegram", "hello again")
        await r.w.until(lambda: "Hello" in r.net.final())
        await r.w.settle()
        assert await r.db.value("select count(*) = 2 from sessions")
        await r.db.run(STANDING)
        await r.w.until(lambda: tried(r))
        assert [s.text for s in r.net.shown] == ["one", "two", "three", "Hello"]
        assert not any(s.marked for s in r.net.shown)


async def test_words_of_a_conversation_that_was_deleted_stay(settings: Settings) -> None:
    """Nobody knows their ids any more, but that they are older than what the placeholder answers."""
    async with rig(settings, work=True) as r:
        await say(r.w, "telegram", "hello #a1-1")
        await r.w.until(lambda: r.net.final() == ["You said #a1-1"])
        await r.w.settle()
        await r.db.run("delete from sessions")
        r.net.plan = fates("lost")
        asked = next(r.net.numbers)  # ids of a chat are one row, whoever writes
        await say(r.w, "telegram", "", telegram("hello #a1-2", message_id=asked))
        await r.w.until(lambda: "You said #a1-2" in r.net.final())
        await r.w.settle()
        await looked(r)
        assert [s.text for s in r.net.shown] == ["You said #a1-1", "You said #a1-2"]


@pytest.mark.parametrize(("times", "stays"), [(4, False), (99, True)])
async def test_a_network_that_is_away_for_a_while_is_asked_again_and_one_that_stays_away_is_left(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, times: int, stays: bool
) -> None:
    monkeypatch.setattr(sweeps, "RETURN", 0.2)
    async with rig(settings, work=True) as r:
        r.net.plan = fates("lost")
        await say(r.w, "telegram", "hello #a1-1")
        await r.w.until(lambda: r.net.final() == ["You said #a1-1"])
        await r.w.settle()
        failed = count()
        r.net.plan = lambda path: "broken" if "ReplyMarkup" in path and next(failed) < GIVES_UP * times else "ok"
        await looked(r)
        await r.w.until(lambda: len(r.net.shown) == 1 + stays)
        assert next(failed) >= GIVES_UP * min(times, TRIES - 1), "asked so often"


async def looked(r: Rig) -> None:
    """As often as it takes, without the time in between."""
    async with asyncio.timeout(60):
        while not await none_left(r):
            if not await under_way(r):
                await r.db.run(WAITED, 2 if r.children else 0)
                if not r.children:
                    await sweeps.tidy(r.w.hub, r.w.runner)


async def none_left(r: Rig) -> bool:
    gone = not await r.db.value("select count(*) from stray_placeholders")
    return gone and not await under_way(r)


async def under_way(r: Rig) -> bool:
    """Whether this process looks now, which takes as long as the machine is busy. What is taken up for the last time is
    marked as over before it is begun."""
    await asyncio.sleep(0.05)
    return r.w.runner.busy > 0


@pytest.mark.parametrize(("choice", "said"), [("operator", 1), ("again", 2)])
async def test_what_fills_nothing_in_is_sent_again_only_where_the_customer_wants_it(
    settings: Settings, choice: str, said: int
) -> None:
    async with rig(settings.changed(reconcile_seconds=1), work=True) as r:
        await r.db.run("update integrations set when_unknown = $1", choice)
        await r.w.parameters(splitAnswerIntoMessageChunks=True)
        r.model.default = says("one\n\ntwo\n\nthree")
        r.net.plan = fates("ok", "ok", "lost")
        await say(r.w, "telegram", "hello")
        await r.w.until(lambda: "three" in r.net.final())
        await r.w.until(lambda: r.db.value("select count(*) = 0 from outbox where state = 'sending'"))
        assert r.net.final() == ["one", *["two"] * said, "three"]
        rows = await r.db.fetch("select state, code, resolution from outbox order by id")
        second = ("unknown", "unconfirmed", None) if choice == "operator" else ("sent", None, "resent")
        assert [tuple(row) for row in rows] == [("sent", None, None), second, ("sent", None, None)]


BUSY = {"ok": False, "error_code": 429, "description": "Too Many Requests", "parameters": {"retry_after": 30}}
AGED = "update left_placeholders set at = at - interval '1 hour', asked_at = null"


@pytest.mark.parametrize("how", ["expired", "cancelled", "replayed"])
async def test_a_placeholder_whose_part_is_given_up_is_taken_away(r: Rig, how: str) -> None:
    net(r).refuse("editMessageText", 429, BUSY, when=lambda b: "Hello" in str(b.get("text")))
    r.model.default = says("Hello")
    await say(r.w, "telegram", "hello")
    await r.w.until(lambda: r.db.value("select count(*) = 1 from outbox where placeholder <> '' and attempt > 0"))
    await r.w.until(lambda: r.db.value("select count(*) = 1 from outbox where state = 'queued'"))
    assert [s.text for s in net(r).shown] == [PLACEHOLDER]
    if how == "expired":
        await r.db.run("update outbox set expires_at = now() - interval '1 minute'")
    else:
        session = await r.db.value("select session_id from outbox")
        async with r.w.hub.db.transaction() as tx:
            assert await handoffs.switch(tx, r.w.account, None, session, True)
    await r.w.until(lambda: r.db.value("select count(*) = 1 from left_placeholders"))
    if how == "replayed":  # it is filled in after all
        net(r).refusals.clear()
        await r.db.run("update sessions set handoff_at = null, handoff_by = null, handoff_until = null")
        assert await outbox.replay_all(r.w.hub.db, r.w.account, None, None) == []  # what was cancelled is named
        assert await outbox.replay(r.w.hub.db, r.w.account, await r.db.value("select key from outbox")) == session
        await r.w.until(lambda: net(r).final() == ["Hello"])
    await r.db.run(AGED)
    await r.w.until(lambda: r.db.value("select count(*) = 0 from left_placeholders"))
    assert [s.text for s in net(r).shown] == (["Hello"] if how == "replayed" else [])


async def test_a_turn_that_says_nothing_takes_its_placeholder_away(r: Rig) -> None:
    """Also where the network does not let it go at once."""
    worker = {"workerScriptSource": "http://127.0.0.1:9/worker"}  # it lets nothing through
    await r.db.run("update gateways set parameters = parameters || $1", worker)
    await say(r.w, "telegram", "hello")
    await r.w.until(lambda: r.db.value("select count(*) = 1 from turns"))
    await r.w.until(lambda: net(r).shown == [])
    await r.w.until(lambda: r.db.value("select count(*) = 0 from left_placeholders"))
    net(r).refuse("deleteMessage", 429, BUSY, times=1)
    await say(r.w, "telegram", "hello again")
    await r.w.until(lambda: r.db.value("select count(*) = 2 from turns"))
    await r.w.until(lambda: net(r).paths("deleteMessage")[1:])
    assert [s.text for s in net(r).shown] == [PLACEHOLDER]
    await r.w.until(lambda: r.db.value("select count(*) = 1 from left_placeholders"))
    await r.db.run(AGED)
    await r.w.until(lambda: r.db.value("select count(*) = 0 from left_placeholders"))
    assert net(r).shown == []


async def test_one_of_a_part_that_another_process_has_by_now_is_taken_away(r: Rig) -> None:
    """Whoever has it makes one of its own."""
    net(r).plan, net(r).patience = fates("broken", "late"), 1.0
    r.model.default = says("Hello")
    await say(r.w, "telegram", "hello")
    await r.w.until(lambda: [s.text for s in net(r).shown] == [PLACEHOLDER])
    await r.db.run("update outbox set state = 'queued', not_before = now() + interval '1 hour', attempt = attempt + 1")
    await r.w.until(lambda: net(r).shown == [])


async def test_words_that_may_have_arrived_are_left_alone(r: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refused_parts, "WAITS", (30.0, 30.0, 30.0, 30.0))
    net(r).plan = lambda path: "lost" if path.endswith("editMessageText") else "ok"
    r.model.default = says("Hello")
    await say(r.w, "telegram", "hello")
    await r.w.until(lambda: r.db.value("select count(*) = 1 from outbox where state = 'queued' and body ? 'doubted'"))
    await r.db.run("update outbox set expires_at = now() - interval '1 minute'")
    await r.w.until(lambda: r.db.value("select count(*) = 1 from outbox where state = 'dead'"))
    assert await r.db.value("select count(*) from left_placeholders") == 0
    assert net(r).final() == ["Hello"], "they had arrived"
