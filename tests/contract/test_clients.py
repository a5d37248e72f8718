"""Web chat clients and their integrations (A-08 to A-14)."""

from uuid import uuid4

import pytest

from tests.contract.asking import Contract, Json
from tests.contract.parts import CLIENT_PARAMETERS

pytestmark = pytest.mark.asyncio(loop_scope="module")
PARAMETERS: Json = {
    "languageCode": "pt-BR", "suggestionButtons": [{"label": "Prices", "prompt": "What does it cost?"}],
    "customScripts": "1", "customStyles": "body { margin: 0 }", "inputModes": ["Image", "Document", "Audio"],
    "primaryColor": "#6366f1", "pageTitle": "Shop", "helloLabel": "Hi", "helloSubLabel": "How can I help?",
    "textAreaPlaceholder": "Type here", "logoImageUrl": "https://example.com/logo.png", "debug": True,
    "showToolCalls": True, "allowedFrameOrigins": ["https://example.com"], "audioSynthesisSource": "ElevenV3",
    "audioSynthesisVoice": "nova", "audioSynthesisInstruction": "Calmly.", "summarizeTextBeforeAudioSynthesis": True,
    "uploadUnsupportedFiles": True, "allowScheduledContinuations": True, "splitAnswerIntoMessageChunks": True,
    "maxScheduledIgnoredZone": "2.00:00:00", "messageDebounceInterval": "00:00:05",
}
LIMITS = {"messagesPerHour": 12, "maxMessages": -1}
GIVEN: Json = {
    "Zapi": {"zapiIntegration": {
        "instanceId": "i1", "instanceToken": "t", "clientToken": "c", "sessionDuration": "03:00:00",
    }},
    "Telegram": {"telegramIntegration": {"botToken": "123456:contract", "sessionDuration": "1.00:00:00"}},
    "EvolutionApi": {"evolutionIntegration": {"instanceName": "shop", "apiKey": "k", "sessionDuration": 3600}},
    "Kapso": {"kapsoIntegration": {
        "apiKey": "k", "phoneNumberId": "55", "webhookSecretKey": "s", "continuedMessagesTemplateId": "hello",
        "sessionDuration": None,
    }},
}


@pytest.mark.row("A-08", "A-09", "A-10", "A-12")
async def test_a_client_with_every_field(api: Contract) -> None:
    assert set(PARAMETERS) == set(CLIENT_PARAMETERS)
    gateway = await api.gateway()
    sent = {"name": "Shop", "aiGatewayId": gateway, "limitingParameters": LIMITS, "clientParameters": PARAMETERS}
    id = (await api.good("A-09", sent=sent))["id"]
    found = await api.both_ways("A-10", id)
    assert {k: v for k, v in found["clientParameters"].items() if k in PARAMETERS} == PARAMETERS
    assert (found["name"], found["limitingParameters"]) == ("Shop", LIMITS)
    assert found["aiGateway"] == {"id": gateway, "name": "Shop bot"} and set(found["integrations"].values()) == {None}
    [line] = await api.both_ways("A-08")
    assert line == {
        "id": id, "name": "Shop", "color": "#6366f1", "activeSessions": 0,
        "associatedGateway": {"id": gateway, "name": "Shop bot", "modelName": "extractive"},
    }
    for row in ("A-10", "A-11", "A-12"):
        more: Json = {"sent": {}} if row == "A-11" else {}
        await api.refused(row, 404, id, key=api.foreign, **more)
    await api.good("A-12", id)
    await api.refused("A-12", 404, id)


@pytest.mark.row("A-09", "A-10", "A-08")
async def test_a_client_with_a_name_alone(api: Contract) -> None:
    id = (await api.good("A-09", sent={"name": "Bare", "aiGatewayId": None}))["id"]
    found = await api.both_ways("A-10", id)
    assert found["aiGateway"] is None and found["limitingParameters"] == {"messagesPerHour": 30, "maxMessages": 300}
    assert (await api.both_ways("A-08"))[0]["associatedGateway"] is None


