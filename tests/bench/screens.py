"""All screens of the console and all lists of the APIs over an account with half a million conversations: how long each
takes, the processor it takes, and its slowest statement."""

import re
import time
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import BaseModel

from hub.api.app import ROUTES
from hub.api.http.operation import Operation, Route, operation_of
from hub.store.db import Db
from tests.bench.crowded import MANY, Crowded, filled
from tests.bench.load import at
from tests.bench.place import Place
from tests.bench.report import Pace, say, title
from tests.conftest import owning
from tests.console.test_screens import SCREENS

FEW, ASKED, WARM = 20_000, 20, 1
GOAL, LEAST = 0.050, 0.150
SLOW = 5  # milliseconds of a statement that is worth a line
# What a variable of a path stands for: where it comes from, by the path's beginning.
NAMED = (
    ("/api/v1/web-chat-client", "id", "client"), ("/api/v1/ai-gateways", "id", "gateway"),
    ("/api/v1/contacts", "id", "person"), ("/api/v1/inbox", "id", "session"), ("/api/v1/deliveries", "id", "delivery"),
    ("/api/v1/messages", "id", "message"), ("/api/v1/memories", "id", "memory"), ("/", "session_id", "session"),
    ("/", "schedule_id", "schedule"), ("/", "key_id", "key"),
)
IDS = """
    select (select o.session_id from session_order o where o.account_id = $1 order by o.at desc limit 1) as session,
        (select p.id from people p where p.account_id = $1 order by p.id desc offset 7 limit 1) as person,
        (select m.id from messages m where m.account_id = $1 order by m.id desc offset 7 limit 1) as message,
        (select h.id from schedules h where h.account_id = $1 order by h.id desc limit 1) as schedule,
        (select o.key from outbox o where o.account_id = $1 and o.state = 'dead' limit 1) as delivery,
        (select y.id from memories y where y.account_id = $1 order by y.id desc limit 1) as memory,
        (select k.id from api_keys k where k.account_id = $1 limit 1) as key,
        (select c.gateway_id from clients c where c.account_id = $1 limit 1) as gateway,
        (select c.id from clients c where c.account_id = $1 limit 1) as client
"""
SAID = re.compile(r"duration: ([\d.]+) ms  (?:execute|statement|parse|bind)[^:]*: (.*)")


@dataclass
class Seen:
    """What was asked, how long each took, and the slowest statement of it. status: the worst answer."""

    path: str
    times: list[float] = field(default_factory=list)
    status: int = 0
    web: float = 0.0
    database: float = 0.0
    slowest: str = ""

    @property
    def good(self) -> bool:
        """Whether it was shown: an error is fast."""
        return self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def p95(self) -> float:
        return at(sorted(self.times), 0.95)

    def told(self) -> str:
        words = f"p50 {1000 * at(sorted(self.times), 0.5):.0f}, p95 {1000 * self.p95:.0f} ms"
        return f"{words}; processor {1000 * self.web:.0f} + {1000 * self.database:.0f} ms  {self.slowest}"


@dataclass(frozen=True)
class Asking:
    """How a hub is asked that is looked at. spent: processor of (web, PostgreSQL) until now, in seconds."""

    http: aiohttp.ClientSession
    url: str
    who: Crowded
    log: Path
    spent: Callable[[], tuple[float, float]]

    async def seen(self, path: str, asked: int = ASKED) -> Seen:
        """Of one path; what was cold is not counted."""
        found, before, place = Seen(path), (0.0, 0.0), 0
        for n in range(asked + WARM):
            if n == WARM:
                before, place = self.spent(), self.log.stat().st_size
            begun = time.monotonic()
            async with self.http.get(f"{self.url}{path}", headers=self._headers(path), allow_redirects=False) as got:
                await got.read()
                found.status = max(found.status, got.status)
            found.times.append(time.monotonic() - begun)
        found.times = found.times[WARM:]
        found.web, found.database = ((b - a) / asked for a, b in zip(before, self.spent(), strict=True))
        found.slowest = _slowest(self.log, place)
        return found

    async def onward(self, path: str) -> str | None:
        """The next page of a list that is cut."""
        async with self.http.get(f"{self.url}{path}", headers=self._headers(path)) as got:
            body = await got.json()
            link = re.search(r'<https?://[^/]+([^>]+)>; rel="next"', got.headers.get("Link", ""))
        if link:
            return link[1]
        cursor = next((body[n] for n in ("nextCursor", "next_cursor") if isinstance(body, dict) and body.get(n)), None)
        return f"{path}{'&' if '?' in path else '?'}cursor={cursor}" if cursor else None

    def _headers(self, path: str) -> dict[str, str]:
        if path.startswith("/console"):
            return {"Cookie": f"hub_console={self.who.cookie}"}
        return {"Authorization": f"Bearer {self.who.key}"}


