"""Chat clients (A-08 to A-12)."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.conftest import Api, Provider

BASE = "/api/v1/web-chat-client"
# A public key of P-256, whose other half nobody has.
KEY = (
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEfP2J53Iv3vnINhNy6PMe3EGCN/ao\n"
    "rh1Vx7lsrMuP/wUewwHX9qMOh0u8RPmuAKf81Fq5ydbzERcQPbsCAk4WdA==\n"
    "-----END PUBLIC KEY-----\n"
)
# Networks that are not of the documented four.
BESIDE = ("whatsAppCloudIntegration", "webhookIntegration")
PARAMETERS: dict[str, Any] = {
    "languageCode": "pt-BR", "suggestionButtons": [{"label": "Hours", "prompt": "When are you open?"}],
    "customScripts": "1", "customStyles": "p{}", "inputModes": ["Image", "Audio"], "primaryColor": "rgb(1 2 3)",
    "pageTitle": "Shop", "helloLabel": "Hi", "helloSubLabel": "there", "textAreaPlaceholder": "Write",
    "logoImageUrl": "https://shop.example/logo.png", "debug": True, "showToolCalls": True,
    "allowedFrameOrigins": ["https://shop.example", "https://*.shop.example:8443"], "audioSynthesisSource": "ElevenV3",
    "audioSynthesisVoice": "nova", "audioSynthesisInstruction": "calm", "summarizeTextBeforeAudioSynthesis": True,
    "uploadUnsupportedFiles": True, "allowScheduledContinuations": True, "splitAnswerIntoMessageChunks": True,
    "maxScheduledIgnoredZone": "1.02:00:00", "messageDebounceInterval": "00:00:04", "timeZone": "America/Sao_Paulo",
    "identityPublicKey": KEY, "allowedMediaOrigins": ["https://cdn.shop.example"],
    "modelPatienceSeconds": 60, "voiceAnswers": "voice", "visitorTyping": "draft", "acknowledgement": "eyes",
    "preChat": [{"name": "email", "label": "E-mail", "kind": "email", "required": True}], "widgetSound": False,
}


async def test_every_field_comes_back(api: Api) -> None:
    gateway = await api.gateway()
    limits = {"messagesPerHour": -1, "maxMessages": 10}
    id = await api.client(aiGatewayId=gateway, limitingParameters=limits, clientParameters=PARAMETERS)
    assert await api.ok("GET", f"{BASE}/{id}") == {
        "name": "Shop",
        "aiGateway": {"id": gateway, "name": "Shop bot"},
        "limitingParameters": limits,
        "clientParameters": PARAMETERS,
        "integrations": dict.fromkeys(
            ("zapiIntegration", "telegramIntegration", "evolutionIntegration", "kapsoIntegration", *BESIDE)
        ),
    }
    assert await api.ok("GET", BASE) == [
        {
            "id": id, "name": "Shop", "color": "rgb(1 2 3)", "activeSessions": 0,
            "associatedGateway": {"id": gateway, "name": "Shop bot", "modelName": "extractive"},
        }
    ]


async def test_defaults(api: Api) -> None:
    got = await api.ok("GET", f"{BASE}/{await api.client()}")
    assert got["aiGateway"] is None
    assert got["limitingParameters"] == {"messagesPerHour": 30, "maxMessages": 300}
    parameters = got["clientParameters"]
    assert (parameters["primaryColor"], parameters["pageTitle"]) == ("#6366f1", "Chat Assistant")
    assert (parameters["inputModes"], parameters["audioSynthesisSource"]) == ([], "None")
    assert parameters["messageDebounceInterval"] is None
    assert set(parameters) == set(PARAMETERS)


async def test_edit_merges_shallowly(api: Api) -> None:
    gateway = await api.gateway()
    id = await api.client(aiGatewayId=gateway, clientParameters=PARAMETERS)
    sent = {"clientParameters": {"debug": False, "suggestionButtons": []}, "limitingParameters": {"maxMessages": 5}}
    assert (await api.ok("PUT", f"{BASE}/{id}", sent))["message"] == "Web client updated successfully."
    got = await api.ok("GET", f"{BASE}/{id}")
    assert got["name"] == "Shop"
    assert got["aiGateway"]["id"] == gateway
    assert got["clientParameters"] == {**PARAMETERS, "debug": False, "suggestionButtons": []}
    assert got["limitingParameters"] == {"messagesPerHour": 30, "maxMessages": 5}
    await api.ok("PUT", f"{BASE}/{id}", {"name": "New", "aiGatewayId": None, "clientParameters": {"page_title": None}})
    got = await api.ok("GET", f"{BASE}/{id}")
    assert (got["name"], got["aiGateway"], got["clientParameters"]["pageTitle"]) == ("New", None, "Chat Assistant")


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("00:00:05", "00:00:05"), ("1.00:00:00", "1.00:00:00"), (90, "00:01:30"), ("90", "00:01:30"),
        (90061.7, "1.01:01:01.7000000"), (None, None), (0, "00:00:00"), ("3:00:00", "03:00:00"),
        ("00:00:02.5", "00:00:02.5000000"), (0.25, "00:00:00.2500000"), ("0.5", "00:00:00.5000000"),
    ],
)
async def test_time_spans(api: Api, sent: Any, shown: str | None) -> None:
    id = await api.client(clientParameters={"messageDebounceInterval": sent})
    got = await api.ok("GET", f"{BASE}/{id}")
    assert got["clientParameters"]["messageDebounceInterval"] == shown


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("messageDebounceInterval", "soon"), ("messageDebounceInterval", -1), ("messageDebounceInterval", "25:00:00"),
        ("messageDebounceInterval", True), ("maxScheduledIgnoredZone", []), ("primaryColor", "reddish"),
        ("timeZone", "Mars"),
        ("primaryColor", "#12"), ("primaryColor", "red;}body{display:none"), ("allowedFrameOrigins", ["shop.example"]),
        ("allowedFrameOrigins", ["https://a.example/path"]), ("allowedFrameOrigins", ["*"]), ("inputModes", ["Video"]),
        ("languageCode", "portuguese!"), ("logoImageUrl", "javascript:alert(1)"), ("audioSynthesisSource", "Robot"),
        ("suggestionButtons", [{"label": "x"}]), ("debug", "maybe"),
    ],
)
async def test_what_cannot_be_is_refused_by_name(api: Api, field: str, wrong: Any) -> None:
    made = await api.call("POST", BASE, {"name": "x", "clientParameters": {field: wrong}})
    edited = await api.call("PUT", f"{BASE}/{await api.client()}", {"clientParameters": {field: wrong}})
    for got in (made, edited):
        assert got.status == 400, got.body
        assert got.body["error"].startswith(f"clientParameters.{field}"), got.body


async def test_a_gateway_must_be_the_account_s(api: Api) -> None:
    sent = {"name": "x", "parameters": {"baseAddress": "@integrated", "modelName": "m"}}
    theirs = (await api.ok("POST", "/api/v1/ai-gateways", sent, key=api.foreign))["aiGatewayId"]
    id = await api.client()
    for got in (
        await api.call("POST", BASE, {"name": "x", "aiGatewayId": theirs}),
        await api.call("PUT", f"{BASE}/{id}", {"aiGatewayId": str(uuid4())}),
        await api.call("PUT", f"{BASE}/{id}", {"aiGatewayId": theirs}),
    ):
        assert (got.status, "no gateway of this account" in got.said) == (400, True)


async def test_delete_takes_sessions_and_webhooks(api: Api, provider: Provider) -> None:
    id = await api.client()
    await api.ok("POST", f"{BASE}/{id}/sessions", {})
    sent = {"integrationType": "Telegram", "integrations": {"telegramIntegration": {"botToken": "123456:abcdefghijk"}}}
    await api.ok("PUT", f"{BASE}/{id}/integrations", sent)
    assert (await api.ok("DELETE", f"{BASE}/{id}"))["message"] == "Web client deleted successfully."
    assert (await api.call("GET", f"{BASE}/{id}")).status == 404
    assert len(provider.asked("deleteWebhook")) == 1
    for table in ("sessions", "integrations", "clients"):
        assert await api.hub.db.value(f"select count(*) from {table} where account_id = $1", api.account) == 0


async def test_both_spellings(api: Api) -> None:
    id = await api.client()
    assert (await api.ok("GET", f"/api/v1/web-chat-clients/{id}"))["name"] == "Shop"
