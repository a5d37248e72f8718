"""A key that has leaked can be ended at once, and one that was replaced cannot make itself another."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from hub.accounts.keys import grant
from tests.api.conftest import Api, keys_of
from tests.contract.conftest import Place, place  # noqa: F401 - a fixture

Json = dict[str, Any]
pytestmark = pytest.mark.asyncio(loop_scope="module")
KEYS = "/api/v1/accounts/api-key"
NEW = {"label": "mine", "duration": -1}


@pytest_asyncio.fixture(loop_scope="module")
async def api(place: Place) -> AsyncIterator[Api]:  # noqa: F811
    yield Api(place.hub, place.url, *await keys_of(place.hub), place.http)


async def leaked(api: Api, role: str = "admin") -> tuple[str, str]:
    """A key and its id."""
    label = f"leaked-{uuid4().hex}"
    key = await grant(api.hub.db, api.account, label, None, role=role)
    [id] = [k["id"] for k in (await api.call("GET", "/v1/api-keys")).body if k["label"] == label]
    return key, id


async def test_a_leaked_key_is_ended_at_once(api: Api) -> None:
    key, id = await leaked(api)
    assert (await api.call("GET", "/v1/workspace", key=key)).status == 200
    got = await api.call("POST", f"/v1/api-keys/{id}/rotate", {"immediate": True})
    assert got.status == 201
    assert datetime.fromisoformat(got.body["old_expires_at"]) <= datetime.now().astimezone()
    for _ in range(3):
        assert (await api.call("GET", "/v1/workspace", key=key)).status == 401
    assert (await api.call("GET", "/v1/workspace", key=got.body["api_key"])).body["role"] == "admin"


async def test_without_immediate_there_is_time_to_change_it_everywhere(api: Api) -> None:
    for body in (None, {}, {"immediate": False}):
        key, id = await leaked(api)
        assert (await api.call("POST", f"/v1/api-keys/{id}/rotate", body)).status == 201
        assert (await api.call("GET", "/v1/workspace", key=key)).status == 200


@pytest.mark.parametrize("role", ["owner", "admin"])
@pytest.mark.parametrize("deed", ["makes", "deletes", "rotates", "rotates itself"])
async def test_a_rotated_key_manages_no_keys(api: Api, deed: str, role: str) -> None:
    key, id = await leaked(api, role)
    _, other = await leaked(api, "member")
    assert (await api.call("POST", f"/v1/api-keys/{id}/rotate")).status == 201
    ways = {
        "makes": ("POST", KEYS, NEW), "deletes": ("DELETE", f"{KEYS}/{other}", None),
        "rotates": ("POST", f"/v1/api-keys/{other}/rotate", {}),
        "rotates itself": ("POST", f"/v1/api-keys/{id}/rotate", {"immediate": True}),
    }
    method, path, body = ways[deed]
    before = await api.hub.db.value("select count(*) from api_keys where account_id = $1", api.account)
    got = await api.call(method, path, body, key=key)
    assert got.status == (409 if deed == "rotates itself" else 403) and got.body["code"] == "key_rotated"
    assert await api.hub.db.value("select count(*) from api_keys where account_id = $1", api.account) == before
    assert (await api.call("GET", "/api/v1/ai-gateways", key=key)).status == 200, "what it is for it still does"


async def test_a_rotated_key_does_not_win_a_race(api: Api) -> None:
    """It asks for another key in the very moment it is rotated: either that came first, or it is refused."""
    key, id = await leaked(api)
    rotated, *made = await asyncio.gather(
        api.call("POST", f"/v1/api-keys/{id}/rotate"), *(api.call("POST", KEYS, NEW, key=key) for _ in range(8))
    )
    assert rotated.status == 201
    assert {m.status for m in made} <= {200, 403}
    assert (await api.call("POST", KEYS, NEW, key=key)).status == 403


async def test_two_keys_that_rotate_each_other_do_not_wait_for_ever(api: Api) -> None:
    (one, first), (two, second) = await leaked(api, "owner"), await leaked(api, "owner")
    got = await asyncio.gather(
        api.call("POST", f"/v1/api-keys/{second}/rotate", key=one),
        api.call("POST", f"/v1/api-keys/{first}/rotate", key=two),
    )
    assert sorted(g.status for g in got) == [201, 403]
