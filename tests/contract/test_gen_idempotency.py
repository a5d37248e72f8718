"""AresGen: Idempotency-Key: one request, one effect, one answer, for 24 hours."""

import asyncio
from typing import Any

import pytest

from tests.api.chatting import events, text_of
from tests.api.conftest import Answer
from tests.contract.asking import Contract
from tests.contract.working import until
from tests.fakes.model import cut, hangs, refuses, says, whole

pytestmark = pytest.mark.asyncio(loop_scope="module")
Json = dict[str, Any]
SAMPLE = "We bake bread with care, and we love what we do. " * 40


async def post(api: Contract, path: str, sent: Any, name: str, **more: Any) -> Answer:
    headers = {"Idempotency-Key": name, **more.pop("headers", {})}
    return await api.call(more.pop("method", "POST"), path, sent, headers=headers, **more)


async def count(api: Contract, table: str) -> int:
    assert table in ("voices", "writings", "webhook_endpoints", "workflow_runs", "api_keys", "idempotency")
    return int(await api.hub.db.value(f"select count(*) from {table} where account_id = $1", api.account))


async def test_the_same_request_has_its_effect_once(api: Contract) -> None:
    sent = {"content": "Hello."}
    first = await post(api, "/v1/documents", sent, "k1")
    again = await post(api, "/v1/documents", sent, "k1")
    assert (first.status, again.status) == (201, 201) and again.body == first.body
    assert "Idempotency-Replayed" not in first.headers and again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    # Names in another order and other spaces are the same request.
    spaced = await post(api, "/v1/documents", None, "k1", data=b'{ "content" : "Hello." }',
                        headers={"Content-Type": "application/json"})
    assert spaced.body == first.body and await count(api, "writings") == 1
    other = await post(api, "/v1/documents", {"content": "Other."}, "k1")
    assert (other.status, other.body["code"]) == (422, "idempotency_key_reused")
    # Another key, another path, another method, another API key: other requests.
    assert (await post(api, "/v1/documents", sent, "k2")).body["id"] != first.body["id"]
    path = f"/v1/documents/{first.body['id']}"
    assert (await post(api, f"{path}/publish", None, "k1")).body["status"] == "published"
    assert (await post(api, path, {"title": "New"}, "k1", method="PATCH")).body["title"] == "New"
    assert (await post(api, "/v1/documents", sent, "k1", key=api.foreign)).body["id"] != first.body["id"]
    assert (await api.call("GET", path, headers={"Idempotency-Key": "k1"})).body["title"] == "New"
    deleted = [await api.call("DELETE", path, headers={"Idempotency-Key": "d"}) for _ in range(2)]
    assert [d.status for d in deleted] == [204, 404], "DELETE is not covered"


async def test_refusals_are_kept_and_failures_are_not(api: Contract) -> None:
    sent = {"name": "x", "sample": "too short"}
    first, again = [await post(api, "/v1/voices", sent, "short") for _ in range(2)]
    assert (first.status, again.status) == (422, 422) and again.body == first.body
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Content-Type"].startswith("application/problem+json")
    assert first.body["type"].startswith("http") and first.body["type"].endswith("/problems/" + first.body["code"])
    name = await api.gateway(baseAddress=f"{api.model.url}/v1", modelName="fake-1", apiKey="k-upstream")
    asked = {"model": name, "prompt": "Hi"}
    api.model.plan += [refuses(401)]
    failed = await post(api, "/v1/chat/completions", asked, "c1")
    assert failed.status == 502
    made = await post(api, "/v1/chat/completions", asked, "c1")
    assert made.status == 200 and "Idempotency-Replayed" not in made.headers
    calls = len(api.model.calls)
    assert (await post(api, "/v1/chat/completions", asked, "c1")).body == made.body
    assert len(api.model.calls) == calls, "the model is not asked again"
    # A public key belongs to everyone: its requests are not kept.
    public = [await post(api, "/v1/chat/completions", asked, "c1", key=api.public) for _ in range(2)]
    assert [p.status for p in public] == [200, 200] and len(api.model.calls) == calls + 2


async def test_a_stream_is_replayed_as_one_stream(api: Contract) -> None:
    name = await api.gateway(baseAddress=f"{api.model.url}/v1", modelName="fake-1", apiKey="k-upstream")
    asked = {"model": name, "prompt": "Hi", "stream": True, "store": True}
    api.model.plan += [says("Good ", "morning", " to you.")]
    first = await post(api, "/v1/chat/completions", asked, "s1")
    again = await post(api, "/v1/chat/completions", asked, "s1")
    assert again.headers["Content-Type"].startswith("text/event-stream")
    assert again.headers["Idempotency-Replayed"] == "true" and again.body == first.body
    chunks = events(str(again.body))
    assert text_of(chunks) == "Good morning to you." and chunks[-1] == "[DONE]" and len(chunks) > 3
    threads = (await api.call("GET", "/v1/chat/threads")).body["data"]
    assert [t["message_count"] for t in threads] == [2]


async def test_a_stream_that_broke_off_is_no_answer(api: Contract) -> None:
    name = await api.gateway(baseAddress=f"{api.model.url}/v1", modelName="fake-1", apiKey="k-upstream")
    asked = {"model": name, "prompt": "Hi", "stream": True}
    api.model.plan += [cut("Good "), says("Good morning.")]
    first = await post(api, "/v1/chat/completions", asked, "b1")
    assert first.status == 200 and '"finish_reason":"error"' in str(first.body)
    again = await post(api, "/v1/chat/completions", asked, "b1")
    assert "Idempotency-Replayed" not in again.headers and text_of(events(str(again.body))) == "Good morning."


