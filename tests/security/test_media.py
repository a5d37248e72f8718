"""What a model writes is fetched by nobody: no network is given an address, pages show foreign pictures as links."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hub import ids
from hub.chat.outbound import media_origins
from hub.chat.outbound.paragraphs import blocks
from hub.config import Settings
from tests.fakes.model import says
from tests.flows.picky import Picky, picky, picture, shelf
from tests.flows.rig import Rig, rig
from tests.flows.test_answers import say

NETWORKS = ("telegram", "zapi", "evolution", "kapso")
INSIDE = "http://169.254.169.254/latest/meta-data/iam/security-credentials/x.png"
METHODS = (
    f"![x]({INSIDE})", f"[x]({INSIDE})", f"Look:\n\n![x]({INSIDE})\n\nNice?", f"![a]({INSIDE}) ![b]({INSIDE})",
    "![x](https://leak.example/a.png?q=secret)", "[x](https://leak.example/report.pdf)", "[v](http://[::1]:9/v.mp4)",
    "![x](http://hub.example.evil.example/media/a.png)", "![x](https://hub.example@evil.example/media/a.png)",
    "![x](https://hub.example:444/media/a.png)", "![x](https://HUB.example/media/../secret.png)",
)


@pytest.fixture
async def r(settings: Settings) -> AsyncIterator[Rig]:
    async with picky() as net, rig(settings, work=True, net=net) as one:
        yield one


def net(r: Rig) -> Picky:
    assert isinstance(r.net, Picky)
    return r.net


def files(r: Rig) -> list[Any]:
    """What networks were asked to send as files."""
    kinds = ("photo", "image", "document", "video", "audio", "voice")
    return [t for t in net(r).final() if t.partition(":")[0] in kinds]


@pytest.mark.parametrize("channel", NETWORKS)
async def test_no_network_is_given_an_address_that_a_model_wrote(r: Rig, channel: str) -> None:
    for text in METHODS:
        r.model.plan.append(says(text))
        await say(r.w, channel, "picture?")
        await r.w.settle()
    assert files(r) == []
    said = "\n".join(net(r).final())
    assert "169.254.169.254" in said and "leak.example" in said, "it stays a link"


@pytest.mark.parametrize("channel", NETWORKS)
async def test_nobody_looks_at_a_link_to_show_what_is_behind_it(r: Rig, channel: str) -> None:
    r.model.plan.append(says("See https://leak.example/?q=secret"))
    await say(r.w, channel, "where?")
    await r.w.settle()
    texts = [c.body for c in net(r).calls if "leak.example" in str(c.body)]
    assert texts
    for body in texts:
        if channel == "telegram":
            assert orjson.loads(body["link_preview_options"]) == {"is_disabled": True}
        elif channel == "kapso":
            assert body["text"]["preview_url"] is False
        elif channel == "evolution":
            assert body["linkPreview"] is False
        else:
            assert set(body) <= {"phone", "message", "messageId", "delayMessage", "delayTyping"}


@pytest.mark.parametrize("channel", NETWORKS)
async def test_a_file_of_an_allowed_origin_goes_as_bytes_that_the_hub_fetched(r: Rig, channel: str) -> None:
    async with shelf(p_png=(picture(), "image/png")) as place:
        await r.w.parameters(allowedMediaOrigins=[place])
        r.model.plan.append(says(f"![x]({place}/p.png)"))
        await say(r.w, channel, "picture?")
        await r.w.settle()
        assert len(files(r)) == 1
        assert not any(place in str(c.body) for c in net(r).calls), "the address goes nowhere"


async def test_an_origin_that_another_chat_client_allows_is_not_ours(r: Rig) -> None:
    async with shelf(p_png=(picture(), "image/png")) as place:
        await r.db.run(
            "insert into clients (id, account_id, name, parameters) values ($1, $2, 'other', $3)", ids.uuid7(),
            r.w.account, {"allowedMediaOrigins": [place]},
        )
        r.model.plan.append(says(f"![x]({place}/p.png)"))
        await say(r.w, "evolution", "picture?")
        await r.w.settle()
    assert files(r) == []


async def test_an_allowed_origin_leads_nowhere_that_the_guard_forbids(r: Rig) -> None:
    """Its file is a way to an address inside: the hub does not go there, and the link stays."""

    async def away(request: web.Request) -> web.Response:
        raise web.HTTPFound(INSIDE)

    app = web.Application()
    app.router.add_get("/p.png", away)
    async with TestServer(app) as server:
        place = str(server.make_url("")).rstrip("/")
        await r.w.parameters(allowedMediaOrigins=[place])
        r.model.plan.append(says(f"![x]({place}/p.png)"))
        await say(r.w, "evolution", "picture?")
        await r.w.settle()
    assert files(r) == [] and net(r).final() == [f"x\n{place}/p.png"]


@pytest.mark.parametrize(
    ("content", "mime"),
    [(b"<html><script>1</script>", "image/png"), (b'{"secret": 1}', "application/json"), (b"", "image/png")],
    ids=["a page that calls itself a picture", "JSON", "nothing"],
)
async def test_what_is_no_file_of_its_kind_stays_a_link(r: Rig, content: bytes, mime: str) -> None:
    async with shelf(p_png=(content, mime)) as place:
        await r.w.parameters(allowedMediaOrigins=[place])
        r.model.plan.append(says(f"![x]({place}/p.png)"))
        await say(r.w, "evolution", "picture?")
        await r.w.settle()
    assert files(r) == []


async def test_a_part_that_waited_from_before_is_not_sent_by_its_address(r: Rig) -> None:
    """As an older version queued it: with the address and nothing else."""
    r.model.plan.append(says("hello"))
    await say(r.w, "evolution", "hi")
    await r.w.settle()
    file = {"url": INSIDE, "media": "image", "mime": "image/png", "alt": "x", "name": "x"}
    body = orjson.dumps({"file": file, "text": "", "plain": "x"}).decode()
    await r.db.run(
        "insert into outbox"
        " (account_id, session_id, message_id, part, integration_id, chat, mode, state, sha, key, body)"
        " select account_id, session_id, message_id, part + 7, integration_id, chat, mode, 'queued', sha,"
        f" gen_random_uuid(), '{body}'::jsonb from outbox"
    )
    await r.w.settle()
    assert files(r) == [] and any("169.254.169.254" in t for t in net(r).final())


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("https://hub.example/media/abc", True), ("https://hub.example.evil/media/abc", False),
        ("https://cdn.shop.example/a.png", True), ("https://CDN.shop.example:443/a.png", True),
        ("http://cdn.shop.example/a.png", False), ("https://cdn.shop.example:8443/a.png", False),
        ("https://a.b.wide.example/a.png", True), ("https://wide.example/a.png", False),
        ("https://evilwide.example/a.png", False), ("https://cdn.shop.example@evil.example/a.png", False),
        ("https://evil.example/?https://cdn.shop.example/a.png", False), ("https://cdn.shop.example:x/a.png", False),
    ],
)
def test_an_address_is_of_an_allowed_origin_or_not(url: str, taken: bool) -> None:
    allowed = {"allowedMediaOrigins": ["https://cdn.shop.example", "https://*.wide.example"]}
    origins = media_origins.of("https://hub.example", allowed)
    assert origins.takes(url) is taken
    assert [isinstance(b, dict) for b in blocks(f"![x]({url})", origins.takes)] == [taken]
    assert not media_origins.of("https://hub.example", {}).takes("https://cdn.shop.example/a.png")
