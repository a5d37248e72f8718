"""Where the chat completions of a provider are, and what it calls things, by its address. Pure."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

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
