"""An account that asks for documented rows, and compares every answer with what is documented."""

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

from tests.api.conftest import Answer, Api, Provider
from tests.contract import answers, aresgen, family_rows, rows
from tests.contract.shape import differences
from tests.fakes.model import FakeModel

Json = dict[str, Any]
ROWS = rows.ROWS | family_rows.ROWS | aresgen.ROWS
ANSWERS = answers.ANSWERS | family_rows.ANSWERS | aresgen.ANSWERS
ENVELOPE = {"X-Response-Envelope": "true"}


def filled(row: str, *variables: object, **query: object) -> str:
    """The path of a row with its variables in order."""
    path = ROWS[row].path
    for value in variables:
        path = re.sub(r"<[\w-]+>", quote(str(value), safe=""), path, count=1)
    assert "<" not in path, f"{row}: {path} has variables left"
    return path + (f"?{urlencode(query)}" if query else "")


@dataclass
class Contract(Api):
    """`asked`: rows that were asked for, with the statuses of their answers."""

    model: FakeModel
    provider: Provider
    asked: set[tuple[str, int]] = field(default_factory=set)

    async def row(self, row: str, *variables: object, query: Json | None = None, **more: Any) -> Answer:
        """Ask for a row as it is printed; of status 200 or 201 every field must be as documented."""
        one = ROWS[row]
        if one.public:
            more["key"] = ""
        got = await self.call(one.method, filled(row, *variables, **(query or {})), **more)
        self.asked.add((row, got.status))
        if got.status in (200, 201, 202) and row in ANSWERS and _whole(got, more):
            said = ANSWERS[row]
            found = (
                differences(got.body, said) if not isinstance(said, str)
                else [] if got.body == {"message": said, "data": None} else [f"{got.body} is not {said!r}"]
            )
            assert found == [], f"{row}: {found}"
        return got

    async def good(self, row: str, *variables: object, **more: Any) -> Any:
        """A row that must be answered with its success; its body."""
        got = await self.row(row, *variables, **more)
        assert got.status == ROWS[row].statuses[0], f"{row}: {got.status} {got.body}"
        return got.body

    async def refused(self, row: str, status: int, *variables: object, said: str = "", **more: Any) -> Json:
        """A row that must be refused, in the body of its family and with these words; its body."""
        got = await self.row(row, *variables, **more)
        assert got.status == status, f"{row}: {got.status} {got.body}"
        body: Json = got.body
        if ROWS[row].path.startswith("/v1/"):
            assert got.headers["Content-Type"].startswith("application/problem+json")
            assert set(body) - {"details"} == {"type", "title", "status", "detail", "instance", "code", "error"}
            assert set(body["error"]) == {"message", "type", "param", "code"} and body["status"] == status
            text = body["error"]["message"]
        else:
            assert got.headers["Content-Type"].startswith("application/json")
            assert set(body) == {"error", "details", "code"}
            text = body["error"]
        assert isinstance(text, str) and said in text, f"{row}: {text}"
        return body

    async def both_ways(self, row: str, *variables: object, query: Json | None = None, **more: Any) -> Any:
        """The same with the key in the query string, and in an envelope; the payload of all three."""
        plain = await self.good(row, *variables, query=query, **more)
        with_key = {**(query or {}), **({} if ROWS[row].public else {"api-key": self.key})}
        assert await self.good(row, *variables, query=with_key, key="", **more) == plain, row
        if ROWS[row].path.startswith("/api/"):
            more["headers"] = {**more.get("headers", {}), **ENVELOPE}
            got = await self.call(ROWS[row].method, filled(row, *variables, **(query or {})),
                                  **{**more, **({"key": ""} if ROWS[row].public else {})})
            assert (got.status, got.body) == (200, enveloped(plain)), row
        return plain

    async def user(self, name: str = "ana") -> str:
        """The access token of a new user of the account."""
        given = {"email": f"{name}-{uuid4()}@example.com", "password": "correct horse"}
        assert (await self.call("POST", "/api/v1/ares/users", given)).status == 201
        return str((await self.ok("POST", "/api/auth/login", given, key=""))["access_token"])

    async def modelled(self, **parameters: Any) -> str:
        """A gateway behind the fake model."""
        return await self.gateway(**{"baseAddress": f"{self.model.url}/v1", "modelName": "fake-1", **parameters})

    async def talk(self, gateway: Json | None = None, session: Json | None = None, **client: Any) -> "Talk":
        """A chat client behind the fake model, with an open session."""
        given = {"baseAddress": f"{self.model.url}/v1", "modelName": "fake-1", "apiKey": "k-upstream"}
        one = await self.gateway(**given, **(gateway or {}))
        id = await self.client(aiGatewayId=one, **client)
        opened = await self.good("A-15", id, sent=session or {})
        return Talk(one, id, opened["sessionId"], opened["accessKey"])

    async def until(self, row: str, *variables: object, **wanted: Any) -> Any:
        """Ask until the answer has these values."""
        for _ in range(200):
            body = await self.good(row, *variables)
            if all(body[name] == value for name, value in wanted.items()):
                return body
            await asyncio.sleep(0.02)
        raise AssertionError(f"{row}: {body} never became {wanted}")


def _whole(got: Answer, asked: Json) -> bool:
    """Whether it is an answer of the printed shape: no stream, no envelope that was asked for."""
    return "event-stream" not in got.headers["Content-Type"] and ENVELOPE.keys().isdisjoint(asked.get("headers", {}))


@dataclass(frozen=True)
class Talk:
    gateway: str
    client: str
    session: str
    key: str


def enveloped(plain: Any) -> Json:
    """A payload as it is answered to who asks for an envelope; what brings its own keeps it."""
    if isinstance(plain, dict) and ("message" in plain or set(plain) == {"data"}):
        return {"message": None, "data": None, **plain}
    return {"message": None, "data": plain}
