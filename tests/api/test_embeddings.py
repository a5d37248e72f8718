"""Embeddings over HTTP, with OpenAI's own client and by hand."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from hub.accounts.accounts import create_account
from hub.accounts.keys import grant
from hub.llm.embedder import MODEL
from tests.api.door import Door
from tests.fakes.model import Act, raw, refuses
from tests.later import later

if TYPE_CHECKING:
    import openai
else:
    openai = later("openai")

INPUTS = Path(__file__).parents[1] / "llm" / "inputs"
TEXTS = ["Pets are welcome for 20 euros a night.", "A piscina fecha às dez.", "The pool closes at ten."]


def cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


async def test_with_the_official_client(door: Door) -> None:
    async with openai.AsyncOpenAI(api_key=door.key, base_url=f"{door.url}/v1", max_retries=0) as client:
        # The client asks for base64 unless told otherwise.
        packed = await client.embeddings.create(model=MODEL, input=TEXTS)
        plain = await client.embeddings.create(model=MODEL, input=TEXTS, encoding_format="float", dimensions=384)
        asked = await client.embeddings.create(
            model=MODEL, input="can I bring my dog?", extra_body={"input_type": "query"}
        )
        with pytest.raises(openai.BadRequestError) as refused:
            await client.embeddings.create(model="text-embedding-3-small", input="x")
    assert refused.value.param == "model" and MODEL in refused.value.message
    assert [d.index for d in packed.data] == [0, 1, 2] and packed.model == MODEL
    for one, other in zip(packed.data, plain.data, strict=True):
        assert one.embedding == pytest.approx(other.embedding, abs=1e-6)
        assert len(one.embedding) == 384 and cosine(one.embedding, one.embedding) == pytest.approx(1, abs=1e-5)
    vectors = [d.embedding for d in plain.data]
    assert cosine(vectors[1], vectors[2]) > cosine(vectors[0], vectors[2])
    near = [cosine(asked.data[0].embedding, v) for v in vectors]
    assert max(near) == near[0]
    assert packed.usage.prompt_tokens == packed.usage.total_tokens == plain.usage.total_tokens > 20
    rows = await door.hub.db.fetch("select sku, quantity::int as quantity from usage order by id")
    assert [(r["sku"], r["quantity"]) for r in rows[:1]] == [("inference.embeddings.in", packed.usage.total_tokens)]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"input": [1, 2, 3]}, "send the text itself"),
        ({"input": [[1, 2], [3]]}, "send the text itself"),
        ({"input": []}, "1 to 2,048"),
        ({"input": ["x"] * 2049}, "1 to 2,048"),
        ({"input": ["x", " "]}, "input.1"),
        ({"input": "palavra " * 9000}, "8,192"),
        ({"input": ["a " * 8000] * 40}, "300,000"),
        ({"input": "x" * 100_001}, "100,000"),
        ({"input": None}, "input"),
        ({"dimensions": 256}, "dimensions"),
        ({"encoding_format": "int8"}, "encoding_format"),
        ({"model": "@hub/e5-large"}, "@hub/e5-small"),
        ({"input_type": "code"}, "input_type"),
    ],
)
async def test_refusals_name_the_field(door: Door, sent: dict[str, Any], words: str) -> None:
    async with door.post("/v1/embeddings", **{"model": MODEL, "input": "x", **sent}) as r:
        problem = await r.json(content_type=None)
    assert r.status == 400 and words in problem["detail"], problem
    assert problem["error"]["param"].split(".")[0] in words or problem["error"]["param"] == next(iter(sent))


async def test_nulls_are_defaults_and_keys_are_private(door: Door) -> None:
    async with door.post("/v1/embeddings", model=MODEL, input="x", encoding_format=None, dimensions=None) as r:
        assert r.status == 200 and isinstance((await r.json())["data"][0]["embedding"], list)
    async with door.post("/v1/embeddings", key=door.public, model=MODEL, input="x") as r:
        assert r.status == 403
    async with door.post("/v1/embeddings", key="sk-hub-none", model=MODEL, input="x") as r:
        assert r.status == 401


async def test_as_many_as_langchain_sends(door: Door) -> None:
    sent = orjson.loads((INPUTS / "c-embeddings-200.json").read_bytes())
    async with door.post("/v1/embeddings", **sent) as r:
        data = (await r.json())["data"]
    assert r.status == 200 and [d["index"] for d in data] == list(range(200)) and "pieces" not in data[0]
    tokens = orjson.loads((INPUTS / "c-embeddings-tokens.json").read_bytes())
    async with door.post("/v1/embeddings", **tokens) as r:
        assert r.status == 400 and "check_embedding_ctx_length=False" in (await r.json(content_type=None))["detail"]


@pytest.mark.parametrize("kind", ["passage", "query"])
async def test_long_texts_are_cut_pooled_and_said_so(door: Door, kind: str) -> None:
    pool, tax = "The pool closes at ten in the evening. ", "The tax on income is paid every quarter. "
    texts = [pool * 120, pool, tax, "\u4e00" * 700]
    async with door.post("/v1/embeddings", model=MODEL, input=texts, input_type=kind) as r:
        got = await r.json()
    assert r.status == 200, got
    data = got["data"]
    long, near, far, other = (d["embedding"] for d in data)
    assert data[0]["pieces"] > 1 and "pieces" not in data[1] and data[3]["index"] == 3
    assert cosine(long, long) == pytest.approx(1, abs=1e-5) == cosine(other, other)
    assert cosine(long, near) > cosine(long, far) + 0.2
    assert got["usage"]["prompt_tokens"] > 1000


@pytest.mark.parametrize("input", ["x", ["x", "y"], [1, 2, 3], [[1, 2], [3]]])
async def test_a_gateway_over_a_provider_of_ones_own(door: Door, input: Any) -> None:
    """Texts and tokens go through, as its model reads its own; with its name, its key and its headers."""
    answer = {"object": "list", "model": "emb-1", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
              "usage": {"prompt_tokens": 3, "total_tokens": 3}}
    door.model.default = raw(orjson.dumps(answer), "application/json")
    id = await door.gateway(modelName="emb-1", providerHeaders={"X-Team": "blue"})
    body = {"model": id, "input": input, "encoding_format": "base64", "dimensions": 8, "user": "ana", "truncate": True}
    sent = {"Authorization": f"Bearer {door.key}"}
    async with door.http.post(f"{door.url}/v1/embeddings", json=body, headers=sent) as r:
        assert r.status == 200 and await r.json() == answer
    [call] = door.model.calls
    assert call.path == "/v1/embeddings" and call.headers["Authorization"] == "Bearer sk-upstream-key"
    assert call.headers["X-Team"] == "blue"
    assert call.body == {
        "model": "emb-1", "input": input, "encoding_format": "base64", "dimensions": 8, "truncate": True,
    }
    assert [(r["sku"], r["quantity"], r["amount"]) for r in await door.billed()] == [("inference.embeddings.in", 3, 0)]


async def test_what_is_masked_for_the_provider_is_masked_here_too(door: Door) -> None:
    answer = {"object": "list", "model": "emb-1", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}]}
    door.model.default = raw(orjson.dumps(answer), "application/json")
    masked = await door.gateway(providerMasking={"kinds": ["Email"]})
    for given in ("Write to ana@shop.example", ["Hi", "I am ana@shop.example"], "data:ana@shop.example",
                  "data:text/plain;base64,aGk= ana@shop.example"):
        async with door.post("/v1/embeddings", model=masked, input=given) as r:
            assert r.status == 200
        sent = str(door.model.calls[-1].body["input"])
        assert "ana@shop.example" not in sent and "[EMAIL_" in sent
    async with door.post("/v1/embeddings", model=masked, input=[1, 2]) as r:
        assert r.status == 400 and "tokens" in (await r.json())["error"]["message"]
    assert len(door.model.calls) == 4
    async with door.post("/v1/embeddings", model=await door.gateway("plain"), input="I am ana@shop.example") as r:
        assert r.status == 200 and door.model.calls[-1].body["input"] == "I am ana@shop.example"


@pytest.mark.parametrize(("act", "status", "words"), [
    (refuses(400, "too many tokens"), 400, "too many tokens"), (refuses(401, "bad key"), 502, "apiKey"),
    (refuses(429, "slow", {"Retry-After": "9"}), 429, "slow"), (refuses(503, "down"), 502, "down"),
    (raw(b"<html>", "text/html"), 502, "cannot be read"),
])  # fmt: skip
async def test_its_refusals_are_told(door: Door, act: Act, status: int, words: str) -> None:
    door.model.default = act
    async with door.post("/v1/embeddings", model=await door.gateway(), input=[1, 2]) as r:
        got = await r.json(content_type=None)
        assert r.status == status and words in got["error"]["message"] and "sk-upstream" not in str(got)
    for id in (await door.gateway(transportInterface="Gemini"), "nobody"):
        async with door.post("/v1/embeddings", model=id, input="x") as r:
            assert r.status == 400
    other = await create_account(door.hub.db, "Other")
    foreign = await grant(door.hub.db, other.id, "x", None)
    async with door.post("/v1/embeddings", key=foreign, model=await door.gateway(), input="x") as r:
        assert r.status == 400, "another account's gateway is none"
