"""Limits of keys: whoever has them cannot lift them, nobody else sees them, every change is told."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from hub.accounts.keys import grant
from tests.api.conftest import Api, keys_of
from tests.contract.conftest import Place, place  # noqa: F401 - a fixture

Json = dict[str, Any]
pytestmark = pytest.mark.asyncio(loop_scope="module")
KEYS, SPEND = "/api/v1/accounts/api-key", "/api/v1/accounts/spend"
LIMITS: Json = {"budget": {"day": 1}, "requestsPerMinute": 1000}


@pytest_asyncio.fixture(loop_scope="module")
async def api(place: Place) -> AsyncIterator[Api]:  # noqa: F811
    yield Api(place.hub, place.url, *await keys_of(place.hub), place.http)


async def made(api: Api, **sent: Any) -> tuple[str, str]:
    """A key and its id."""
    label = uuid4().hex
    got = await api.ok("POST", KEYS, {"label": label, "duration": -1, **sent})
    return got["grantKey"], next(k["id"] for k in (await api.ok("GET", KEYS))["apiKeys"] if k["label"] == label)


@pytest.mark.parametrize("limits", [{"models": ["x"]}, {"requestsPerMinute": 900}, {"budget": {"total": 1}}])
async def test_a_key_with_limits_makes_no_key_without(api: Api, limits: Json) -> None:
    key, id = await made(api, limits=limits, role="owner")
    _, other = await made(api, role="member")
    for method, path, sent in (
        ("POST", KEYS, {"label": "free", "duration": -1}), ("PATCH", f"{KEYS}/{id}", {"limits": {}}),
        ("PATCH", f"{KEYS}/{other}", {"label": "mine"}), ("DELETE", f"{KEYS}/{other}", None),
        ("POST", f"/v1/api-keys/{id}/rotate", {}), ("POST", f"/v1/api-keys/{other}/rotate", {}),
    ):
        got = await api.call(method, path, sent, key=key)
        assert got.status == 403 and got.body["code"] == "key_limited", (method, path, got.body)
    assert (await api.call("GET", SPEND, key=key)).status == 403
    # It sees itself, and itself alone.
    assert (await api.call("GET", f"{KEYS}/{id}", key=key)).body["id"] == id


@pytest.mark.parametrize("role", ["admin", "member", "viewer"])
async def test_who_may_not_manage_a_key_changes_no_limits(api: Api, role: str) -> None:
    key = await grant(api.hub.db, api.account, role, None, role=role)
    _, owners = await made(api, role="owner")
    assert (await api.call("PATCH", f"{KEYS}/{owners}", {"limits": {}}, key=key)).status == 403
    assert (await api.call("GET", f"{KEYS}/{owners}", key=key)).status == 403
    assert (await api.call("GET", SPEND, key=key)).status == (200 if role == "admin" else 403)


async def test_a_public_key_opens_none_of_it(api: Api) -> None:
    _, id = await made(api)
    for method, path in (("GET", SPEND), ("GET", f"{KEYS}/{id}"), ("PATCH", f"{KEYS}/{id}")):
        assert (await api.call(method, path, {} if method == "PATCH" else None, key=api.public)).status == 403


async def test_another_accounts_key_is_not_there(api: Api) -> None:
    _, id = await made(api, limits=LIMITS, tags=["secret-tag"])
    for method, sent in (("GET", None), ("PATCH", {"limits": {}}), ("PATCH", {"expiresAt": "2020-01-01T00:00:00Z"})):
        assert (await api.call(method, f"{KEYS}/{id}", sent, key=api.foreign)).status == 404
    shown = await api.ok("GET", f"{KEYS}/{id}")
    assert shown["limits"]["budget"]["day"] == 1 and shown["expiresAt"] is None
    for by in ("key", "tag", "gateway", "client", "day"):
        got = await api.call("GET", f"{SPEND}?by={by}&key={id}", key=api.foreign)
        assert got.status == 200 and got.body == []
    assert "secret-tag" not in str((await api.call("GET", f"{SPEND}?by=tag&tag=secret-tag", key=api.foreign)).body)


async def test_each_change_is_told_once(api: Api) -> None:
    _, id = await made(api)
    await api.ok("PATCH", f"{KEYS}/{id}", {"limits": LIMITS, "tags": ["a"]})
    told = "select action, actor_kind from audit where account_id = $1 and object = $2"
    rows = [tuple(r) for r in await api.hub.db.fetch(told, api.account, id)]
    assert [r for r in rows if r[0] == "key.edited"] == [("key.edited", "key")]


@pytest.mark.parametrize("wrong, field", [
    ({"budget": {"day": 0}}, "limits.budget.day"), ({"budget": {"day": -1}}, "limits.budget.day"),
    ({"budget": {"year": 1}}, None), ({"requestsPerMinute": 0}, "limits.requestsPerMinute"),
    ({"tokensPerMinute": 1e12}, "limits.tokensPerMinute"), ({"models": []}, "limits.models"),
    ({"budget": {"total": "NaN"}}, "limits.budget.total"), ({"budget": {"total": "Infinity"}}, "limits.budget.total"),
])
async def test_limits_that_are_none_are_refused(api: Api, wrong: Json, field: str | None) -> None:
    """What is accepted acts: a field that is not known is told of."""
    _, id = await made(api)
    for method, path, sent in (
        ("PATCH", f"{KEYS}/{id}", {"limits": wrong}), ("POST", KEYS, {"label": "x", "duration": -1, "limits": wrong}),
    ):
        got = await api.call(method, path, sent)
        if field is None:
            assert "limits.budget.year" in got.headers["X-Unknown-Fields"]
        else:
            assert got.status == 400 and field in got.body["error"], got.body
