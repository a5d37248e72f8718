"""Voice in, voice out: an answer is said as well, behind its words, as a voice message of the network."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from hub.chat.operators import handoff
from hub.config import Settings
from hub.jobs import tasks
from tests.fakes.model import says
from tests.flows.net import Json
from tests.flows.picky import Picky, picky
from tests.flows.rig import Rig, rig
from tests.flows.test_answers import BODIES, say, telegram

OPUS = b"OggS\x00\x02" + bytes(200)
VOICE = {"file_id": "V1", "file_unique_id": "U1", "duration": 2, "mime_type": "audio/ogg"}


class Speech:
    """A service that speaks as it is told to."""

    def __init__(self) -> None:
        self.asked: list[Json] = []
        self.open = self.most = 0
        self.goes = asyncio.Event()
        self.goes.set()
        self.answer: Any = lambda: web.Response(body=OPUS, content_type="audio/ogg")

    async def __call__(self, request: web.Request) -> web.Response:
        self.asked.append(await request.json())
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            await self.goes.wait()
        finally:
            self.open -= 1
        made: web.Response = self.answer()
        return made


@pytest.fixture
async def made(settings: Settings) -> AsyncIterator[tuple[Rig, Picky, Speech]]:
    async with picky() as net:
        speech = Speech()
        net.replies += [("/audio/speech", speech)] * 20
        async with rig(settings.changed(speech_url=f"{net.url}/v1"), work=True, net=net) as r:
            r.model.default = says("We **open** at nine.")
            await r.w.parameters(audioSynthesisSource="Gpt4oTts", voiceAnswers="always")
            yield r, net, speech


def voices(net: Picky) -> list[str]:
    return [f"{s.network} {s.text}" for s in net.shown if s.text.startswith(("voice:", "audio:"))]


async def test_an_answer_is_said_on_every_network_behind_its_words(made: tuple[Rig, Picky, Speech]) -> None:
    r, net, speech = made
    for channel in BODIES:
        await say(r.w, channel, "hello")
    await r.w.until(lambda: len(voices(net)) == 4)
    await r.w.settle()
    assert [a["input"] for a in speech.asked] == ["We open at nine."] * 4
    assert {a["response_format"] for a in speech.asked} == {"opus"}
    for network in BODIES:
        told = [s.text.split(":")[0] for s in net.shown if s.network == network and s.text != "…"]
        assert [t in ("voice", "audio") for t in told] == [False, True], (network, told)
    assert await r.db.value("select count(*) from usage where sku = 'inference.speech'") == 4


async def test_it_is_said_to_who_spoke_and_only_where_it_is_wished(made: tuple[Rig, Picky, Speech]) -> None:
    r, net, speech = made
    await r.w.parameters(voiceAnswers="voice")
    await say(r.w, "telegram", "hello")
    await r.w.settle()
    spoken = telegram("")
    spoken["message"] = {**spoken["message"], "voice": VOICE}
    del spoken["message"]["text"]
    await say(r.w, "telegram", "", spoken)
    await r.w.until(lambda: len(voices(net)) == 1)
    await r.w.parameters(voiceAnswers="never")
    await say(r.w, "zapi", "hello")
    await r.w.settle()
    assert len(speech.asked) == 1


async def test_a_voice_that_fails_costs_no_words(made: tuple[Rig, Picky, Speech]) -> None:
    r, net, speech = made
    speech.answer = lambda: web.Response(status=500)
    await say(r.w, "telegram", "hello")
    await r.w.until(lambda: speech.asked)
    await r.w.settle()
    assert net.final() == ["We <b>open</b> at nine."]
    assert await r.db.value("select count(*) from outbox where state <> 'sent'") == 0


async def test_voices_that_hang_leave_room_for_the_rest_and_come_when_they_can(made: tuple[Rig, Picky, Speech]) -> None:
    r, net, speech = made
    speech.goes.clear()
    for channel in BODIES:
        await say(r.w, channel, "hello")
    await r.w.until(lambda: speech.open == tasks.VOICES - 1)
    await r.w.settle()
    assert speech.open == tasks.VOICES - 1 and len(net.final()) >= len(BODIES), "all words are there"
    speech.goes.set()
    await r.w.until(lambda: len(voices(net)) == 4)
    assert speech.most == tasks.VOICES - 1 and len(speech.asked) == 4


async def test_no_voice_comes_behind_a_person_who_took_over(made: tuple[Rig, Picky, Speech]) -> None:
    """The words could not be sent yet, and will not be."""
    r, net, speech = made
    speech.goes.clear()
    refused = net.refuse("send-text", 429, {"error": "slow down"})
    await say(r.w, "zapi", "hello")
    await r.w.until(lambda: speech.open and refused.struck)
    session = await r.db.value("select id from sessions")
    await r.w.until(lambda: r.db.value("select state = 'queued' from outbox"))
    await handoff.switch(r.w.hub, r.w.account, None, session, True)
    net.refusals.clear()
    speech.goes.set()
    await r.w.until(lambda: r.db.value("select count(*) = 1 from files where kind = 'voice note'"))
    await handoff.say(r.w.hub, r.w.account, None, session, "I am here.")
    await r.w.until(lambda: net.paths("send-text")[-1]["message"] == "I am here.")
    assert voices(net) == []
    assert [x["state"] for x in await r.db.fetch("select state from outbox order by id")] == ["cancelled", "sent"]
