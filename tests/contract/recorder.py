"""What the tests ask the hub over HTTP and what it answers, written down for the examples of the documents.

    RECORDED=/tmp/recorded python -m pytest -p tests.contract.recorder tests/contract tests/api
    python -m tests.contract.examples --write /tmp/recorded
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
import pytest

SMALL = 20_000


def pytest_configure(config: pytest.Config) -> None:
    asked = aiohttp.ClientSession._request
    kept = Path(os.environ["RECORDED"]) / f"{os.getpid()}.jsonl"

    async def noting(self: aiohttp.ClientSession, method: str, url: Any, **more: Any) -> aiohttp.ClientResponse:
        got = await asked(self, method, url, **more)
        # What the hub asks of others is left alone.
        ours = urlsplit(str(url)).path.startswith("/api/") or "sk-hub" in str(more.get("headers"))
        if 200 <= got.status < 300 and ours:
            whole = got.content_type == "application/json" and (got.content_length or SMALL) < SMALL
            body = orjson.loads(await got.read() or b"null") if whole else None
            line = orjson.dumps({
                "method": method, "path": urlsplit(str(got.url)).path, "query": dict(got.url.query),
                "sent": more.get("json"), "status": got.status, "kind": got.content_type, "body": body,
            }, default=str)
            with kept.open("ab") as file:
                file.write(line + b"\n")
        return got

    setattr(aiohttp.ClientSession, "_request", noting)  # noqa: B010 - only while examples are recorded
