"""Addresses and errors of OpenAI-compatible providers."""

import pytest

from hub.llm.addresses import endpoint, generate_endpoint, key_headers, limit_name, messages_endpoint, same_place
from hub.llm.masking import clean
from hub.llm.refusals import code_of, failure, read, words


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1"),
        ("https://api.openai.com", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/responses", "https://api.openai.com/v1"),
        ("https://openrouter.ai/api/v1/chat/completions", "https://openrouter.ai/api/v1"),
        ("https://openrouter.ai", "https://openrouter.ai/api/v1"),
        ("https://openrouter.ai/api", "https://openrouter.ai/api/v1"),
        ("http://localhost:11434", "http://localhost:11434/v1"),
        ("http://localhost:1234/v1/models", "http://localhost:1234/v1"),
        ("https://g.example/v1beta/openai/", "https://g.example/v1beta/openai"),
        ("https://generativelanguage.googleapis.com", "https://generativelanguage.googleapis.com/v1beta/openai"),
        ("https://generativelanguage.googleapis.com/v1beta", "https://generativelanguage.googleapis.com/v1beta/openai"),
        (
            "https://generativelanguage.googleapis.com/v1beta/openai/",
            "https://generativelanguage.googleapis.com/v1beta/openai",
        ),
        ("https://api.mistral.ai", "https://api.mistral.ai/v1"),
        ("https://api.anthropic.com", "https://api.anthropic.com/v1"),
        ("https://api.groq.com", "https://api.groq.com/openai/v1"),
        ("https://api.groq.com/openai", "https://api.groq.com/openai/v1"),
        ("https://api.deepseek.com", "https://api.deepseek.com/v1"),
        ("https://api.x.ai/v1", "https://api.x.ai/v1"),
        ("https://api.perplexity.ai", "https://api.perplexity.ai"),
        ("https://api.together.xyz/v1", "https://api.together.xyz/v1"),
        ("https://api.fireworks.ai/inference", "https://api.fireworks.ai/inference/v1"),
        ("https://api.fireworks.ai", "https://api.fireworks.ai/inference/v1"),
        ("https://api.cohere.com", "https://api.cohere.com/compatibility/v1"),
        ("https://api.cohere.ai/compatibility/v1", "https://api.cohere.ai/compatibility/v1"),
        ("https://api.sambanova.ai/v1", "https://api.sambanova.ai/v1"),
        ("https://api.cerebras.ai", "https://api.cerebras.ai/v1"),
        ("https://api.deepinfra.com/v1/openai", "https://api.deepinfra.com/v1/openai"),
        ("https://models.github.ai/inference", "https://models.github.ai/inference"),
        ("https://open.bigmodel.cn/api/paas/v4/", "https://open.bigmodel.cn/api/paas/v4"),
        ("https://dashscope.aliyuncs.com/compatible-mode/v1", "https://dashscope.aliyuncs.com/compatible-mode/v1"),
        ("https://ark.cn-beijing.volces.com/api/v3", "https://ark.cn-beijing.volces.com/api/v3"),
        ("https://api.novita.ai/v3/openai", "https://api.novita.ai/v3/openai"),
        ("https://r.openai.azure.com", "https://r.openai.azure.com/openai/v1"),
        ("https://r.openai.azure.com/openai/v1/", "https://r.openai.azure.com/openai/v1"),
        ("https://dbc.cloud.databricks.com/serving-endpoints", "https://dbc.cloud.databricks.com/serving-endpoints"),
        (
            "https://bedrock-runtime.us-east-1.amazonaws.com/openai/v1",
            "https://bedrock-runtime.us-east-1.amazonaws.com/openai/v1",
        ),
        (
            "https://gateway.ai.cloudflare.com/v1/a/g/compat", "https://gateway.ai.cloudflare.com/v1/a/g/compat",
        ),
        ("http://10.0.0.7:8000", "http://10.0.0.7:8000/v1"),
    ],
)
def test_endpoint(address: str, expected: str) -> None:
    assert endpoint(address) == f"{expected}/chat/completions"


