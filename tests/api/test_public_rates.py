"""How often the public chat may be asked: by conversation, and by address only as the operator says."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from hub.config import Settings
from tests.api.alone import api, provider
from tests.api.chatting import visiting
from tests.api.conftest import Api, Provider, keys_of, serving

__all__ = ["api", "provider"]

FREE = {"messagesPerHour": 0, "maxMessages": 0}


@asynccontextmanager
async def served(settings: Settings, provider: Provider, **changes: Any) -> AsyncIterator[Api]:
    async with serving(settings.changed(**changes), provider) as (hub, url), aiohttp.ClientSession() as http:
        yield Api(hub, url, *await keys_of(hub), http)


async def test_a_backend_may_talk_for_many_people(api: Api) -> None:
    """More than a conversation may, from one address, in many conversations."""
    async with visiting(api, FREE) as me:
        base = f"/api/v1/web-chat-client/{me.client}/sessions"
        keys = [(await api.ok("POST", base, {}))["accessKey"] for _ in range(3)]
        for key in keys:
            for _ in range(50):
                got = await api.call("POST", f"/api/v1/public/chat-clients/{key}/reset", key="")
                assert got.status == 204
            assert (got.headers["X-RateLimit-Limit"], got.headers["X-RateLimit-Remaining"]) == ("120", "70")


async def test_one_conversation_has_its_limit(settings: Settings, provider: Provider) -> None:
    async with served(settings, provider, public_per_minute=3) as api, visiting(api, FREE) as me:
        left = []
        for _ in range(3):
            got = await me.call("POST", "/prompt", {"prompt": "Hi"})
            assert got.status == 200
            left.append(got.headers["X-RateLimit-Remaining"])
        assert left == ["2", "1", "0"]
        late = await me.call("POST", "/prompt", {"prompt": "Hi"})
        assert late.status == 429 and int(late.headers["Retry-After"]) >= 1
        assert late.headers["X-RateLimit-Remaining"] == "0" and int(late.headers["X-RateLimit-Reset"]) > 0
        assert "X-RateLimit-Limit" in late.headers["Access-Control-Expose-Headers"]
        # Looking on stays possible, and so does another conversation.
        assert (await me.call("GET")).status == 200
        async with visiting(api, FREE) as other:
            assert (await other.call("POST", "/prompt", {"prompt": "Hi"})).status == 200


async def test_the_address_has_a_setting(settings: Settings, provider: Provider) -> None:
    async with served(settings, provider, public_per_address=4) as api:
        async with visiting(api, FREE) as one, visiting(api, FREE) as two:
            statuses = [(await me.call("POST", "/reset")).status for me in (one, two, one, two, one, two)]
            assert statuses == [204] * 4 + [429] * 2
    async with served(settings, provider, public_per_address=0, public_per_minute=0) as api:
        async with visiting(api, FREE) as me:
            got = [await me.call("POST", "/reset") for _ in range(130)]
            assert {g.status for g in got} == {204} and "X-RateLimit-Limit" not in got[-1].headers
