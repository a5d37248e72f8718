"""What proves a network's call: a secret in the path, another one in the header or under the signature."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import orjson
import pytest
import pytest_asyncio

from hub.chat.clients.integrations import of_client
from hub.chat.clients.link import PLACE
from hub.domain import Integration
from tests.api.conftest import Api, keys_of
from tests.contract.conftest import Place, place  # noqa: F401 - a fixture

Json = dict[str, Any]
pytestmark = pytest.mark.asyncio(loop_scope="module")
TELEGRAM = {"integrationType": "Telegram", "integrations": {"telegramIntegration": {"botToken": "7:token-of-a-bot"}}}
KAPSO = {"integrationType": "Kapso", "integrations": {"kapsoIntegration": {"apiKey": "k", "phoneNumberId": "55"}}}
HEADERS = {"telegram": "X-Telegram-Bot-Api-Secret-Token", "evolution": "X-Hub-Secret"}


@pytest_asyncio.fixture(loop_scope="module")
async def api(place: Place) -> AsyncIterator[Api]:  # noqa: F811
    place.provider.refusal = None
    place.provider.calls.clear()
    yield Api(place.hub, place.url, *await keys_of(place.hub), place.http)


async def connected(api: Api, sent: Json) -> Integration:
    client = await api.client(aiGatewayId=await api.gateway())
    await api.ok("PUT", f"/api/v1/web-chat-client/{client}/integrations", sent)
    [one] = await of_client(api.hub, api.account, UUID(client))
    return one


async def called(api: Api, one: Integration, **headers: str) -> int:
    """A call of the network at the address of the webhook."""
    path = f"/api/v1/webhooks/{one.channel}/{one.client_id}/{one.secrets['webhookSecret']}"
    raw = orjson.dumps({"update_id": 1, "event": "messages.upsert", "instance": "shop", "data": {}})
    named = {"Content-Type": "application/json", **headers}
    return (await api.call("POST", path, key="", data=raw, headers=named)).status


async def older(api: Api, one: Integration) -> Integration:
    """The same as a version of the hub left it that registered the path's secret for the header."""
    secrets = {k: v for k, v in one.secrets.items() if k not in ("headerSecret", "pathUntil")}
    sealed = api.hub.sealer.seal_map(PLACE, one.id, secrets)
    await api.hub.db.run("update integrations set secrets = $2 where id = $1", one.id, sealed)
    return await again(api, one)


async def again(api: Api, one: Integration) -> Integration:
    [found] = await of_client(api.hub, api.account, one.client_id)
    return found


async def test_telegram_is_given_another_secret_than_the_path_has(api: Api, place: Place) -> None:  # noqa: F811
    one = await connected(api, TELEGRAM)
    [hook] = place.provider.asked("setWebhook")
    assert hook["secret_token"] == one.secrets["headerSecret"] != one.secrets["webhookSecret"]
    assert one.secrets["webhookSecret"] in hook["url"]
    assert await called(api, one, **{HEADERS["telegram"]: hook["secret_token"]}) == 200


async def test_whoever_reads_the_path_in_a_log_cannot_call_as_telegram(api: Api) -> None:
    one = await connected(api, TELEGRAM)
    assert await called(api, one, **{HEADERS["telegram"]: one.secrets["webhookSecret"]}) in (401, 403)
    assert await called(api, one) in (401, 403)


async def test_evolution_is_given_another_secret_than_the_path_has(api: Api, place: Place) -> None:  # noqa: F811
    given = {"endpointUrl": place.provider.url, "instanceName": "shop", "apiKey": "k"}
    sent = {"integrationType": "EvolutionApi", "integrations": {"evolutionIntegration": given}}
    one = await connected(api, sent)
    hook = next(s for _, s in place.provider.calls if "webhook" in s)["webhook"]
    assert hook["headers"] == {"x-hub-secret": one.secrets["headerSecret"]}
    assert one.secrets["headerSecret"] not in hook["url"]


async def test_a_webhook_registered_before_goes_on_working(api: Api, place: Place) -> None:  # noqa: F811
    one = await older(api, await connected(api, TELEGRAM))
    former = {HEADERS["telegram"]: one.secrets["webhookSecret"]}
    assert await called(api, one, **former) == 200
    place.provider.refusal = "Bad Request: bad webhook"
    await api.ok("PUT", f"/api/v1/web-chat-client/{one.client_id}/integrations", TELEGRAM)
    assert await called(api, one, **former) == 200, "the network still has the old registration"
    place.provider.refusal = None
    await api.ok("PUT", f"/api/v1/web-chat-client/{one.client_id}/integrations", TELEGRAM)
    new = (await again(api, one)).secrets["headerSecret"]
    assert place.provider.asked("setWebhook")[-1]["secret_token"] == new != one.secrets["webhookSecret"]
    assert await called(api, one, **{HEADERS["telegram"]: new}) == 200
    assert await called(api, one, **former) == 200, "what was under way"


async def test_the_former_secret_ends(api: Api) -> None:
    one = await connected(api, TELEGRAM)
    sealed = api.hub.sealer.seal_map(PLACE, one.id, {**one.secrets, "pathUntil": "1000"})
    await api.hub.db.run("update integrations set secrets = $2 where id = $1", one.id, sealed)
    assert await called(api, one, **{HEADERS["telegram"]: one.secrets["webhookSecret"]}) in (401, 403)


async def test_saving_again_keeps_the_secrets_of_a_webhook(api: Api) -> None:
    one = await connected(api, TELEGRAM)
    await api.ok("PUT", f"/api/v1/web-chat-client/{one.client_id}/integrations", TELEGRAM)
    assert (await again(api, one)).secrets == one.secrets


async def test_kapso_without_a_secret_of_the_customer_gets_one(api: Api, place: Place) -> None:  # noqa: F811
    one = await connected(api, KAPSO)
    hook = next(s for _, s in place.provider.calls if "whatsapp_webhook" in s)["whatsapp_webhook"]
    assert hook["secret_key"] == one.secrets["headerSecret"]
    assert hook["secret_key"] not in hook["url"]


async def test_an_unsigned_call_of_kapso_is_refused(api: Api) -> None:
    one = await connected(api, KAPSO)
    assert await called(api, one) in (401, 403)


async def test_a_call_of_kapso_signed_with_the_paths_secret_is_refused(api: Api) -> None:
    one = await connected(api, KAPSO)
    raw = orjson.dumps({"update_id": 1, "event": "messages.upsert", "instance": "shop", "data": {}})
    for name, expected in (("webhookSecret", (401, 403)), ("headerSecret", (200,))):
        signed = hmac.new(one.secrets[name].encode(), raw, hashlib.sha256).hexdigest()
        assert await called(api, one, **{"X-Webhook-Signature": signed}) in expected, name
