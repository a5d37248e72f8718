"""From signing in to a live network, an operator's work in it, and what failed sent again: no API is touched."""

import re
from collections.abc import AsyncIterator

import aiohttp
import pytest

from hub.config import Settings
from tests.console.business import TOKEN, Business, opening, until
from tests.console.conftest import HERE
from tests.fakes.model import says


@pytest.fixture
async def business(settings: Settings) -> AsyncIterator[Business]:
    async with opening(settings) as found:
        yield found


async def connected(b: Business) -> str:
    """A bot on Telegram; the address of its place."""
    place = f"/console/channels/{await b.place(await b.bot())}"
    await b.desk.done(f"{place}/networks/telegram", botToken=TOKEN, groups="ignore")
    return place


async def session_of(b: Business) -> str:
    return str(await until(lambda: b.api.hub.db.value("select id from sessions order by id desc limit 1")))


async def test_a_conversation_tells_how_long_its_person_may_be_written_to(business: Business) -> None:
    b = business
    await connected(b)
    await b.say("telegram", "Good morning")
    session = await session_of(b)

    async def shown() -> str:
        return (await b.desk.get(f"/console/inbox/{session}")).text

    assert "free messages for" not in await shown() and "only templates" not in await shown()
    # Only Meta's own API has the rule.
    await b.api.hub.db.run("update integrations set channel = 'kapso'")
    assert "free messages for" in await shown()
    await b.api.hub.db.run("update sessions set last_user_at = now() - interval '25 hours'")
    assert "only templates until they write" in await shown()


async def test_from_signing_in_to_a_live_telegram(business: Business) -> None:
    b, desk = business, business.desk
    home = await desk.get("/console")
    assert "To the first answered message" in home.text and "waiting for it" in home.text
    bot = await b.bot()
    b.model.default = says("rea", "dy")
    tried = await desk.part(f"/console/bots/{bot}/test")
    assert "The model answers." in tried.text and "ready" in tried.text and "First token" in tried.text
    b.model.default = says("We open ", "at nine.")
    talked = await desk.post(f"/console/bots/{bot}/try", text="When do you open?")
    assert "We open at nine." in talked.text and "17 tokens" in talked.text
    stream = await desk.part(f"/console/bots/{bot}/try", text="When do you open?")
    assert stream.headers["Content-Type"].startswith("text/event-stream")
    assert stream.text.count("data: ") > 3 and "We open at nine." in stream.text
    place = f"/console/channels/{await b.place(bot)}"
    wrong = await desk.done(f"{place}/networks/telegram", botToken="1:wrong", groups="ignore")
    assert "Telegram does not know the bot token" in wrong.text and "not connected" in wrong.text
    given = {"botToken": TOKEN, "groups": "ignore", "whenUnknown": "again", "presence": "read", "sendMode": "draft"}
    page = await desk.done(f"{place}/networks/telegram", **given)
    assert '<option value="read" selected>' in page.text and '<option value="draft" selected>' in page.text
    assert '<option value="again" selected>' in page.text
    assert await b.api.hub.db.value("select when_unknown from integrations where channel = 'telegram'") == "again"
    assert "Telegram:" in page.said and "connected" in page.text and TOKEN not in page.text
    await b.say("telegram", "Good morning")
    await b.hears("telegram", "We open at nine.")
    session = await session_of(b)
    assert "We open at nine." in (await desk.get(f"/console/inbox/{session}")).text
    done = (await desk.get("/console")).text
    assert "it has arrived" in done or "To the first answered message" not in done
    asked = await b.api.hub.db.value("select id from messages where role = 'user'")
    why = await desk.get(f"/console/why/{asked}")
    assert "The model answered" in why.text and "received and stored" in why.text
    await desk.done(f"{place}/networks/telegram/delete")
    assert "Connect Telegram" in (await desk.get(place)).text


