"""Groups that want to be named, on the three WhatsApp networks."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hub.config import Settings
from tests.flows.picky import given, picky
from tests.flows.rig import Rig, rig
from tests.flows.test_answers import BODIES, say

Json = dict[str, Any]
WHATSAPP = ["zapi", "evolution", "kapso"]
GROUPS = {"zapi": "120363-group", "evolution": "120363040000000001@g.us", "kapso": "Y2FwaV9ncm91cDo1NTExOTg4ODgwMDAw1"}


@pytest.fixture
async def r(settings: Settings) -> AsyncIterator[Rig]:
    async with picky() as net, rig(settings, work=True, net=net) as one:
        await one.db.run("update integrations set groups = 'mention'")
        yield one


def grouped(channel: str, text: str, *, reply_to: str | None = None, called: str | None = None) -> Json:
    body = BODIES[channel](text)
    if channel == "zapi":
        more = {"isGroup": True, "phone": GROUPS[channel], "participantLid": "181234567890123@lid", "chatName": "Turma"}
        return body | more | {"connectedPhone": "5511988880000", "referenceMessageId": reply_to}
    if channel == "evolution":
        body["data"]["key"] |= {
            "remoteJid": GROUPS[channel],
            "participant": "181234567890123@lid",
            "addressingMode": "lid",
        }
        body["sender"] = "5511988880000@s.whatsapp.net"
        if reply_to:
            body["data"]["contextInfo"] = {"stanzaId": reply_to, "participant": "132754033377342@lid"}
        if called:
            body["data"]["contextInfo"] = {"mentionedJid": [called]}
        return body
    body["message"]["group_id"] = GROUPS[channel]
    if reply_to:
        body["message"]["context"] = {"id": reply_to}
    return body


async def rules(r: Rig) -> list[str | None]:
    return [x["rule"] for x in await r.db.fetch("select rule from inbox order by received_at, seq")]


def fresh(body: Json) -> Json:
    body["instance"] = "hub"
    body["data"]["messageTimestamp"] = int(time.time())
    return body


async def test_our_lid_calls_us(r: Rig) -> None:
    await say(r.w, "evolution", "", fresh(given("14")))
    await r.w.settle()
    assert len(r.net.final()) == 1 and await rules(r) == [None]


async def test_our_lid_is_learned_and_then_nobody_elses_calls_us(r: Rig) -> None:
    own = grouped("evolution", "hello from the phone")
    own["data"]["key"] |= {"fromMe": True, "participant": "132754033377342@lid"}
    await say(r.w, "evolution", "", own)
    assert await r.db.value("select own_ids from integrations where channel = 'evolution'") == ["lid:132754033377342"]
    await r.db.run("update sessions set handoff_at = null, handoff_until = null")
    await say(r.w, "evolution", "", grouped("evolution", "@190000000000001 hi", called="190000000000001@lid"))
    await say(r.w, "evolution", "", grouped("evolution", "@132754033377342 hi", called="132754033377342@lid"))
    await r.w.settle()
    assert await rules(r) == ["groups:mention", None]
    assert len(r.net.final()) == 1


async def test_the_name_of_somebody_in_the_group_does_not_call_us(r: Rig) -> None:
    await say(r.w, "evolution", "", grouped("evolution", "I am here"))
    await say(r.w, "evolution", "", grouped("evolution", "@181234567890123 hi", called="181234567890123@lid"))
    await r.w.settle()
    assert await rules(r) == ["groups:mention"] * 2 and r.net.final() == []


async def test_kapsos_groups_are_answered_when_the_number_is_called(r: Rig) -> None:
    body = given("16")
    body["entry"][0]["changes"][0]["value"]["metadata"]["phone_number_id"] = "100"
    await say(r.w, "kapso", "", body)
    await r.w.settle()
    assert [s.chat for s in r.net.shown] == [GROUPS["kapso"]]
    assert await r.db.value("select own_ids from integrations where channel = 'kapso'") == ["phone:5511988880000"]
    await say(r.w, "kapso", "", grouped("kapso", "@5511977770000 not you"))
    await say(r.w, "kapso", "", grouped("kapso", "@5511988880000 you again"))
    await r.w.settle()
    assert await rules(r) == [None, "groups:mention", None]


@pytest.mark.parametrize("channel", WHATSAPP)
async def test_a_reply_to_our_own_message_calls_us(r: Rig, channel: str) -> None:
    await say(r.w, channel, "", grouped(channel, "nobody is called"))
    await say(r.w, channel, "", grouped(channel, "@5511988880000 hello", called="5511988880000@s.whatsapp.net"))
    await r.w.settle()
    [shown] = r.net.shown
    await say(r.w, channel, "", grouped(channel, "and this?", reply_to=shown.id))
    await say(r.w, channel, "", grouped(channel, "nor here", reply_to="somebody-elses"))
    await r.w.settle()
    assert await rules(r) == ["groups:mention", None, None, "groups:mention"]
    assert len(r.net.final()) == 2
