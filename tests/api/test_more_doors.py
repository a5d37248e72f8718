"""The smaller doors of OpenAI's: the older completions, models, speech, recordings, images, judgements, orders; and
what holds for all doors to a model."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from hub.accounts.accounts import create_account
from hub.accounts.keys import grant
from hub.domain import Json
from hub.processes.embedded import Server
from tests.api.door import Door, events, shared
from tests.fakes.model import cut, refuses, says

pytestmark = pytest.mark.asyncio(loop_scope="module")
HELLO = "Hello from the model."
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 30).decode()
HI = [{"role": "user", "content": "Hi"}]
ASKS: dict[str, Json] = {
    "/v1/chat/completions": {"messages": HI}, "/v1/responses": {"input": "Hi"}, "/v1/completions": {"prompt": "Hi"},
    "/v1/messages": {"messages": HI, "max_tokens": 9},
}


@dataclass
class Services:
    """What services of speech, of hearing and of images were asked."""

    url: str = ""
    calls: list[tuple[str, Any]] = field(default_factory=list)
    status: int = 200

    async def handle(self, request: web.Request) -> web.Response:
        multipart = request.content_type.startswith("multipart/")
        form = await request.post() if multipart else None
        sent: Json = {n: getattr(v, "filename", v) for n, v in form.items()} if form else await request.json()
        self.calls.append((request.path, sent))
        if self.status != 200:
            return web.json_response({"error": {"message": "no"}}, status=self.status)
        if request.path.endswith("/speech"):
            return web.Response(body=b"ID3 audio", content_type="audio/mpeg")
        if request.path.endswith("/transcriptions"):
            if sent["response_format"] == "srt":
                return web.Response(text="1\n00:00 --> 00:01\nHello\n")
            return web.json_response({"text": "Hello there."})
        return web.json_response({"data": [{"b64_json": PIXEL}] * int(sent["n"])})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def services_() -> AsyncIterator[Services]:
    found = Services()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.handle)
    async with TestServer(app) as server:
        found.url = str(server.make_url("/v1"))
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def door_(
    services_: Services, servers: tuple[Server, Server], sealing_key: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Door]:
    addresses = dict.fromkeys(("speech_url", "image_url", "transcription_url"), services_.url)
    more: Json = {"speech_price": 15.0, "image_price": 0.04, "transcription_price": 0.01}
    async with shared(servers, sealing_key, tmp_path_factory.mktemp("hub"), **addresses, **more) as one:
        yield one


@pytest.fixture
def door(door_: Door) -> Door:
    door_.model.default = None
    door_.model.plan.clear()
    return door_


@pytest.fixture
def services(services_: Services) -> Services:
    services_.calls.clear()
    services_.status = 200
    return services_


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bare(
    servers: tuple[Server, Server], sealing_key: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Door]:
    """A hub without any service, that bills and counts."""
    async with shared(
        servers, sealing_key, tmp_path_factory.mktemp("bare"), billing=True, requests_per_minute=3
    ) as one:
        logging = {"allowConversationsLogging": True}
        await one.hub.db.run("update accounts set balance = 1, parameters = parameters || $1", logging)
        yield one


def posted(door: Door, path: str, key: str | None = None, headers: Json | None = None, **sent: Any) -> Any:
    headers = {"Authorization": f"Bearer {key or door.key}", **(headers or {})}
    return door.http.post(door.url + path, json=sent, headers=headers)


async def ask(door: Door, path: str, **sent: Any) -> Any:
    async with posted(door, path, **sent) as r:
        found = await r.json(content_type=None) if "json" in r.content_type else await r.read()
        assert r.status == 200, found
        return found


async def refused(door: Door, path: str, **sent: Any) -> tuple[int, str, str | None]:
    async with posted(door, path, **sent) as r:
        found = await r.json(content_type=None)
        assert r.status >= 400, found
        return r.status, found["error"]["code"], found["error"]["param"]


async def test_several_prompts_and_answers(door: Door) -> None:
    id = await door.gateway()
    found = await ask(door, "/v1/completions", model=id, prompt=["One", "Two"], n=2, echo=True, max_tokens=5, stop="x")
    assert [(c["index"], c["text"], c["finish_reason"]) for c in found["choices"]] == [
        (0, "One" + HELLO, "stop"), (1, "One" + HELLO, "stop"), (2, "Two" + HELLO, "stop"), (3, "Two" + HELLO, "stop"),
    ]
    assert (found["object"], found["model"], found["usage"]["total_tokens"]) == ("text_completion", "fake-1", 68)
    assert (door.sent["max_completion_tokens"], door.sent["stop"]) == (5, "x")
    door.model.plan += [says("A", "B", finish="length"), says("C")]
    async with posted(
        door, "/v1/completions", model=id, prompt=["One", "Two"], stream=True, echo=True,
        stream_options={"include_usage": True},
    ) as r:
        told = await events(r)
    assert told.pop() == "[DONE]" and told.pop()["usage"]["total_tokens"] == 34
    texts = {n: "".join(c["text"] for e in told for c in e["choices"] if c["index"] == n) for n in (0, 1)}
    ends = [c["finish_reason"] for e in told for c in e["choices"] if c["finish_reason"]]
    assert texts == {0: "OneAB", 1: "TwoC"} and ends == ["length", "stop"]


async def test_probabilities_in_the_older_form(door: Door) -> None:
    seen = {"token": "Hi", "logprob": -0.5, "top_logprobs": [{"token": "Hi", "logprob": -0.5}]}

    async def act(request: web.Request, body: Json) -> web.StreamResponse:
        choice = {"message": {"content": "Hi"}, "logprobs": {"content": [seen]}, "finish_reason": "stop"}
        return web.json_response({"choices": [choice]})

    door.model.plan.append(act)
    found = await ask(door, "/v1/completions", model=await door.gateway(), prompt="x", logprobs=2)
    assert (door.sent["logprobs"], door.sent["top_logprobs"]) == (True, 2)
    assert found["choices"][0]["logprobs"] == {
        "tokens": ["Hi"], "token_logprobs": [-0.5], "top_logprobs": [{"Hi": -0.5}], "text_offset": [0],
    }


@pytest.mark.parametrize("sent", [
    {"suffix": "end"}, {"best_of": 2}, {"prompt": [1, 2]}, {"prompt": [[1]]}, {"prompt": []}, {"prompt": ["x"] * 21},
    {"n": 21}, {"nonsense": 1}, {"logprobs": 21}, {"prompt": ["x", ""]},
], ids=str)
async def test_what_the_older_form_cannot_do(door: Door, sent: Json) -> None:
    before = len(door.model.calls)
    found = await refused(door, "/v1/completions", **{"model": await door.gateway(), "prompt": "Hi", **sent})
    assert found[0] == 400 and found[2] in sent and len(door.model.calls) == before


async def test_the_second_of_two_prompts_fails(door: Door) -> None:
    door.model.plan += [says("A"), cut("B"), cut("B"), cut("B")]
    async with posted(
        door, "/v1/completions", model=await door.gateway(), prompt=["One", "Two"], stream=True
    ) as r:
        told = await events(r)
    assert told[-1] == "[DONE]" and told[-2]["error"]["code"]
    door.model.plan += [says("A"), refuses(400, "bad")]
    assert (await refused(door, "/v1/completions", model=await door.gateway(), prompt=["One", "Two"]))[0] == 400


async def test_models_have_names_for_people(door: Door) -> None:
    id = await door.gateway("Shop bot")
    listed = {m["id"]: m for m in (await get(door, "/v1/models"))[1]["data"]}
    assert listed[id]["display_name"] == "Shop bot" and listed["@hub/extractive"]["display_name"] == "extractive"
    for name in (id, listed[id]["slug"]):
        assert await get(door, f"/v1/models/{name}") == (200, listed[id])
    for name in ("@hub/extractive", "%40hub%2Fextractive"):
        assert await get(door, f"/v1/models/{name}") == (200, listed["@hub/extractive"])
    status, found = await get(door, "/v1/models/nothing")
    assert (status, found["error"]["code"]) == (404, "model_not_found")
    assert (await get(door, f"/v1/models/{id}", door.public))[0] == 200
    assert (await get(door, "/v1/models/@hub/extractive", door.public))[0] == 404


async def get(door: Door, path: str, key: str | None = None) -> tuple[int, Any]:

    url = URL(door.url + path, encoded=True)
    async with door.http.get(url, headers={"Authorization": f"Bearer {key or door.key}"}) as r:
        return r.status, await r.json(content_type=None)


async def test_speech(door: Door, services: Services) -> None:
    sent: Json = {"model": "tts-1", "input": "Hello", "voice": "alloy"}
    assert await ask(door, "/v1/audio/speech", **sent, instructions="Calm", speed=1.5) == b"ID3 audio"
    assert services.calls[-1][1] == {
        "model": "gpt-4o-mini-tts", "voice": "alloy", "input": "Hello", "response_format": "mp3",
        "instructions": "Calm", "speed": 1.5,
    }
    async with posted(door, "/v1/audio/speech", **sent, response_format="wav") as r:
        assert r.content_type == "audio/wav"
    [row] = [r for r in (await door.billed())[-1:] if r["sku"] == "inference.speech"]
    assert float(row["amount"]) == pytest.approx(0.075)
    for more in ({"stream_format": "sse"}, {"response_format": "mid"}, {"speed": 9}, {"input": ""}, {"nonsense": 1}):
        assert (await refused(door, "/v1/audio/speech", **{**sent, **more}))[0] == 400
    eleven = {**sent, "model": "eleven_v3"}
    assert (await refused(door, "/v1/audio/speech", **eleven, response_format="wav"))[2] == "response_format"
    status, code, _ = await refused(door, "/v1/audio/speech", **eleven)
    assert (status, code) == (422, "no_audio")
    services.status = 500
    assert (await refused(door, "/v1/audio/speech", **sent))[0] == 502


def recording(door: Door, key: str | None = None, file: bool = True, **fields: str) -> Any:
    form = aiohttp.FormData({"model": "whisper-1", **fields})
    if file:
        form.add_field("file", b"RIFF0000WAVE", filename="a.wav", content_type="audio/wav")
    headers = {"Authorization": f"Bearer {key or door.key}"}
    return door.http.post(f"{door.url}/v1/audio/transcriptions", data=form, headers=headers)


async def test_recordings(door: Door, services: Services) -> None:
    async with recording(door, language="pt", prompt="Names", temperature="0") as r:
        assert (r.status, await r.json()) == (200, {"text": "Hello there."})
    assert services.calls[-1][1] == {
        "language": "pt", "prompt": "Names", "temperature": "0", "model": "whisper-1", "response_format": "json",
        "file": "a.wav",
    }
    async with recording(door, response_format="srt") as r:
        assert r.status == 200 and "-->" in await r.text()
    assert (await door.billed())[-1]["sku"] == "inference.transcription"
    wrong: tuple[tuple[Json, str], ...] = (
        ({"stream": "true"}, "stream"), ({"response_format": "doc"}, "response_format"), ({"more": "1"}, "more"),
    )
    for fields, name in wrong:
        async with recording(door, **fields) as r:
            assert (r.status, (await r.json(content_type=None))["error"]["param"]) == (400, name)
    async with recording(door, file=False) as r:
        assert (r.status, (await r.json(content_type=None))["error"]["param"]) == (400, "file")
    # A gateway whose model hears is asked itself.
    door.model.plan.append(says("Olá."))
    id, asked = await door.gateway(), len(services.calls)
    async with recording(door, model=id, response_format="text") as r:
        assert (r.status, await r.text()) == (200, "Olá.\n")
    parts = door.sent["messages"][-1]["content"]
    assert parts[1]["input_audio"]["format"] == "wav" and len(services.calls) == asked
    async with recording(door, model=id, response_format="srt") as r:
        assert r.status == 400
    for status, told in ((400, 400), (500, 502), (429, 502)):
        services.status = status
        async with recording(door) as r:
            assert r.status == told


async def test_images(door: Door, services: Services) -> None:
    found = await ask(door, "/v1/images/generations", prompt="A tree", n=2, size="1024x1536", quality="high")
    assert [d["b64_json"] for d in found["data"]] == [PIXEL] * 2
    path, sent = services.calls[-1]
    assert path == "/v1/images/generations" and (sent["n"], sent["size"], sent["quality"]) == (2, "1024x1536", "high")
    assert float((await door.billed())[-1]["amount"]) == pytest.approx(0.08)
    [one] = (await ask(door, "/v1/images/generations", prompt="A tree", response_format="url"))["data"]
    assert one["url"].startswith(f"{door.hub.settings.address}/media/") and one["b64_json"] is None
    for more in (
        {"size": "9x9"}, {"quality": "best"}, {"n": 5}, {"stream": True}, {"output_format": "webp"}, {"prompt": ""},
    ):
        found_ = await refused(door, "/v1/images/generations", **{"prompt": "A tree", **more})
        assert found_[0] == 400 and found_[2] in more
    services.status = 500
    assert (await refused(door, "/v1/images/generations", prompt="A tree"))[0] == 502


async def test_judgements(door: Door) -> None:
    scores = {"violence": 8, "sexual": 0, "political": 2, "dangerous": 0, "jailbreak": 0}
    door.model.default = says(orjson.dumps(scores).decode())
    id = await door.gateway()
    found = await ask(door, "/v1/moderations", model=id, input=["a", "b"])
    assert [r["flagged"] for r in found["results"]] == [True, True] and found["model"] == id
    one = found["results"][0]
    assert one["categories"]["violence"] and one["category_scores"]["violence"] == 0.8
    assert one["category_applied_input_types"]["political"] == ["text"]
    # What nobody looked for is not said to be clean.
    assert one["category_applied_input_types"]["self-harm"] == []
    rows = [r for r in await door.billed() if r["sku"].startswith("inference.moderation")]
    assert len({r["sku"] for r in rows}) >= 1
    parts = [{"type": "text", "text": "a"}]
    assert len((await ask(door, "/v1/moderations", model=id, input=parts))["results"]) == 1
    assert (await refused(door, "/v1/moderations", model="nothing", input="x"))[1] == "model_not_found"
    image = [{"type": "image_url", "image_url": {"url": "x"}}]
    for given in (image, [], ["x"] * 33, [1], "x" * 100_001):
        assert (await refused(door, "/v1/moderations", model=id, input=given))[0] == 400
    door.model.default = says("no judgement")
    assert (await refused(door, "/v1/moderations", model=id, input="x"))[0] == 502


async def test_orders(door: Door) -> None:
    texts = ["The shop opens at nine.", "Bicycles can be returned within thirty days.", {"text": "We bake bread."}]
    sent: Json = {"query": "When can I return a bicycle?", "documents": texts}
    found = await ask(door, "/v1/rerank", **sent, return_documents=True)
    assert [r["index"] for r in found["results"]][0] == 1 and found["model"] == "@hub/e5-small"
    scores = [r["relevance_score"] for r in found["results"]]
    assert scores == sorted(scores, reverse=True) and all(0 <= s <= 1 for s in scores)
    assert found["results"][0]["document"] == {"text": texts[1]}
    door.model.plan.append(says("[2, 3]"))
    found = await ask(door, "/v1/rerank", **sent, model=await door.gateway(), top_n=2)
    assert [r["index"] for r in found["results"]] == [1, 2]
    wrong: tuple[Json, ...] = (
        {"documents": []}, {"documents": [{"title": "x"}]}, {"top_n": 0}, {"query": ""}, {"rank_fields": []},
    )
    for more in wrong:
        assert (await refused(door, "/v1/rerank", **{**sent, **more}))[0] == 400
    assert (await refused(door, "/v1/rerank", **sent, model="nothing"))[0] == 404


async def _broken() -> bool:
    raise RuntimeError("the model's file is damaged")


async def test_words_order_while_the_embedder_rests(door: Door, bare: Door) -> None:
    texts = ["We bake bread.", "A bicicleta volta em trinta dias.", "Bicycles can be returned within thirty days."]
    sent: Json = {"query": "When can I return a bicycle?", "documents": texts, "top_n": 2}
    assert await bare.hub.embedder.rest.tried([bare.account], _broken, 60) is None
    found = await ask(bare, "/v1/rerank", **sent)
    assert found["model"] == "words" and {r["index"] for r in found["results"]} == {1, 2}
    assert all(0 < r["relevance_score"] <= 1 for r in found["results"])
    assert (await ask(door, "/v1/rerank", **sent))["model"] == "@hub/e5-small"


@pytest.mark.parametrize(("path", "sent", "setting"), [
    ("/v1/audio/speech", {"model": "tts-1", "input": "x"}, "HUB_SPEECH_URL"),
    ("/v1/audio/speech", {"model": "eleven_v3", "input": "x"}, "HUB_ELEVEN_KEY"),
    ("/v1/images/generations", {"prompt": "x"}, "HUB_IMAGE_URL"),
    ("/v1/moderations", {"input": "x"}, "HUB_HELPER_MODEL"),
    ("/v1/responses", {"model": "@hub/extractive", "input": "x", "tools": [{"type": "web_search"}]}, "HUB_SEARCH_URL"),
])
async def test_what_is_not_set_up_names_its_setting(bare: Door, path: str, sent: Json, setting: str) -> None:
    key = await grant(bare.hub.db, bare.account, "one", None)
    async with posted(bare, path, key, **sent) as r:
        found = await r.json(content_type=None)
        assert r.status in (400, 422) and setting in found["error"]["message"], found


async def test_recordings_that_nobody_hears_name_their_setting(bare: Door) -> None:
    async with recording(bare, await grant(bare.hub.db, bare.account, "one", None)) as r:
        found = await r.json(content_type=None)
        assert r.status == 422 and "HUB_TRANSCRIPTION_URL" in found["error"]["message"]


@pytest.mark.parametrize("path", ASKS)
async def test_every_door_counts_bills_logs_and_shares(bare: Door, path: str) -> None:
    db, sent = bare.hub.db, ASKS[path]
    public = await grant(db, bare.account, "web", None, "public", origins=["https://shop.example"])
    id = await bare.gateway()
    # No balance, no answer.
    poor = await grant(db, (await create_account(db, "Poor")).id, "poor", None)
    async with posted(bare, path, poor, model="@hub/extractive", **sent) as r:
        assert r.status == 402
    count, logged = "select count(*) from usage where account_id = $1", "select count(*) from conversations"
    before = [await db.value(count, bare.account), await db.value(logged)]
    # Of the account's pages alone, and no others'.
    page = {"Origin": "https://shop.example"}
    other = await grant(db, bare.account, "log", None)
    async with posted(bare, path, other, model=id, **sent) as r:
        assert r.status == 200, await r.text()
    async with posted(bare, path, public, headers=page, model=id, **sent) as r:
        assert r.status == 200 and r.headers["Access-Control-Allow-Origin"] == page["Origin"], await r.text()
    async with posted(bare, path, public, headers={"Origin": "https://evil.example"}, model=id, **sent) as r:
        assert r.status == 403 and "Access-Control-Allow-Origin" not in r.headers
    async with bare.http.options(bare.url + path, headers=page) as r:
        assert r.status == 204 and r.headers["Access-Control-Allow-Origin"] == page["Origin"]
    after = [await db.value(count, bare.account), await db.value(logged)]
    assert all(a > b for a, b in zip(after, before, strict=True))
    # Three a minute, whichever door.
    statuses = []
    for _ in range(4):
        async with posted(bare, path, other, model=id, **sent) as r:
            statuses.append(r.status)
            assert r.status != 429 or int(r.headers["Retry-After"]) > 0
    assert statuses == [200, 200, 429, 429]


@pytest.mark.parametrize("path", ASKS)
async def test_two_gateways_one_of_them_broken(door: Door, path: str) -> None:
    """The trouble of one model stays its own at every door."""
    door.model.default = None
    broken = await door.gateway(modelName="broken", baseAddress="http://127.0.0.1:9/v1")
    whole = await door.gateway(modelName="whole")
    for _ in range(6):
        async with posted(door, path, model=broken, **ASKS[path]) as r:
            assert r.status == 502
    async with posted(door, path, model=whole, **ASKS[path]) as r:
        assert r.status == 200