async def test_a_model_that_fails_is_told_in_its_own_words(business: Business) -> None:
    made = await business.desk.post(
        "/console/bots",
        name="Broken",
        answers="model",
        baseAddress=f"{business.model.url}/v1",
        modelName="fake-1",
        apiKey="key-0123",
    )

    async def refuses(request: aiohttp.web.Request, body: object) -> aiohttp.web.Response:
        return aiohttp.web.json_response({"error": {"message": "Incorrect API key provided"}}, status=401)

    business.model.default = refuses
    tried = await business.desk.post(f"{made.headers['Location']}/test")
    assert "The model answers." not in tried.text
    assert "Incorrect API key provided" in tried.said, tried.said


async def test_an_operator_takes_over_answers_and_gives_back(business: Business) -> None:
    b, desk = business, business.desk
    await connected(b)
    await b.say("telegram", "Is anybody there?")
    await b.hears("telegram", "At your service.")
    session = await session_of(b)
    here = f"/console/inbox/{session}"
    taken = await desk.done(f"{here}/take")
    assert "Owner has it, back to the bot in" in re.sub(r"<[^>]+>", "", taken.text)
    calls = len(b.model.calls)
    await b.say("telegram", "I want a person")
    await until(lambda: b.api.hub.db.value("select 1 from messages where content->>'text' = 'I want a person'"))
    waiting = await desk.get("/console/inbox?show=waiting")
    assert session in waiting.text and 'id="badge" class="badge">1<' in waiting.text
    assert len(b.model.calls) == calls, "the bot is silent"
    b.model.default = says("Of course, I am Ann.")
    drafted = await desk.part(f"{here}/draft")
    assert "Of course, I am Ann." in drafted.text and 'data-use="#draft"' in drafted.text
    assert await b.phone("telegram") == ["At your service."], "a draft is not sent"
    await desk.done(f"{here}/say", text="Of course, I am Bea.")
    await b.hears("telegram", "Of course, I am Bea.")
    await desk.done(f"{here}/note", text="A good customer")
    page = await desk.get(here)
    assert "A good customer" in page.text and "Note by Owner" in page.text
    await until(lambda: _ticked(b, here))
    assert "A good customer" not in str(await b.phone("telegram"))
    b.model.default = says("The bot again.")
    await desk.done(f"{here}/back")
    await b.say("telegram", "Thank you")
    await b.hears("telegram", "The bot again.")
    assert "gave it back" in (await desk.get(here)).text


async def test_taken_over_in_the_middle_of_an_answer(business: Business) -> None:
    """Half a sentence does not go out, and what waited behind it is the person's."""
    b, desk = business, business.desk
    await connected(b)
    b.model.default = says("Half ", "of ", "it ", *["and more "] * 200, delay=0.05)
    await b.say("telegram", "First")
    await until(lambda: b.api.hub.db.value("select id from sessions where lease_until is not null"))
    session = await session_of(b)
    await b.say("telegram", "Second")
    await until(lambda: b.api.hub.db.value("select 1 from inbox where seq = 2"))
    await until(lambda: _asked(b))
    await desk.done(f"/console/inbox/{session}/take")
    await desk.done(f"/console/inbox/{session}/say", text="I am Bea.")
    await b.hears("telegram", "I am Bea.")
    await until(lambda: _phone_is(b, ["I am Bea."]))
    said = "select array_agg(content->>'text' order by position) from messages"
    assert await b.api.hub.db.value(said) == ["First", "Second", "I am Bea."]
    assert await b.api.hub.db.value("select count(*) from turns") == 0 and len(b.model.calls) == 1
    # Nobody comes back to it: the assistant answers what is new.
    b.model.default = says("The bot again.")
    await b.say("telegram", "Third")
    await until(lambda: b.api.hub.db.value("select 1 from messages where content->>'text' = 'Third'"))
    await b.api.hub.db.run("update sessions set handoff_until = now() - interval '1 second'")
    await b.hears("telegram", "The bot again.")
    assert (await b.api.hub.db.value(said))[2:] == ["I am Bea.", "Third", "The bot again."]


