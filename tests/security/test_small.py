"""Small things: what is framed, what is said of failures, absurd values on every route, sockets of the sandbox."""

import os
import re
import stat
import struct
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hub import ids
from hub.api.app import build_app
from hub.api.chat import ancestors
from hub.chat.inbound.intake import Intake
from hub.config import Settings
from hub.processes.embedded import Server
from hub.store import files
from hub.tools.shell import seccomp
from tests.api.conftest import Api
from tests.console.conftest import Desk
from tests.fakes.model import says, serve
from tests.security.raw import raw_get

ROOT = Path(__file__).parents[2]
TOP, FRAME = {"Sec-Fetch-Dest": "document"}, {"Sec-Fetch-Dest": "iframe"}


async def page(api: Api, kind: str = "page") -> str:
    token = ids.access_key()[4:]
    await files.add(
        api.hub.db, ids.uuid7(), api.account, None, None, token=token, name="<b>Menu.html", mime="text/html", kind=kind,
        sha256=b"x" * 32, content=b"<script>document.title</script>", seconds=60.0,
    )
    return f"/hosted/{token}"


async def test_a_page_that_a_model_wrote_never_fills_a_window_of_the_hubs_own_host(api: Api) -> None:
    path = await page(api)
    got = await api.call("GET", path, key="", headers=TOP)
    assert got.status == 200 and "document.title" not in got.body
    assert re.search(r'<iframe sandbox="allow-scripts" [^>]*src="\?">', got.body) and "<b>" not in got.body
    assert "script-src" not in got.headers["Content-Security-Policy"] and "Sec-Fetch-Dest" in got.headers["Vary"]
    inside = await api.call("GET", path, key="", headers=FRAME)
    assert inside.body == "<script>document.title</script>"
    policy = inside.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts;") and "frame-ancestors 'self'" in policy


async def test_a_host_of_their_own_shows_such_pages_and_nothing_else(settings: Settings, api: Api) -> None:
    hub = api.hub
    changed = settings.changed(hosted_url="http://pages.example")
    from_settings = type(hub)(**{n: getattr(hub, n) for n in hub.__dataclass_fields__} | {"settings": changed})
    intake = Intake(hub.db, hub.queue)
    path = await page(api)
    async with TestServer(build_app(from_settings, intake)) as server, aiohttp.ClientSession() as http:
        async def get(path: str, host: str, **headers: str) -> Any:
            url = str(server.make_url("")).rstrip("/") + path
            async with http.get(url, headers={"Host": host, **headers}, allow_redirects=False) as got:
                return got.status, await got.text(), got.headers

        status, _, headers = await get(path, "hub.example", **TOP)
        assert (status, headers["Location"]) == (302, f"http://pages.example{path}")
        status, text, headers = await get(path, "pages.example", **TOP)
        assert status == 200 and text == "<script>document.title</script>"
        assert headers["Content-Security-Policy"].startswith("sandbox allow-scripts;")
        for other in ("/console", "/console/login", "/api/v1/sessions", "/", "/widget.js", "/v1/models", "/media/x"):
            assert (await get(other, "pages.example"))[0] == 404, other
        assert (await get("/console/login", "hub.example"))[0] == 200
    await intake.close()


async def test_a_business_own_script_is_nothing_outside_of_its_frame(api: Api) -> None:
    client = await api.client(aiGatewayId=await api.gateway(), clientParameters={"customScripts": "alert(1)"})
    got = await api.call("GET", f"/c/{client}/scripts", key="", headers=TOP)
    assert got.status == 404 and "alert" not in str(got.body)
    assert "alert(1)" in (await api.call("GET", f"/c/{client}/scripts", key="", headers=FRAME)).body


@pytest.mark.parametrize(
    "value", ["https://a.example; script-src *", "https://a.example 'unsafe-inline'", "*", "https://a\nx", "data:", 7]
)
def test_a_host_in_a_policy_ends_no_directive(value: Any) -> None:
    assert ancestors({"allowedFrameOrigins": [value]}).split() == ["'self'"]
    assert ancestors({"allowedFrameOrigins": [value, "https://b.example"]}) == "'self' https://b.example"