async def test_a_request_that_was_taken_over_is_not_answered_twice(api: Contract) -> None:
    name = await api.gateway(baseAddress=f"{api.model.url}/v1", modelName="fake-1", apiKey="k-upstream")
    gone = api.model.gone
    api.model.plan += [hangs()]
    asking = asyncio.create_task(post(api, "/v1/chat/completions", {"model": name, "prompt": "Hi"}, "t1"))

    async def claimed() -> bool:
        return bool(api.model.open)

    await until(claimed)
    await api.hub.db.run("update idempotency set epoch = epoch + 1 where name = 't1'")
    got = await asking
    assert (got.status, got.body["code"]) == (409, "idempotency_in_progress")

    async def left() -> bool:
        return api.model.gone > gone

    await until(left)


async def test_at_the_same_time(api: Contract) -> None:
    name = await api.gateway(baseAddress=f"{api.model.url}/v1", modelName="fake-1", apiKey="k-upstream")
    asked = {"model": name, "prompt": "Hi"}
    others_are_refused = asyncio.Event()

    async def act(request: Any, body: Json) -> Any:
        await others_are_refused.wait()
        return await says("One answer.")(request, body)

    api.model.default = act
    calls = len(api.model.calls)
    waiting = {asyncio.create_task(post(api, "/v1/chat/completions", asked, "p1")) for _ in range(5)}
    got: list[Answer] = []
    while len(waiting) > 1:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        got += [task.result() for task in done]
    others_are_refused.set()
    assert [g.status for g in got] == [409] * 4 and (await waiting.pop()).status == 200
    assert len(api.model.calls) == calls + 1
    refused = got[0]
    assert refused.body["code"] == "idempotency_in_progress" and int(refused.headers["Retry-After"]) >= 1
    assert (await post(api, "/v1/chat/completions", asked, "p1")).headers["Idempotency-Replayed"] == "true"


async def test_a_claim_is_free_after_its_lease_and_an_answer_after_a_day(api: Contract) -> None:
    sent = {"content": "Hello."}
    first = await post(api, "/v1/documents", sent, "old")
    # As a process that was killed leaves it: claimed, without an answer.
    dead = "update idempotency set status = null, lease_until = now() + interval '1 hour' where name = 'old'"
    await api.hub.db.run(dead)
    assert (await post(api, "/v1/documents", sent, "old")).status == 409
    await api.hub.db.run("update idempotency set lease_until = now() - interval '1 second' where name = 'old'")
    second = await post(api, "/v1/documents", sent, "old")
    assert second.status == 201 and "Idempotency-Replayed" not in second.headers
    assert second.body["id"] == first.body["id"] and await count(api, "writings") == 1, "what it made is there"
    await api.hub.db.run("update idempotency set created_at = now() - interval '25 hours' where name = 'old'")
    third = await post(api, "/v1/documents", {"content": "Another."}, "old")
    assert third.status == 201 and third.body["content"] == "Another."


async def test_what_a_process_that_died_has_made_is_not_made_again(api: Contract) -> None:
    name = await api.gateway(baseAddress=f"{api.model.url}/v1", modelName="fake-1", apiKey="k-upstream")
    dead = "update idempotency set status = null, lease_until = now() - interval '1 second' where name = $1"

    async def twice(path: str, sent: Any, key: str) -> Json:
        first = await post(api, path, sent, key)
        assert first.status in (200, 201), first.body
        await api.hub.db.run(dead, key)
        second = await post(api, path, sent, key)
        assert (second.status, second.body) == (first.status, first.body)
        assert "Idempotency-Replayed" not in second.headers
        body: Json = first.body
        return body

    await twice("/v1/webhooks", {"url": "https://example.com/"}, "w")
    await twice("/v1/chatbots", {"name": "x", "model": "@hub/extractive"}, "c")
    bot = await twice("/v1/chatbots", {"name": "x", "model": name}, "d")
    api.model.plan += [says("One."), whole("pricing")]
    said = await twice(f"/v1/chatbots/{bot['id']}/messages", {"message": "Hmm"}, "m")
    assert said["message"]["content"] == "One." and said["intent"] == "pricing"
    more = {"message": "And?", "conversation_id": said["conversation_id"]}
    api.model.plan += [says("Two.")]
    assert (await twice(f"/v1/chatbots/{bot['id']}/messages", more, "n"))["message"]["content"] == "Two."
    for table, n in (("webhook_endpoints", 1), ("chatbots", 2), ("clients", 2), ("gateways", 2), ("messages", 4)):
        assert await api.hub.db.value(f"select count(*) from {table} where account_id = $1", api.account) == n, table


async def test_what_a_key_may_be_and_what_is_kept(api: Contract) -> None:
    for name in ("x" * 256, ""):
        got = await post(api, "/v1/documents", {}, name)
        assert (got.status, got.body["code"]) == (400, "idempotency_key_invalid")
    assert (await post(api, "/v1/documents", {}, "x" * 255)).status == 201
    made = await post(api, "/v1/webhooks", {"url": "https://example.com/"}, "secret")
    again = await post(api, "/v1/webhooks", {"url": "https://example.com/"}, "secret")
    assert again.body["secret"] == made.body["secret"] and await count(api, "webhook_endpoints") == 1
    for row in await api.hub.db.fetch("select * from idempotency where account_id = $1", api.account):
        assert made.body["secret"] not in str(dict(row)) and b"whsec_" not in bytes(row["body"] or b"")


async def test_rotation_is_done_once(api: Contract) -> None:
    keys = (await api.call("GET", "/v1/api-keys")).body
    mine = next(k["id"] for k in keys if k["type"] == "private")
    got = [await post(api, f"/v1/api-keys/{mine}/rotate", None, "r") for _ in range(2)]
    assert [g.status for g in got] == [201, 201] and got[0].body == got[1].body
    assert await count(api, "api_keys") == 3
