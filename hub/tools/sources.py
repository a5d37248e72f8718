"""Texts from addresses that customers give: fetched through the guarded client, cached."""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from hub.errors import HubError, Upstream
from hub.task_groups import together
from hub.tools.base import Context

SECONDS, LARGEST = 10.0, 10_000_000


async def text(context: Context, url: str, headers: Mapping[str, str], keep: float) -> str:
    """The text at an address, at most 10 MB; cached for `keep` seconds. Raise Upstream."""
    name = f"text:{_key(url, headers)}"
    found = await context.hub.cache.get(context.account_id, name)
    if isinstance(found, str):
        return found
    reply = await context.hub.outbound.request(
        "GET", url, headers=headers, seconds=min(SECONDS, context.left), limit=LARGEST, follow=True
    )
    if reply.status != 200:
        raise Upstream(f"The address answered with status {reply.status}.")
    if not textual(reply.mime):
        raise Upstream(f"The address gives {reply.mime}, not text.")
    body = reply.body.decode("utf-8", errors="replace")
    await context.hub.cache.put(context.account_id, name, body, keep)
    return body


def textual(mime: str) -> bool:
    return mime.startswith("text/") or any(word in mime for word in ("json", "xml", "yaml", "javascript"))


async def instructions(context: Context, sources: list[dict[str, Any]]) -> list[str]:
    """The texts of instruction sources in order. Raise Upstream naming the source that failed."""
    return await together(*(_instruction(context, source) for source in sources))


async def _instruction(context: Context, source: dict[str, Any]) -> str:
    try:
        return await text(
            context, source["url"], source.get("headers") or {}, float(source.get("cacheDuration", 600))
        )
    except HubError as e:
        text_of = f"The instruction source '{source['name']}' cannot be read: {e}"
        raise Upstream(text_of, code="source_failed") from None


def _key(url: str, headers: Mapping[str, str]) -> str:
    """Other headers, other text: a token names a reader."""
    return hashlib.sha256(orjson.dumps([url, sorted(headers.items())])).hexdigest()