@pytest.mark.parametrize("logo", ["https://a.example;script-src *;/x.png", "https://a.example,b/x.png", "https://u:p@c/x"])
async def test_a_logo_adds_nothing_but_its_host(api: Api, logo: str) -> None:
    client = await api.client(aiGatewayId=await api.gateway())
    await api.hub.db.run(
        "update clients set parameters = parameters || jsonb_build_object('logoImageUrl', $2::text) where id = $1",
        client, logo,
    )
    got = await api.call("GET", f"/c/{client}", key="")
    told = [d.strip() for d in got.headers["Content-Security-Policy"].split(";")]
    policy = dict(d.split(" ", 1) for d in told if " " in d)
    assert policy["script-src"] == "'self'" and "*" not in policy["img-src"] and "@" not in policy["img-src"]


async def test_a_guest_hears_nothing_of_the_provider_behind_the_chat(api: Api) -> None:
    async with serve() as model:

        async def refuse(request: web.Request, body: Any) -> web.StreamResponse:
            said = {"error": {"message": "Project proj_SECRET has no quota", "code": "inner_code", "type": "t"}}
            return web.json_response(said, status=400)

        model.default = refuse
        gateway = await api.gateway(baseAddress=f"{model.url}/v1", modelName="fake-1", apiKey="sk-x")
        client = await api.client(aiGatewayId=gateway)
        made = await api.ok("POST", f"/api/v1/web-chat-client/{client}/sessions", {})
        path = f"/api/v1/public/chat-clients/{made['accessKey']}"
        for commit in (True, False):
            got = await api.call("POST", path + "/prompt", {"prompt": "Hi", "commit": commit}, key="")
            assert got.status in (200, 502)
            assert not re.search(r"proj_SECRET|inner_code|Error\b|aiohttp|fake-1", str(got.body)), got.body
        model.default = says("fine")


async def test_a_failed_connection_is_told_without_names_of_classes(api: Api) -> None:
    gateway = await api.gateway(baseAddress="http://127.0.0.1:9/v1", modelName="fake-1", apiKey="sk-x")
    asked = {"model": gateway, "messages": [{"role": "user", "content": "Hi"}]}
    got = await api.call("POST", "/v1/chat/completions", asked)
    assert got.status == 502 and got.body["details"]["kind"] == "unreachable"
    assert not re.search(r"Client|Connector|OSError|Errno", str(got.body))


async def test_an_id_of_a_request_cannot_be_foretold(api: Api) -> None:
    found = {(await api.call("GET", "/health/live", key="")).headers["X-Request-Id"] for _ in range(50)}
    assert len(found) == 50 and all(re.fullmatch(r"[0-9a-f]{32}", one) for one in found)


ABSURD = (
    "%00", "a%00b", "9" * 400, "-1", "1e999", "%F0%9F%92%A9", "..%2F..%2Fetc", "%FF%FE", "NaN", "' or 1=1 --",
    "%ED%A0%80",
)
NAMES = (
    "cursor", "after", "before", "offset", "limit", "page", "per_page", "size", "filter", "order_by", "q", "query",
    "state", "since", "until", "from", "to", "day", "month", "show", "session", "pairing", "client", "channel", "next",
    "id", "name", "path", "o",
)


def _gets(app: web.Application) -> list[str]:
    found = set()
    for resource in app.router.resources():
        if any(route.method == "GET" for route in resource):
            found.add(resource.canonical)
    return sorted(p for p in found if not p.endswith("/events"))


def _filled(path: str, value: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda m: "telegram" if m[1] in ("channel", "network") else value, path)


def _asked(paths: list[str]) -> list[str]:
    """Each route with each absurd value in its path and in each name of a query."""
    made = []
    for n, path in enumerate(paths):
        variables = re.findall(r"\{(\w+)\}", path)
        values = [ABSURD[(n + k) % len(ABSURD)] for k in range(4)]
        for value in values:
            raw = value if "%" in value else quote(value)
            if variables:
                made.append(_filled(path, raw))
            at = _filled(path, str(ids.uuid7()))
            made.append(at + "?" + "&".join(f"{name}={raw}" for name in NAMES))
    return made


