"""A person is asked for on a network: what the bot says last is sent, and each message of a moment counts."""

from collections.abc import AsyncIterator

import pytest

from hub.chat.operators import handoff
from hub.chat.outbound import refused_parts
from hub.chat.turns import turn
from hub.config import Settings
from hub.ids import uuid7
from tests.api.test_tools_in_answers import calls
from tests.fakes.model import says
from tests.flows.picky import Picky, Refusal, picky
from tests.flows.rig import Rig, rig
from tests.flows.test_answers import say

LAST = "A colleague takes over."
ON = {"sentinelOptions": {"enabledFunctions": ["AskForHuman"]}}
EMAIL = "select metadata->>'anon:email' from sessions"


@pytest.fixture
async def made(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Rig, Picky]]:
    monkeypatch.setattr(refused_parts, "WAITS", (0.3, 0.3, 0.3, 0.3))
    async with picky() as net, rig(settings, work=True, net=net) as r:
        await r.db.run("update gateways set parameters = parameters || $1", ON)
        await r.db.run(
            "with o as (insert into operators (id, account_id, email, name, role)"
            " values ($1, $2, 'a@b.example', 'Ana', 'agent') returning id, account_id)"
            " insert into operator_presence (operator_id, account_id) select id, account_id from o",
            uuid7(), r.w.account,
        )
        yield r, net


def said(net: Picky) -> list[str]:
    return [str(body["message"]) for body in net.paths("send-text")]


async def called(r: Rig, net: Picky) -> Refusal:
    """The model calls a person; its words are refused the first time, and the conversation is a person's."""
    refused = net.refuse("send-text", 429, {"error": "slow down"}, 1)
    r.model.plan.extend([calls(("ask_for_human", '{"reason": "The order is lost."}')), says(LAST)])
    await say(r.w, "zapi", "My order is lost")
    await r.w.until(lambda: r.db.value("select handoff_at is not null from sessions"))
    assert refused.struck == 1
    return refused


async def test_the_words_of_a_bot_that_called_a_person_are_tried_again(made: tuple[Rig, Picky]) -> None:
    r, net = made
    await called(r, net)
    await r.w.settle()
    assert said(net) == [LAST, LAST], "refused once, then taken"
    assert [x["state"] for x in await r.db.fetch("select state from outbox")] == ["sent"]


async def test_what_a_bot_says_when_somebody_takes_over_by_themselves_is_not(made: tuple[Rig, Picky]) -> None:
    """Also in a conversation in which a person was called before."""
    r, net = made
    await called(r, net)
    await r.w.settle()
    session = await r.db.value("select id from sessions")
    await handoff.switch(r.w.hub, r.w.account, None, session, False)
    refused = net.refuse("send-text", 429, {"error": "slow down"})
    r.model.plan.append(says("I know nothing of it."))
    await say(r.w, "zapi", "And now?")
    await r.w.until(lambda: refused.struck)
    await handoff.switch(r.w.hub, r.w.account, None, session, True)
    await r.w.settle()
    assert [x["state"] for x in await r.db.fetch("select state from outbox order by id")] == ["sent", "cancelled"]


async def test_each_message_of_a_moment_counts(settings: Settings) -> None:
    """Nobody is there. Who asks, and who leaves an address, often says a word more; one in a question is none."""
    async with picky() as net, rig(settings, net=net) as r:
        await r.db.run("update gateways set parameters = parameters || $1", ON)

        async def answered(*texts: str) -> str:
            for text in texts:
                await say(r.w, "zapi", text)
            session = await r.db.value("select id from sessions")
            assert await turn.run(r.w.hub, session, now=True) is not None
            return said(net)[-1]

        assert "e-mail" in await answered("I want to talk to a human, please", "it is urgent")
        assert await answered("Can bo@example.com see my order #a1-1?") == "You said #a1-1"
        assert await r.db.value(EMAIL) == "bo@example.com"
        assert "ana@example.com" in await answered("ana@example.com", "thank you")
        assert await answered("Did cy@example.com write #b1-1?") == "You said #b1-1"
        assert await r.db.value(EMAIL) == "ana@example.com"
