"""AresGen: workflows and their runs (G-13 to G-15)."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.contract.asking import Contract, filled
from tests.contract.conftest import Place
from tests.contract.working import Elsewhere, elsewhere, until, working
from tests.fakes.model import refuses, says

pytestmark = pytest.mark.asyncio(loop_scope="module")
Json = dict[str, Any]
NOBODY = "0" * 26
PUBLISH = """
name: publish
inputs:
  topic: {type: string, required: true}
  hook: string
  model: string
steps:
  - id: draft
    type: chat
    with: {model: "{{inputs.model}}", prompt: "Write about {{inputs.topic}}"}
    retries: {max: 2, backoff_seconds: 0}
    timeout_seconds: 60
  - id: tidy
    type: transform
    with: {value: {title: "{{inputs.topic}}", text: "{{steps.draft.output}}"}}
  - id: notify
    type: http
    needs: [draft]
    if: "{{steps.draft.output}} != ''"
    with: {method: POST, url: "{{inputs.hook}}/done", json: {text: "{{steps.draft.output}}"}}
  - id: never
    type: http
    if: "{{steps.draft.output}} == ''"
    with: {url: "{{inputs.hook}}/never"}
  - id: after_never
    type: transform
    needs: [never]
    with: {value: 1}
output: {text: "{{steps.tidy.output.text}}", status: "{{steps.notify.output.status}}"}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def worker(place: Place) -> AsyncIterator[None]:
    async with working(place.hub):
        yield


@pytest_asyncio.fixture(loop_scope="module")
async def hook() -> AsyncIterator[Elsewhere]:
    async with elsewhere() as found:
        yield found


async def made(api: Contract, *steps: Json, **more: Any) -> str:
    return str((await api.good("G-13", sent={"definition": {"name": "w", "steps": list(steps), **more}}))["id"])


async def ended(api: Contract, workflow: str, given: Json | None = None) -> Json:
    """A run of a workflow, from its start to its end."""
    run = await api.good("G-14", workflow, sent={"input": given or {}})
    assert run["status"] == "queued" and run["id"].startswith("run_")
    return await over(api, workflow, run["id"])


async def over(api: Contract, workflow: str, run: str) -> Json:
    async def found() -> Json | None:
        body: Json = await api.good("G-15", workflow, run)
        return body if body["status"] in ("success", "failed", "cancelled") else None

    body: Json = await until(found)
    return body


def step(id: str, type: str = "transform", **given: Any) -> Json:
    more: Json = {k: given.pop(k) for k in ("needs", "if", "retries", "timeout_seconds") if k in given}
    return {"id": id, "type": type, "with": given, **more}


def of(run: Json) -> dict[str, Json]:
    return {s["id"]: s for s in run["steps"]}


@pytest.mark.row("G-13", "G-14", "G-15")
async def test_the_example_of_the_document_in_yaml(api: Contract, hook: Elsewhere) -> None:
    headers = {"Content-Type": "application/yaml"}
    workflow = await api.good("G-13", data=PUBLISH.encode(), headers=headers)
    assert (workflow["name"], workflow["version"]) == ("publish", 1) and workflow["id"].startswith("wf_")
    model = await api.gateway(baseAddress=f"{api.model.url}/v1", modelName="fake-1", apiKey="k-upstream")
    api.model.plan += [refuses(400), says("Bread is good.")]
    first = await ended(api, workflow["id"], {"topic": "bread", "hook": hook.url, "model": model})
    assert first["status"] == "failed" and first["error"]["step"] == "draft", "a refusal for good is not tried again"
    run = await ended(api, workflow["id"], {"topic": "bread", "hook": hook.url, "model": model})
    assert (run["status"], run["error"]) == ("success", None), run
    assert run["output"] == {"text": "Bread is good.", "status": 200}
    steps = of(run)
    assert {n: s["status"] for n, s in steps.items()} == {
        "draft": "success", "tidy": "success", "notify": "success", "never": "skipped", "after_never": "skipped"}
    assert steps["tidy"]["output"] == {"title": "bread", "text": "Bread is good."}
    assert steps["draft"]["latency_ms"] >= 0 and steps["draft"]["retries"] == 0 and run["duration_ms"] >= 0
    [call] = hook.calls
    assert (call.method, call.path, call.body) == ("POST", "/done", b'{"text":"Bread is good."}')
    assert call.headers["Idempotency-Key"] == f"{run['id']}.notify"
    runs = (await api.call("GET", f"/v1/workflows/{workflow['id']}/runs?status=success")).body["data"]
    assert [r["id"] for r in runs] == [run["id"]]


