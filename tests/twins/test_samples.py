"""Every out-*.json sample, sent to its twin, gives the sample's status and keys."""

import asyncio
import base64
from typing import Any

import aiohttp
import orjson
import pytest

from tests.twins.rig import PAYLOADS, Json, Rig, rig
from tests.twins.shape import keys

ANA = "5511999990000"
TELEGRAM = "/telegram/bot110000001:AAFakeFakeFakeFakeFakeFakeFakeFakeX"
# What must be planned so that the same request is refused: a fault, or another request.
FAULTS: dict[str, Json] = {
    "telegram/out-error-429": {"retry_after": 7},
    "telegram/out-error-502": {"error": "bad_gateway"},
    "telegram/out-error-401": {"error": "unauthorized"},
    "telegram/out-error-400-too-long": {"error": "too_long"},
    "telegram/out-error-400-chat-not-found": {"error": "chat_not_found"},
    "zapi/out-error-429": {"retry_after": 3},
    "zapi/out-error-ip": {"error": "ip"},
    "zapi/out-error-not-sent": {"error": "not_sent"},
    "zapi/out-error-client-token-missing": {"error": "client_token"},
    "zapi/out-error-client-token-null": {"error": "client_token_null"},
    "evolution/out-error-400-connection-closed": {"error": "closed"},
    "evolution/out-error-500": {"error": "internal"},
    "evolution/out-error-503-license": {"error": "license"},
    "kapso/out-error-100-param": {"error": "100"},
    "kapso/out-error-130429-rate": {"error": "130429"},
    "kapso/out-error-130429-rate-http429": {"retry_after": 3},
    "kapso/out-error-131016-unavailable": {"error": "131016"},
    "kapso/out-error-131056-pair-rate": {"error": "131056"},
    "kapso/out-error-132001-template-missing": {"error": "132001"},
    "kapso/out-error-190-token": {"error": "190"},
    "kapso/out-error-24h-window": {"error": "131047"},
    "kapso/out-error-404-kapso": {"error": "not_found"},
    "kapso/out-error-409-in-flight": {"error": "in_flight"},
}
SAMPLES = sorted(f"{path.parent.name}/{path.stem}" for path in PAYLOADS.glob("*/out-*.json"))


@pytest.mark.parametrize("name", SAMPLES)
async def test_sample(name: str) -> None:
    network = name.partition("/")[0]
    case: Json = orjson.loads((PAYLOADS / f"{name}.json").read_bytes())
    async with rig() as twins:
        await PREPARE[network](twins, name, case)
        if fault := FAULTS.get(name):
            await twins.control(f"{network}/faults", fault)
        status, headers, body = await replay(twins, network, case["request"])
    expected = case["response"]
    assert status == expected["status"], body
    if isinstance(expected["body"], dict):
        assert keys(body) == keys(expected["body"])
        assert same_error(body, expected["body"])
    elif expected["body"]:
        assert body
    for header, value in (expected.get("headers") or {}).items():
        assert headers[header].startswith(value)


def same_error(body: Json, expected: Json) -> bool:
    """The words and codes of an error are the sample's."""
    if "description" in expected and not expected.get("ok"):
        return bool(body["description"] == expected["description"])
    error = expected.get("error")
    if isinstance(error, dict):
        return bool(body["error"]["code"] == error["code"])
    if isinstance(error, str) and "register_url" not in expected:
        return body == expected
    return True


async def replay(twins: Rig, network: str, request: Json) -> tuple[int, Any, Any]:
    """The sample's request, to the twin."""
    headers = {k: v for k, v in request["headers"].items() if "multipart" not in v}
    body = request["body"]
    more: Json = {}
    if isinstance(body, dict) and "_multipart" in body:
        form = aiohttp.FormData()
        for key, value in body["_multipart"].items():
            if isinstance(value, dict):
                content = base64.b64decode(value["bytes_base64"])
                kind = value["content_type"]
                form.add_field(key, content, filename=value["filename"], content_type=kind)
            else:
                form.add_field(key, value)
        more["data"] = form
    elif isinstance(body, str):
        more["data"] = body
    elif body is not None:
        more["json"] = body
    url = f"{twins.base}/{network}{request['path']}"
    async with twins.http.request(request["method"], url, headers=headers, **more) as answer:
        raw = await answer.read()
        json = answer.content_type == "application/json"
        return answer.status, answer.headers, orjson.loads(raw) if json and raw else raw