async def _asked(b: Business) -> bool:
    return bool(b.model.calls)


async def _phone_is(b: Business, words: list[str]) -> bool:
    return await b.phone("telegram") == words


async def _ticked(b: Business, here: str) -> bool:
    return "✓ sent" in (await b.desk.get(here)).text


async def test_who_answers_from_the_phone_has_taken_it_over(business: Business) -> None:
    b = business
    place = f"/console/channels/{await b.place(await b.bot())}"
    await b.desk.done(f"{place}/networks/zapi", instanceId="I1", instanceToken="T1", clientToken="", groups="ignore")
    await b.say("zapi", "Hello?")
    await b.hears("zapi", "At your service.")
    await b.control("zapi", "message", {"person": "5511999990000", "text": "It is me, Carla", "from_me": True})
    session = await session_of(b)
    row = "select handoff_at is not null and handoff_until > now() from sessions"
    await until(lambda: b.api.hub.db.value(row))
    page = (await b.desk.get(f"/console/inbox/{session}")).text
    assert "A person has it" in page and "Somebody at the phone took over" in page
    # The time passes: the sweep gives it back, and the page says so.
    await b.api.hub.db.run("update sessions set handoff_until = now() - interval '1 second'")
    await until(lambda: b.api.hub.db.value("select handoff_at is null from sessions"))
    assert "Back to the bot" in (await b.desk.get(f"/console/inbox/{session}")).text


async def test_a_failed_delivery_is_replayed(business: Business) -> None:
    b, desk = business, business.desk
    await connected(b)
    await b.control("telegram", "faults", {"match": "Message", "error": "blocked", "times": 0})
    await b.say("telegram", "Hello")
    await until(lambda: b.api.hub.db.value("select 1 from outbox where state = 'dead'"))
    listed = await desk.get("/console/deliveries?state=failed")
    [key] = re.findall(r'name="id" value="([^"]+)"', listed.text)
    one = await desk.get(f"/console/deliveries/{key}")
    assert "Message" in one.text and "status 403" in one.text and TOKEN not in one.text
    assert TOKEN.split(":")[1] not in one.text
    await b.api.http.delete(f"{b.twins}/control/telegram/faults")
    await desk.done("/console/deliveries/replay", id=[key], since="")
    await b.hears("telegram", "At your service.")
    await until(lambda: b.api.hub.db.value("select 1 from outbox where state = 'sent'"))
    assert (await desk.post(f"/console/deliveries/{key}/replay")).status == 409, "it has arrived"


async def test_the_code_to_scan_comes_and_goes(business: Business) -> None:
    b, desk = business, business.desk
    place = f"/console/channels/{await b.place(await b.bot())}"
    await b.control("evolution", "account", {"account": "hub", "connected": False})
    given = {"endpointUrl": f"{b.twins}/evolution", "instanceName": "hub", "apiKey": "ev-key", "groups": "ignore"}
    page = await desk.done(f"{place}/networks/evolution", **given)
    assert "QR code" in page.text and "ev-key" not in page.text
    assert (await desk.get(f"{place}/networks/evolution/code")).status == 200
    assert (await desk.get(f"{place}/networks/telegram/code")).status == 404
    address = f"{b.api.url}/console/events?pairing={place.rsplit('/', 1)[1]}"
    async with desk.http.get(address, headers=HERE) as got:
        seen = b""
        while b"data-until" not in seen:
            seen += await got.content.readany()
        assert b"<svg" in seen and b"Waiting for the phone" in seen
        await b.control("evolution", "account", {"account": "hub", "connected": True})
        while b"event: ended" not in seen:
            seen += await got.content.readany()
        assert b"Linked. WhatsApp is connected." in seen
    assert "connected" in (await desk.get(place)).text