@pytest.mark.row("A-11")
async def test_an_edit_merges(api: Contract) -> None:
    id = await api.client(limitingParameters=LIMITS, clientParameters=PARAMETERS)
    await api.both_ways("A-11", id, sent={"clientParameters": {"suggestionButtons": []}})
    found = (await api.good("A-10", id))["clientParameters"]
    assert {k: found[k] for k in PARAMETERS} == PARAMETERS | {"suggestionButtons": []}
    await api.good("A-11", id, sent={"name": "New", "limitingParameters": {"maxMessages": 5}})
    found = await api.good("A-10", id)
    assert (found["name"], found["limitingParameters"]) == ("New", {"messagesPerHour": 12, "maxMessages": 5})


async def test_what_a_client_may_not_be(api: Contract) -> None:
    body = await api.refused("A-09", 400, sent={"aiGatewayId": None}, said="name is missing")
    assert body["details"][0]["field"] == "name" and body["code"] == "invalid_request"
    sent: Json = {"name": "x", "clientParameters": {"inputModes": ["Video"]}}
    await api.refused("A-09", 400, sent=sent, said="clientParameters.inputModes.0")
    await api.refused("A-09", 400, sent={"name": "x", "aiGatewayId": str(uuid4())}, said="aiGatewayId")
    await api.refused("A-09", 400, sent={"name": "x", "limitingParameters": {"maxMessages": 2**31}}, said="maxMessages")
    sent = {"clientParameters": {"maxScheduledIgnoredZone": "soon"}}
    await api.refused("A-11", 400, await api.client(), sent=sent, said="clientParameters.maxScheduledIgnoredZone")


@pytest.mark.row("A-13", "A-14", "A-10")
async def test_every_integration(api: Contract) -> None:
    id = await api.client()
    for kind, integrations in GIVEN.items():
        [(field, values)] = integrations.items()
        if kind == "EvolutionApi":
            values = {**values, "endpointUrl": api.provider.url}
        await api.good("A-13", id, sent={"integrationType": kind, "integrations": {field: values}})
        found = (await api.both_ways("A-10", id))["integrations"][field]
        plain = {k: v for k, v in values.items() if k in ("instanceId", "instanceName", "endpointUrl", "phoneNumberId")}
        assert {k: found[k] for k in plain} == plain
    for kind in GIVEN:
        await api.good("A-14", id, kind)
        await api.refused("A-14", 404, id, kind)
    assert set((await api.good("A-10", id))["integrations"].values()) == {None}


@pytest.mark.row("A-13")
async def test_only_the_named_integration_changes(api: Contract) -> None:
    id = await api.client()
    both = {**GIVEN["Telegram"], **GIVEN["Kapso"]}
    await api.both_ways("A-13", id, sent={"integrationType": "Telegram", "integrations": both})
    found = (await api.good("A-10", id))["integrations"]
    assert found["telegramIntegration"]["sessionDuration"] == "1.00:00:00" and found["kapsoIntegration"] is None


async def test_what_an_integration_may_not_be(api: Contract) -> None:
    id = await api.client()
    sent: Json = {"integrationType": "Fax", "integrations": {}}
    await api.refused("A-13", 400, id, sent=sent, said="integrationType must be one of")
    for kind, (field, missing) in {
        "Zapi": ("zapiIntegration", "instanceToken"), "Telegram": ("telegramIntegration", "botToken"),
        "EvolutionApi": ("evolutionIntegration", "endpointUrl"), "Kapso": ("kapsoIntegration", "phoneNumberId"),
    }.items():
        given = {k: v for k, v in GIVEN[kind][field].items() if k != missing}
        sent = {"integrationType": kind, "integrations": {field: given}}
        await api.refused("A-13", 400, id, sent=sent, said=f"integrations.{field}.{missing}")
        await api.refused("A-13", 400, id, sent={**sent, "integrations": {}}, said=f"integrations.{field} is missing")
    await api.refused("A-14", 400, id, "Fax", said="Zapi")