def test_an_address_with_a_query() -> None:
    found = endpoint("https://x.openai.azure.com/openai/deployments/d?api-version=1")
    assert found == "https://x.openai.azure.com/openai/deployments/d/chat/completions?api-version=1"
    assert endpoint("https://x.example/d/m?api-version=1") == "https://x.example/d/m/chat/completions?api-version=1"


def test_what_providers_call_the_limit_and_how_they_take_the_key() -> None:
    for address in ("https://api.mistral.ai/v1", "http://localhost:11434/v1", "https://eu.api.mistral.ai"):
        assert limit_name(address) == "max_tokens"
    for address in ("https://api.openai.com/v1", "http://127.0.0.1:8000", "https://api.mistral.ai.example"):
        assert limit_name(address) == "max_completion_tokens"
    assert key_headers("https://x.openai.azure.com/v1", "k")["api-key"] == "k"
    assert key_headers("https://api.openai.com", "k") == {"Authorization": "Bearer k"}
    assert key_headers("https://api.openai.com", None) == {}


def test_errors_carry_neither_key_nor_private_address() -> None:
    told = "Key my-secret-key and sk-abcdefgh123 at http://10.0.0.5:8080/v1 (10.0.0.5:8080) refused\n<b>now</b>"
    found = clean(told, "my-secret-key")
    assert "secret" not in found and "abcdefgh" not in found and "10.0.0" not in found
    e = failure(401, {"error": {"message": "Incorrect API key provided: sk-proj-1234567890"}}, None)
    assert e.permanent and "1234567890" not in str(e.details) and e.details["status"] == 401
    inside = "see http://models.svc.cluster.local/x, http://vllm:8000 or tcp://[fd00::1]:9, Bearer abcdefghij1234567890"
    assert "cluster" not in clean(inside, None) and "vllm" not in clean(inside, None) and "fd00" not in clean(
        inside, None) and "abcdefghij" not in clean(inside, None)
    assert "hidden" not in clean("at https://x.example/v1?key=hidden&a=1", None)


@pytest.mark.parametrize(
    "told",
    [
        "Get a key at https://platform.openai.com/account/api-keys.", "key_missing: the bearer token is missing",
        "use sk-learn, hf_model_7b or key-value-store instead", "version 1.2.3.4 of max_tokens is too long for a model",
        "an error with code key_error_in_field of api-version-unknown",
    ],
)
@pytest.mark.parametrize("key", ["none", "a", "model", "EMPTY", "ollama", None])
def test_words_are_not_garbled(told: str, key: str | None) -> None:
    assert clean(told, key) == told


@pytest.mark.parametrize(
    ("status", "body", "permanent"),
    [
        (400, None, True), (404, "nope", True), (429, {"error": {"message": "slow"}}, False),
        (429, {"error": {"code": "insufficient_quota"}}, True), (500, b"", False), (503, {}, False), (302, None, True),
        (200, {"error": "overloaded"}, False), (200, ["?"], False),
    ],
)
def test_which_failures_are_final(status: int, body: object, permanent: bool) -> None:
    assert failure(status, body, None).permanent is permanent


