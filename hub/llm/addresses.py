"""Where the chat completions of a provider are, and what it calls things, by its address. Pure."""

import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit, urlunsplit

_VERSIONED = re.compile(r"/v\d+[a-z]*\d*(/|$)")
# What people copy from a provider's page beyond the base address.
_TAILS = (
    "/chat/completions", "/completions", "/embeddings", "/responses", "/models", "/messages", "/chat", "/audio",
)
# Hosts whose paths are their own: (host, or its end after a dot) -> what stands before /chat/completions where
# the address has no path.
_ROOTS: Mapping[str, str] = {
    "generativelanguage.googleapis.com": "/v1beta/openai",
    "api.groq.com": "/openai/v1",
    "openrouter.ai": "/api/v1",
    "api.fireworks.ai": "/inference/v1",
    "api.cohere.com": "/compatibility/v1",
    "api.cohere.ai": "/compatibility/v1",
    "api.perplexity.ai": "",
    "api.deepinfra.com": "/v1/openai",
    "api.novita.ai": "/v3/openai",
    "models.github.ai": "/inference",
    "models.inference.ai.azure.com": "",
    "dashscope.aliyuncs.com": "/compatible-mode/v1",
    "dashscope-intl.aliyuncs.com": "/compatible-mode/v1",
    "open.bigmodel.cn": "/api/paas/v4",
    "api.z.ai": "/api/paas/v4",
    "qianfan.baidubce.com": "/v2",
    "openai.azure.com": "/openai/v1",
    "amazonaws.com": "/openai/v1",
}
# Whole paths after which no version follows.
_AS_THEY_ARE = ("/inference", "/serving-endpoints", "/openai", "/compat", "/openapi")
# They know only `max_tokens`, or take no notice of the newer name.
_MAX_TOKENS = (
    "api.mistral.ai", "codestral.mistral.ai", "api.deepseek.com", "api.perplexity.ai", "api.cohere.com",
    "api.cohere.ai", "api.together.xyz", "api.together.ai", "api.sambanova.ai", "api.moonshot.cn", "api.moonshot.ai",
    "open.bigmodel.cn", "api.z.ai", "dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com", "api.deepinfra.com",
    "router.huggingface.co", "endpoints.huggingface.cloud", "integrate.api.nvidia.com", "api.novita.ai",
    "api.minimax.chat", "api.minimax.io", "api.hyperbolic.xyz", "databricks.com", "api.siliconflow.cn",
)
_MAX_TOKENS_PORTS = frozenset(("11434", "1234"))  # Ollama, LM Studio


def endpoint(address: str) -> str:
    """The address of the chat completions under a base address, however much of it was written."""
    parts = urlsplit(address.strip())
    path = parts.path.rstrip("/")
    if path.endswith("/chat/completions"):
        return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))
    path = next((path.removesuffix(t) for t in _TAILS if path.endswith(t)), path)
    root = _of_host(parts.hostname or "", _ROOTS)
    if root is not None and path in ("", root.rsplit("/v", 1)[0], root.removesuffix("/openai")):
        path = root
    elif not (_VERSIONED.search(path) or "api-version=" in parts.query or (path and path.endswith(_AS_THEY_ARE))):
        path += "/v1"
    return urlunsplit((parts.scheme, parts.netloc, f"{path}/chat/completions", parts.query, ""))


def _of_host(host: str, known: Mapping[str, str]) -> str | None:
    host = host.lower()
    return next((v for name, v in known.items() if host == name or host.endswith(f".{name}")), None)


def limit_name(address: str) -> str:
    """The field for the most tokens of an answer."""
    parts = urlsplit(address)
    host = (parts.hostname or "").lower()
    known = any(host == name or host.endswith(f".{name}") for name in _MAX_TOKENS)
    local = parts.netloc.rpartition(":")[2] in _MAX_TOKENS_PORTS
    return "max_tokens" if known or local else "max_completion_tokens"


