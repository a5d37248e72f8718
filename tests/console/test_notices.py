"""Nobody misses a message: browsers and mails tell of what waits, once, to whom it concerns, and hold nobody up."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hub.accounts import web_push
from hub.accounts.accounts import create_account
from hub.chat.operators import notices as operators_notices
from hub.jobs import notices as telling
from hub.jobs.notices import Notifier
from hub.store import insights, notices
from tests.api.chatting import visiting
from tests.api.conftest import Api
from tests.console.alone import api, provider
from tests.console.conftest import Desk, signed_in
from tests.console.town import fill

__all__ = ["api", "provider"]
PLACE = "/console/settings/notices"
HELD = """
    update sessions set handoff_at = now(), handoff_by = $2, closed_at = null, due_at = null,
        last_user_at = now() - $3::text::interval, last_message_at = now() - $3::text::interval where id = $1
"""
NOBODY = "update sessions set handoff_at = null, handoff_by = null, last_user_at = null where account_id = $1"


@dataclass
class Browser:
    """What a browser keeps of a subscription, and its way to open what it is told."""

    endpoint: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(web_push.CURVE))
    auth: bytes = b"0123456789abcdef"

    @property
    def form(self) -> dict[str, str]:
        return {"endpoint": self.endpoint, "p256dh": web_push.public(self.key), "auth": web_push.coded(self.auth)}

    def opened(self, body: bytes) -> Any:
        salt, length = body[:16], body[20]
        theirs, rest = body[21:21 + length], body[21 + length:]
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(web_push.CURVE, theirs))
        ours = web_push.read(web_push.public(self.key))
        secret = HKDF(hashes.SHA256(), 32, self.auth, b"WebPush: info\x00" + ours + theirs).derive(shared)
        key = HKDF(hashes.SHA256(), 16, salt, b"Content-Encoding: aes128gcm\x00").derive(secret)
        nonce = HKDF(hashes.SHA256(), 12, salt, b"Content-Encoding: nonce\x00").derive(secret)
        return orjson.loads(AESGCM(key).decrypt(nonce, rest, None).rstrip(b"\x02"))


@dataclass
class Service:
    """A push service. answers: by path a status; None hangs until it is closed."""

    url: str = ""
    answers: dict[str, int | None] = field(default_factory=dict)
    told: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def of(self, path: str) -> list[bytes]:
        return [body for at, _, body in self.told if at == path]

    async def handle(self, request: web.Request) -> web.Response:
        self.told.append((request.path, dict(request.headers), await request.read()))
        status = self.answers.get(request.path, 201)
        if status is None:
            await self.over.wait()
        return web.Response(status=status or 500)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    made, app = Service(), web.Application()
    app.router.add_post("/{any:.*}", made.handle)
    server = TestServer(app)
    await server.start_server()
    made.url = f"http://127.0.0.1:{server.port}"
    try:
        yield made
    finally:
        made.over.set()
        await server.close()


@asynccontextmanager
async def notifying(api: Api) -> AsyncIterator[Callable[[], Any]]:
    """Look for what is to be told, and wait until it is told."""
    notifier = Notifier(api.hub)

    async def look() -> None:
        await notifier.look()
        while notifier._telling:
            await asyncio.wait(list(notifier._telling.values()))

    try:
        yield look
    finally:
        await notifier.close()


async def held(api: Api, desk: Desk, ago: str = "10 seconds") -> UUID:
    session: UUID = (await fill(api.hub, desk.who.account_id, 2))["sessions"][1]
    await api.hub.db.run(NOBODY, desk.who.account_id)
    await api.hub.db.run(HELD, session, desk.who.id, ago)
    return session


def test_a_body_is_sealed_as_the_standard_has_it() -> None:
    """The example of RFC 8291, section 5."""
    ours = ec.derive_private_key(
        int.from_bytes(web_push.read("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")), web_push.CURVE
    )
    theirs = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    body = web_push.sealed(
        b"When I grow up, I want to be a watermelon", web_push.read(theirs), web_push.read("BTBZMqHH6r4Tts7J_aSIgg"),
        web_push.read("DGv6ra1nlYgDCS1FRnbzlw"), ours,
    )
    assert web_push.coded(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3"
        "jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


async def test_a_browser_is_told_once_of_what_waits_for_its_operator(desk: Desk, api: Api, service: Service) -> None:
    browser = Browser(f"{service.url}/mine")
    page = await desk.done(f"{PLACE}/browser", **browser.form)
    assert "It is told" in page.text
    session = await held(api, desk)
    async with notifying(api) as look:
        await look()
        [(_, headers, body)] = service.told
        said = browser.opened(body)
        assert said == {
            "title": "Tomás Okafor", "body": "Waits for an answer · Telegram", "url": f"/console/inbox/{session}",
            "tag": str(session),
        }
        token, key = headers["Authorization"].removeprefix("vapid t=").split(", k=")
        point = ec.EllipticCurvePublicKey.from_encoded_point(web_push.CURVE, web_push.read(key))
        assert jwt.decode(token, point, ["ES256"], audience=service.url)["sub"] == api.hub.settings.address
        assert key in page.text and headers["Content-Encoding"] == "aes128gcm" and int(headers["TTL"]) > 0
        await look()
        assert len(service.told) == 1
        # A newer message is another one; what was seen, what is another's, and what comes in quiet hours is not told.
        await api.hub.db.run(HELD, session, desk.who.id, "5 seconds")
        await desk.done(PLACE, push="yes", of="mine", quietStart="00:00", quietEnd="24:00", zone="UTC")
        await look()
        assert len(service.told) == 1
        await desk.done(PLACE, push="yes", of="mine", quietStart="", quietEnd="", zone="UTC")
        await look()
        assert len(service.told) == 2
        await api.hub.db.run(HELD, session, desk.who.id, "2 seconds")
        await desk.get(f"/console/inbox/{session}")
        assert (await desk.post(f"/console/inbox/{session}/read")).status == 204
        await look()
        assert len(service.told) == 2


async def test_who_nobody_has_is_told_to_all_but_those_who_want_only_their_own(
    desk: Desk, api: Api, service: Service
) -> None:
    account = desk.who.account_id
    agent, viewer = await signed_in(api, "agent", account), await signed_in(api, "viewer", account)
    try:
        for name, one in (("owner", desk), ("agent", agent), ("viewer", viewer)):
            await one.done(f"{PLACE}/browser", **Browser(f"{service.url}/{name}").form)
        await desk.done(PLACE, push="yes", of="mine")
        session = (await fill(api.hub, desk.who.account_id, 2))["sessions"][0]
        await api.hub.db.run(NOBODY, desk.who.account_id)
        await api.hub.db.run(
            "insert into human_requests (session_id, account_id, state, asked_by) values ($1, $2, 'left', 'words')",
            session, desk.who.account_id,
        )
        async with notifying(api) as look:
            await look()
        assert [len(service.of(f"/{n}")) for n in ("owner", "agent", "viewer")] == [0, 1, 0]
    finally:
        await agent.http.close()
        await viewer.http.close()


async def test_what_was_put_away_waits_for_nobody(desk: Desk, api: Api, service: Service) -> None:
    """Neither as a notice nor in the number on every screen, until it comes back."""
    await desk.done(f"{PLACE}/browser", **Browser(f"{service.url}/mine").form)
    session = await held(api, desk)
    async with notifying(api) as look:
        for stand in ("closed", "reply"):
            await desk.post(f"/console/inbox/{session}/desk", stand=stand)
            await look()
            assert service.told == []
            assert orjson.loads((await desk.get("/console/waiting")).text) == {"waiting": 0}
        await desk.post(f"/console/inbox/{session}/desk", stand="open")
        await look()
        assert len(service.told) == 1
        assert orjson.loads((await desk.get("/console/waiting")).text) == {"waiting": 1}


async def test_what_is_assigned_is_told_to_whom_it_is(desk: Desk, api: Api, service: Service) -> None:
    """Also before they have taken it over, and to nobody else who wants only their own and what nobody has."""
    agent = await signed_in(api, "agent", desk.who.account_id)
    try:
        for name, one in (("owner", desk), ("agent", agent)):
            await one.done(f"{PLACE}/browser", **Browser(f"{service.url}/{name}").form)
        await agent.done(PLACE, push="yes", of="mine")
        session = (await fill(api.hub, desk.who.account_id, 2))["sessions"][0]
        await api.hub.db.run(NOBODY, desk.who.account_id)
        await api.hub.db.run(
            "insert into human_requests (session_id, account_id, state, asked_by) values ($1, $2, 'left', 'words')",
            session, desk.who.account_id,
        )
        await desk.post(f"/console/inbox/{session}/desk", to=f"o:{agent.who.id}")
        async with notifying(api) as look:
            await look()
        assert [len(service.of(f"/{n}")) for n in ("owner", "agent")] == [0, 1]
    finally:
        await agent.http.close()


async def test_what_is_gone_is_told_nothing(desk: Desk, api: Api, service: Service) -> None:
    count = "select count(*) from push_subscriptions where account_id = $1"
    service.answers |= {"/gone": 410, "/lost": 404, "/busy": 503}
    for name in ("gone", "lost", "busy"):
        await desk.done(f"{PLACE}/browser", **Browser(f"{service.url}/{name}").form)
    await held(api, desk)
    async with notifying(api) as look:
        await look()
    rows = await api.hub.db.fetch(
        "select endpoint, failures from push_subscriptions where account_id = $1", desk.who.account_id
    )
    assert [tuple(r) for r in rows] == [(f"{service.url}/busy", 1)]
    await desk.done(f"{PLACE}/off", endpoint=f"{service.url}/busy")
    assert await api.hub.db.value(count, desk.who.account_id) == 0
    await desk.done(f"{PLACE}/browser", **Browser(f"{service.url}/again").form)
    assert await api.hub.db.value(count, desk.who.account_id) == 1
    await desk.post("/console/logout")
    assert await api.hub.db.value(count, desk.who.account_id) == 0


async def test_a_service_that_wants_to_be_left_alone_costs_no_browser(
    desk: Desk, api: Api, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked once for all of them, and none is counted as failed: a busy day must not sign anybody off."""
    monkeypatch.setattr(operators_notices, "AT_ONCE", 1)
    service.answers |= {f"/crowded-{n}": 429 for n in range(3)}
    for n in range(3):
        await desk.done(f"{PLACE}/browser", **Browser(f"{service.url}/crowded-{n}").form)
    await held(api, desk)
    async with notifying(api) as look:
        await look()
    assert len(service.told) == 1
    failed = "select sum(failures), count(*) from push_subscriptions where account_id = $1"
    [row] = await api.hub.db.fetch(failed, desk.who.account_id)
    assert tuple(row) == (0, 3)


