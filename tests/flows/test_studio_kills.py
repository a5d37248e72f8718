"""Processes die by kill -9 in the middle of workflows, webhooks and idempotent requests."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from hub.accounts.accounts import create_account
from hub.accounts.keys import grant
from hub.config import Settings
from hub.runtime import Hub, open_hub
from tests.conftest import owning
from tests.contract.working import Elsewhere, elsewhere, until
from tests.flows.processes import Child, Dies, family, start

Json = dict[str, Any]
EXPIRED = "update workflow_runs set lease_until = now(), due_at = now() where lease_until is not null"
FREE = "update webhook_endpoints set lease_until = now(), next_at = now()"
SAMPLE = "We bake bread with care, and we love what we do. " * 40


@dataclass
class Yard:
    """A web process, workers as they are started, and an address that remembers."""

    hub: Hub
    url: str
    key: str
    http: aiohttp.ClientSession
    far: Elsewhere
    children: list[Child]

    async def call(self, method: str, path: str, sent: Any = None, **headers: str) -> tuple[int, Json]:
        headers["Authorization"] = f"Bearer {self.key}"
        async with self.http.request(method, self.url + path, json=sent, headers=headers) as got:
            return got.status, await got.json(content_type=None)

    def worker(self, **changes: Any) -> Child:
        child = start("worker", self.hub.settings, **changes)
        self.children.append(child)
        return child

    async def dies_at(self, point: str) -> None:
        child = self.worker(reached=Dies(point, self.hub.settings.home / point))
        assert await child.ended() == 9, f"it did not die at {point}"

    async def begun(self, *steps: Json) -> str:
        """The path of a new run."""
        status, workflow = await self.call("POST", "/v1/workflows", {"name": "w", "steps": list(steps)})
        assert status == 201, workflow
        _, run = await self.call("POST", f"/v1/workflows/{workflow['id']}/runs", {})
        return f"/v1/workflows/{workflow['id']}/runs/{run['id']}"

    async def over(self, run: str) -> Json:
        async def found() -> Json | None:
            _, body = await self.call("GET", run)
            return body if body["status"] in ("success", "failed", "cancelled") else None

        body: Json = await until(found)
        return body


@asynccontextmanager
async def yard(settings: Settings) -> AsyncIterator[Yard]:
    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(open_hub(settings))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        far = await stack.enter_async_context(elsewhere())
        children = stack.enter_context(family())
        account = await create_account(hub.db, "Aurora")
        web = start("web", settings)
        children.append(web)
        await web.serving()
        yield Yard(hub, f"http://127.0.0.1:{web.port}", await grant(hub.db, account.id, "k", None), http, far, children)


async def test_killed_before_a_step_is_recorded_it_is_sent_again_as_the_same_request(settings: Settings) -> None:
    """W1: the far end has heard it, the database has not. W2: recorded, so never again."""
    async with yard(settings) as y:
        post = {"method": "POST", "url": y.far.url + "/a", "json": {"n": 1}}
        run = await y.begun(
            {"id": "first", "type": "transform", "with": {"value": "kept"}},
            {"id": "send", "type": "http", "needs": ["first"], "with": post},
            {"id": "doc", "type": "document", "needs": ["send"], "with": {"title": "{{steps.first.output}}"}})
        await y.dies_at("W2")
        await y.hub.db.run(EXPIRED)
        await y.dies_at("W1")
        await y.hub.db.run(EXPIRED)
        y.worker()
        found = await y.over(run)
        assert found["status"] == "success", found
        assert len(y.far.calls) == 2 and len({c.headers["Idempotency-Key"] for c in y.far.calls}) == 1
        assert [s["retries"] for s in found["steps"]] == [0, 1, 0]
        assert await y.hub.db.value("select count(*) from writings") == 1


async def test_workers_killed_at_random_repeat_no_step_that_was_done(settings: Settings) -> None:
    """Twelve runs of five requests while workers die: every run ends, every request arrives, under its own key."""
    async with yard(settings.changed(lease_seconds=1)) as y:
        steps = [{"id": f"s{n}", "type": "http", "with": {"method": "POST", "url": f"{y.far.url}/{n}"},
                  "needs": [f"s{n - 1}"] if n else []} for n in range(5)]
        runs = [await y.begun(*steps) for _ in range(12)]
        chance = random.Random(5)
        worker = y.worker()
        kills = 0
        while kills < 5:
            await asyncio.sleep(chance.uniform(0.1, 0.4))
            worker.kill()
            kills += 1
            await y.hub.redis.flushdb()
            worker = y.worker()
        ended = [await y.over(r) for r in runs]
        assert {e["status"] for e in ended} == {"success"}
        names = Counter(c.headers["Idempotency-Key"] for c in y.far.calls)
        assert len(names) == 60
        # Each kill can leave at most the requests that were on their way unrecorded, one of each run.
        assert sum(names.values()) - 60 <= kills * 12
        for name, count in names.items():
            run, step = name.split(".")
            [body] = [e for e in ended if e["id"] == run]
            assert count <= next(s["retries"] for s in body["steps"] if s["id"] == step) + 1, "a done step was repeated"


async def test_killed_in_the_middle_of_a_webhook_it_is_told_again_in_order(settings: Settings) -> None:
    async with yard(settings) as y:
        _, made = await y.call("POST", "/v1/webhooks", {"url": y.far.url})
        for n in range(3):
            await y.call("POST", "/v1/voices", {"name": str(n), "sample": SAMPLE})
        await y.dies_at("H1")
        assert len(y.far.calls) == 1
        await y.hub.db.run(FREE)
        y.worker()

        async def told() -> bool:
            return len(y.far.calls) >= 4

        await until(told)
        events = [orjson.loads(c.body) for c in y.far.calls]
        assert [e["data"]["name"] for e in events] == ["0", "0", "1", "2"] and events[0] == events[1]
        assert made["secret"].startswith("whsec_")


async def test_killed_after_a_chatbot_has_answered_nothing_of_it_is_lost(settings: Settings) -> None:
    """C1: answered and stored. The step does not ask again, and what is told with an answer was told once."""
    async with yard(settings) as y:
        _, bot = await y.call("POST", "/v1/chatbots", {"name": "b", "model": "@hub/extractive"})
        ask = {"chatbot_id": bot["id"], "message": "I want to talk to a human"}
        run = await y.begun({"id": "ask", "type": "chatbot", "with": ask})
        await y.dies_at("C1")
        await y.hub.db.run(EXPIRED)
        y.worker()
        found = await y.over(run)
        assert found["status"] == "success", found
        _, talks = await y.call("GET", f"/v1/chatbots/{bot['id']}/conversations?escalated=true")
        [talk] = talks["data"]
        assert (talk["id"], talk["message_count"]) == (found["steps"][0]["output"]["conversation_id"], 2)
        told = await y.hub.db.fetch("select type from webhook_events where type like 'chatbot.%' order by place")
        assert [r["type"] for r in told] == ["chatbot.message.created"] * 2 + ["chatbot.conversation.escalated"]


async def test_a_web_process_killed_before_its_answer_is_kept_gives_the_key_free(settings: Settings) -> None:
    async with yard(settings.changed(lease_seconds=1)) as y:
        web = start("web", y.hub.settings, reached=Dies("I1", settings.home / "I1"))
        y.children.append(web)
        await web.serving()
        sent = {"name": "v", "sample": SAMPLE}
        headers = {"Idempotency-Key": "k1", "Authorization": f"Bearer {y.key}"}
        try:
            async with y.http.post(f"http://127.0.0.1:{web.port}/v1/voices", json=sent, headers=headers):
                raise AssertionError("it was answered")
        except aiohttp.ClientError:
            assert await web.ended() == 9

        async def answered() -> Json | None:
            status, body = await y.call("POST", "/v1/voices", sent, **{"Idempotency-Key": "k1"})
            assert status in (201, 409), body
            return body if status == 201 else None

        first = await until(answered)
        _, again = await y.call("POST", "/v1/voices", sent, **{"Idempotency-Key": "k1"})
        assert again["id"] == first["id"]
        # The effect was there already when the first one died; sent again, the request finds it.
        assert await y.hub.db.value("select count(*) from voices") == 1


async def test_who_leaves_when_the_answer_is_stored_finds_it(settings: Settings) -> None:
    """The thread is held until the caller has left: the answer is stored, and its last events reach nobody."""
    async with yard(settings) as y:
        sent = {"model": "@hub/extractive", "prompt": "Hi", "stream": True, "thread_id": "left"}
        path, headers = y.url + "/v1/chat/completions", {"Authorization": f"Bearer {y.key}"}
        async with y.http.post(path, json=sent, headers=headers) as got:
            assert "[DONE]" in await got.text()
        headers["Idempotency-Key"] = "l1"
        async with y.hub.db.transaction() as held:
            await held.run("update sessions set name = name where name = 'left'")
            left = await y.http.post(path, json=sent, headers=headers)

            async def stored() -> bool:
                async with owning(y.hub.settings.database_url.get_secret_value()) as owner:
                    return bool(await owner.value(
                        "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
                        " and datname = current_database()"))

            await until(stored)
            left.close()
            await asyncio.sleep(0.2)

        async def answered() -> tuple[str, str] | None:
            async with y.http.post(path, json=sent, headers=headers) as got:
                return (got.headers.get("Idempotency-Replayed", ""), await got.text()) if got.status == 200 else None

        replayed, text = await until(answered)
        assert replayed == "true" and text.endswith("data: [DONE]\n\n"), text
        assert await y.hub.db.value("select message_count from sessions where name = 'left'") == 4


async def test_editors_of_two_processes_meet_and_a_restart_loses_nothing(settings: Settings) -> None:
    async with yard(settings) as y:
        _, made = await y.call("POST", "/v1/documents", {"content": "a"})
        path = f"/v1/documents/{made['id']}/live?token={made['edit_token']}"
        other = start("web", y.hub.settings)
        y.children.append(other)
        await other.serving()
        async with y.http.ws_connect(y.url + path) as one:
            assert (await one.receive_json(timeout=30))["content"] == "a"
            async with y.http.ws_connect(f"http://127.0.0.1:{other.port}{path}") as two:
                await two.receive_json(timeout=30)
                await two.send_json({"type": "edit", "base": 1, "changes": [{"from": 1, "to": 1, "text": "b"}]})
                assert (await two.receive_json(timeout=30))["type"] == "accepted"
                other.kill()
            heard = await one.receive_json(timeout=30)
            assert heard["revision"] == 2 and (heard.get("content") == "ab" or heard["changes"][0]["text"] == "b")
            again = start("web", y.hub.settings)
            y.children.append(again)
            await again.serving()
            async with y.http.ws_connect(f"http://127.0.0.1:{again.port}{path}") as two:
                state = await two.receive_json(timeout=30)
                assert (state["content"], state["revision"]) == ("ab", 2)