async def test_definitions_as_json_and_their_versions(api: Contract) -> None:
    one = {"name": "w", "steps": [step("a", value=1)]}
    text = "name: w\nsteps: [{id: a, type: transform, with: {value: 1}}]"
    ids = [(await api.good("G-13", sent=s))["id"] for s in (one, {"definition": one}, {"definition": text})]
    assert {(await ended(api, id))["output"] for id in ids} == {1}
    path = f"/v1/workflows/{ids[0]}"
    old = await api.good("G-14", ids[0], sent={"input": {}})
    new = await api.call("PUT", path, {"name": "w2", "steps": [step("a", value=2)]})
    assert (new.status, new.body["version"], new.body["name"]) == (200, 2, "w2")
    assert (await over(api, ids[0], old["id"]))["output"] == 1
    assert (await ended(api, ids[0]))["output"] == 2
    again = await api.good("G-14", ids[0], sent={"version": 1})
    assert (await over(api, ids[0], again["id"]))["output"] == 1
    versions = (await api.call("GET", f"{path}/versions")).body["data"]
    assert [v["version"] for v in versions] == [1, 2] and versions[0]["definition"] == one
    assert [w["id"] for w in (await api.call("GET", "/v1/workflows")).body["data"]] == ids[::-1]
    for method, where in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/versions"), ("GET", "/runs")):
        got = await api.call(method, path + where, one if method == "PUT" else None, key=api.foreign)
        assert got.status == 404, (method, where)
    await api.refused("G-14", 404, ids[0], key=api.foreign, sent={})
    await api.refused("G-15", 404, ids[0], old["id"], key=api.foreign)
    await api.refused("G-15", 404, ids[1], old["id"])
    await api.refused("G-15", 404, f"wf_{NOBODY}", f"run_{NOBODY}")
    assert (await api.call("DELETE", path)).status == 204
    await api.refused("G-15", 404, ids[0], old["id"])


async def test_what_is_refused_with_a_pointer(api: Contract) -> None:
    body = await api.refused("G-13", 422, sent={"name": "w", "steps": [{"id": "a", "type": "sing"}]})
    assert body["code"] == "invalid_definition" and body["details"][0]["pointer"] == "/steps/0/type"
    await api.refused("G-13", 422, data=b"a: [", headers={"Content-Type": "text/yaml"}, said="not valid YAML")
    await api.refused("G-13", 415, data=b"name: w", headers={"Content-Type": "text/plain"})
    await api.refused("G-13", 400, data=b"{", headers={"Content-Type": "application/json"})
    workflow = await made(api, step("a", value=1), inputs={"topic": {"required": True}})
    body = await api.refused("G-14", 422, workflow, sent={"input": {}}, said="/input/topic")
    assert body["code"] == "invalid_input"
    await api.refused("G-14", 400, workflow, sent={"input": []}, said="input")
    await api.refused("G-14", 415, workflow, data=b"x", headers={"Content-Type": "text/plain"})


