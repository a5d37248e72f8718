"""Visitors of a website: who may open a session, as whom, and what comes to them."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import jwt
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hub.chat.website import events
from hub.config import Settings
from tests.api.alone import api, provider
from tests.api.chatting import OGG, Visitor, visiting
from tests.api.conftest import Answer, Api, keys_of, providing, serving
from tests.fakes.model import refuses, says

__all__ = ["api", "provider"]

Json = dict[str, Any]
FREE = {"messagesPerHour": 0, "maxMessages": 0}


async def enter(api: Api, client: str, sent: Any = None, **headers: str) -> Answer:
    path = f"/api/v1/public/web-chat-clients/{client}/sessions"
    return await api.call("POST", path, {} if sent is None else sent, key="", headers=headers)


async def tag_of(api: Api, key: str) -> str | None:
    info = (await api.call("GET", f"/api/v1/public/chat-clients/{key}", key="")).body
    found: str | None = info["chatCreationData"]["tag"]
    return found


async def salt_of(api: Api) -> str:
    return str((await api.ok("GET", "/api/v1/accounts/api-key"))["salt"])


def signed(salt: str, tag: str) -> str:
    return hmac.new(salt.encode(), tag.encode(), hashlib.sha256).hexdigest()


def token(key: Any, algorithm: str = "HS256", **claims: Any) -> str:
    return jwt.encode({"sub": "ana-7", "exp": time.time() + 600, **claims}, key, algorithm=algorithm)


async def test_anybody_gets_a_session_of_their_own(api: Api) -> None:
    async with visiting(api, FREE, debug=True) as me:
        one, two = [(await enter(api, me.client, {"tag": "ana"})).body for _ in range(2)]
        assert one["accessKey"] != two["accessKey"], "a name without proof opens nobody's conversation"
        assert one["talkUrl"].endswith(f"/chat/{one['accessKey']}")
        tags = {await tag_of(api, k["accessKey"]) for k in (one, two)}
        assert len(tags) == 2 and all(t and t.startswith("anon:ana:") for t in tags)
        assert await tag_of(api, (await enter(api, me.client)).body["accessKey"]) is None
        same = await enter(api, me.client, {"tag": "ana", "accessKey": one["accessKey"], "attributes": {"plan": "pro"}})
        assert same.body["accessKey"] == one["accessKey"], "who has the key comes back"
        other = await enter(api, me.client, {"tag": "bob", "accessKey": one["accessKey"]})
        assert other.body["accessKey"] != one["accessKey"]
        seen = await api.ok("GET", f"/api/v1/web-chat-client/{me.client}/sessions/{one['sessionId']}")
        assert seen["metadata"] == {"anon:plan": "pro"}


async def test_a_person_proved_by_signature(api: Api) -> None:
    async with visiting(api, FREE, debug=True) as me:
        salt = await salt_of(api)
        sent = {"tag": "ana-7", "tagSignature": signed(salt, "ana-7"), "attributes": {"name": "Ana"}}
        one, two = (await enter(api, me.client, sent)).body, (await enter(api, me.client, sent)).body
        assert one["accessKey"] == two["accessKey"], "the same person on another device"
        assert await tag_of(api, one["accessKey"]) == "ana-7"
        for wrong in (signed(salt, "ana-8"), signed("other", "ana-7"), "", "é"):
            got = await enter(api, me.client, {**sent, "tagSignature": wrong})
            assert got.status == 403 and "tagSignature" in got.said
        stranger = (await enter(api, me.client, {"tag": "ana-7"})).body
        assert stranger["accessKey"] != one["accessKey"]


async def test_what_visitors_say_stands_beside_what_the_business_wrote(api: Api) -> None:
    async with visiting(api, FREE) as me:
        path = f"/api/v1/web-chat-client/{me.client}/sessions"
        opened = await api.ok("POST", path, {"tag": "ana-7", "metadata": {"plan": "gold", "crm": "17"}})
        who = {"tag": "ana-7", "tagSignature": signed(await salt_of(api), "ana-7")}
        for part in range(3):
            said = {f"{part}-{n}": "x" for n in range(15)}
            held = opened["accessKey"] if part else None
            got = await enter(api, me.client, {**who, "attributes": said, "accessKey": held})
            assert got.body["sessionId"] == opened["sessionId"]
        kept = (await api.ok("GET", f"{path}/{opened['sessionId']}"))["metadata"]
        assert kept["plan"] == "gold" and kept["crm"] == "17" and len(kept) == 22
        assert all(f"anon:2-{n}" in kept for n in range(15)), "the newest stay"


async def test_a_person_proved_by_token(api: Api) -> None:
    key, foreign = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    public = (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
    async with visiting(api, FREE, debug=True, identityPublicKey=public) as me:
        salt = await salt_of(api)
        one = (await enter(api, me.client, {"token": token(salt, name="Ana", email="a@shop.example")})).body
        two = (await enter(api, me.client, {"token": token(key, "ES256", aud=me.client)})).body
        assert one["accessKey"] == two["accessKey"] and await tag_of(api, one["accessKey"]) == "ana-7"
        seen = await api.ok("GET", f"/api/v1/web-chat-client/{me.client}/sessions/{one['sessionId']}")
        assert seen["metadata"] == {"name": "Ana", "email": "a@shop.example"}
        for wrong in (
            token("other" * 10),
            token(foreign, "ES256"),
            token(salt, exp=time.time() - 600),
            token(salt, aud="another"),
            token(salt, sub=""),
            token(salt, sub="x" * 201),
            jwt.encode({"sub": "ana-7"}, salt),
            "a.b.c",
            jwt.encode({"sub": "ana-7", "exp": time.time() + 600}, "", algorithm="none"),
            jwt.encode({"sub": "ana-7", "exp": time.time() + 600}, salt * 2, algorithm="HS512"),
        ):
            got = await enter(api, me.client, {"token": wrong})
            assert got.status == 403 and "token" in got.said, (wrong, got.body)
        bad = {"clientParameters": {"identityPublicKey": "none"}}
        assert (await api.call("PUT", f"/api/v1/web-chat-client/{me.client}", bad)).status == 400
        # A public key of ours is no secret, and must not work as one.
        forged = ".".join(token(key, "ES256").split(".")[:2])
        mac = hmac.new(public.encode(), forged.encode(), hashlib.sha256).digest()
        assert (await enter(api, me.client, {"token": f"{forged}.{mac.hex()}"})).status == 403


async def test_only_pages_that_may_embed_it(api: Api) -> None:
    async with visiting(api, FREE, allowedFrameOrigins=["https://shop.example", "https://*.aurora.example"]) as me:
        own = api.url.removeprefix("http://")
        for origin, status in (
            ("https://shop.example", 200),
            ("https://www.aurora.example", 200),
            (f"http://{own}", 200),
            ("https://aurora.example", 403),
            ("http://shop.example", 403),
            ("https://shop.example.evil.example", 403),
            ("https://evilaurora.example", 403),
            ("null", 403),
        ):
            got = await enter(api, me.client, Origin=origin)
            assert got.status == status, (origin, got.body)
            assert "Access-Control-Allow-Credentials" not in got.headers
        refused = await enter(api, me.client)
        assert refused.status == 403 and refused.body["code"] == "origin_refused"
        page = await api.call("GET", f"/c/{me.client}", key="")
        policy = page.headers["Content-Security-Policy"]
        assert "frame-ancestors 'self' https://shop.example https://*.aurora.example;" in policy
        assert "script-src 'self';" in policy and "require-trusted-types-for 'script'" in policy
        assert "unsafe" not in policy
        form = {"Origin": "https://evil.example"}
        assert (await api.call("POST", f"/c/{me.client}", key="", data={"text": "x"}, headers=form)).status == 403


async def test_the_ways_in_have_limits(api: Api) -> None:
    async with visiting(api, FREE) as me:
        for bad, status in (({"tag": "x" * 151}, 400), ({"attributes": {"a": 1}}, 400), ([], 400)):
            assert (await enter(api, me.client, bad)).status == status
        assert (await enter(api, str(uuid4()))).status == 404 and (await enter(api, "x")).status in (400, 404)
        assert (await api.call("GET", f"/c/{uuid4()}", key="")).status == 404
        assert (await api.call("GET", "/c/x", key="")).status == 404
        assert (await api.call("GET", f"/w/{uuid4()}.js", key="")).status == 404
        await api.ok("PUT", f"/api/v1/web-chat-client/{me.client}", {"aiGatewayId": None})
        assert (await enter(api, me.client)).status == 422
        assert (await api.call("GET", f"/c/{me.client}", key="")).status == 422
        statuses = [(await enter(api, str(uuid4()))).status for _ in range(3)]
        assert statuses == [404] * 3
    async with visiting(api, FREE) as me:
        # Two places come free each second: on a busy machine it takes more than 120 to run out of them.
        for _ in range(1000):
            got = await enter(api, me.client)
            if got.status == 429:
                break
        assert got.status == 429 and int(got.headers["Retry-After"]) >= 1


async def test_the_cookie(api: Api) -> None:
    """Over https of the embedding site's own; nobody else's page gets one."""
    async with visiting(api, FREE) as me:
        assert "Set-Cookie" not in (await enter(api, me.client, Origin="https://shop.example")).headers
        got = await enter(api, me.client, Origin=api.url)
        cookie = got.headers["Set-Cookie"]
        name, _, rest = cookie.partition("=")
        assert name.startswith("__Host-hub-") and rest.startswith(got.body["accessKey"])
        for part in ("HttpOnly", "Secure", "SameSite=None", "Partitioned", "Path=/", "Max-Age="):
            assert part in cookie
        kept: Any = {"Cookie": f"{name}={got.body['accessKey']}"}
        page = await api.call("GET", f"/c/{me.client}", key="", headers=kept)
        assert got.body["accessKey"] in page.body
        assert got.body["accessKey"] not in (await api.call("GET", f"/c/{me.client}?i", key="", headers=kept)).body
        again = await enter(api, me.client, Origin=api.url, **kept)
        assert again.body["accessKey"] == got.body["accessKey"]
        left = await api.call(
            "DELETE", f"/api/v1/public/web-chat-clients/{me.client}/sessions", key="", headers={"Origin": api.url}
        )
        assert left.status == 204 and "Max-Age=0" in left.headers["Set-Cookie"]
    async with visiting(api, FREE) as other:
        stolen = {"Cookie": f"__Host-hub-{UUID(other.client).hex}={got.body['accessKey']}"}
        page = await api.call("GET", f"/c/{other.client}", key="", headers=stolen)
        assert got.body["accessKey"] not in page.body, "a key of another chat client"


async def test_a_form_of_another_site_chooses_no_conversation(api: Api) -> None:
    """Neither by the key of a conversation of its own, nor by a new one in place of the visitor's."""
    async with visiting(api, FREE) as me:
        for path in (f"/chat/{me.key}", f"/c/{me.client}"):
            got = await api.call("POST", path, key="", data={"text": "x"}, headers={"Origin": "https://evil.example"})
            assert got.status == 303 and "Set-Cookie" not in got.headers, path
        got = await api.call("POST", f"/c/{me.client}", key="", data={"text": "x"}, headers={"Origin": api.url})
        assert got.status == 303 and "Set-Cookie" in got.headers