async def test_a_notice_is_small_and_its_topic_is_the_conversations(
    desk: Desk, api: Api, service: Service
) -> None:
    """Whatever somebody is called; two hear of one conversation by one topic, another's topic is another."""
    browser = Browser(f"{service.url}/small")
    await desk.done(f"{PLACE}/browser", **browser.form)
    session = await held(api, desk)
    long = "jsonb_build_object('name', repeat('😀', 3000))"
    name = f"update sessions set metadata = {long}, contact_id = null where id = $1"
    await api.hub.db.run(name, session)
    async with notifying(api) as look:
        await look()
    [(_, headers, body)] = service.told
    said, topic = browser.opened(body), headers["Topic"]
    assert len(body) < 2000 and said["title"] == "😀" * 80
    assert topic == web_push.topic(api.hub, said) != web_push.topic(api.hub, {"tag": "another"})
    assert len(topic) <= 32 and str(session) not in topic
    claims = jwt.decode(headers["Authorization"].split("t=")[1].split(",")[0], options={"verify_signature": False})
    assert claims["aud"] == service.url and claims["sub"] == api.hub.settings.address


async def test_addresses_that_are_none_of_a_push_service_are_refused(desk: Desk, service: Service) -> None:
    good = Browser(f"{service.url}/x").form
    for wrong in (
        {"endpoint": "http://push.example/x"}, {"endpoint": "file:///etc/passwd"}, {"endpoint": "https://u:p@push.example/"},
        {"p256dh": "AAAA"}, {"auth": "AAAA"}, {"auth": "é"}, {"endpoint": "https://push.example/" + "x" * 2000},
    ):
        assert (await desk.post(f"{PLACE}/browser", **{**good, **wrong})).status == 400, wrong


