"""Characters beside the documented rows: the image service, plans, money, what fails."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hub.accounts.keys import grant
from hub.config import Settings
from hub.studio.characters.drawing import placeholder
from tests.api.conftest import Answer, Api, Json, Provider, keys_of, serving
from tests.conftest import owning

PNG = placeholder("Drawn by a service")
B64 = base64.b64encode(PNG).decode()
RICH = "update accounts set balance = 1 where id = $1"


class Studio:
    """An image service that draws, refuses or breaks."""

    def __init__(self) -> None:
        self.asked: list[Json] = []
        self.status = 200
        self.answer: Json = {"data": [{"b64_json": B64}]}

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append({**await request.json(), "key": request.headers.get("Authorization")})
        return web.json_response(self.answer, status=self.status)


@pytest.fixture
async def studio(settings: Settings, provider: Provider) -> AsyncIterator[tuple[Api, Studio]]:
    """The hub with billing and a service that costs."""
    found, app = Studio(), web.Application()
    app.router.add_post("/v1/images/generations", found.handle)
    async with TestServer(app) as server, aiohttp.ClientSession() as http:
        changed = settings.changed(
            image_url=str(server.make_url("/v1")), image_key="ik-1", image_model="flux", image_price=0.25, billing=True
        )
        async with serving(changed, provider) as (hub, url):
            yield Api(hub, url, *await keys_of(hub), http), found


async def models(api: Api, kind: str) -> dict[str, str]:
    return {m["name"]: m["id"] for m in await api.ok("GET", f"/api/v1/models?type={kind}")}


async def drawn(api: Api, painter: str, prompt: str = "A tree") -> Answer:
    return await api.call("POST", "/api/v1/images", {"prompt": prompt, "sd_model_id": painter})


async def test_a_service_draws_and_is_paid(studio: tuple[Api, Studio]) -> None:
    api, service = studio
    await api.hub.db.run(RICH, api.account)
    painters = await models(api, "sd")
    assert list(painters) == ["flux", "placeholder"]
    made = await drawn(api, painters["flux"])
    assert made.status == 201
    [asked] = service.asked
    assert (asked["model"], asked["n"], asked["key"]) == ("flux", 1, "Bearer ik-1")
    assert asked["prompt"].startswith("A tree\n\nThe image must be suitable for all ages")
    async with api.http.get(api.url + made.body["url"].removeprefix("https://hub.example")) as got:
        assert await got.read() == PNG
    agent = await api.call("POST", "/api/v1/agents", {"name": "Rosa", "age": 40, "sd_model_id": painters["flux"]})
    assert agent.status == 201 and "Portrait of Rosa: 40 years old" in service.asked[-1]["prompt"]
    assert (await drawn(api, painters["placeholder"])).status == 201
    assert len((await api.ok("GET", "/api/v1/images"))["data"]) == 2
    rows = await api.hub.db.fetch("select * from usage where account_id = $1 order by id", api.account)
    assert [float(r["amount"]) for r in rows] == [0.25, 0.25, 0]
    assert all(r["sku"] == "inference.image_generation" and r["key_id"] is not None for r in rows)
    assert await api.hub.db.value("select balance::float8 from accounts where id = $1", api.account) == 0.5


async def test_what_a_service_will_not_draw_and_one_that_fails(studio: tuple[Api, Studio]) -> None:
    api, service = studio
    await api.hub.db.run(RICH, api.account)
    painter = (await models(api, "sd"))["flux"]
    service.status, service.answer = 400, {"error": {"code": "content_policy_violation"}}
    got = await drawn(api, painter)
    assert got.status == 400 and got.body["error"].startswith("prompt was refused")
    agent = {"name": "Rosa", "appearance_prompt": "x", "sd_model_id": painter}
    got = await api.call("POST", "/api/v1/agents", agent)
    assert got.status == 400 and got.body["error"].startswith("appearance_prompt was refused")
    for service.status, service.answer in ((500, {}), (200, {"data": []}), (200, {"data": [{"b64_json": "aGVsbG8="}]})):
        got = await drawn(api, painter)
        assert got.status == 502 and "127.0.0.1" not in got.said
    assert (await api.ok("GET", "/api/v1/images"))["data"] == await api.ok("GET", "/api/v1/agents") == []


async def test_without_balance(studio: tuple[Api, Studio]) -> None:
    api, service = studio
    llm, painter = (await models(api, "llm"))["@hub/extractive"], (await models(api, "sd"))["flux"]
    talk = (await api.call("POST", "/api/v1/conversations", {"llm_id": llm})).body["id"]
    for path, sent in (
        ("completions", {"llm_id": llm, "messages": [{"role": "user", "content": "Hi"}]}),
        (f"conversations/{talk}/messages", {"content": "Hi"}), ("images", {"prompt": "x", "sd_model_id": painter}),
        ("agents", {"name": "Rosa", "sd_model_id": painter}),
    ):
        got = await api.call("POST", f"/api/v1/{path}", sent)
        assert got.status == 402 and got.body["error"] == "The account balance is zero or negative.", path
    assert (await api.call("POST", "/api/v1/agents", {"name": "Rosa"})).status == 201
    assert service.asked == [] and await api.ok("GET", f"/api/v1/conversations/{talk}/messages") == []


async def test_answers_are_charged(api: Api) -> None:
    llm = (await models(api, "llm"))["@hub/extractive"]
    talk = (await api.call("POST", "/api/v1/conversations", {"llm_id": llm})).body["id"]
    sent = {"llm_id": llm, "messages": [{"role": "user", "content": "Hello"}]}
    assert (await api.call("POST", "/api/v1/completions", sent)).status == 200
    assert (await api.call("POST", f"/api/v1/conversations/{talk}/messages", {"content": "Hello"})).status == 201
    rows = await api.hub.db.fetch("select sku, key_id from usage where account_id = $1", api.account)
    assert sorted(r["sku"].rsplit(".", 1)[-1] for r in rows) == ["in", "in", "out", "out"]
    assert all(r["key_id"] is not None for r in rows)


async def test_plans_have_rates(api: Api) -> None:
    # Made beside the door: whoever asked before is remembered with the plan of then for a moment.
    second = await grant(api.hub.db, api.account, "second", None)
    await api.hub.db.run("update accounts set plan = 'Free' where id = $1", api.account)
    # A plan is the account's: another key of it asks from the same store.
    got = [await api.call("GET", "/api/v1/agents", key=[api.key, second][n % 2]) for n in range(6)]
    assert [g.status for g in got] == [200] * 5 + [429]
    assert [g.headers["X-RateLimit-Remaining"] for g in got] == ["4", "3", "2", "1", "0", "0"]
    assert {g.headers["X-RateLimit-Limit"] for g in got} == {"5"} and isinstance(got[-1].body["error"], str)
    assert int(got[-1].headers["Retry-After"]) >= 1
    other = await api.call("GET", "/api/v1/agents", key=api.foreign)
    assert (other.status, other.headers["X-RateLimit-Limit"]) == (200, "100")


async def test_what_breaks_inside_tells_nothing(api: Api) -> None:
    async with owning(api.hub.settings.database_url.get_secret_value()) as owner:
        await owner.run("alter table character_agents rename to elsewhere")
        await owner.run("alter table ares_facts rename to elsewhere2")
    got = await api.call("GET", "/api/v1/agents")
    assert (got.status, got.body) == (500, {"error": "Internal error"})
    given: Any = {"email": "ana@example.com", "password": "correct horse"}
    token = (await api.ok("POST", "/api/auth/register", given, key=""))["access_token"]
    got = await api.call("GET", "/api/memory", key=token)
    assert (got.status, got.body) == (500, {"error": "Internal error", "details": None, "code": "INTERNAL_ERROR"})


async def test_a_model_that_is_gone_is_named(api: Api) -> None:
    gateway = await api.gateway(modelName="@hub/extractive")
    llm = (await api.ok("GET", "/api/v1/models?type=llm"))[0]["id"]
    talk = (await api.call("POST", "/api/v1/conversations", {"llm_id": llm})).body["id"]
    await api.ok("DELETE", f"/api/v1/ai-gateways/{gateway}")
    got = await api.call("POST", f"/api/v1/conversations/{talk}/messages", {"content": "Hello"})
    assert got.status == 404 and "llm_id" in got.body["error"]
    other = (await models(api, "llm"))["@hub/extractive"]
    await api.ok("PATCH", f"/api/v1/conversations/{talk}", {"llm_id": other})
    assert (await api.call("POST", f"/api/v1/conversations/{talk}/messages", {"content": "Hello"})).status == 201