async def test_a_proved_persons_conversation_is_not_shown_to_the_next_one(api: Api) -> None:
    async with visiting(api, FREE) as me:
        sent = {"tag": "ana-7", "tagSignature": signed(await salt_of(api), "ana-7")}
        got = await enter(api, me.client, sent, Origin=api.url)
        kept: Any = {"Cookie": got.headers["Set-Cookie"].partition(";")[0]}
        assert got.body["accessKey"] not in (await api.call("GET", f"/c/{me.client}", key="", headers=kept)).body
        named = await enter(api, me.client, {"tag": "bob"}, Origin=api.url)
        kept = {"Cookie": named.headers["Set-Cookie"].partition(";")[0]}
        assert named.body["accessKey"] in (await api.call("GET", f"/c/{me.client}", key="", headers=kept)).body


@asynccontextmanager
async def heard(me: Visitor, after: int = 0, wanted: str = "turn") -> AsyncIterator[list[tuple[str, Json]]]:
    """Events until one of a kind; complete when the block ends."""
    found: list[tuple[str, Json]] = []

    async def read() -> None:
        async with me.api.http.get(f"{me.api.url}{me.base}/events?after={after}") as got:
            kind = ""
            async for raw in got.content:
                line = raw.decode().rstrip("\n")
                if line.startswith("event: "):
                    kind = line[7:]
                if line.startswith("data: "):
                    found.append((kind, orjson.loads(line[6:])))
                    if kind == wanted:
                        return

    task = asyncio.create_task(read())
    try:
        yield found
        await asyncio.wait_for(task, 10)
    finally:
        task.cancel()