async def test_a_service_that_hangs_holds_up_nobody_of_another_account(desk: Desk, api: Api, service: Service) -> None:
    """What the two share: the look, the worker's loop, the outgoing connections."""
    other = await signed_in(api, "owner", (await create_account(api.hub.db, "Other")).id)
    service.answers["/hangs"] = None
    notifier = Notifier(api.hub)
    try:
        await desk.done(f"{PLACE}/browser", **Browser(f"{service.url}/hangs").form)
        await other.done(f"{PLACE}/browser", **Browser(f"{service.url}/fine").form)
        await held(api, desk)
        theirs = await held(api, other)
        await notifier.look()
        while not (service.of("/hangs") and service.of("/fine")):
            await asyncio.sleep(0.01)
        # The first still hangs: the other is told of its next one all the same.
        await api.hub.db.run(HELD, theirs, other.who.id, "2 seconds")
        while len(service.of("/fine")) < 2:
            await notifier.look()
            await asyncio.sleep(0.01)
        assert len(service.of("/hangs")) == 1 and len(notifier._telling) >= 1
    finally:
        service.over.set()
        await notifier.close()
        await other.http.close()


@pytest.mark.parametrize("known", [False, True])
async def test_services_that_hang_do_not_take_all_places(
    desk: Desk, api: Api, service: Service, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    """One place, and one for those who are slow. known: two hang, both were slow before: one waits for the other."""
    monkeypatch.setattr(telling, "ACCOUNTS", 1)
    monkeypatch.setattr(telling, "SLOW", 1)
    monkeypatch.setattr(telling, "PATIENCE", 0.05)
    others = [await signed_in(api, "owner", (await create_account(api.hub.db, "Other")).id) for _ in range(2)]
    service.answers |= {"/hangs": None, "/hangs-too": None}
    notifier = Notifier(api.hub)
    try:
        for one, path in ((desk, "/hangs"), (others[0], "/hangs-too" if known else "/quick"), (others[1], "/fine")):
            await one.done(f"{PLACE}/browser", **Browser(f"{service.url}{path}").form)
        await held(api, desk)
        if known:
            slow = {("push", one.who.account_id): float("inf") for one in (desk, others[0])}
            monkeypatch.setattr(notifier, "_slow", slow)
        await notifier.look()
        while not service.of("/hangs"):
            await asyncio.sleep(0.01)
        for one in others:
            await held(api, one)
        while not service.of("/fine"):
            await notifier.look()
            await asyncio.sleep(0.01)
        assert len(service.of("/hangs")) == 1 and service.of("/hangs-too") == []
        service.over.set()
        while known and not service.of("/hangs-too"):
            await notifier.look()
            await asyncio.sleep(0.01)
    finally:
        service.over.set()
        await notifier.close()
        for one in others:
            await one.http.close()


async def test_a_service_that_hangs_is_asked_once_for_all_its_browsers(
    desk: Desk, api: Api, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_push, "SECONDS", 0.2)
    monkeypatch.setattr(operators_notices, "AT_ONCE", 1)
    service.answers |= {f"/hangs-{n}": None for n in range(5)}
    for n in range(5):
        await desk.done(f"{PLACE}/browser", **Browser(f"{service.url}/hangs-{n}").form)
    await held(api, desk)
    async with notifying(api) as look:
        await look()
    assert len(service.told) == 1
    failed = "select count(*) from push_subscriptions where account_id = $1 and failures = 1"
    assert await api.hub.db.value(failed, desk.who.account_id) == 5


async def test_a_service_that_was_not_asked_has_not_failed(
    desk: Desk, api: Api, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others took all the time that a telling has: its browsers are told the next time, however often that happens."""
    monkeypatch.setattr(operators_notices, "LONGEST", 0.0)
    await desk.done(f"{PLACE}/browser", **Browser(f"{service.url}/healthy").form)
    await held(api, desk)
    async with notifying(api) as look:
        await look()
    assert service.told == []
    failures = "select failures from push_subscriptions where account_id = $1"
    assert await api.hub.db.value(failures, desk.who.account_id) == 0


async def test_what_a_screen_asks_for_by_itself_keeps_nobody_signed_in(desk: Desk, api: Api) -> None:
    old = "update operator_sessions set seen_at = now() - interval '5 minutes' where operator_id = $1"
    seen = "select max(seen_at) < now() - interval '4 minutes' from operator_sessions where operator_id = $1"
    await api.hub.db.run(old, desk.who.id)
    assert (await desk.get("/console/waiting")).status == 200
    async with desk.http.get(f"{api.url}/console/events") as got:
        await got.content.readany()
    assert await api.hub.db.value(seen, desk.who.id)
    await desk.get("/console/bots")
    assert not await api.hub.db.value(seen, desk.who.id)


async def test_a_zone_that_the_database_does_not_know_silences_nobody_else(
    desk: Desk, api: Api, service: Service
) -> None:
    agent = await signed_in(api, "agent", desk.who.account_id)
    try:
        strange = {"zone": "America/Nowhere", "quietStart": "00:00", "quietEnd": "24:00", "weekly": True}
        await api.hub.db.run("update operators set notices = $2 where id = $1", agent.who.id, strange)
        await desk.done(f"{PLACE}/browser", **Browser(f"{service.url}/mine").form)
        await held(api, desk)
        async with notifying(api) as look:
            await look()
        assert len(service.of("/mine")) == 1
        await insights.weekly(api.hub.db, 20)
    finally:
        await agent.http.close()


async def test_whose_week_was_refused_stands_in_nobodys_way(desk: Desk, api: Api) -> None:
    """It is tried again in an hour, after those who were not told yet, and not in the next minute."""
    at = "select weekly_at - now() + interval '6 days' from operators where id = $1"
    await insights.again(api.hub.db, desk.who.account_id, desk.who.id)
    assert timedelta() < await api.hub.db.value(at, desk.who.id) <= timedelta(hours=1)


TOLD = """
    insert into push_subscriptions (id, account_id, session_id, endpoint, p256dh, auth, told_at)
    select gen_random_uuid(), s.account_id, s.id, 'https://push.example/' || n, '', '', '2020-01-01'
    from sessions s, generate_series(1, $2) n where s.id = $1
"""
ANSWERED = """
    update sessions set last_message_at = now(), last_user_at = now() - interval '1 minute', closed_at = null
    where id = $1
"""


async def test_visitors_of_one_business_stand_in_no_others_way(desk: Desk, api: Api) -> None:
    """While so many of one account are being told, and of what they are told at once."""
    other = await signed_in(api, "owner", (await create_account(api.hub.db, "Other")).id)
    try:
        mine, theirs = [(await fill(api.hub, o.who.account_id, 1))["sessions"][0] for o in (desk, other)]
        for session, many in ((mine, 600), (theirs, 1)):
            await api.hub.db.run(ANSWERED, session)
            await api.hub.db.run(TOLD, session, many)
        await api.hub.db.run("update push_subscriptions set told_at = '2021-01-01' where session_id = $1", theirs)
        at_once = await notices.visitors(api.hub.db, [], 20)
        assert [sum(f["session_id"] == s for f in at_once) for s in (mine, theirs)] == [20, 1]
        await api.hub.db.run("update push_subscriptions set told_at = '2021-01-01' where session_id = $1", theirs)
        [one] = await notices.visitors(api.hub.db, [desk.who.account_id], 20)
        assert one["session_id"] == theirs
    finally:
        await other.http.close()


async def test_what_is_over_is_forgotten(desk: Desk, api: Api) -> None:
    """Browsers of visitors whose conversation has ended, and what somebody was told days ago."""
    kept, ended = (await fill(api.hub, desk.who.account_id, 2))["sessions"]
    told = """
        insert into notices (operator_id, session_id, account_id, way, at, told_at)
        values ($1, $2, $3, $4, now(), now() - $5::text::interval)
    """
    await api.hub.db.run("update sessions set closed_at = now() where id = $1", ended)
    await api.hub.db.run("update sessions set closed_at = null where id = $1", kept)
    for way, ago in (("push", "4 days"), ("mail", "2 days")):
        await api.hub.db.run(told, desk.who.id, kept, desk.who.account_id, way, ago)
    await api.hub.db.run(TOLD, kept, 1)
    await api.hub.db.run(TOLD, ended, 2)
    await notices.forget(api.hub.db)
    left = "select session_id from push_subscriptions where account_id = $1"
    assert [r[0] for r in await api.hub.db.fetch(left, desk.who.account_id)] == [kept]
    assert [r[0] for r in await api.hub.db.fetch("select way from notices")] == ["mail"]


async def test_every_screen_tells_how_many_wait(desk: Desk, api: Api, viewer: Desk) -> None:
    await held(api, desk)
    found = orjson.loads((await desk.get("/console/waiting")).text)
    assert found == {"waiting": 1}
    assert '<b id="badge" class="badge">1<' in (await desk.get("/console/bots")).text
    assert (await viewer.get(PLACE)).status == 200
    worker = await desk.get("/console/worker.js")
    assert worker.headers["Content-Type"].startswith("text/javascript") and "showNotification" in worker.text


async def test_a_visitor_is_told_of_an_answer_and_of_nothing_after_the_end(api: Api, service: Service) -> None:
    async with visiting(api, {"maxMessages": 0, "messagesPerHour": 0}) as me:
        await me.prompt("Hello?")
        browser, at = Browser(f"{service.url}/visitor"), f"{api.url}/chat/{me.key}/notify"
        page = await api.call("GET", f"/chat/{me.key}/notify", key="")
        assert web_push.public(web_push.identity(api.hub.sealer)) in page.body
        async with api.http.post(at, data={**browser.form, "auth": "x"}) as got:
            assert got.status == 400
        async with api.http.post(at, data=browser.form) as got:
            assert got.status == 200
        async with notifying(api) as look:
            await look()
            assert service.told == []
            await me.prompt("And now?")
            await look()
            [body] = service.of("/visitor")
            assert browser.opened(body) == {"tag": me.session}
            await look()
            assert len(service.told) == 1
            await api.ok("DELETE", f"/api/v1/web-chat-client/{me.client}/sessions/{me.session}")
            assert await api.hub.db.value("select count(*) from push_subscriptions where session_id is not null") == 0
