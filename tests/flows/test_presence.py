"""Marks of life while an answer is made: read and typing, as each integration wants them."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from hub.chat.operators import handoff
from hub.chat.turns import presence
from hub.config import Settings
from tests.flows.net import Call
from tests.flows.rig import Rig, echo, rig
from tests.flows.test_answers import BODIES, say

SLOW = 1.2
WORDS = {
    "sendChatAction": "typing", "sendPresence": "typing", "markMessageAsRead": "read", "read-message": "read",
}


@pytest.fixture
async def r(settings: Settings) -> AsyncIterator[Rig]:
    async with rig(settings, work=True) as one:
        yield one


def mark(call: Call) -> str | None:
    """What of life a call shows."""
    if call.body.get("status") == "read":
        return "both" if call.body.get("typing_indicator") else "read"
    return next((word for path, word in WORDS.items() if f"/{path}" in call.path), None)


def marks(r: Rig, channel: str | None = None) -> list[str]:
    paths = {"telegram": "/bot", "zapi": "/instances/", "evolution": "/hub", "kapso": "/meta/"}
    return [found for c in r.net.calls if (found := mark(c)) and (channel is None or paths[channel] in c.path)]


async def asked(r: Rig, shown: str, thinking: float, *channels: str) -> None:
    await r.db.run("update integrations set presence = $1", shown)
    r.model.default = echo(thinking)
    for channel in channels:
        await say(r.w, channel, "hello #a1-1")
    await r.w.settle()


BOTH = {"telegram": {"typing"}, "zapi": {"read"}, "evolution": {"read", "typing"}, "kapso": {"both"}}
TYPING = {"telegram": {"typing"}, "zapi": set(), "evolution": {"typing"}, "kapso": set()}
READ = {"telegram": set(), "zapi": {"read"}, "evolution": {"read"}, "kapso": {"read"}}


@pytest.mark.parametrize(
    ("shown", "wanted"), [("all", BOTH), ("typing", TYPING), ("read", READ), ("none", dict.fromkeys(BODIES, set()))]
)
async def test_what_is_shown_is_what_the_integration_wants(
    r: Rig, shown: str, wanted: dict[str, set[str]]
) -> None:
    await asked(r, shown, SLOW, *BODIES)
    assert {channel: set(marks(r, channel)) for channel in BODIES} == wanted


async def test_an_answer_that_is_there_at_once_is_read_but_not_typed(r: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "START", 3600.0)  # however slow this machine is
    await asked(r, "all", 0, *BODIES)
    await r.w.until(lambda: all(marks(r, channel) for channel in BODIES if READ[channel]))
    assert {channel: set(marks(r, channel)) for channel in BODIES} == READ


async def test_typing_begins_after_half_a_second_is_renewed_and_ends(r: Rig) -> None:
    began = time.monotonic()
    r.model.default = echo(4.5)
    await say(r.w, "evolution", "hello #a1-1")
    await r.w.until(lambda: marks(r))
    assert time.monotonic() - began >= 0.5
    await r.w.settle()
    shown = marks(r)
    assert shown.count("read") == 1 and shown.count("typing") >= 2
    await asyncio.sleep(2)
    assert marks(r) == shown, "nothing is shown behind the answer"


async def test_z_api_types_with_the_answer(r: Rig) -> None:
    await asked(r, "all", 0, "zapi")
    assert r.net.sent("send-text")[-1]["delayTyping"] == 1
    await asked(r, "read", 0, "zapi")
    assert "delayTyping" not in r.net.sent("send-text")[-1]


async def test_a_person_s_words_are_not_held_up_by_typing(r: Rig) -> None:
    await asked(r, "all", 0, "zapi")
    session = await r.db.value("select id from sessions")
    await handoff.switch(r.w.hub, r.w.account, None, session, True)
    await handoff.say(r.w.hub, r.w.account, None, session, "I am here.")
    await r.w.settle()
    assert [("delayTyping" in sent) for sent in r.net.sent("send-text")] == [True, False]


async def test_a_network_that_does_not_mark_holds_nobody_up(r: Rig) -> None:
    """One hangs with the mark of reading; its own answer and the other's come all the same."""

    ended: list[object] = []

    async def never(request: object) -> None:
        await asyncio.sleep(30)
        ended.append(request)

    r.net.replies += [("read-message", never)]
    await say(r.w, "zapi", "hello #a1-1")
    await say(r.w, "telegram", "hello #b1-1")
    await r.w.until(lambda: {str(b.get("message") or b.get("text")) for b in r.net.sent()} >= {
        "You said #a1-1", "You said #b1-1",
    })
    assert ended == [], "nobody waited for it"
