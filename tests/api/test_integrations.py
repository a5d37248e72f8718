"""Integrations (A-13, A-14): stored, masked, registered at the network."""

import re
from typing import Any

import pytest

from hub.sealing import digest
from tests.api.conftest import Api, Provider

TOKEN = "123456:telegram-token-tail"
TELEGRAM = {"integrationType": "Telegram", "integrations": {"telegramIntegration": {"botToken": TOKEN}}}


def one(kind: str, field: str, **values: Any) -> dict[str, Any]:
    return {"integrationType": kind, "integrations": {field: values}}


async def put(api: Api, id: str, sent: Any) -> Any:
    return await api.ok("PUT", f"/api/v1/web-chat-client/{id}/integrations", sent)


async def shown(api: Api, id: str, field: str) -> Any:
    return (await api.ok("GET", f"/api/v1/web-chat-client/{id}"))["integrations"][field]


async def test_telegram_is_stored_masked_and_registered(api: Api, provider: Provider) -> None:
    id = await api.client()
    assert (await put(api, id, TELEGRAM)) == {"message": "Web client integrations updated successfully.", "data": None}
    got = await shown(api, id, "telegramIntegration")
    secret = got["webhookUrl"].rsplit("/", 1)[-1]
    assert got == {
        "botToken": "***tail", "sessionDuration": "03:00:00", "sendMode": "placeholder_edit", "groups": "ignore",
        "whenUnknown": "operator", "presence": "all",
        "webhookUrl": f"https://hub.example/api/v1/webhooks/telegram/{id}/{secret}", "state": "registered",
        "stateText": None, "connection": None,
    }
    [hook] = provider.asked("setWebhook")
    assert hook["url"] == got["webhookUrl"]
    assert hook["secret_token"] != secret
    assert re.fullmatch("[0-9a-f]{48}", hook["secret_token"])
    row = await api.hub.db.row("select i.*, i::text as whole from integrations i")
    assert row is not None
    assert (row["handle"], row["secret_hash"]) == ("shop_bot", digest(secret))
    assert "telegram-token" not in row["whole"]
    assert secret not in row["whole"]


async def test_the_network_s_words_are_passed_on_and_all_is_kept(api: Api, provider: Provider) -> None:
    id = await api.client()
    provider.refusal = "Bad Request: bad webhook: An HTTPS URL must be provided for webhook"
    said = (await put(api, id, TELEGRAM))["message"]
    assert said.startswith("Web client integrations updated successfully. The webhook is not registered yet. ")
    assert "Telegram says: " in said
    assert "HTTPS" in said
    got = await shown(api, id, "telegramIntegration")
    assert got["state"] == "notRegistered"
    assert "HTTPS" in got["stateText"]
    provider.refusal = None
    same = one("Telegram", "telegramIntegration", botToken="***tail")
    assert (await put(api, id, same))["message"] == "Web client integrations updated successfully."
    again = await shown(api, id, "telegramIntegration")
    assert (again["state"], again["stateText"], again["webhookUrl"]) == ("registered", None, got["webhookUrl"])


async def test_the_mask_keeps_the_secret_and_another_mask_does_not(api: Api, provider: Provider) -> None:
    id = await api.client()
    await put(api, id, TELEGRAM)
    again = await shown(api, id, "telegramIntegration")
    await put(api, id, one("Telegram", "telegramIntegration", **{**again, "groups": "all", "sessionDuration": 120}))
    got = await shown(api, id, "telegramIntegration")
    assert got == {**again, "groups": "all", "sessionDuration": "00:02:00"}
    path = f"/api/v1/web-chat-client/{id}/integrations"
    refused = await api.call("PUT", path, one("Telegram", "telegramIntegration", botToken="***what"))
    assert (refused.status, "mask" in refused.said) == (400, True)


async def test_another_bot_takes_over(api: Api, provider: Provider) -> None:
    id = await api.client()
    await put(api, id, TELEGRAM)
    await put(api, id, one("Telegram", "telegramIntegration", botToken="123456:renewed-token-0000"))
    assert provider.asked("deleteWebhook") == []
    await put(api, id, one("Telegram", "telegramIntegration", botToken="777777:another-bot-000000"))
    assert len(provider.asked("deleteWebhook")) == 1
    assert len(provider.asked("setWebhook")) == 3


async def test_extras_left_out_stay(api: Api) -> None:
    id = await api.client()
    sent = {"botToken": TOKEN, "groups": "mention", "sendMode": "at_most_once", "sessionDuration": "1.00:00:00"}
    sent |= {"whenUnknown": "again", "presence": "none"}
    await put(api, id, one("Telegram", "telegramIntegration", **sent))
    await put(api, id, TELEGRAM)
    got = await shown(api, id, "telegramIntegration")
    assert (got["groups"], got["sendMode"], got["sessionDuration"]) == ("mention", "at_most_once", "1.00:00:00")
    assert (got["whenUnknown"], got["presence"]) == ("again", "none")


