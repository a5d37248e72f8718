"""Keys with limits of their own, at every door that a key opens; beside each a key that notices nothing of it."""

import asyncio
import contextlib
import csv
import io
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from pydantic import SecretStr

from hub.llm.embedder import MODEL as EMBEDDER
from hub.processes.embedded import Server
from tests.api.conftest import Answer, Api, keys_of, providing, serving
from tests.api.test_catalogue_models import FILE
from tests.conftest import cloned, small
from tests.fakes.model import FakeModel, says, serve
from tests.later import later

if TYPE_CHECKING:
    import openai
else:
    openai = later("openai")

Json = dict[str, Any]
pytestmark = pytest.mark.asyncio(loop_scope="module")
KEYS, SPEND = "/api/v1/accounts/api-key", "/api/v1/accounts/spend"
# A fake answer has five tokens: ten cents.
DEAR = """
[models."@acme/dear"]
provider = "acme"
name = "dear"
out = 20000.0
"""
MODEL, CENTS = "@acme/dear", 0.1
ASK: Json = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}], "max_completion_tokens": 5}

# Of a chat.
NO_KEY = """
    insert into usage (account_id, sku, quantity, unit_price, amount)
    values ($1, 'inference.chat_completions.out', 5, 0.01, 0.05)
"""


class Town(Api):
    """One account; each test makes keys of its own."""

    model: FakeModel
    others: list[str]

    async def limited(self, **sent: Any) -> tuple[str, UUID]:
        """A new key and its id."""
        label = f"k-{uuid4().hex[:8]}"
        made = await self.ok("POST", KEYS, {"label": label, "duration": -1, "role": "member", **sent})
        found = (await self.ok("GET", KEYS))["apiKeys"]
        return made["grantKey"], next(UUID(k["id"]) for k in found if k["label"] == label)

    async def ask(self, key: str, url: str = "", **more: Any) -> Answer:
        here, self.url = self.url, url or self.url
        try:
            return await self.call("POST", "/v1/chat/completions", ASK | more, key=key)
        finally:
            self.url = here

    async def door(self, family: str, gateway: str) -> tuple[Json, str]:
        """What asks a gateway at the doors of another family."""
        if family == "aresgen":
            made = await self.call("POST", "/v1/documents", {"title": "Sea", "content": "The sea is wide."})
            sent = {"command": "rewrite", "instructions": "Shorter.", "model": gateway}
            return sent, f"/v1/documents/{made.body['id']}/commands"
        models = await self.ok("GET", "/api/v1/models?type=llm")
        name = next(g["name"] for g in await self.ok("GET", "/api/v1/ai-gateways") if g["id"] == gateway)
        llm = next(m["id"] for m in models if m["name"] == name)
        return {"messages": [{"role": "user", "content": "Hi"}], "llm_id": llm}, "/api/v1/completions"

    async def gateway(self, **parameters: Any) -> str:
        sent = {"name": f"bot {uuid4().hex[:6]}", "parameters": {"baseAddress": "@integrated", **parameters}}
        return str((await self.ok("POST", "/api/v1/ai-gateways", sent))["aiGatewayId"])

    async def asked_by_agent(self, key: str, gateway: str, method: str = "tools/call") -> Answer:
        params: Json = {"name": "ask_" + gateway, "arguments": {"message": "Hi"}} if method == "tools/call" else {}
        sent = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}
        return await self.call("POST", "/mcp", sent, key=key, headers=headers)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(
    servers: tuple[Server, Server], sealing_key: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    """Two processes over one database."""
    home = tmp_path_factory.mktemp("hub")
    async with AsyncExitStack() as stack:
        dsn = await stack.enter_async_context(cloned(servers[0]))
        provider = await stack.enter_async_context(providing())
        model, http = await stack.enter_async_context(serve()), await stack.enter_async_context(aiohttp.ClientSession())
        catalogue = home / "models.toml"
        catalogue.write_text(FILE.format(url=model.url) + DEAR)
        settings = small(dsn, servers[1].url, sealing_key, home).changed(
            catalogue=str(catalogue), model_keys=SecretStr("acme=sk-of-the-operator"), aresgen_per_minute=0
        )
        hub, url = await stack.enter_async_context(serving(settings, provider))
        _, second = await stack.enter_async_context(serving(settings, provider))
        made = Town(hub, url, *await keys_of(hub), http)
        made.model, made.others = model, [second]
        yield made


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def fresh(town: Town) -> None:
    town.model.default = says("Hello.")
    town.model.plan.clear()


def quota(got: Answer, limit: str) -> None:
    assert got.status == 429, got.body
    assert got.body["error"]["code"] == got.body["error"]["type"] == "insufficient_quota"
    assert got.body["details"]["limit"] == limit and got.headers["X-Should-Retry"] == "false"


@pytest.mark.parametrize("period", ["day", "month", "total"])
async def test_a_budget_ends_and_its_neighbour_goes_on(town: Town, period: str) -> None:
    poor, _ = await town.limited(limits={"budget": {period: 0.15}})
    rich, _ = await town.limited(limits={"budget": {period: 100}})
    assert [(await town.ask(poor)).status for _ in range(2)] == [200, 200]
    calls = len(town.model.calls)
    refused = [await town.ask(poor), await town.ask(poor, stream=True)]
    for got in refused:
        quota(got, f"budget_{period}")
        assert "$0.15" in got.body["detail"]
        # It tells when it ends, where it does.
        assert ("Retry-After" in got.headers) == (period != "total")
    assert len(town.model.calls) == calls, "nobody was asked"
    assert (await town.ask(rich)).status == 200 and (await town.ask(town.key)).status == 200
    async with openai.AsyncOpenAI(api_key=poor, base_url=f"{town.url}/v1") as client:
        with pytest.raises(openai.RateLimitError) as told:
            await client.chat.completions.create(**ASK)
    assert told.value.code == "insufficient_quota" and len(town.model.calls) == calls + 2


async def test_every_door_of_the_key_is_closed(town: Town) -> None:
    gateway = await town.gateway(modelName=MODEL)
    slug = next(g["slug"] for g in await town.ok("GET", "/api/v1/ai-gateways") if g["id"] == gateway)
    name = slug.lower().replace(":", "_").replace("-", "_")
    poor, _ = await town.limited(limits={"budget": {"day": 0.05}})
    rich, _ = await town.limited(limits={"budget": {"day": 100}})
    assert (await town.ask(poor)).status == 200
    quota(await town.call("POST", "/v1/embeddings", {"model": EMBEDDER, "input": "x"}, key=poor), "budget_day")
    assert (await town.call("POST", "/v1/embeddings", {"model": EMBEDDER, "input": "x"}, key=rich)).status == 200
    said = {key: str((await town.asked_by_agent(key, name)).body) for key in (poor, rich)}
    assert "budget of this key" in said[poor] and "Hello." in said[rich]
    for family in ("aresgen", "characters"):
        sent, path = await town.door(family, gateway)
        got = {key: await town.call("POST", path, sent, key=key) for key in (poor, rich)}
        assert got[poor].status == 429 and got[rich].status < 300, (family, got)
        assert "budget of this key" in str(got[poor].body)
    other = {"messages": [{"role": "user", "content": "Hi"}], "model": gateway}
    assert (await town.call("POST", "/api/v1/chat/completions", other, key=poor)).body["code"] == "insufficient_quota"
    # What costs nothing goes on: it is the key's own budget that it looks at.
    assert (await town.call("GET", "/v1/models", key=poor)).status == 200


async def test_two_processes_spend_one_budget(town: Town) -> None:
    """Ten at once where there is money for three: none of them goes over, and a second key is not held up."""
    poor, id = await town.limited(limits={"budget": {"total": 0.3}})
    rich, _ = await town.limited(limits={"budget": {"total": 100}})
    gate, first = asyncio.Event(), says("Hello.")

    async def waits(request: web.Request, body: Json) -> web.StreamResponse:
        await gate.wait()
        return await first(request, body)

    town.model.default = waits
    urls = [town.url, town.others[0]]
    sent = {"Authorization": f"Bearer {poor}"}

    async def one(n: int) -> int:
        url = f"{urls[n % 2]}/v1/chat/completions"
        async with town.http.post(url, json=ASK, headers=sent) as got:
            assert got.status in (200, 429), await got.text()
            if got.status == 429:
                assert (await got.json(content_type=None))["code"] == "budget_busy" and got.headers["Retry-After"]
            return got.status

    tasks = [asyncio.create_task(one(n)) for n in range(10)]
    while sum(t.done() for t in tasks) < 7:
        await asyncio.sleep(0.01)
    other = asyncio.create_task(town.ask(rich))
    gate.set()
    assert sorted(await asyncio.gather(*tasks)) == [200] * 3 + [429] * 7
    assert (await other).status == 200
    detail = await town.ok("GET", f"{KEYS}/{id}")
    assert [(b["period"], b["spent"]) for b in detail["budgets"]] == [("total", pytest.approx(0.3))]
    quota(await town.ask(poor), "budget_total")
    assert await town.hub.db.value("select count(*)::int from key_holds") == 0, "nothing stays set aside"


async def test_what_a_dead_process_held_ends_by_itself(town: Town) -> None:
    key, id = await town.limited(limits={"budget": {"day": 0.1}})
    hold = "insert into key_holds (id, key_id, account_id, amount, until) values ($1, $2, $3, 1, now() + '1 min')"
    await town.hub.db.run(hold, uuid4(), id, town.account)
    assert (await town.ask(key)).body["code"] == "budget_busy"
    await town.hub.db.run("update key_holds set until = now() - interval '1 second' where key_id = $1", id)
    assert (await town.ask(key)).status == 200


async def test_alerts_come_once_in_each_period(town: Town) -> None:
    key, id = await town.limited(limits={"budget": {"day": 0.4, "total": 10}})
    for _ in range(4):
        assert (await town.ask(key)).status == 200
    await town.ask(key)
    detail = await town.ok("GET", f"{KEYS}/{id}")
    assert sorted(a["threshold"] for a in detail["alerts"]) == [50, 80, 100]
    assert {a["period"] for a in detail["alerts"]} == {"day"}
    told = "select data from webhook_events where type = 'key.budget.reached' and data->>'key_id' = $1 order by place"
    rows = [r["data"] for r in await town.hub.db.fetch(told, str(id))]
    assert [r["threshold"] for r in rows] == [50, 80, 100] and rows[0]["budget"] == 0.4
    # A new day: yesterday's is forgotten, and is told of anew.
    for table in ("key_spend", "key_alerts"):
        earlier = f"update {table} set starts = starts - interval '1 day' where key_id = $1 and period = 'day'"
        await town.hub.db.run(earlier, id)
    for _ in range(2):
        assert (await town.ask(key)).status == 200
    assert [a["threshold"] for a in (await town.ok("GET", f"{KEYS}/{id}"))["alerts"]] == [50]


async def test_what_was_spent_counts_for_a_budget_that_comes_later(town: Town) -> None:
    key, id = await town.limited(tags=["blue"])
    for _ in range(2):
        assert (await town.ask(key)).status == 200
    await town.ok("PATCH", f"{KEYS}/{id}", {"limits": {"budget": {"month": 0.2}}})
    quota(await town.ask(key), "budget_month")
    await town.ok("PATCH", f"{KEYS}/{id}", {"limits": {"budget": {"month": 0.5}}})
    assert (await town.ask(key)).status == 200
    await town.ok("PATCH", f"{KEYS}/{id}", {"limits": {}, "label": "free again"})
    shown = await town.ok("GET", f"{KEYS}/{id}")
    assert shown["label"] == "free again" and shown["tags"] == ["blue"] and shown["budgets"] == []
    assert (await town.ask(key)).status == 200


async def test_a_rotated_key_has_spent_what_the_old_one_had(town: Town) -> None:
    key, id = await town.limited(limits={"budget": {"day": 0.15}, "requestsPerMinute": 50}, tags=["blue"])
    for _ in range(2):
        assert (await town.ask(key)).status == 200
    got = await town.call("POST", f"/v1/api-keys/{id}/rotate", {"immediate": True})
    quota(await town.ask(got.body["api_key"]), "budget_day")
    listed = (await town.ok("GET", KEYS))["apiKeys"]
    [shown] = [k for k in listed if k["key"] == f"...{got.body['api_key'][-6:]}"]
    assert shown["limits"]["requestsPerMinute"] == 50 and shown["tags"] == ["blue"]


async def test_requests_a_minute(town: Town) -> None:
    poor, _ = await town.limited(limits={"requestsPerMinute": 3})
    rich, _ = await town.limited(limits={"requestsPerMinute": 30})
    first = await town.call("GET", "/v1/models", key=poor)
    assert (first.headers["X-RateLimit-Limit"], first.headers["X-RateLimit-Remaining"]) == ("3", "2")
    assert (await town.ask(poor)).status == 200
    assert (await town.asked_by_agent(poor, "x", "tools/list")).status == 200
    for got in (await town.ask(poor, url=town.others[0]), await town.call("GET", "/api/v1/ai-gateways", key=poor)):
        assert got.status == 429 and 1 <= int(got.headers["Retry-After"]) <= 60 and got.body["code"] == "rate_limited"
        assert got.body["details"] == {"limit": "requests_per_minute", "most": 3}
    assert (await town.asked_by_agent(poor, "x", "tools/list")).status == 429
    assert (await town.ask(rich)).status == 200


async def test_tokens_a_minute(town: Town) -> None:
    """What an answer took counts, not what was set aside for it."""
    poor, _ = await town.limited(limits={"tokensPerMinute": 40})
    rich, _ = await town.limited(limits={"tokensPerMinute": 40_000})
    # Seventeen tokens each, whatever length was allowed for.
    assert [(await town.ask(poor, max_completion_tokens=1000)).status for _ in range(3)] == [200, 200, 200]
    got = await town.ask(poor)
    assert got.status == 429 and got.body["details"]["limit"] == "tokens_per_minute" and got.headers["Retry-After"]
    assert (await town.ask(rich)).status == 200
    # An answer that never came has used nothing.
    spare, _ = await town.limited(limits={"tokensPerMinute": 40})
    town.model.default = None
    for _ in range(3):
        got = await town.ask(spare, model="@acme/none")
        assert got.status == 404
    assert (await town.ask(spare)).status == 200


async def test_models_that_a_key_may_ask(town: Town) -> None:
    mine, other = await town.gateway(modelName=MODEL), await town.gateway(modelName=MODEL)
    slugs = {g["id"]: g["slug"] for g in await town.ok("GET", "/api/v1/ai-gateways")}
    bound, _ = await town.limited(limits={"models": [slugs[mine], EMBEDDER]})
    free, _ = await town.limited()
    for name, status in ((mine, 200), (slugs[mine], 200), (other, 403), (MODEL, 403)):
        got = await town.ask(bound, model=name)
        assert got.status == status and (status == 200 or got.body["code"] == "model_refused"), name
    assert {m["id"] for m in (await town.call("GET", "/v1/models", key=bound)).body["data"]} == {mine}
    assert (await town.call("POST", "/v1/embeddings", {"model": EMBEDDER, "input": "x"}, key=bound)).status == 200
    listed = str((await town.asked_by_agent(bound, "x", "tools/list")).body)
    names = {id: slugs[id].replace(":", "_").replace("-", "_") for id in (mine, other)}
    assert names[mine] in listed and names[other] not in listed
    assert "no tool" in str((await town.asked_by_agent(bound, names[other])).body)
    assert (await town.ask(free, model=other)).status == 200
    # Doors that choose a model by themselves come to the same place.
    for family in ("aresgen", "characters"):
        for gateway, refused in ((other, True), (mine, False)):
            sent, path = await town.door(family, gateway)
            assert ((await town.call("POST", path, sent, key=bound)).status == 403) is refused, family


async def test_a_key_that_ends_at_a_moment(town: Town) -> None:
    late, id = await town.limited(expiresAt="2999-01-01T00:00:00Z")
    assert (await town.ask(late)).status == 200
    assert (await town.call("PATCH", f"{KEYS}/{id}", {"expiresAt": "2020-01-01"})).status == 400
    await town.ok("PATCH", f"{KEYS}/{id}", {"expiresAt": "2020-01-01T00:00:00Z"})
    assert (await town.ask(late)).status == 401
    await town.ok("PATCH", f"{KEYS}/{id}", {"expiresAt": None})
    assert (await town.ask(late)).status == 200


async def test_spend_by_everything_as_json_and_csv(town: Town) -> None:
    gateway = await town.gateway(modelName=MODEL)
    blue, id = await town.limited(tags=["=blue", "shared"])
    red, _ = await town.limited(tags=["red", "shared"])
    for key, times in ((blue, 2), (red, 1)):
        for _ in range(times):
            assert (await town.ask(key, model=gateway)).status == 200
    by = {w: await town.ok("GET", f"{SPEND}?by={w}") for w in ("key", "gateway", "client", "tag", "day")}
    amounts = {w: {line["id"]: line["amount"] for line in lines} for w, lines in by.items()}
    assert amounts["key"][str(id)] == amounts["tag"]["=blue"] == pytest.approx(2 * CENTS)
    assert amounts["gateway"][gateway] == amounts["tag"]["shared"] == pytest.approx(3 * CENTS)
    assert len(amounts["day"]) == 1 and set(amounts["client"]) == {None}
    assert next(line for line in by["key"] if line["id"] == str(id))["tokensOut"] == 10
    of_key = await town.ok("GET", f"{SPEND}?by=day&key={id}")
    assert [line["amount"] for line in of_key] == [pytest.approx(2 * CENTS)]
    assert await town.ok("GET", f"{SPEND}?by=day&tag=red&to=2020-01-01T00:00:00Z") == []
    table = await town.call("GET", f"{SPEND}?by=tag&format=csv")
    assert table.headers["Content-Type"].startswith("text/csv") and "attachment" in table.headers["Content-Disposition"]
    rows = {r["tag"]: r for r in csv.DictReader(io.StringIO(table.body))}
    assert float(rows["shared"]["amount"]) == pytest.approx(3 * CENTS) and "'=blue" in rows, "no formula"


async def test_spend_without_a_key_has_no_name_and_that_of_a_key_that_is_gone_is_told(town: Town) -> None:
    gateway = await town.gateway(modelName=MODEL)
    kept, of_kept = await town.limited()
    gone, of_gone = await town.limited()
    for key in (kept, gone):
        assert (await town.ask(key, model=gateway)).status == 200
    await town.ok("GET", SPEND)
    await town.hub.db.run(NO_KEY, town.account)
    await town.hub.db.run("delete from api_keys where id = $1", of_gone)
    names = {line["id"]: line["name"] for line in await town.ok("GET", f"{SPEND}?by=key")}
    assert (names[None], names[str(of_gone)]) == (None, "deleted") and names[str(of_kept)].startswith("k-")


class Hole:
    """Takes connections and never answers."""

    async def __aenter__(self) -> int:
        self._open: list[asyncio.StreamWriter] = []
        self._server = await asyncio.start_server(lambda _, writer: self._open.append(writer), "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._open:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


@pytest.mark.parametrize("alone", [True, False])
async def test_valkey_that_hangs_fails_as_the_setting_says(town: Town, alone: bool) -> None:
    poor, _ = await town.limited(limits={"requestsPerMinute": 2, "tokensPerMinute": 100_000})
    broke, _ = await town.limited(limits={"budget": {"total": 0.15}})
    async with Hole() as port, providing() as provider:
        settings = town.hub.settings.changed(
            redis_url=SecretStr(f"redis://127.0.0.1:{port}/0"), key_limits_alone=alone
        )
        async with serving(settings, provider) as (_, url):
            got = [await town.ask(poor, url=url) for _ in range(3)]
            assert [g.status for g in got] == ([200, 200, 429] if alone else [503] * 3)
            assert alone or got[0].headers["Retry-After"]
            # Budgets are PostgreSQL's, and whoever has no limits notices nothing.
            assert [(await town.ask(broke, url=url)).status for _ in range(3)] == [200, 200, 429]
            assert (await town.ask(town.key, url=url)).status == 200


async def test_valkey_that_was_emptied_changes_no_budget(town: Town) -> None:
    key, _ = await town.limited(limits={"budget": {"day": 0.15}, "requestsPerMinute": 5, "tokensPerMinute": 1000})
    assert [(await town.ask(key)).status for _ in range(2)] == [200, 200]
    keys = [k async for k in town.hub.redis.scan_iter(f"{town.hub.settings.queue}:rl:*")]
    assert keys
    await town.hub.redis.delete(*keys)
    quota(await town.ask(key), "budget_day")