async def test_steps_side_by_side_retries_and_failures(api: Contract, hook: Elsewhere) -> None:
    """Four of six at once, never five; a failure is tried again, and stops what comes after."""
    hook.together = 4
    slow = [step(f"s{n}", "http", url=hook.url) for n in range(6)]
    run = await ended(api, await made(api, *slow))
    assert run["status"] == "success" and hook.peak == 4
    hook.plan += [(500, {}, 0.0), (503, {}, 0.0), (200, {"ok": 1}, 0.0)]
    tried = step("a", "http", url=hook.url, retries={"max": 2, "backoff_seconds": 0.05})
    run = await ended(api, await made(api, tried, output="{{steps.a.output.body.ok}}"))
    assert (run["status"], run["output"], of(run)["a"]["retries"], of(run)["a"]["error"]) == ("success", 1, 2, None)
    hook.plan += [(500, {}, 0.0)] * 2
    tried["retries"]["max"] = 1
    run = await ended(api, await made(api, tried, step("b", value=1, needs=["a"]), step("c", value=1)))
    assert (run["status"], run["error"]) == (
        "failed", {"step": "a", "code": "http_error", "message": "The address answered 500."})
    assert [of(run)[n]["status"] for n in "abc"] == ["failed", "skipped", "success"]
    for status, code in ((404, "http_error"), (302, "redirected")):
        hook.plan += [(status, {}, 0.0)]
        run = await ended(api, await made(api, step("a", "http", url=hook.url, retries={"max": 5})))
        assert (run["error"]["code"], of(run)["a"]["retries"]) == (code, 0)
    hook.plan += [(200, {}, 5.0)]
    run = await ended(api, await made(api, step("a", "http", url=hook.url, timeout_seconds=0.2)))
    assert run["status"] == "failed" and "in time" in run["error"]["message"]


async def test_conditions_waits_and_transforms(api: Contract) -> None:
    began = time.monotonic()
    run = await ended(api, await made(
        api, step("many", "condition", expression="{{inputs.n}} > 3"),
        step("yes", value="{{inputs.n}}", **{"if": "{{steps.many.output}}"}),
        step("no", value="few", **{"if": "not {{steps.many.output}}"}),
        step("rest", "wait", seconds=0.3, needs=["yes"]),
        step("join", value=["{{steps.yes.output}}", "{{steps.no.output}}", " x "], needs=["no", "rest"]),
        step("last", value="{{steps.join.output}}", apply=["last", "trim", "upper"]),
        inputs={"n": {"type": "integer"}}, output={"join": "{{steps.join.output}}", "last": "{{steps.last.output}}"},
    ), {"n": 5})
    assert run["status"] == "success" and time.monotonic() - began >= 0.3
    assert run["output"] == {"join": [5, None, " x "], "last": "X"}
    assert of(run)["no"]["status"] == "skipped" and of(run)["rest"]["latency_ms"] >= 300
    for until_when, words in (("tomorrow", "no time"), ("2099-01-01T00:00:00Z", "7 days")):
        run = await ended(api, await made(api, step("a", "wait", until=until_when)))
        assert run["status"] == "failed" and words in run["error"]["message"]
    run = await ended(api, await made(api, step("a", "wait", until="2020-01-01T00:00:00Z")))
    assert run["status"] == "success"


async def test_values_that_nothing_can_be_made_of_fail_their_step(api: Contract, hook: Elsewhere) -> None:
    deep: Any = 1
    for _ in range(300):
        deep = [deep]
    hook.plan += [(200, {"deep": deep}, 0.0)]
    run = await ended(api, await made(api, step("a", "http", url=hook.url)))
    assert (run["status"], run["error"]["step"], run["error"]["code"]) == ("failed", "a", "wrong_values")
    huge = "'x' contains 1" + "0" * 400
    for steps in ([step("a", "condition", expression=huge)], [step("a", value=1, **{"if": huge})]):
        run = await ended(api, await made(api, *steps))
        assert (run["status"], run["error"]["code"]) == ("failed", "wrong_values")