def key_headers(address: str, key: str | None) -> dict[str, str]:
    """How the provider is told the key."""
    if not key:
        return {}
    host = (urlsplit(address).hostname or "").lower()
    azure = host.endswith((".azure.com", ".azure-api.net", ".azure.us"))
    return {"Authorization": f"Bearer {key}"} | ({"api-key": key} if azure else {})


# Where providers that speak Anthropic's API have it beside their own, by host.
_MESSAGES: Mapping[str, str] = {
    "api.deepseek.com": "/anthropic",
    "api.moonshot.ai": "/anthropic",
    "api.moonshot.cn": "/anthropic",
    "api.z.ai": "/api/anthropic",
    "open.bigmodel.cn": "/api/anthropic",
    "api.minimax.io": "/anthropic",
    "api.minimaxi.com": "/anthropic",
    "openrouter.ai": "/api",
    "dashscope.aliyuncs.com": "/apps/anthropic",
    "dashscope-intl.aliyuncs.com": "/apps/anthropic",
    "services.ai.azure.com": "/anthropic",
}
_GOOGLE: Mapping[str, str] = {
    "generativelanguage.googleapis.com": "/v1beta",
    "aiplatform.googleapis.com": "/v1/publishers/google",
}


def messages_endpoint(address: str) -> str:
    """The address of Anthropic's messages under a base address, however much of it was written."""
    parts = urlsplit(address.strip())
    path = parts.path.rstrip("/")
    path = next((path.removesuffix(t) for t in ("/messages", *_TAILS) if path.endswith(t)), path)
    root = _of_host(parts.hostname or "", _MESSAGES)
    if root is not None and not path.startswith(root):
        path = root
    if not _VERSIONED.search(path):
        path += "/v1"
    return urlunsplit((parts.scheme, parts.netloc, f"{path}/messages", parts.query, ""))


def messages_headers(address: str, key: str | None) -> dict[str, str]:
    """How a provider that speaks Anthropic's API is told the key: others than Anthropic want it in either place."""
    if not key:
        return {}
    host = (urlsplit(address).hostname or "").lower()
    if host.endswith("anthropic.com"):
        return {"Authorization": f"Bearer {key}"} if key.startswith("sk-ant-oat") else {"x-api-key": key}
    azure = {"api-key": key} if host.endswith(".azure.com") else {}
    return {"x-api-key": key, "Authorization": f"Bearer {key}", **azure}


def generate_endpoint(address: str, model: str) -> str:
    """The address at which a model of Gemini's API answers in a stream."""
    parts = urlsplit(address.strip())
    path = parts.path.rstrip("/")
    path = path.partition("/models/")[0].removesuffix("/models").removesuffix("/chat/completions")
    path = path.removesuffix("/openai")
    root = _of_host(parts.hostname or "", _GOOGLE)
    if not path or (root is not None and path in ("/v1", "/v1beta")):
        path = root or "/v1beta"
    name = model if model.startswith(("models/", "tunedModels/")) else f"models/{model}"
    query = f"{parts.query}&alt=sse" if parts.query else "alt=sse"
    return urlunsplit((parts.scheme, parts.netloc, f"{path}/{quote(name)}:streamGenerateContent", query, ""))


def same_place(one: str, other: str) -> bool:
    """Whether two addresses lead to the same scheme, host and port, so that what belongs to one may go to the other."""
    return _place(one) == _place(other)


def _place(address: str) -> tuple[str, str, int | None]:
    parts = urlsplit(address.strip())
    return parts.scheme, (parts.hostname or "").rstrip("."), parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def joined_headers(
    own: Mapping[str, str], ours: Mapping[str, str], usual: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Headers of a request: ours win over a customer's own, those over the usual ones, however they are spelled."""
    found: dict[str, tuple[str, str]] = {}
    for given in (usual or {}, own, ours):
        found |= {name.lower(): (name, value) for name, value in given.items()}
    return dict(found.values())
