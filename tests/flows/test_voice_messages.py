"""Voice messages are written down: for the model, for operators, for webhooks; once, and never at the turn's cost."""

import asyncio
import base64
from typing import Any

import pytest

from hub import ids
from hub.accounts.accounts import create_account
from hub.accounts.keys import grant
from hub.studio import outgoing_webhooks
from tests.contract.working import elsewhere
from tests.fakes.model import says, serve
from tests.flows.test_twins import NETWORKS, VOICE, Town, furnish, town, users  # noqa: F401 - fixture

Json = dict[str, Any]
# A plain webhook has no place where files of others lie: they come by address, as test_twins has them.
HEARD = pytest.mark.parametrize("town", [n for n in NETWORKS if n != "webhook"], indirect=True)
SAID = "Vocês abrem no domingo?"


async def gateway(place: Town, **parameters: Any) -> None:
    await place.hub.db.run("update gateways set parameters = parameters || $1", parameters)


async def speak(place: Town, **more: Any) -> None:
    await place.say(kind="voice", file={"base64": VOICE, "mime": "audio/ogg", "seconds": 2}, **more)


@HEARD
async def test_what_is_said_reaches_the_model_once(town: Town) -> None:  # noqa: F811
    """On each network; kept with the message, so that it is in the history and in what operators see."""
    await gateway(town, transcriptionModel="whisper-large")
    town.model.spoken.append(SAID)
    account = await town.hub.db.value("select id from accounts")
    async with elsewhere() as hook:
        await outgoing_webhooks.add(town.hub, account, ids.uuid7(), hook.url, ["session.message.answered"], "")
        await speak(town)
        await town.until(["At your service."])
    assert SAID in users(town)
    [one] = town.model.recordings
    assert (one["model"], one["key"], one["content"]) == ("whisper-large", "Bearer k", base64.b64decode(VOICE))
    assert one["name"].endswith((".ogg", ".oga", ".opus"))
    kept = await town.hub.db.value("select content from messages where role = 'user'")
    assert kept["attachments"][0]["text"] == SAID
    town.model.default = says("Yes.")
    await town.say("And?")
    await town.until(["At your service.", "Yes."])
    assert SAID in users(town) and len(town.model.recordings) == 1, "written down once"


@HEARD
async def test_a_service_that_fails_costs_no_answer(town: Town) -> None:  # noqa: F811
    """What cannot be heard is named as before; the next one is heard again."""
    await gateway(town, transcriptionModel="whisper-large")
    await speak(town)
    await town.until(["At your service."])
    assert any(word in users(town).lower() for word in ("audio", "voice")) and SAID not in users(town)
    town.model.spoken.append(SAID)
    await speak(town)
    await town.until(["At your service."] * 2)
    assert SAID in users(town)


@HEARD
async def test_without_a_service_nobody_is_asked(town: Town) -> None:  # noqa: F811
    town.model.spoken.append(SAID)
    await speak(town)
    await town.until(["At your service."])
    assert town.model.recordings == [] and SAID not in users(town)


@pytest.mark.parametrize("town", ["telegram"], indirect=True)
async def test_a_service_that_hangs_keeps_no_other_account_waiting(town: Town) -> None:  # noqa: F811
    """One account's recordings get no answer; another's are written down and answered meanwhile."""
    async with serve() as model:
        model.default = says("Here too.")
        model.spoken.append(SAID)
        account = await create_account(town.hub.db, "Boreal")
        key = await grant(town.hub.db, account.id, "test", None)
        other = Town("kapso", town.hub, model, town.api, town.twins, key, town.http)
        await furnish(other, account.id)
        await other.integrate()
        await gateway(town, transcriptionModel="whisper-large")
        town.model.deaf = asyncio.Event()
        try:
            await speak(town)
            async with asyncio.timeout(30):
                while not town.model.recordings:
                    await asyncio.sleep(0.02)
            await speak(other)
            await other.until(["Here too."], 30.0)
            assert SAID in users(other) and town.model.calls == []
            town.model.spoken.append(SAID)
        finally:
            town.model.deaf.set()
        await town.until(["At your service."], 30.0)
        assert SAID in users(town) and len(town.model.recordings) == 1