async def prepare_telegram(twins: Rig, name: str, case: Json) -> None:
    """A bot with a webhook, messages 101 and 201, a file with the sample's id."""
    await twins.call("GET", f"{TELEGRAM}/getMe")
    await twins.say("telegram", text="Oi", id="101")
    if "reply" not in name:
        for _ in range(101):
            text = "igual" if "modified" in name else "…"
            await twins.call(
                "POST", f"{TELEGRAM}/sendMessage", {"chat_id": 700000001, "text": text}
            )
    if "blocked" in name:
        await twins.say("telegram", kind="block")
    if "deactivated" in name:
        await twins.control("telegram/person", {"id": "700000001", "state": "deactivated"})
    if "webhook" in name:
        hook = {"url": "http://127.0.0.1:9/x", "allowed_updates": ["message"]}
        await twins.call("POST", f"{TELEGRAM}/setWebhook", hook)
        await twins.control("telegram/message", {"text": "x"})
        await asyncio.sleep(0.05)
    if "file" in name:
        size = 21 * 1024 * 1024 if "big" in name else 14021
        await twins.say("telegram", kind="voice", file={"size": size})
        _, polled = await twins.call("GET", f"{TELEGRAM}/getUpdates")
        file_id = polled["result"][-1]["message"]["voice"]["file_id"]
        if "download" in name:
            ask = {"file_id": file_id}
            _, found = await twins.call("POST", f"{TELEGRAM}/getFile", ask)
            head = case["request"]["path"].partition("/voice/")[0]
            case["request"]["path"] = f"{head}/{found['result']['file_path']}"
        else:
            case["request"]["body"]["file_id"] = file_id


async def prepare_zapi(twins: Rig, name: str, case: Json) -> None:
    """A message of Ana's."""
    await twins.say("zapi", text="Oi", id="3EB00001FAKE00000001")
    if "status-disconnected" in name:
        account = "3FAKE000INSTANCE000000000000FAKE"
        await twins.control("zapi/account", {"account": account, "connected": False})


async def prepare_evolution(twins: Rig, name: str, case: Json) -> None:
    """A message to be edited."""
    headers = {"apikey": "FAKE-INSTANCE-TOKEN-0001"}
    if "update-message" in name:
        body = {"number": ANA, "text": "Corrijido"}
        path = "/evolution/message/sendText/hub-teste"
        _, sent = await twins.call("POST", path, body, headers=headers)
        case["request"]["body"]["key"]["id"] = sent["key"]["id"]


async def prepare_kapso(twins: Rig, name: str, case: Json) -> None:
    """An open window; a webhook; an uploaded file."""
    await twins.say("kapso", kind="voice", account="100000000000001")
    if "paused" in name:
        case["request"]["body"]["template"]["name"] = "paused_template"
    key = {"X-API-Key": "FAKE_KAPSO_API_KEY"}
    if "update-webhook" in name or "delete-webhook" in name:
        made: Json = orjson.loads((PAYLOADS / "kapso/out-create-webhook.json").read_bytes())
        path, body = made["request"]["path"], made["request"]["body"]
        _, row = await twins.call("POST", f"/kapso{path}", body, headers=key)
        case["request"]["path"] = f"{path}/{row['data']['id']}"
    if "-id" in name or "get-media" in name:
        upload: Json = orjson.loads((PAYLOADS / "kapso/out-upload-media.json").read_bytes())
        _, _, found = await replay(twins, "kapso", upload["request"])
        if "get-media" in name:
            path = case["request"]["path"]
            case["request"]["path"] = path.replace("300000000000003", found["id"])
        else:
            body = case["request"]["body"]
            body[body["type"]]["id"] = found["id"]


PREPARE = {
    "telegram": prepare_telegram,
    "zapi": prepare_zapi,
    "evolution": prepare_evolution,
    "kapso": prepare_kapso,
}