def spelled(found: list[tuple[str, Json]]) -> str:
    """The text of the last turn as a page puts it together."""
    text = ""
    for kind, data in found:
        if kind == "delta":
            assert data["at"] <= len(text.encode("utf-16-le")) // 2, "no gap"
            text = text.encode("utf-16-le")[: data["at"] * 2].decode("utf-16-le") + data["text"]
    return text


async def test_a_message_is_answered_by_events(api: Api) -> None:
    async with visiting(api, FREE) as me:
        me.model.default = says("Grüße ", "🙂 ", *(f"{n} " for n in range(40)), delay=0.01)
        async with heard(me) as found:
            got = await me.call("POST", "/messages", {"content": "Hi", "clientMessageId": "c1"})
            assert got.status == 202 and got.body["person"] is False
        kinds = [k for k, _ in found]
        stored = [d for k, d in found if k == "message"]
        assert kinds[-1] == "turn" and kinds.count("delta") >= 3
        assert stored[0]["message_id"] == got.body["messageId"] and stored[0]["client_message_id"] == "c1"
        assert stored[-1]["role"] == "assistant" and stored[-1]["text"].startswith(spelled(found))
        again = await me.call("POST", "/messages", {"content": "Hi", "clientMessageId": "c1"})
        assert again.body == got.body and len(me.model.calls) == 1
        assert [r for r, _ in await me.said()] == ["user", "assistant"]


