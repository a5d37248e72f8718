"""What leaves no message of its own: reactions of operators and bots, what is shown before a first message."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest

from hub.chat.inbound.webhooks import REMEMBER
from hub.chat.turns import greetings
from tests.console.conftest import Desk, signed_in
from tests.fakes.model import says
from tests.flows.test_twins import NETWORKS, PEOPLE, Town, town, users  # noqa: F401 - the fixture

Json = dict[str, Any]
REACTING = ("telegram", "zapi", "evolution", "kapso", "cloud")


async def reactions(one: Town) -> list[str]:
    """What the person sees on their own messages."""
    found = await one.ask("GET", f"{one.twins}/control/{one.network}/chats/{PEOPLE[one.network]}")
    return [m["reactions"].get("business", "") for m in found["messages"] if m["side"] == "person"]


async def seen(one: Town, wanted: list[str], within: float = 12.0) -> None:
    end = time.monotonic() + within
    while (found := await reactions(one)) != wanted:
        assert time.monotonic() < end, (found, wanted)
        await asyncio.sleep(0.05)


async def calls(one: Town, *matches: str) -> list[Json]:
    found = (await one.ask("GET", f"{one.twins}/control/{one.network}/calls?limit=500"))["calls"]
    signs = [c for c in found if any(m in c["path"] for m in matches)]
    return [c for c in signs if "messages" not in c["path"] or c["body"].get("type") == "reaction"]


SIGNING = ("setMessageReaction", "reaction", "sendReaction", "/messages")


async def desk(one: Town) -> Desk:
    account = await one.hub.db.value("select account_id from clients limit 1")
    api: Any = SimpleNamespace(hub=one.hub, url=one.api, account=account)
    return await signed_in(api)


@pytest.mark.parametrize("town", REACTING, indirect=True)
async def test_an_operator_reacts(town: Town) -> None:  # noqa: F811
    """Seen at once, in place of the one before, taken away again; nothing of it is a message or takes anything over."""
    await town.say("Thank you")
    await town.until(["At your service."])
    session = await town.hub.db.value("select id from sessions limit 1")
    message = await town.hub.db.value("select id from messages where source = 'contact' limit 1")
    own = await town.hub.db.value("select id from messages where role = 'assistant' limit 1")
    at, where = await desk(town), f"/console/inbox/{session}/react/{message}"
    try:
        assert where in (await at.get(f"/console/inbox/{session}")).text
        assert "👍" in (await at.get(where)).text
        for sign, wanted in (("👍", "👍"), ("❤️", "❤" if town.network == "telegram" else "❤️"), ("", "")):
            page = await at.done(where, emoji=sign)
            await seen(town, [wanted])
            assert ("Your reaction" in page.text) == bool(sign)
        assert (await at.post(where, emoji="🍕")).status == 400
        assert (await at.post(where.replace(str(message), str(own)), emoji="👍")).status == 404
        await town.control("faults", {"match": "eaction" if town.network in ("telegram", "zapi", "evolution") else "messages", "status": 500})
        refused = await at.post(where, emoji="🙏")
        assert refused.status == 502 and "says" in refused.text
    finally:
        await at.http.close()
    assert len(await calls(town, *SIGNING)) == 4
    await town.until(["At your service."])
    assert await town.hub.db.value("select handoff_at from sessions limit 1") is None


@pytest.mark.parametrize("town", REACTING, indirect=True)
async def test_a_bot_looks_while_it_works(town: Town) -> None:  # noqa: F811
    """Eyes as long as the answer takes, a thumb for good: once, and an answer never waits for it."""
    await town.hub.db.run("update clients set parameters = parameters || $1", {"acknowledgement": "eyes", "messageDebounceInterval": None})
    town.model.plan.append(says("At your", " service.", delay=1.5))
    await town.say("Look it up")
    await seen(town, ["👀"])
    await town.until(["At your service."])
    await seen(town, [""])
    assert len(await calls(town, *SIGNING)) == 2
    # What is there at once is not looked at.
    await town.say("Quick")
    await town.until(["At your service."] * 2)
    assert len(await calls(town, *SIGNING)) == 2
    await town.hub.db.run("update clients set parameters = parameters || $1", {"acknowledgement": "thumbs"})
    await town.control("faults", {"match": "eaction" if town.network in ("telegram", "zapi", "evolution") else "nothing", "hang": 9})
    await town.say("Third")
    await town.until(["At your service."] * 3)
    await town.say("Fourth")
    await town.until(["At your service."] * 4)
    end = time.monotonic() + 60
    while (await reactions(town))[-1] != "👍":
        assert time.monotonic() < end, await reactions(town)
        await asyncio.sleep(0.05)
    assert {r["state"] for r in await town.trouble()} == {"sent"}


async def greeted(one: Town) -> list[Json]:
    """What the network was told to show, oldest first."""
    found = (await one.ask("GET", f"{one.twins}/control/{one.network}/calls?limit=500"))["calls"]
    return [c["body"] for c in found if "MyCommands" in c["path"] or "conversational_automation" in c["path"]]


async def changed(one: Town, **parameters: Any) -> None:
    await one.ask("PUT", f"{one.api}/api/v1/web-chat-client/{one.client}", {"clientParameters": parameters})
    await told(one)


async def told(one: Town) -> None:
    """The sweep may have taken it up first: wait until nobody has anything to tell, or put it off."""
    await greetings.run(one.hub)
    end = time.monotonic() + 60
    while await one.hub.db.value("select count(*) from integrations where greet_at < now() + interval '29 seconds'"):
        assert time.monotonic() < end
        await asyncio.sleep(0.05)
        await greetings.run(one.hub)
    await asyncio.sleep(0.2)


@pytest.mark.parametrize("town", ["cloud"], indirect=True)
async def test_ice_breakers_follow_the_suggestions(town: Town) -> None:  # noqa: F811
    """Set when they change, within Meta's limits, understood when they are tapped, and gone with the client's."""
    await told(town)
    assert await greeted(town) == [], "what the business has set itself stays"
    long = {"label": "🎁 Offers " + "of the week " * 9, "prompt": "Which offers are there?"}
    six = [{"label": "Prices", "prompt": "What does it cost?"}, long, *({"label": f"More {n}", "prompt": f"m{n}"} for n in range(4))]
    await changed(town, suggestionButtons=six, languageCode="pt-BR")
    [body] = await greeted(town)
    assert len(body["prompts"]) == 4 and body["prompts"][0] == "Prices" and body["prompts"][1].startswith("Offers of the week")
    assert all(len(p) <= 80 for p in body["prompts"])
    assert body["commands"] == [{"command_name": "reset", "command_description": "Começar uma nova conversa"}]
    await told(town)
    assert len(await greeted(town)) == 1, "once"
    await changed(town, pageTitle="Another")
    assert len(await greeted(town)) == 1, "and only when they change"
    await asyncio.sleep(REMEMBER)  # until the web process has heard of the suggestions
    await town.say(body["prompts"][1])
    await town.until(["At your service."])
    assert users(town).endswith("Which offers are there?")
    await town.control("faults", {"match": "conversational_automation", "status": 500})
    await changed(town, suggestionButtons=[])
    assert len(await greeted(town)) == 2
    await town.hub.db.run("update integrations set greet_at = now()")
    await told(town)
    assert (await greeted(town))[-1] == {"prompts": [], "commands": []}
    await changed(town, suggestionButtons=six[:1])
    await town.ask("DELETE", f"{town.api}/api/v1/web-chat-client/{town.client}/integrations/WhatsAppCloud")
    assert (await greeted(town))[-1] == {"prompts": [], "commands": []}, "it goes with the integration"


@pytest.mark.parametrize("town", ["telegram"], indirect=True)
async def test_telegram_s_menu_has_the_commands_that_are_understood(town: Town) -> None:  # noqa: F811
    await told(town)
    said = await greeted(town)
    assert [sorted(b) for b in said] == [[], ["commands"]], "asked first whether the business has a menu of its own"
    assert "reset" in str(said[-1]) and "human" not in str(said[-1])
    [gateway] = await town.hub.db.fetch("select id from gateways")
    await town.ask("PATCH", f"{town.api}/api/v1/ai-gateways/{gateway['id']}", {
        "parameters": {"sentinelOptions": {"enabledFunctions": ["AskForHuman"]}},
    })
    await told(town)
    assert "human" in str((await greeted(town))[-1])
    await town.ask("DELETE", f"{town.api}/api/v1/web-chat-client/{town.client}/integrations/Telegram")
    found = (await town.ask("GET", f"{town.twins}/control/telegram/calls?limit=500"))["calls"]
    assert [c for c in found if "deleteMyCommands" in c["path"]]


@pytest.mark.parametrize("town", ["telegram"], indirect=True)
async def test_a_menu_that_the_business_made_stays(town: Town) -> None:  # noqa: F811
    token = NETWORKS["telegram"][2]["botToken"]
    own = [{"command": "menu", "description": "Our menu"}]
    await told(town)
    await town.hub.db.run("update integrations set greeted = null")
    await town.ask("POST", f"{town.twins}/telegram/bot{token}/setMyCommands", {"commands": own})
    await town.hub.db.run("update integrations set greet_at = now()")
    await told(town)
    found = await town.ask("POST", f"{town.twins}/telegram/bot{token}/getMyCommands")
    assert found["result"] == own
    await town.ask("DELETE", f"{town.api}/api/v1/web-chat-client/{town.client}/integrations/Telegram")
    assert (await town.ask("POST", f"{town.twins}/telegram/bot{token}/getMyCommands"))["result"] == own


@pytest.mark.parametrize("town", ["telegram"], indirect=True)
async def test_a_menu_whose_answer_was_lost_is_ours_and_keeps_no_webhook(town: Town) -> None:  # noqa: F811
    """Set, and the answer lost; then not taken away: the network calls nobody any more all the same."""
    token, shown = NETWORKS["telegram"][2]["botToken"], "select greeted is not null from integrations"
    await told(town)
    await town.ask("POST", f"{town.twins}/telegram/bot{token}/deleteMyCommands")
    await town.hub.db.run("update integrations set greeted = null")
    await town.control("faults", {"match": "setMyCommands", "drop": "after"})
    await town.hub.db.run("update integrations set greet_at = now(), greet_tries = 0")
    await told(town)
    assert not await town.hub.db.value(shown)
    await town.hub.db.run("update integrations set greet_at = now()")
    await told(town)
    assert await town.hub.db.value(shown), "what is there is what was to be there"
    await town.control("faults", {"match": "MyCommands", "status": 500, "times": 9})
    await town.ask("DELETE", f"{town.api}/api/v1/web-chat-client/{town.client}/integrations/Telegram")
    found = await town.ask("POST", f"{town.twins}/telegram/bot{token}/getWebhookInfo")
    assert found["result"]["url"] == ""


@pytest.mark.parametrize("town", ["telegram"], indirect=True)
async def test_another_bot_keeps_its_own_menu(town: Town) -> None:  # noqa: F811
    await told(town)
    assert await town.hub.db.value("select greeted is not null from integrations")
    token, own = "110000099:another-bot", [{"command": "menu", "description": "Our menu"}]
    await town.ask("POST", f"{town.twins}/telegram/bot{token}/setMyCommands", {"commands": own})
    await town.ask("PUT", f"{town.api}/api/v1/web-chat-client/{town.client}/integrations", {
        "integrationType": "Telegram", "integrations": {"telegramIntegration": {"botToken": token}},
    })
    await told(town)
    assert (await town.ask("POST", f"{town.twins}/telegram/bot{token}/getMyCommands"))["result"] == own


@pytest.mark.parametrize("town", ["kapso", "webhook"], indirect=True)
async def test_other_networks_are_asked_nothing(town: Town) -> None:  # noqa: F811
    await changed(town, suggestionButtons=[{"label": "Prices", "prompt": "What does it cost?"}])
    assert await greeted(town) == []
    assert await town.hub.db.value("select count(*) from integrations where greet_at is not null") == 0
