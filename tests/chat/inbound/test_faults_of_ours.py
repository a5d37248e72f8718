"""A reader of webhook calls that breaks in a way nobody thought of loses none of them, and holds nobody else up."""

from collections.abc import AsyncIterator, Sequence

import pytest

from channels.base import Hook, Link
from channels.inbound import Inbound
from channels.telegram.send import Telegram
from channels.zapi.send import ZApi
from hub.config import Settings
from hub.runtime import Hub, open_hub
from tests.chat.inbound.test_journal import Http, another, door, post, said, update
from tests.flows.storm import zapi
from tests.flows.world import World


class Broken:
    """Breaks over one word, until it is mended."""

    mended = False


class BrokenTelegram(Telegram):
    def receive(self, link: Link, hook: Hook) -> list[Inbound]:
        return _checked(super().receive(link, hook))


class BrokenZApi(ZApi):
    def receive(self, link: Link, hook: Hook) -> list[Inbound]:
        return _checked(super().receive(link, hook))


def _checked(arrived: Sequence[Inbound]) -> list[Inbound]:
    if not Broken.mended and any("boom" in one.text for one in arrived):
        raise KeyError("nobody thought of it")
    return list(arrived)


@pytest.fixture
async def hub(settings: Settings) -> AsyncIterator[Hub]:
    async with open_hub(settings.changed(lease_seconds=2)) as one:
        for name, kind in (("telegram", BrokenTelegram), ("zapi", BrokenZApi)):
            whole = one.channels[name]
            whole.__class__ = kind
        Broken.mended = False
        yield one


@pytest.fixture
async def http(hub: Hub) -> AsyncIterator[Http]:
    async with door(hub) as one:
        yield one


async def _texts(w: World) -> list[str]:
    return [text for texts in (await said(w)).values() for text in texts]


async def test_the_network_is_told_to_come_again(http: Http, hub: Hub) -> None:
    one, two = await another(hub), await another(hub)
    boom = update(1, "boom")
    assert await post(http, one, boom) == 503
    assert await post(http, one, update(2, "and I")) == 200, "another person is stored"
    assert await post(http, two, update(1, "hello")) == 200
    Broken.mended = True
    assert await post(http, one, boom) == 200
    assert sorted(await _texts(one)) == ["and I", "boom"] and await _texts(two) == ["hello"]


async def test_what_is_never_sent_again_is_kept_on_disk(http: Http, hub: Hub) -> None:
    one, two = await another(hub), await another(hub)
    assert await post(http, one, zapi("551190", "Z1", "boom"), "zapi") == 200
    assert await post(http, two, zapi("551191", "Z2", "hello"), "zapi") == 200
    assert await _texts(one) == [] and await _texts(two) == ["hello"]
    Broken.mended = True

    async def stored() -> bool:
        return await _texts(one) == ["boom"]

    await one.until(stored)