async def test_who_comes_in_the_middle_sees_all(api: Api) -> None:
    async with visiting(api, FREE) as me:
        me.model.default = says(*(f"word{n} " for n in range(60)), delay=0.02)
        async with heard(me, wanted="delta"):
            await me.call("POST", "/messages", {"content": "Hi"})
        async with heard(me) as late:
            pass
        assert late[0][0] == "delta" and late[0][1]["at"] == 0
        said = [d for k, d in late if k == "message"][-1]["text"]
        assert said.startswith(spelled(late)) and said.split() == [f"word{n}" for n in range(60)]


async def test_asked_again_once_however_often_it_is_sent(api: Api) -> None:
    async with visiting(api, FREE) as me:
        me.model.plan.extend([says("One."), says("Two."), says("Three.")])
        await me.prompt("Hi")
        async with heard(me) as found:
            for _ in range(2):
                got = await me.call("POST", "/messages", {"content": None, "clientMessageId": "again"})
                assert got.status == 202
        assert len([d for k, d in found if k == "gone"][0]["ids"]) == 2
        assert await me.said() == [("user", "Hi"), ("assistant", "Two.")] and len(me.model.calls) == 2
    async with visiting(api, FREE) as me:
        assert (await me.call("POST", "/messages", {"content": None})).status == 400


