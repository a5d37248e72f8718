"""Control endpoints, faults and logs."""

import asyncio
import time
from pathlib import Path

import aiohttp
import orjson
import pytest

from tests.twins.rig import Got, Json, Rig, rig

PATH = "/zapi/instances/I1/token/T1"
ANA = "5511999990000"
TEXT = {"phone": ANA, "message": "Oi"}


async def register(twins: Rig) -> None:
    """Z-API: the simplest network."""
    body = {"value": f"{twins.hook.url}/hook"}
    await twins.call("PUT", f"{PATH}/update-every-webhooks", body)


async def send(twins: Rig) -> int:
    """The status of a send."""
    return (await twins.call("POST", f"{PATH}/send-text", TEXT))[0]


async def test_calls_and_deliveries_are_logged(twins: Rig) -> None:
    await register(twins)
    await twins.say("zapi", text="hi")
    await twins.idle()
    (call,) = (await twins.control("zapi/calls?match=update"))["calls"]
    assert (call["method"], call["status"]) == ("PUT", 200)
    assert call["body"]["value"].endswith("/hook") and call["ms"] >= 0
    (delivery,) = (await twins.control("zapi/deliveries"))["deliveries"]
    assert (delivery["attempt"], delivery["status"], delivery["error"]) == (1, 200, None)
    assert orjson.loads(delivery["body"])["text"]["message"] == "hi"
    assert (await twins.control(f"zapi/deliveries?since={delivery['id']}"))["deliveries"] == []


async def test_faults_of_calls(twins: Rig) -> None:
    faults = [
        {"status": 500, "body": {"error": "x"}},
        {"retry_after": 3},
        {"error": "not_sent", "times": 2, "match": "send-text"},
        {"status": 502, "body": "<html>", "after": True},
    ]
    assert (await twins.control("zapi/faults", {"faults": faults}))["planned"] == 4
    assert [await send(twins) for _ in range(6)] == [500, 429, 200, 200, 502, 200]
    assert len(await twins.chat("zapi", ANA)) == 2, "the 502 came after it was carried out"
    assert (await twins.control("zapi/faults"))["faults"] == []


async def test_faults_of_time(twins: Rig) -> None:
    await twins.control("zapi/faults", {"delay": 0.2})
    started = time.monotonic()
    assert await send(twins) == 200 and time.monotonic() - started > 0.2
    await twins.control("zapi/faults", {"hang": 0.2})
    with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        await send(twins)
    assert len(await twins.chat("zapi", ANA)) == 1


async def test_probability_and_unlimited(twins: Rig) -> None:
    await twins.control("zapi/faults", {"status": 500, "times": 0, "probability": 0.5})
    found = {await send(twins) for _ in range(40)}
    assert found == {200, 500}
    assert (await twins.call("DELETE", "/control/zapi/faults"))[0] == 200
    assert {await send(twins) for _ in range(10)} == {200}


async def test_faults_of_webhooks() -> None:
    """Twins that hold back long: only what comes by lets go of it, however slow the machine is."""
    async with rig(speed=20.0) as twins:
        await register(twins)
        faults: list[Json] = [
            {"on": "webhook", "twice": 1},
            {"on": "webhook", "lose": True},
            {"on": "webhook", "reorder": True},
        ]
        await twins.control("zapi/faults", {"faults": faults})
        texts = [{"text": t} for t in ("twice", "lost", "late")]
        await twins.control("zapi/message", {"messages": texts, "delay_ms": 20})
        assert said(await twins.hook.wait(2)) == ["twice", "twice"]
        await twins.say("zapi", text="next")
        assert said(await twins.hook.wait(4)) == ["twice", "twice", "next", "late"]
        await twins.control("zapi/faults", {"on": "webhook", "delay": 0.2})
        before = asyncio.get_running_loop().time()
        await twins.say("zapi", text="later")
        got = await twins.hook.wait(5)
        assert said(got)[4:] == ["later"] and got[4].at - before >= 0.2


def said(got: list[Got]) -> list[str]:
    return [g.json["text"]["message"] for g in got]