def _slowest(log: Path, place: int) -> str:
    with log.open("rb") as file:
        file.seek(place)
        lines = file.read().decode(errors="replace").replace("\n\t", " ").splitlines()
    told = [(float(m[1]), " ".join(m[2].split())) for m in map(SAID.search, lines) if m]
    took, sql = max(told, default=(0.0, ""))
    return f"[{took:.0f} ms: {sql[:110]}]" if sql else ""


def lists(ids: dict[str, Any]) -> list[str]:
    """Paths of all lists of the APIs that an account's key opens; once more with what is searched for."""
    found = []
    for route in ROUTES:
        operation = operation_of(route)
        if route.method == "GET" and not route.alias and operation.auth in ("key", "public") and _listing(operation):
            path = _path(route, ids)
            if path is not None:
                found.append(path)
                if operation.query is not None and "filter" in operation.query.model_fields:
                    found.append(f"{path}?filter=person%2077")
    return found


def _listing(operation: Operation) -> bool:
    form: Any = operation.result._type if operation.result is not None else None
    if operation.pages or typing.get_origin(form) is list:
        return True
    fields = form.model_fields.values() if isinstance(form, type) and issubclass(form, BaseModel) else ()
    return any(typing.get_origin(one.annotation) is list for one in fields)


def _path(route: Route, ids: dict[str, Any]) -> str | None:
    path = route.path
    for name in re.findall(r"\{(\w+)[^}]*\}", path):
        what = next((k for start, n, k in NAMED if n == name and route.path.startswith(start)), "")
        if ids.get(what) is None:
            return None
        path = re.sub(rf"\{{{name}[^}}]*\}}", str(ids[what]), path)
    return path


def screens(ids: dict[str, Any]) -> list[str]:
    """Paths of all screens of the console."""
    named = (
        f"/inbox/{ids['session']}", f"/inbox/{ids['session']}/desk", f"/bots/{ids['gateway']}",
        f"/channels/{ids['client']}", f"/deliveries/{ids['delivery']}", f"/why/{ids['message']}",
        f"/schedules/{ids['schedule']}", "/inbox?q=person%2077", "/search?q=person%209",
    )
    return [f"/console{one}" for one in (*SCREENS, *named)]


async def watched(owner: Db, shortest: int) -> None:
    """Let PostgreSQL tell of statements that take so many milliseconds; -1: of none."""
    await owner.run(f"alter system set log_min_duration_statement = {shortest}")
    await owner.run("select pg_reload_conf()")


async def walked(asking: Asking, paths: list[str], asked: int = ASKED) -> list[Seen]:
    """Each, and the second page of what is cut."""
    found = []
    for path in paths:
        found.append(await asking.seen(path, asked))
        say(path, f"{found[-1].status}  {found[-1].told()}")
        onward = await asking.onward(path) if path.startswith(("/api", "/v1")) and found[-1].status == 200 else None
        if onward:
            found.append(await asking.seen(onward, asked))
            say("   its second page", f"{found[-1].status}  {found[-1].told()}")
    return found


async def measure(place: Place, pace: Pace) -> None:
    many = MANY if pace.runs > 1 else FEW
    title(f"16. Screens and lists over {many:,} conversations of four messages")
    who = await filled(place.hub, many)
    say("filled", f"{who.seconds:.0f} s")
    row = await place.hub.db.row(IDS, who.account)
    assert row is not None
    ids = dict(row)
    async with owning(place.settings.database_url.get_secret_value()) as owner, aiohttp.ClientSession() as http:
        await watched(owner, SLOW)
        async with place.web() as (_, port):
            log = place.servers["PostgreSQL"].log
            asking = Asking(http, f"http://127.0.0.1:{port}", who, log, lambda: _spent(place))
            found = await walked(asking, [*screens(ids), *lists(ids)])
        await watched(owner, -1)
    for words, most in (("goal", GOAL), ("least", LEAST)):
        late = [one.path for one in found if one.p95 > most and one.good]
        say(f"above {1000 * most:.0f} ms at p95 ({words})", f"{len(late)} of {len(found)}")
    if wrong := [f"{one.status} {one.path}" for one in found if not one.good]:
        say("not shown, and so in none of these rows", "; ".join(wrong))
    await place.empty()


def _spent(place: Place) -> tuple[float, float]:
    found = place.cpu()
    return found["web"], found["PostgreSQL"]