async def test_what_is_refused_stays_as_it_was(api: Api) -> None:
    """Asked again: beyond a limit, during an answer, or while a person has it, nothing is taken back."""
    again: Json = {"content": None, "clientMessageId": "again"}
    async with visiting(api, {"messagesPerHour": 1, "maxMessages": 0}) as me:
        await me.prompt("Hi")
        for _ in range(2):
            assert (await me.call("POST", "/messages", again)).status == 429
        assert await me.said() == [("user", "Hi"), ("assistant", "Hello from the model.")]
    async with visiting(api, FREE) as me:
        await me.prompt("Hi")
        me.model.default = says(*(f"w{n} " for n in range(200)), delay=0.03)
        async with heard(me, after=10**6) as found:
            await me.call("POST", "/messages", {"content": "More"})
            for way, sent in (("/messages", again), ("/prompt", {"prompt": []})):
                got = await me.call("POST", way, sent)
                assert got.status == 409 and got.body["code"] == "busy"
            await me.call("DELETE")
        assert [t for _, t in await me.said()][:3] == ["Hi", "Hello from the model.", "More"]
        assert not [k for k, d in found if k == "gone" and d["ids"]]
    async with visiting(api, FREE) as me:
        await me.prompt("Hi")
        path = f"/api/v1/web-chat-client/{me.client}/sessions/{me.session}"
        await api.ok("PUT", f"{path}/handoff", {"active": True})
        assert (await me.call("POST", "/messages", again)).body["code"] == "handoff"
        await api.ok("POST", f"{path}/messages", {"content": "I am Ana."})
        await api.ok("PUT", f"{path}/handoff", {"active": False})
        me.model.default = says("Better.")
        await me.prompt([], clientMessageId="x")
        assert await me.said() == [("assistant", "I am Ana."), ("user", "Hi"), ("assistant", "Better.")]
        calls = len(me.model.calls)
        tried = await me.prompt([], commit=False)
        assert tried["completionText"] == "Better." and len(me.model.calls) == calls + 1 and len(await me.said()) == 3


async def test_what_was_taken_back_while_nobody_listened(api: Api) -> None:
    async with visiting(api, FREE) as me:
        await me.prompt("Hi")
        shown = [m["message_id"] for m in (await me.info())["messages"]]
        await me.prompt([])
        async with heard(me, after=1, wanted="gone") as found:
            pass
        assert set(found[-1][1]["ids"]) == set(shown)


async def test_streams_of_one_conversation_are_counted(api: Api) -> None:
    async with visiting(api, FREE) as me:
        held = [await api.http.get(f"{api.url}{me.base}/events") for _ in range(20)]
        assert {h.status for h in held} == {200}
        assert (await me.call("GET", "/events")).status == 429
        for h in held:
            h.close()
        for _ in range(100):
            got = await api.http.get(f"{api.url}{me.base}/events")
            got.close()
            if got.status == 200:
                return
            await asyncio.sleep(0.1)
        raise AssertionError("closed streams still count")


async def test_a_stream_ends_with_its_key(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "IDLE", 0.1)
    async with visiting(api, FREE) as me:
        got = await api.http.get(f"{api.url}{me.base}/events")
        await api.hub.db.run("update sessions set closed_at = now()")
        await asyncio.wait_for(got.read(), 10)


async def test_many_messages_at_once_are_all_answered(api: Api) -> None:
    async with visiting(api, FREE) as me:
        me.model.default = says("Yes", delay=0.05)
        sent = [me.call("POST", "/messages", {"content": f"m{n}"}) for n in range(12)]
        assert {g.status for g in await asyncio.gather(*sent)} == {202}
        for _ in range(200):
            if not await api.hub.db.value("select last_seq > done_seq from sessions where id = $1", UUID(me.session)):
                break
            await asyncio.sleep(0.05)
        said = await me.said()
        assert {t for r, t in said if r == "user"} == {f"m{n}" for n in range(12)} and said[-1][0] == "assistant"


async def test_refused_messages(api: Api) -> None:
    async with visiting(api, {"messagesPerHour": 1, "maxMessages": 0}) as me:
        assert (await me.call("POST", "/messages", {"content": " "})).status == 400
        assert (await me.call("POST", "/messages", {})).status == 400
        assert (await me.call("POST", "/messages", {"content": "One"})).status == 202
        for _ in range(2):
            got = await me.call("POST", "/messages", {"content": "Two", "clientMessageId": "c2"})
            assert got.status == 429 and int(got.headers["Retry-After"]) >= 1
    async with visiting(api, FREE) as me:
        await api.ok("PUT", f"/api/v1/web-chat-client/{me.client}/sessions/{me.session}/handoff", {"active": True})
        got = await me.call("POST", "/messages", {"content": "Hello?"})
        assert got.status == 202 and got.body["person"] is True
        assert await me.said() == [("user", "Hello?")] and not me.model.calls