async def test_all_four_networks_side_by_side(api: Api, provider: Provider) -> None:
    id = await api.client()
    secret = "0123456789abcdef-tail"
    server = {"endpointUrl": provider.url, "instanceName": "shop", "apiKey": secret}
    given: dict[str, tuple[str, dict[str, Any]]] = {
        "zapiIntegration": ("Zapi", {"instanceId": "i1", "instanceToken": secret, "clientToken": None}),
        "telegramIntegration": ("Telegram", {"botToken": TOKEN}),
        "evolutionIntegration": ("EvolutionApi", server),
        "kapsoIntegration": (
            "Kapso",
            {
                "apiKey": secret, "phoneNumberId": "55", "webhookSecretKey": secret,
                "continuedMessagesTemplateId": "hello",
            },
        ),
    }
    for field, (kind, values) in given.items():
        await put(api, id, one(kind, field, **values))
    for field, (_, values) in given.items():
        got = await shown(api, id, field)
        expected = {k: "***tail" if v in (secret, TOKEN) else v for k, v in values.items()}
        assert {k: got[k] for k in values} == expected
        assert f"/{id}/" in got["webhookUrl"]


async def test_only_the_named_integration_is_looked_at(api: Api) -> None:
    id = await api.client()
    sent = {
        "integrationType": "Telegram",
        "integrations": {"telegramIntegration": {"botToken": TOKEN}, "zapiIntegration": {"instanceId": ""}},
    }
    await put(api, id, sent)
    assert await shown(api, id, "zapiIntegration") is None


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"integrationType": "Signal", "integrations": {}}, "integrationType"),
        ({"integrationType": "Telegram", "integrations": {}}, "integrations.telegramIntegration"),
        (one("Telegram", "telegramIntegration"), "integrations.telegramIntegration.botToken"),
        (one("Zapi", "zapiIntegration", instanceId="x"), "integrations.zapiIntegration.instanceToken"),
        (one("EvolutionApi", "evolutionIntegration", endpointUrl="x", instanceName="y", apiKey="z"),
         "integrations.evolutionIntegration.endpointUrl"),
        (one("EvolutionApi", "evolutionIntegration", endpointUrl="http://10.1.1.1", instanceName="y", apiKey="z"),
         "endpointUrl"),
        (one("Telegram", "telegramIntegration", botToken=TOKEN, sessionDuration="long"),
         "integrations.telegramIntegration.sessionDuration"),
        (one("Zapi", "zapiIntegration", instanceId="i", instanceToken="t", sendMode="draft"), "sendMode"),
        (one("Telegram", "telegramIntegration", botToken=TOKEN, presence="some"),
         "integrations.telegramIntegration.presence"),
        (one("Telegram", "telegramIntegration", botToken=TOKEN, groups="some"),
         "integrations.telegramIntegration.groups"),
        (one("Kapso", "kapsoIntegration", apiKey="k", phoneNumberId="1", sendMode="placeholder_edit"), "sendMode"),
        ({"integrationType": "Telegram"}, "integrations"),
    ],
)
async def test_what_cannot_be_is_refused_by_name(api: Api, sent: Any, field: str) -> None:
    got = await api.call("PUT", f"/api/v1/web-chat-client/{await api.client()}/integrations", sent)
    assert got.status == 400, got.body
    assert got.body["error"].startswith(field), got.body


async def test_delete(api: Api, provider: Provider) -> None:
    id = await api.client()
    path = f"/api/v1/web-chat-client/{id}/integrations"
    await put(api, id, TELEGRAM)
    assert (await api.ok("DELETE", f"{path}/Telegram"))["message"] == "Web client integration deleted successfully."
    assert len(provider.asked("deleteWebhook")) == 1
    assert await shown(api, id, "telegramIntegration") is None
    assert (await api.call("DELETE", f"{path}/Telegram")).status == 404
    unknown = await api.call("DELETE", f"{path}/Signal")
    assert (unknown.status, "Zapi, Telegram, EvolutionApi, Kapso" in unknown.said) == (400, True)


async def test_delete_goes_on_when_the_network_refuses(api: Api, provider: Provider) -> None:
    id = await api.client()
    await put(api, id, TELEGRAM)
    provider.refusal = "Bad Request: something"
    said = (await api.ok("DELETE", f"/api/v1/web-chat-client/{id}/integrations/Telegram"))["message"]
    assert "Telegram still has our webhook" in said
    assert await shown(api, id, "telegramIntegration") is None