SHAPES: list[tuple[str, int, bytes, int, str | None, str]] = [
    # provider, status, body, kind, code, words
    ("openai", 400, b'{"error":{"message":"bad","type":"invalid_request_error","param":"x","code":null}}', 400,
     "invalid_request_error", "bad"),
    ("azure filter", 400, b'{"error":{"code":"content_filter","message":"filtered","status":400}}', 400,
     "content_filter", "filtered"),
    ("azure deployment", 404, b'{"error":{"code":"DeploymentNotFound","message":"no such thing"}}', 404,
     "DeploymentNotFound", "no such thing"),
    ("anthropic", 400, b'{"type":"error","error":{"type":"invalid_request_error","message":"bad"}}', 400,
     "invalid_request_error", "bad"),
    ("anthropic busy in a stream", 200, b'{"type":"error","error":{"type":"overloaded_error","message":"Over"}}', 503,
     "overloaded_error", "Over"),
    ("mistral", 422, b'{"detail":[{"type":"x","loc":["body","foo"],"msg":"no"}]}', 422, None, "body.foo: no"),
    ("gemini", 429, b'[{"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED"}}]', 429,
     "RESOURCE_EXHAUSTED", "slow"),
    ("gemini key", 400, b'{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT"}}', 401,
     "INVALID_ARGUMENT", "API key not valid."),
    ("ollama", 404, b'{"error":"model \\"x\\" not found"}', 404, None, 'model "x" not found'),
    ("xai", 400, b'{"code":"invalid-argument","error":"Bad field"}', 400, "invalid-argument", "Bad field"),
    ("vllm", 400, b'{"object":"error","message":"maximum context length is 8","type":"BadRequestError","code":400}',
     400, "BadRequestError", "maximum context length is 8"),
    ("openrouter", 400, b'{"error":{"message":"Provider returned error","code":400,"metadata":'
     b'{"raw":"{\\"error\\":{\\"message\\":\\"true words\\"}}","provider_name":"P"}}}', 400, None,
     "Provider returned error: true words"),
    ("cohere", 400, b'{"message":"invalid thing"}', 400, None, "invalid thing"),
    ("bedrock", 400, b'{"__type":"ValidationException","message":"bad"}', 400, "ValidationException", "bad"),
    ("bedrock throttles", 429, b'{"message":"Too many tokens"}', 429, None, "Too many tokens"),
    ("tgi", 422, b'{"error":"Input validation error: too long","error_type":"validation"}', 422, "validation",
     "Input validation error: too long"),
    ("one-api", 500, b'{"error":{"message":"upstream said no","type":"one_api_error","code":"429"}}', 429,
     "one_api_error", "upstream said no"),
    ("zhipu", 200, b'{"code":500,"msg":"it broke","success":false}', 500, None, "it broke"),
    ("minimax", 200, b'{"base_resp":{"status_code":1004,"status_msg":"login fail"}}', 0, None, "login fail"),
    ("cloudflare", 400, b'{"success":false,"errors":[{"code":7000,"message":"No route"}]}', 400, None, "No route"),
    ("problem", 400, b'{"type":"about:blank","title":"Bad","detail":"the detail","status":400}', 400, None,
     "the detail"),
    ("nest", 400, b'{"statusCode":400,"error":"Bad Request","message":"why"}', 400, None, "why"),
    ("html", 502, b"<html><head><title>502 Bad Gateway</title></head></html>", 502, None, "502 Bad Gateway"),
    ("text", 503, b"no healthy upstream", 503, None, "no healthy upstream"),
    ("stream", 400, b'data: {"error":{"message":"bad","code":"x_y"}}\n\n', 400, "x_y", "bad"),
    ("wrong door", 404, b"404 page not found", 405, None, "404 page not found"),
    ("empty", 500, b"", 500, None, ""),
    ("deepseek", 402, b'{"error":{"message":"Insufficient Balance","type":"unknown_error"}}', 402, "unknown_error",
     "Insufficient Balance"),
    ("dashscope", 400, b'{"code":"InvalidParameter","message":"bad","request_id":"r"}', 400, "InvalidParameter", "bad"),
    ("status in words", 200, b'{"error":{"message":"m","code":"rate_limit_exceeded"}}', 429, "rate_limit_exceeded",
     "m"),
]