async def test_a_debounced_message_waits_for_more(api: Api) -> None:
    """`messageDebounceInterval`: the turn is due after it, and left to a worker."""
    async with visiting(api, FREE, messageDebounceInterval="00:00:30") as me:
        for text in ("One", "Two"):
            assert (await me.call("POST", "/messages", {"content": text})).status == 202
        due = await api.hub.db.value(
            "select extract(epoch from due_at - now())::float8 from sessions where due_at is not null"
        )
        assert 20 < due <= 30 and not me.model.calls
        page = (await api.call("GET", f"/chat/{me.key}", key="")).body
        assert page.count('<article class="user"') == 2, "what waits is shown"


async def test_stopped_and_failed(api: Api) -> None:
    async with visiting(api, FREE) as me:
        me.model.default = says(*(f"w{n} " for n in range(200)), delay=0.03)
        async with heard(me) as found:
            await me.call("POST", "/messages", {"content": "Hi"})
            for _ in range(200):
                if "w2" in spelled(found):
                    break
                await asyncio.sleep(0.02)
            await me.call("DELETE")
        last = [d for k, d in found if k == "message"][-1]
        assert last["stopped"] and last["text"].startswith("w0") and "w199" not in last["text"]
        me.model.default = refuses(400, "no")
        async with heard(me, after=10**6) as found:
            await me.call("POST", "/messages", {"content": "Again"})
        shown = (await me.info())["messages"][-1]
        assert shown["source"] == "system" and shown["content"]


async def test_without_scripts(api: Api) -> None:
    """A form that posts, and a page with the answer."""
    async with visiting(api, FREE, suggestionButtons=[{"label": "Prices", "prompt": "What does it cost?"}]) as me:
        me.model.default = says("Nine <euros>.")
        page = (await api.call("GET", f"/c/{me.client}", key="")).body
        assert f'action="/c/{me.client}"' in page and 'value="What does it cost?"' in page
        got = await api.call("POST", f"/c/{me.client}", key="", data={"text": "How much?"}, headers={"Origin": api.url})
        assert got.status == 303 and "Set-Cookie" in got.headers
        there = got.headers["Location"].partition("#")[0]
        page = (await api.call("GET", there, key="")).body
        assert "How much?" in page and "Nine &lt;euros&gt;." in page and f'action="{there}"' in page
        got = await api.call("POST", there, key="", data=[("text", ""), ("text", "What does it cost?")])
        assert got.status == 303 and me.asked[-1]["content"] == "What does it cost?"
        await api.ok("PUT", f"/api/v1/web-chat-client/{me.client}", {"limitingParameters": {"maxMessages": 1}})
        full = await api.call("POST", there, key="", data={"text": "More"})
        assert full.status == 422


@asynccontextmanager
async def speaking() -> AsyncIterator[tuple[str, list[tuple[str, Json, str]]]]:
    """A speech service that says OGG, and what it was asked."""
    asked: list[tuple[str, Json, str]] = []

    async def speak(request: web.Request) -> web.Response:
        key = request.headers.get("Authorization", "") or request.headers.get("xi-api-key", "")
        asked.append((request.raw_path, await request.json(), key))
        return web.Response(body=b"ID3" + OGG, content_type="audio/mpeg")

    app = web.Application()
    app.router.add_post("/{path:.*}", speak)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/"), asked


@pytest.fixture
async def voiced(settings: Settings) -> AsyncIterator[tuple[Api, list[tuple[str, Json, str]]]]:
    async with speaking() as (url, asked), providing() as provider:
        changed = settings.changed(speech_url=f"{url}/v1", speech_key="k-voice", eleven_url=url, eleven_key="k-eleven")
        async with serving(changed, provider) as (hub, at), aiohttp.ClientSession() as http:
            yield Api(hub, at, *await keys_of(hub), http), asked


