"""What holds for every endpoint, whoever wrote it."""

import re
from collections import Counter
from uuid import uuid4

import pytest
from aiohttp import web

from hub.api.app import ROUTES, in_order
from hub.api.http.operation import Route, operation_of
from tests.api.alone import api, provider
from tests.api.conftest import Api
from tests.contract.documents import document

__all__ = ["api", "provider"]

NEED_KEY = [r for r in ROUTES if operation_of(r).auth not in ("none", "user")]
NEED_USER = [r for r in ROUTES if operation_of(r).auth == "user"]
# Documented to answer 400 instead of 404.
NOT_404 = {"/api/v1/accounts/api-key/{key_id}"}
BODIES = {
    "A-13": {"integrationType": "Telegram", "integrations": {"telegramIntegration": {"botToken": "1:2"}}},
    "A-54": {"name": "x", "contents": "y"},
}


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


def filled(route: Route, value: str) -> str:
    wanted = value if "/ares/" in route.path else "Telegram"
    return re.sub(r"\{name[^/]*\}", wanted, re.sub(r"\{(?!name)\w+[^/]*\}", value, route.path))


async def signed_in(api: Api, address: str) -> str:
    """A user of the account, and the token."""
    given = {"email": address, "password": "correct horse", "name": "Ana"}
    assert (await api.call("POST", "/api/v1/ares/users", given)).status == 201
    return str((await api.ok("POST", "/api/auth/login", given, key=""))["access_token"])


def test_every_route_is_described_and_only_once() -> None:
    assert [n for n, count in Counter(named(r) for r in ROUTES).items() if count > 1] == []
    described = {f"{m.upper()} {p}" for p, methods in document()["paths"].items() for m in methods}
    assert described == {re.sub(r"\{(\w+):[^/]*\}", r"{\1}", named(r)) for r in ROUTES}
    operations = [op for methods in document()["paths"].values() for op in methods.values()]
    ids = Counter(op["operationId"] for op in operations)
    assert [i for i, count in ids.items() if count > 1] == []
    assert [op["operationId"] for op in operations if op["operationId"].endswith(op["summary"])] == []


def test_every_reference_leads_somewhere() -> None:
    text = str(document())
    wanted = set(re.findall(r"#/components/schemas/([\w.-]+)", text))
    assert wanted <= set(document()["components"]["schemas"])
    for path, methods in document()["paths"].items():
        for op in methods.values():
            variables = {p["name"] for p in op["parameters"] if p["in"] == "path"}
            assert variables == set(re.findall(r"\{(\w+)\}", path)), path


def test_every_variable_of_a_path_is_taken_by_its_handler() -> None:
    for route in ROUTES:
        taken = set(operation_of(route).params)
        assert taken <= set(re.findall(r"\{(\w+)", route.path)), named(route)


async def test_without_a_key_nothing_is_answered(api: Api) -> None:
    for route in (*NEED_KEY, *NEED_USER):
        got = await api.call(route.method, filled(route, str(uuid4())), key="")
        assert got.status == 401, named(route)


async def test_who_has_no_key_is_sent_where_one_counts(api: Api) -> None:
    for route in NEED_KEY:
        got = await api.call(route.method, f"{filled(route, str(uuid4()))}?api-key=wrong", key="")
        assert got.status == 401 and ("?api-key=" in str(got.body)) is operation_of(route).query_key, named(route)


async def test_a_public_key_opens_only_what_allows_it(api: Api) -> None:
    for route in NEED_KEY:
        if operation_of(route).auth != "public":
            got = await api.call(route.method, filled(route, str(uuid4())), key=api.public)
            assert got.status == 403, named(route)


async def test_no_key_is_a_user(api: Api) -> None:
    """And no user's token is a key: neither opens what the other does."""
    token = await signed_in(api, "ana@example.com")
    for route in NEED_USER:
        for key in (api.key, api.public, api.foreign):
            got = await api.call(route.method, filled(route, str(uuid4())), key=key)
            assert (got.status, got.body["code"]) == (401, "AUTHENTICATION_FAILED"), named(route)
    for route in NEED_KEY:
        assert (await api.call(route.method, filled(route, str(uuid4())), key=token)).status == 401, named(route)


async def test_what_stands_in_the_address_opens_only_aivax(api: Api) -> None:
    token = await signed_in(api, "ana@example.com")
    for path, key in (("/api/memory", token), ("/api/v1/agents", api.key), ("/api/v1/ares/agents", api.key)):
        assert (await api.call("GET", f"{path}?api-key={key}", key="")).status == 401, path
        assert (await api.call("GET", path, key=key)).status == 200, path


async def test_unknown_ids_are_not_found(api: Api) -> None:
    token = await signed_in(api, "ana@example.com")
    for route in (*NEED_KEY, *NEED_USER):
        if "{" in route.path and route.path not in NOT_404:
            sent = BODIES.get(operation_of(route).id or "", {})
            got = await api.call(
                route.method, filled(route, str(uuid4())), sent if operation_of(route).body else None,
                key=token if route in NEED_USER else None,
            )
            assert got.status in (404, 400), f"{named(route)}: {got.status}"
            if got.status == 400:
                assert got.body["code"] in ("invalid_request", "bad_request", "INVALID_INPUT"), named(route)


@pytest.mark.parametrize("value", ["x", "%00", "..%2f..", "1' or '1'='1", "%F0%9F%98%80", "9" * 300])
async def test_no_path_breaks_anything(api: Api, value: str) -> None:
    token = await signed_in(api, "ana@example.com")
    for route in ROUTES:
        if "{" in route.path:
            key = token if route in NEED_USER else None
            got = await api.call(route.method, filled(route, value), None, key=key)
            assert got.status < 500, f"{named(route)} with {value}: {got.status} {got.body}"


async def test_no_body_breaks_anything(api: Api) -> None:
    nul, deep = b'{"name": "\\u0000", "tag": "a\\u0000b"}', b"[" * 200 + b"]" * 200
    bodies = [b"", b"{", b"null", b"[]", b'"x"', nul, deep, b"\xff\xfe"]
    token = await signed_in(api, "ana@example.com")
    for route in ROUTES:
        if operation_of(route).body is not None:
            for data in bodies:
                got = await api.call(
                    route.method, filled(route, str(uuid4())), data=data, headers={"Content-Type": "application/json"},
                    key=token if route in NEED_USER else None,
                )
                assert got.status < 500, f"{named(route)} with {data[:20]!r}: {got.status} {got.body}"


async def test_routes_of_the_application_are_all_known(api: Api) -> None:
    app = web.Application()
    for route in in_order(ROUTES):
        app.router.add_route(route.method, route.path, route.handler)
    for route in ROUTES:
        found = [r for r in app.router.routes() if r.method == route.method and r.handler is route.handler]
        assert found, named(route)