@pytest.mark.parametrize(("status", "raw", "kind", "code", "told"), [s[1:] for s in SHAPES], ids=[s[0] for s in SHAPES])
def test_shapes_of_errors(status: int, raw: bytes, kind: int, code: str | None, told: str) -> None:
    body = read(raw)
    e = failure(status, body, None)
    assert (e.kind, code_of(body), words(body)) == (kind, code, told)
    assert e.details.get("message", "") == told


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"Retry-After": "34"}, None, 34), ({"Retry-After-Ms": "500"}, None, 0.5), ({"Retry-After": "6m0s"}, None, 360),
        ({}, {"error": {"message": "Please try again in 1m2.5s."}}, 62.5), ({}, {"error": {"message": "slow"}}, None),
        ({}, {"error": {"message": "m", "details": [{"@type": "RetryInfo", "retryDelay": "7s"}]}}, 7),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, None, 0), ({"Retry-After": "soon"}, None, None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], body: object, seconds: float | None) -> None:
    assert failure(429, body, None, headers=headers).retry_after == seconds


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("https://api.anthropic.com", "https://api.anthropic.com/v1/messages"),
        ("https://api.anthropic.com/v1/", "https://api.anthropic.com/v1/messages"),
        ("https://api.anthropic.com/v1/messages", "https://api.anthropic.com/v1/messages"),
        ("https://api.anthropic.com/v1/chat/completions", "https://api.anthropic.com/v1/messages"),
        ("https://api.deepseek.com", "https://api.deepseek.com/anthropic/v1/messages"),
        ("https://api.deepseek.com/anthropic", "https://api.deepseek.com/anthropic/v1/messages"),
        ("https://api.moonshot.ai/v1", "https://api.moonshot.ai/anthropic/v1/messages"),
        ("https://api.z.ai", "https://api.z.ai/api/anthropic/v1/messages"),
        ("https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1/messages"),
        ("https://r.services.ai.azure.com", "https://r.services.ai.azure.com/anthropic/v1/messages"),
        ("http://proxy.example/claude", "http://proxy.example/claude/v1/messages"),
        ("http://127.0.0.1:8080/v1?x=1", "http://127.0.0.1:8080/v1/messages?x=1"),
    ],
)
def test_where_anthropics_messages_are(given: str, expected: str) -> None:
    assert messages_endpoint(given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("https://generativelanguage.googleapis.com", "https://generativelanguage.googleapis.com/v1beta"),
        ("https://generativelanguage.googleapis.com/v1beta/", "https://generativelanguage.googleapis.com/v1beta"),
        ("https://generativelanguage.googleapis.com/v1beta/openai/", "https://generativelanguage.googleapis.com/v1beta"),
        ("https://generativelanguage.googleapis.com/v1", "https://generativelanguage.googleapis.com/v1beta"),
        (
            "https://generativelanguage.googleapis.com/v1beta/models/x:generateContent",
            "https://generativelanguage.googleapis.com/v1beta",
        ),
        ("https://aiplatform.googleapis.com", "https://aiplatform.googleapis.com/v1/publishers/google"),
        ("https://aiplatform.googleapis.com/v1", "https://aiplatform.googleapis.com/v1/publishers/google"),
        ("http://proxy.example/g/v1beta", "http://proxy.example/g/v1beta"),
    ],
)
def test_where_geminis_models_are(given: str, expected: str) -> None:
    assert generate_endpoint(given, "gemini-x") == f"{expected}/models/gemini-x:streamGenerateContent?alt=sse"


def test_a_models_name_cannot_leave_its_place() -> None:
    assert generate_endpoint("https://x.example", "models/m") == (
        "https://x.example/v1beta/models/m:streamGenerateContent?alt=sse")
    found = generate_endpoint("https://x.example", "m?key=1#x")
    assert found == "https://x.example/v1beta/models/m%3Fkey%3D1%23x:streamGenerateContent?alt=sse"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.example/v1", "https://A.example:443/deep?x", True),
        ("https://a.example", "http://a.example", False),
        ("https://a.example", "https://a.example:8443", False), ("https://a.example", "https://b.example", False),
        ("https://a.example.", "https://a.example", True),
    ],
)  # fmt: skip
def test_the_same_place(one: str, other: str, same: bool) -> None:
    assert same_place(one, other) is same