async def test_answers_as_speech(voiced: tuple[Api, list[tuple[str, Json, str]]]) -> None:
    api, asked = voiced
    looks: Any = {
        "audioSynthesisSource": "Gpt4oTts",
        "audioSynthesisVoice": "onyx",
        "audioSynthesisInstruction": "Calmly.",
    }
    async with visiting(api, FREE, **looks) as me:
        me.model.default = says("**Nine** [euros](https://x.example).")
        await me.prompt("Hi")
        question, answer = [m["message_id"] for m in (await me.info())["messages"]]
        for _ in range(2):
            got = await me.call("GET", f"/messages/{answer}/audio")
            assert got.status == 200 and got.headers["Content-Type"] == "audio/mpeg"
        assert len(asked) == 1, "spoken once, then kept"
        path, body, key = asked[0]
        assert (path, key) == ("/v1/audio/speech", "Bearer k-voice")
        assert body == {
            "model": "gpt-4o-mini-tts",
            "voice": "onyx",
            "input": "Nine euros.",
            "response_format": "mp3",
            "instructions": "Calmly.",
        }
        assert (await me.call("GET", f"/messages/{question}/audio")).status == 404
        assert (await me.call("GET", f"/messages/{uuid4()}/audio")).status == 404

        async def change(**parameters: Any) -> None:
            await api.ok("PUT", f"/api/v1/web-chat-client/{me.client}", {"clientParameters": parameters})

        await change(audioSynthesisSource="ElevenMultilingualV2", audioSynthesisVoice="v/1")
        assert (await me.call("GET", f"/messages/{answer}/audio")).status == 200
        assert asked[-1] == (
            "/v1/text-to-speech/v%2F1",
            {"text": "Nine euros.", "model_id": "eleven_multilingual_v2"},
            "k-eleven",
        )
        await change(audioSynthesisSource="ElevenV3", audioSynthesisVoice=None)
        await me.call("GET", f"/messages/{answer}/audio")
        assert asked[-1][1] == {"text": "[Calmly.] Nine euros.", "model_id": "eleven_v3"}
        me.model.default = says("Short.")
        await change(summarizeTextBeforeAudioSynthesis=True)
        await me.call("GET", f"/messages/{answer}/audio")
        assert asked[-1][1]["text"] == "[Calmly.] Short."
        await change(audioSynthesisSource="None")
        assert (await me.call("GET", f"/messages/{answer}/audio")).status == 422


async def test_speech_is_made_once_and_paid_for(settings: Settings) -> None:
    async with speaking() as (url, asked), providing() as provider:
        changed = settings.changed(speech_url=f"{url}/v1", speech_price=2.5, billing=True)
        async with serving(changed, provider) as (hub, at), aiohttp.ClientSession() as http:
            api = Api(hub, at, *await keys_of(hub), http)
            await hub.db.run("update accounts set balance = 1")
            async with visiting(api, FREE, audioSynthesisSource="Gpt4oTts") as me:
                for _ in range(2):
                    await me.prompt("Hi")
                ids = [m["message_id"] for m in (await me.info())["messages"] if m["role"] == "assistant"]
                got = await asyncio.gather(*(me.call("GET", f"/messages/{ids[0]}/audio") for _ in range(5)))
                assert {g.status for g in got} == {200} and len(asked) == 1
                row = await hub.db.row("select quantity, amount from usage where sku = 'inference.speech'")
                size = len("Hello from the model.")
                assert row is not None and int(row["quantity"]) == size
                assert float(row["amount"]) == pytest.approx(size * 2.5 / 1000)
                await hub.db.run("update accounts set balance = 0")
                assert (await me.call("GET", f"/messages/{ids[1]}/audio")).status == 402 and len(asked) == 1
                assert (await me.call("GET", f"/messages/{ids[0]}/audio")).status == 200, "kept already"
                late = [await me.call("GET", f"/messages/{ids[1]}/audio") for _ in range(25)]
                assert late[-1].status == 429 and int(late[-1].headers["Retry-After"]) >= 1


async def test_speech_that_is_not_configured(api: Api) -> None:
    async with visiting(api, FREE, audioSynthesisSource="Gpt4oTts") as me:
        await me.prompt("Hi")
        answer = (await me.info())["messages"][-1]["message_id"]
        got = await me.call("GET", f"/messages/{answer}/audio")
        assert got.status == 422 and "HUB_SPEECH_URL" in got.said