async def test_shuffle_and_count(twins: Rig) -> None:
    await register(twins)
    texts = [{"text": str(n)} for n in range(40)]
    body = {"messages": texts, "shuffle": True, "wait": 5}
    assert (await twins.control("zapi/message", body))["idle"]
    got = [g.json["text"]["message"] for g in twins.hook.got]
    assert sorted(got, key=int) == [str(n) for n in range(40)] != got
    found = await twins.control("zapi/message", {"text": "x", "count": 3, "wait": 5})
    assert len(found["messages"]) == 3


async def test_accepted_sends_are_durable(tmp_path: Path) -> None:
    log = tmp_path / "sends.jsonl"
    async with rig(log_path=log) as twins:
        base = "/telegram/bot11:AAAAAAAA"
        body = {"chat_id": 700000001, "text": "a"}
        _, sent = await twins.call("POST", f"{base}/sendMessage", body)
        assert len(log.read_bytes().splitlines()) == 1
        edit = body | {"text": "b", "message_id": sent["result"]["message_id"]}
        await twins.call("POST", f"{base}/editMessageText", edit)
        await twins.control("telegram/faults", {"drop": "after"})
        with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
            await twins.call("POST", f"{base}/sendMessage", body)
        await send(twins)
    lines = [orjson.loads(line) for line in log.read_bytes().splitlines()]
    assert [(line["op"], line["text"]) for line in lines] == [
        *(("send", "a"), ("edit", "b"), ("send", "a"), ("send", "Oi"))
    ]
    assert lines[0]["id"] == lines[1]["id"] != lines[2]["id"]


async def test_the_feed(twins: Rig) -> None:
    async with twins.http.get(f"{twins.base}/control/events") as feed:
        await feed.content.readline()
        await twins.say("zapi", text="hi")
        found = b""
        while b"event: message" not in found:
            found += await asyncio.wait_for(feed.content.readany(), 5)
    assert b'"text":"hi"' in found


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("other/message", {"text": "x"}, "no network other"),
        ("zapi/message", {"kind": "song"}, "kind is one of"),
        ("zapi/message", {"kind": "edit", "text": "x"}, "edit needs message_id"),
        ("zapi/message", {"kind": "edit", "message_id": "?"}, "there is no message ?"),
        ("zapi/faults", {"colour": "red"}, "unknown: colour"),
        ("zapi/faults", {"error": "nonsense"}, "zapi has no error named nonsense"),
        ("zapi/faults", {"drop": "sometimes"}, "drop is before or after"),
    ],
)
async def test_mistakes_are_explained(twins: Rig, path: str, body: Json, words: str) -> None:
    status, found = await twins.call("POST", f"/control/{path}", body)
    assert status == 400 and words in found["error"]


async def test_reset(twins: Rig) -> None:
    await register(twins)
    await twins.say("zapi", text="hi")
    await twins.control("reset", {})
    assert await twins.chat("zapi", ANA) == []
    state = await twins.control("state")
    assert [n["accounts"] for n in state["networks"]] == [[]] * 6


async def test_memory_is_bounded() -> None:
    async with rig(keep=20) as twins:
        await twins.control("zapi/message", {"text": "x", "count": 100, "wait": 5})
        assert len(await twins.chat("zapi", ANA)) == 20
        assert len((await twins.control("zapi/deliveries"))["deliveries"]) == 20


async def test_only_the_networks_asked_for() -> None:
    async with rig(networks=("kapso",)) as twins:
        assert [n["name"] for n in (await twins.control("state"))["networks"]] == ["kapso"]
        assert (await twins.call("GET", f"{PATH}/status"))[0] == 404


async def test_media_is_never_run(twins: Rig) -> None:
    await twins.say("zapi", kind="document", file={"mime": "text/html", "name": "a.html"})
    file = (await twins.chat("zapi", ANA))[0]["file"]
    async with twins.http.get(f"{twins.base}{file['url']}") as answer:
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Content-Disposition"] == "attachment"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_other_sites_cannot_act(twins: Rig) -> None:
    foreign = {"Origin": "https://evil.example"}
    path = "/control/zapi/message"
    assert (await twins.call("POST", path, {"text": "x"}, headers=foreign))[0] == 403
    own = {"Origin": twins.base}
    assert (await twins.call("POST", path, {"text": "x"}, headers=own))[0] == 200
