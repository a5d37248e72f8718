"""Absurd bodies and ids on every route that changes something: they are refused, and are nobody's failure."""

import io
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote

import orjson
import pytest
import pytest_asyncio
from yarl import URL

from hub.api.app import ROUTES, build_app
from hub.api.http.operation import Route, operation_of
from hub.chat.inbound.intake import Intake
from tests.api.conftest import Api, keys_of
from tests.console.conftest import signed_in
from tests.contract.conftest import Place, place  # noqa: F401 - a fixture
from tests.security.house import House, built
from tests.security.test_small import ABSURD, NAMES

pytestmark = pytest.mark.asyncio(loop_scope="module")
SETTINGS = {"public_url": "http://127.0.0.1:9"}
CHANGING = [r for r in ROUTES if r.method != "GET"]
DEEP = 4
# What stands for a text, a number, anything; as JSON, for some of it no library writes.
STANDINS: tuple[tuple[bytes, bytes, bytes], ...] = (
    (rb'"a\u0000b"', b"-1", b"null"),
    (rb'"\ud800"', b"9" * 400, b'{"a": {"$ref": "#"}}'),
    (b'"' + b"9" * 40_000 + b'"', b"1e308", b'[[["x"]]]'),
    (('"' + "\U0001f4a9\u202e" * 50 + '"').encode(), b"-0.0", b'"9999-99-99T99:99:99Z"'),
    (b'"0000-00-00"', b"1e-999", b"true"),
    (b"[]", b'"1"', b"{}"),
)
# No JSON, or none of ours.
RAW = (
    b"", b"null", b"\xff\xfe\x00", b'{"a": NaN}', b"[" * 20_000, b'{"a":' * 5_000, b'"text"', b"1e999", b"{}",
    b"[null]", b'{"\\u0000": "\\u0000"}', b'{"a": "\\ud800"}',
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(place: Place) -> AsyncIterator[House]:  # noqa: F811
    place.provider.refusal = None
    yield await built(Api(place.hub, place.url, *await keys_of(place.hub), place.http))


def filled(schema: Any, defs: Any, stand: tuple[bytes, bytes, bytes], depth: int = 0) -> bytes:
    """JSON of a schema's shape, with a stand-in wherever a value belongs."""
    schema = defs.get(schema["$ref"].rsplit("/", 1)[-1], {}) if "$ref" in schema else schema
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            parts = [p for p in schema[several] if p.get("type") != "null"]
            return filled(parts[depth % len(parts)], defs, stand, depth + 1) if parts else stand[2]
    if schema.get("properties") and depth < DEEP:
        inner = [
            orjson.dumps(name) + b":" + filled(one, defs, stand, depth + 1)
            for name, one in schema["properties"].items()
        ]
        return b"{" + b",".join(inner) + b"}"
    if schema.get("type") == "array" and depth < DEEP:
        return b"[" + filled(schema.get("items", {}), defs, stand, depth + 1) + b"]"
    kind = schema.get("type")
    return stand[0] if kind == "string" else stand[1] if kind in ("integer", "number") else stand[2]


def bodies(route: Route, at: int) -> Iterator[bytes]:
    """Of each route some of the raw ones, by its place, and all of its own shape."""
    yield from (RAW[(at + k) % len(RAW)] for k in range(3))
    shape = operation_of(route).body
    if shape is None:
        return
    schema = shape.json_schema(by_alias=True)
    for stand in STANDINS:
        yield filled(schema, schema.get("$defs", {}), stand)
    # One absurd field at a time reaches what is looked at later.
    names = list(schema.get("properties", {}))
    for n, name in enumerate(names[at % 3 :: 3]):
        yield b"{" + orjson.dumps(name) + b":" + STANDINS[(at + n) % len(STANDINS)][n % 3] + b"}"


async def _status(house: House, method: str, target: str, body: bytes, **headers: str) -> int:
    url = URL(house.api.url + target, encoded=True)
    told = {"Content-Type": "application/json", "X-Shell-User-Id": "ana", **headers}
    async with house.api.http.request(method, url, data=io.BytesIO(body), headers=told, allow_redirects=False) as got:
        if got.content_type != "text/event-stream":
            await got.read()
        return got.status


def _bearer(house: House, route: Route) -> str:
    return f"Bearer {house.known.token if operation_of(route).auth == 'user' else house.api.key}"


def _somewhere(house: House, path: str) -> str:
    """A page's address with what is there, or at least with ids."""
    try:
        return house.path(path)
    except KeyError:
        return re.sub(r"\{(\w+)[^}]*\}", "01a22a30-0000-7000-8000-000000000001", path)


async def test_bodies(house: House) -> None:
    failed, seen = [], Counter[int]()
    assert len(CHANGING) > 100
    for at, route in enumerate(sorted(CHANGING, key=lambda r: (r.method == "DELETE", r.path))):
        if route.method == "DELETE":
            continue
        for body in bodies(route, at):
            got = await _status(house, route.method, house.path(route.path), body, Authorization=_bearer(house, route))
            seen[got] += 1
            if got >= 500 and got != 502:  # 502: a provider that is not there
                failed.append((got, route.method, route.path, body[:200]))
    assert not failed, "\n".join(str(f) for f in failed)
    # Most are refused as what they are, and not for who sends them.
    assert seen[400] > 10 * seen[401] and seen[400] > 500 and {200, 404} <= set(seen), seen
    assert await _status(house, "GET", "/api/v1/accounts", b"", Authorization=f"Bearer {house.api.key}") == 200


async def test_ids(house: House) -> None:
    failed = []
    for n, route in enumerate(CHANGING):
        if "{" not in route.path:
            continue
        for k in range(3):
            value = ABSURD[(n + k) % len(ABSURD)]
            raw = value if "%" in value else quote(value)
            path = re.sub(r"\{(\w+)[^}]*\}", raw, route.path)
            many = "?" + "&".join(f"{name}={raw}" for name in NAMES)
            got = await _status(house, route.method, path + many, b"{}", Authorization=_bearer(house, route))
            if got >= 500:
                failed.append((got, route.method, path))
    assert not failed, "\n".join(str(f) for f in failed)


async def test_forms_and_everything_beside_the_apis(house: House) -> None:
    """The console's forms, the public pages', the webhooks: by who is signed in, and by nobody."""
    api = house.api
    intake = Intake(api.hub.db, api.hub.queue)
    described = {r.path for r in ROUTES}
    app = build_app(api.hub, intake)
    await intake.close()
    found = sorted({
        (r.method, r.resource.canonical) for r in app.router.routes()
        if r.resource and r.method not in ("GET", "HEAD", "OPTIONS") and r.resource.canonical not in described
    })
    ending = re.compile(r"login|logout|/settings/(password|sessions)")  # of who is signed in
    paths = [("POST" if m == "*" else m, p) for m, p in found if not ending.search(p)]
    assert len([p for _, p in paths if p.startswith("/console")]) > 40
    desk = await signed_in(api, "owner")
    failed: list[Any] = []
    try:
        token = (await desk.get("/console/settings")).csrf
        cookies = "; ".join(f"{c.key}={c.value}" for c in desk.http.cookie_jar)
        headers = {"Cookie": cookies, "Sec-Fetch-Site": "same-origin"}
        for n, (method, path) in enumerate(paths):
            for k in range(2):
                value = ABSURD[(n + k) % len(ABSURD)]
                raw = value if "%" in value else quote(value)
                form = f"csrf={token}&" + "&".join(f"{f}={raw}" for f in FIELDS)
                for target in (_somewhere(house, path), re.sub(r"\{(\w+)[^}]*\}", raw, path)):
                    got = await _status(
                        house, method, target, form.encode(), **headers,
                        **{"Content-Type": "application/x-www-form-urlencoded"},
                    )
                    if got >= 500:
                        failed.append((got, method, target))
            got = await _status(house, method, _somewhere(house, path), RAW[n % len(RAW)])
            if got >= 500:
                failed.append((got, method, path, RAW[n % len(RAW)][:50]))
    finally:
        await desk.http.close()
    assert not failed, "\n".join(str(f) for f in failed)


# Names of fields that the console's forms have.
FIELDS = (
    *NAMES, "text", "title", "email", "role", "password", "gateway", "model", "key", "days", "amount", "since", "join",
    "shortcut", "collection", "content", "address", "kind", "value", "phone", "at", "every", "zone", "message", "code",
)
