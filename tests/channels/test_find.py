"""What networks are asked about a message whose sending ended without an answer: twins, and answers in odd shapes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from channels.base import Download, Link
from channels.evolution.history import found
from channels.evolution.send import Evolution
from channels.inbound import Media
from channels.kapso.history import look
from channels.kapso.send import Kapso
from channels.outbound import File, Outbound
from channels.telegram.send import Telegram
from channels.zapi.send import ZApi
from tests.twins.rig import Rig, rig

Json = dict[str, Any]
ANA, BIA = "5511999990000", "5511888880000"
LONG_AGO = timedelta(days=3)


async def _fetch(url: str, headers: Any, limit: int) -> Download:
    raise AssertionError("nothing is fetched")


def _link(twins: Rig, **settings: str) -> Link:
    return Link("i", settings, "s", "https://hub.example/hook")


async def _sends(channel: Any, link: Link, twins: Rig, network: str) -> None:
    since = datetime.now(UTC)
    await twins.say(network, text="hello")
    out = Outbound(ANA, "key-1", "We open at *9*.", "We open at 9.")
    sought = await channel.find(link, out, since)
    assert sought.told and sought.ids == ()
    first = await channel.send(link, out)
    assert (await channel.find(link, out, since)).ids == (first,)
    other = Outbound(ANA, "key-2", "Anything else?", "Anything else?")
    sought = await channel.find(link, other, since)
    assert sought.told and sought.ids == (), "other words are another message"
    elsewhere = Outbound(BIA, "key-4", out.text, out.plain)
    assert (await channel.find(link, elsewhere, since)).ids == (), "nor another chat's"
    photo = Outbound(ANA, "key-3", out.text, out.plain, file=File(Media.IMAGE, "", ""))
    assert (await channel.find(link, photo, since)).ids == (), "nor are the same words below a picture"
    assert (await channel.find(link, out, since + timedelta(hours=1))).ids == (), "nor what was sent before"


async def test_evolution_and_kapso_tell_what_they_sent() -> None:
    async with rig() as twins, aiohttp.ClientSession() as http:
        evolution = Evolution(lambda _: http, _fetch)
        named = {"instanceName": "hub-teste", "apiKey": "FAKE-INSTANCE-TOKEN-0001"}
        link = _link(twins, endpointUrl=f"{twins.base}/evolution", **named)
        await evolution.register(link)
        await _sends(evolution, link, twins, "evolution")
        kapso = Kapso(http, _fetch, f"{twins.base}/kapso")
        await _sends(kapso, _link(twins, apiKey="k", phoneNumberId="100000000000001"), twins, "kapso")


async def test_kapso_is_read_page_by_page() -> None:
    async with rig(window="off") as twins, aiohttp.ClientSession() as http:
        kapso, since = Kapso(http, _fetch, f"{twins.base}/kapso"), datetime.now(UTC)
        link = _link(twins, apiKey="k", phoneNumberId="100000000000001")
        wanted = await kapso.send(link, Outbound(ANA, "first", "one", "one"))
        for n in range(120):
            await kapso.send(link, Outbound(BIA, f"k{n}", f"other {n}", f"other {n}"))
        assert (await kapso.find(link, Outbound(ANA, "first", "one", "one"), since)).ids == (wanted,)


async def test_evolution_is_read_page_by_page() -> None:
    """A chat in which much was said since is not one of which nothing is known; one that is too long is."""
    async with rig() as twins, aiohttp.ClientSession() as http:
        evolution, since = Evolution(lambda _: http, _fetch), datetime.now(UTC)
        named = {"instanceName": "hub-teste", "apiKey": "FAKE-INSTANCE-TOKEN-0001"}
        link = _link(twins, endpointUrl=f"{twins.base}/evolution", **named)
        wanted = await evolution.send(link, Outbound(ANA, "first", "one", "one"))
        for n in range(210):
            await evolution.send(link, Outbound(ANA, f"k{n}", f"other {n}", f"other {n}"))
        assert (await evolution.find(link, Outbound(ANA, "first", "one", "one"), since)).ids == (wanted,)
        absent = await evolution.find(link, Outbound(ANA, "never", "two", "two"), since)
        assert absent.told and absent.ids == ()
        for n in range(300):
            await evolution.send(link, Outbound(ANA, f"m{n}", f"more {n}", f"more {n}"))
        beyond = await evolution.find(link, Outbound(ANA, "first", "one", "one"), since)
        assert not beyond.told and beyond.ids == ()


async def test_the_others_cannot_tell() -> None:
    async with aiohttp.ClientSession() as http:
        for channel in (ZApi(http, _fetch, "http://127.0.0.1:1"), Telegram("http://127.0.0.1:1")):
            sought = await channel.find(Link("i", {}, "s", ""), Outbound("1", "k", "x", "x"), datetime.now(UTC))
            assert not sought.told and not sought.ids
            await channel.close()


def _record(text: str, at: datetime, own: bool = True) -> Json:
    key = {"remoteJid": f"{ANA}@s.whatsapp.net", "fromMe": own, "id": text}
    return {"key": key, "message": {"conversation": text}, "messageTimestamp": int(at.timestamp())}


NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("answer", "told", "ids"),
    [
        ({"messages": {"records": [_record("x", NOW), _record("hi", NOW, False)]}}, True, ("x",)),
        ([_record("x", NOW)], True, ("x",)),
        ({"messages": {"records": [_record("hi", NOW - LONG_AGO, False)]}}, False, ()),
        ({"messages": {"records": []}}, False, ()),
        ({"messages": {"records": [_record("hi", NOW, False)]}}, True, ()),
        ({"messages": {"records": [_record("hi", NOW, False)] * 100}}, False, ()),
        (None, False, ()),
        ({"messages": {"records": [{"key": None, "messageTimestamp": "never"}, 7, {}]}}, False, ()),
        ([{**_record("x", NOW), "messageTimestamp": {"low": int(NOW.timestamp()), "high": 0}}], True, ("x",)),
    ],
)
def test_evolution_is_believed_only_where_its_store_lives(answer: Any, told: bool, ids: tuple[str, ...]) -> None:
    sought = found(answer, Outbound(ANA, "k", "x", "x"), NOW, 100)
    assert (sought.told, sought.ids) == (told, ids)


def _listed(**more: Any) -> Json:
    kapso = {"direction": "outbound", "status": "sent"} | more.pop("kapso", {})
    return {"id": "w1", "type": "text", "text": {"body": "x"}, "kapso": kapso, **more}


@pytest.mark.parametrize(
    ("messages", "told", "ids"),
    [
        ([_listed(to=ANA)], True, ("w1",)),
        ([_listed(to=f"+{ANA}")], True, ("w1",)),
        ([_listed(to=BIA)], True, ()),
        ([_listed()], False, ()),
        ([_listed(to=ANA, kapso={"status": "failed"})], True, ()),
        ([_listed(text={"body": "y"}, kapso={"statuses": [{"biz_opaque_callback_data": "k"}]})], True, ("w1",)),
        ([_listed(to=ANA, kapso={"statuses": [{"biz_opaque_callback_data": "another"}]})], True, ()),
        ([_listed(kapso={"statuses": [{"recipient_id": ANA}]})], True, ("w1",)),
        ("none", False, ()),
    ],
)
def test_kapso_is_believed_where_it_says_to_whom(messages: Any, told: bool, ids: tuple[str, ...]) -> None:
    sought, following = look({"data": messages}, Outbound(ANA, "k", "x", "x"))
    assert (sought.told, sought.ids, following) == (told, ids, None)