async def test_absurd_values_are_nobodys_failure_on_any_route(desk: Desk, api: Api) -> None:
    """Of the APIs and of the pages, signed in and with a key."""
    intake = Intake(api.hub.db, api.hub.queue)
    paths = _gets(build_app(api.hub, intake))
    await intake.close()
    assert len(paths) > 100 and any(p.startswith("/console") for p in paths)
    cookies = "; ".join(f"{c.key}={c.value}" for c in desk.http.cookie_jar)
    failed = []
    for target in _asked(paths):
        status = await raw_get(api.url, target, {"Authorization": f"Bearer {api.key}", "Cookie": cookies})
        if status >= 500 or status == 0:
            failed.append((status, target))
    assert not failed, failed


def _run(code: bytes, number: int, first: int) -> Any:
    """What the kernel's filter answers to a call, by the rules of classic BPF."""
    lines = [struct.unpack("=HBBI", code[n : n + 8]) for n in range(0, len(code), 8)]
    memory, held, place = {0: number, 4: 0xC000003E, 16: first}, 0, 0
    while True:
        kind, jump, other, value = lines[place]
        place += 1
        if kind == seccomp.LOAD:
            held = memory[value]
        elif kind == seccomp.EQUAL:
            place += jump if held == value else other
        elif kind == seccomp.AT_LEAST:
            place += jump if held >= value else other
        else:
            return value


@pytest.mark.parametrize(
    ("family", "allowed"),
    [
        (1, True), (2, True), (10, True), (16, True), (40, False), (38, False), (31, False), (30, False), (17, False),
        (44, False), (0, False), (2**31, False),
    ],
    ids=["UNIX", "INET", "INET6", "NETLINK", "VSOCK", "ALG", "BLUETOOTH", "TIPC", "PACKET", "XDP", "none", "absurd"],
)
def test_the_sandbox_has_only_sockets_that_its_namespace_keeps_in(family: int, allowed: bool) -> None:
    code = seccomp.program("x86_64")
    assert code is not None
    assert _run(code, 41, family) == (seccomp.ALLOW if allowed else seccomp.NO_SUCH_FAMILY)


@pytest.mark.parametrize(("number", "answer"), [(0, "ALLOW"), (1, "ALLOW"), (257, "ALLOW"), (319, "NO_SUCH_CALL"),
                                                (321, "NO_SUCH_CALL"), (0x40000000 + 41, "NO_SUCH_CALL")])
def test_the_filter_answers_other_calls_as_before(number: int, answer: str) -> None:
    code = seccomp.program("x86_64")
    assert code is not None
    assert _run(code, number, 40) == getattr(seccomp, answer)


def test_the_log_of_the_embedded_database_is_its_owners_alone(servers: tuple[Server, Server]) -> None:
    """It holds statements, and with them what people said."""
    assert stat.S_IMODE(os.stat(servers[0].log).st_mode) == 0o600


def test_an_image_for_production_has_no_tool_of_the_tests() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    assert re.findall(r"\S*requirements\S*\.lock", dockerfile) and "requirements-dev" not in dockerfile
    assert not re.search(r"^COPY (tests|\.)( |$)", dockerfile, re.MULTILINE)
    locked = set(re.findall(r"^([a-z0-9_.-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    tools = ("pytest", "pytest-xdist", "hypothesis", "schemathesis", "playwright", "mypy", "ruff", "openai", "aiogram")
    assert not locked & set(tools)


def test_bodies_are_read_where_they_are_bounded_and_nowhere_else() -> None:
    """By the two modules that count bytes, time and parts."""
    asked = r"request\.(?:post|multipart|read|text|json)\("
    reads = re.compile(asked + r"|\.content\.(?:read|readany|iter_\w+)\(|client_max_size=")
    found = {
        str(path.relative_to(ROOT)) for folder in ("api", "console") for path in (ROOT / "hub" / folder).rglob("*.py")
        if reads.search(path.read_text())
    }
    assert found == {"hub/api/http/bounded.py", "hub/api/app.py"}, "beside the parts of hub/api/http/uploads.py"