async def test_documents_chatbots_and_voices(api: Contract) -> None:
    sample = "We bake bread with care, and we love what we do. " * 40
    voice = await api.good("G-07", sent={"name": "Bakery", "sample": sample, "banned_phrases": ["synergy"]})
    model = await api.gateway(baseAddress=f"{api.model.url}/v1", modelName="fake-1", apiKey="k-upstream")
    bot = await api.good("G-10", sent={"name": "Baker", "model": "@hub/extractive"})
    api.model.default = says("No synergy here.")
    workflow = await made(
        api, step("write", "chat", model=model, prompt="Go", voice_id="{{inputs.voice}}"),
        step("doc", "document", title="T", content="{{steps.write.output}}", voice_id="{{inputs.voice}}"),
        step("sum", "document", action="command", command="summarize", document_id="{{steps.doc.output.id}}",
             model="@hub/extractive"),
        step("pub", "document", action="publish", document_id="{{steps.doc.output.id}}", needs=["sum"]),
        step("hi", "chatbot", chatbot_id="{{inputs.bot}}", message="Hello"),
        step("more", "chatbot", chatbot_id="{{inputs.bot}}", message="Bye",
             conversation_id="{{steps.hi.output.conversation_id}}"),
        inputs={"voice": "string", "bot": "string"})
    run = await ended(api, workflow, {"voice": voice["id"], "bot": bot["id"]})
    assert run["status"] == "success", run["error"]
    steps = of(run)
    assert steps["write"]["output"] == "No here." and steps["sum"]["output"]["output"] == "No here."
    found = (await api.call("GET", f"/v1/documents/{steps['doc']['output']['id']}")).body
    assert (found["content"], found["status"], found["voice_id"]) == ("No here.", "published", voice["id"])
    [talk] = (await api.good("G-12", bot["id"]))["data"]
    assert talk["id"] == steps["hi"]["output"]["conversation_id"] and talk["message_count"] == 4
    for wrong in ({"voice": "x", "bot": bot["id"]}, {"voice": f"voc_{NOBODY}", "bot": bot["id"]}):
        assert (await ended(api, workflow, wrong))["error"]["step"] == "write"


async def test_a_run_is_cancelled(api: Contract, hook: Elsewhere) -> None:
    hook.plan += [(200, {}, 30.0)]
    workflow = await made(api, step("a", "http", url=hook.url), step("b", value=1, needs=["a"]), step("c", value=1))
    run = (await api.good("G-14", workflow, sent={}))["id"]

    async def begun() -> bool:
        return bool(hook.calls)

    await until(begun)
    path = filled("G-15", workflow, run) + "/cancel"
    assert (await api.call("POST", path, key=api.foreign)).status == 404
    assert (await api.call("POST", path)).status == 200
    found = await over(api, workflow, run)
    assert found["status"] == "cancelled"
    assert [of(found)[n]["status"] for n in "abc"] == ["cancelled", "cancelled", "success"]
    got = await api.call("POST", path)
    assert (got.status, got.body["code"]) == (409, "run_ended")
    assert (await api.call("POST", filled("G-15", workflow, f"run_{NOBODY}") + "/cancel")).status == 404
    # One that waits for an hour holds no worker, and ends at once.
    workflow = await made(api, step("a", "wait", seconds=3600))
    run = (await api.good("G-14", workflow, sent={}))["id"]

    async def parked() -> Any:
        return await api.hub.db.value(
            "select lease_until is null and status = 'running' from workflow_runs where workflow_id ="
            " (select id from workflows where account_id = $1 order by id desc limit 1)", api.account)

    await until(parked)
    await api.call("POST", filled("G-15", workflow, run) + "/cancel")
    assert (await over(api, workflow, run))["status"] == "cancelled"


async def test_nobody_rang_and_nothing_is_lost(api: Contract) -> None:
    """Redis is emptied again and again: PostgreSQL knows what is to be done."""
    workflow = await made(api, *(step(f"s{n}", value=n) for n in range(3)))
    runs = [await api.good("G-14", workflow, sent={}) for _ in range(3)]
    for _ in range(3):
        await api.hub.redis.flushall()
        await asyncio.sleep(0.02)
    assert {(await over(api, workflow, r["id"]))["status"] for r in runs} == {"success"}


async def test_addresses_inside_are_not_reached(api: Contract) -> None:
    for url in (
        "http://169.254.169.254/", "http://[::ffff:10.0.0.1]/", "file:///etc/passwd", "http://user:pass@x.com/",
        "ftp://x/", f"http://{uuid4()}.invalid/",
    ):
        run = await ended(api, await made(api, step("a", "http", url=url)))
        assert run["status"] == "failed" and "Traceback" not in str(run)
