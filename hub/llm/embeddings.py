"""Vectors of a provider of the customer's own, as they come. Texts and tokens: the model there reads its own tokens."""

from urllib.parse import urlsplit, urlunsplit

import orjson

from hub.domain import Json
from hub.errors import HubError
from hub.guarded_http import Outbound
from hub.llm.addresses import endpoint, joined_headers, key_headers
from hub.llm.refusals import failure, read
from hub.llm.types import Failed

LARGEST = 64 << 20


async def vectors(
    outbound: Outbound, address: str, key: str | None, headers: dict[str, str], body: Json, seconds: float,
    limit: int = LARGEST,
) -> bytes:
    """The provider's answer, of `limit` bytes at most. Raise Failed."""
    parts = urlsplit(endpoint(address))
    url = urlunsplit(parts._replace(path=parts.path.removesuffix("/chat/completions") + "/embeddings"))
    sent = joined_headers(
        headers, {"Content-Type": "application/json", "Accept": "application/json", **key_headers(url, key)}
    )
    try:
        reply = await outbound.request(
            "POST", url, headers=sent, body=orjson.dumps(body), seconds=seconds, limit=limit
        )
    except HubError as e:
        raise Failed(f"The model provider cannot be reached: {e}", down=True) from None
    if reply.status != 200:
        raise failure(reply.status, read(reply.body, reply.mime == "text/html"), key, headers=reply.headers)
    return reply.body
