"""Buttons on every network: offered by the model, an operator, the chat client; pressed, typed, and pressed days later."""

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import jsonschema
import orjson

from channels.inbound import Inbound, Kind
from hub.chat.inbound.choices import understood
from tests.fakes.model import says
from tests.flows.test_twins import PEOPLE, Town, town, users  # noqa: F401 - the fixture
from tests.later import later

if TYPE_CHECKING:
    import aiogram
    import telegram
else:
    aiogram, telegram = later("aiogram"), later("telegram")

Json = dict[str, Any]
NATIVE = ("telegram", "kapso", "cloud", "webhook")
# As Evolution 2.3.7 checks it: `listMessageSchema` of src/validate/message.schema.ts.
ROW = {
    "type": "object", "required": ["title", "rowId"],
    "properties": {n: {"type": "string", "minLength": 1} for n in ("title", "description", "rowId")},
}
SECTION = {
    "type": "object", "required": ["title", "rows"],
    "properties": {"title": {"type": "string", "minLength": 1}, "rows": {"type": "array", "minItems": 1, "uniqueItems": True, "items": ROW}},
}
LIST = {
    "type": "object", "required": ["number", "title", "footerText", "buttonText", "sections"],
    "properties": {
        **{n: {"type": "string"} for n in ("number", "title", "description", "footerText", "buttonText")},
        "sections": {"type": "array", "minItems": 1, "uniqueItems": True, "items": SECTION},
    },
}


def offers(*labels: Any) -> Any:
    listed = [{"label": one} if isinstance(one, str) else one for one in labels]
    return says(tool_calls=[{
        "index": 0, "id": "t1", "type": "function",
        "function": {"name": "offer_choices", "arguments": orjson.dumps({"choices": listed}).decode()},
    }], finish="tool_calls")


async def offering(one: Town, **parameters: Any) -> None:
    await one.hub.db.run(
        "update gateways set parameters = parameters || $1", {"sentinelOptions": {"enabledFunctions": ["Choices"]}}
    )
    await one.hub.db.run("update clients set parameters = parameters || $1", parameters)


async def calls(one: Town, match: str = "") -> list[Json]:
    found = await one.ask("GET", f"{one.twins}/control/{one.network}/calls?limit=200&match={match}")
    return [c["body"] for c in found["calls"] if isinstance(c["body"], dict)]


async def last(one: Town) -> Json:
    return (await one.phone())[-1]


async def test_offered_pressed_and_pressed_later(town: Town) -> None:  # noqa: F811
    """The press is the message that the choice stands for, once; after the end of the session it opens another."""
    await offering(town)
    later = {"label": "Tomorrow in the early afternoon", "text": "I would like tomorrow at two."}
    town.model.plan.extend([offers("Today", later, "Another week"), says("When shall it be?")])
    await town.say("An appointment, please")
    native = town.network in NATIVE
    shown = "When shall it be?" + ("" if native else "\n\n1. Today\n2. Tomorrow in the early afternoon\n3. Another week")
    await town.until([shown])
    message = await last(town)
    assert len(message["buttons"]) == (3 if native else 0), message
    if native:
        button = message["buttons"][1]
        await town.say(kind="button", button=button, message_id=message["id"])
    else:
        await town.say("2")
    await town.until([shown, "At your service."])
    assert users(town).endswith("I would like tomorrow at two.")
    if town.network == "telegram":
        assert len(await calls(town, "answerCallbackQuery")) == 1, "the spinner is stopped, once"
    await town.hub.db.run("update sessions set expires_at = now() - interval '5 days'")
    answers = [shown, "At your service."]
    if native:
        await town.say(kind="button", button=button, message_id=message["id"])
    else:
        answers.append("When?\n\n1. Today\n2. Tomorrow in the early afternoon")
        town.model.plan.extend([offers("Today", later), says("When?")])
        await town.say("Once more")
        await town.until(answers)
        await town.hub.db.run("update sessions set expires_at = now() - interval '5 days'")
        await town.say("tomorrow in the EARLY afternoon" if town.network == "zapi" else "2.")
    await town.until([*answers, "At your service."])
    assert await town.hub.db.value("select count(*) from sessions") == (2 if native else 3)
    if town.network != "zapi":
        assert users(town).endswith("I would like tomorrow at two.")
        assert "An appointment" not in users(town), "another conversation knows nothing of the first"


async def test_bodies(town: Town) -> None:  # noqa: F811
    """What is asked of each network, read by others' parsers."""
    await offering(town)
    if town.network in ("zapi", "evolution"):
        await town.hub.db.run("update integrations set settings = settings || $1", {"choices": "native"})
    three, ten = ("Yes", "No", "Maybe"), [f"The choice with number {n}" for n in range(1, 11)]
    town.model.plan.extend([offers(*three), says("Well?"), offers(*ten), says("Which?")])
    await town.say("Ask me")
    await town.until(["Well?"])
    await town.say("Ask me more")
    await town.until(["Well?", "Which?"])
    small, large = [m["buttons"] for m in await town.phone()]
    assert [b["text"] for b in small] == list(three) and len(large) == 10
    sent = [b for b in await calls(town) if any(n in b for n in ("reply_markup", "interactive", "sections", "buttonList", "optionList", "choices"))]
    assert len(sent) == 2, sent
    CHECKS[town.network](sent)
    await town.say(kind="button", button=large[9], message_id=(await last(town))["id"])
    await town.until(["Well?", "Which?", "At your service."])
    assert users(town).endswith("The choice with number 10")


def _telegram(sent: list[Json]) -> None:
    for form in sent:
        body = {n: orjson.loads(v) if isinstance(v, str) and v[:1] == "{" else v for n, v in form.items()}
        methods = aiogram.methods
        method = methods.EditMessageText if "message_id" in body else methods.SendMessage
        keyboard = method.model_validate(body).reply_markup
        assert isinstance(keyboard, aiogram.types.InlineKeyboardMarkup)
        read = telegram.InlineKeyboardMarkup.de_json(keyboard.model_dump(exclude_none=True), None)
        assert all(len(str(b.callback_data).encode()) <= 64 for row in read.inline_keyboard for b in row)


def _kapso(sent: list[Json]) -> None:
    small, large = [b["interactive"] for b in sent]
    assert small["type"] == "button" and [b["type"] for b in small["action"]["buttons"]] == ["reply"] * 3
    rows = large["action"]["sections"][0]["rows"]
    assert large["type"] == "list" and len(rows) == 10 and 0 < len(large["action"]["button"]) <= 20
    assert all(len(r["title"]) <= 24 and len(r.get("description", "")) <= 72 and len(r["id"]) <= 200 for r in rows)


def _zapi(sent: list[Json]) -> None:
    assert set(sent[0]) == {"phone", "message", "buttonList"} and set(sent[1]) == {"phone", "message", "optionList"}
    assert set(sent[1]["optionList"]) == {"title", "buttonLabel", "options"}


def _evolution(sent: list[Json]) -> None:
    for body in sent:
        jsonschema.validate(body, LIST)


def _webhook(sent: list[Json]) -> None:
    assert [len(b["choices"]) for b in sent] == [3, 10] and all(set(c) == {"id", "label"} for b in sent for c in b["choices"])


CHECKS = {"telegram": _telegram, "kapso": _kapso, "cloud": _kapso, "webhook": _webhook, "zapi": _zapi, "evolution": _evolution}


async def test_suggestions_links_and_what_an_operator_offers(town: Town) -> None:  # noqa: F811
    """The first answer carries the chat client's suggestions, where there are buttons; an operator offers others."""
    await offering(town, suggestionButtons=[{"label": "Prices", "prompt": "What does it cost?"}])
    await town.say("/start" if town.network == "telegram" else "Hello")
    await town.until(["At your service."])
    first = await last(town)
    native = town.network in NATIVE
    assert [b["text"] for b in first["buttons"]] == (["Prices"] if native else [])
    if native:
        pressed = Inbound(Kind.MESSAGE, "x", chat="1", text="Prices", button=first["buttons"][0]["id"])
        other = {"id": uuid4(), "groups": "ignore"}
        assert (await understood(town.hub.db, other, pressed)).text == "Prices", "nobody else's integration knows it"
        gone = await understood(town.hub.db, other, replace(pressed, text=str(pressed.button)))
        assert gone.ignore and not gone.text
        await town.say(kind="button", button=first["buttons"][0], message_id=first["id"])
        await town.until(["At your service."] * 2)
        assert users(town).endswith("What does it cost?") and not (await last(town))["buttons"], "only once"
    session = await town.hub.db.value("select id from sessions")
    said: Json = {
        "content": "How do you want to go on?", "choices": [{"label": "Call me"}, {"label": "Site", "url": "https://aurora.example/x"}],
        "location": {"latitude": -23.5, "longitude": -46.25, "name": "Aurora", "address": "Rua 1"},
        "contact": {"name": "Front desk", "phone": "+5511999990009"},
    }
    before = len(await town.texts())
    await town.ask("POST", f"{town.api}/api/v1/web-chat-client/{town.client}/sessions/{session}/messages", said)
    end = time.monotonic() + 60
    while len(await town.texts()) < before + 3:
        assert time.monotonic() < end, await town.trouble()
        await asyncio.sleep(0.05)
    place, card, words = (await town.phone())[before:]
    assert place["kind"] == "location" and place["place"]["latitude"] == -23.5
    assert card["kind"] == "contact" and "5511999990009" in card["card"]["phone"].replace(" ", "")
    labels = {b["text"]: b.get("url") for b in words["buttons"]}
    expected: Json = {"telegram": {"Call me": None, "Site": "https://aurora.example/x"}, "kapso": {"Call me": None}, "cloud": {"Call me": None}, "webhook": {"Call me": None, "Site": "https://aurora.example/x"}}
    assert labels == expected.get(town.network, {})
    assert ("https://aurora.example/x" in words["text"]) is (town.network not in ("telegram", "webhook"))
    assert ("1. Call me" in words["text"]) is (not native)
    if town.network == "telegram":
        for body in await calls(town, "sendVenue"):
            assert body["title"] == "Aurora" and aiogram.methods.SendLocation.model_validate({n: body[n] for n in ("chat_id", "latitude", "longitude")})
        assert [aiogram.methods.SendContact.model_validate(b).phone_number for b in await calls(town, "sendContact")] == ["+5511999990009"]
    assert PEOPLE[town.network]


async def test_refused_buttons_are_words(town: Town) -> None:  # noqa: F811
    """A network that does not take its buttons gets them as a numbered text, whose number is understood."""
    await offering(town)
    await town.hub.db.run("update integrations set settings = settings || $1", {"choices": "native"})
    town.model.plan.extend([offers("Tea", {"label": "Coffee", "text": "I want coffee"}), says("What will it be?")])
    match = {"telegram": "none", "webhook": "none", "zapi": "send-button-list", "evolution": "sendList", "kapso": "messages", "cloud": "messages"}[town.network]
    # Kapso's typing is a message as well.
    times = 2 if town.network in ("kapso", "cloud") else 1
    await town.control("faults", {"match": match, "status": 400, "body": {"error": "no buttons"}, "times": times})
    await town.say("Something to drink")
    shown = "What will it be?" + ("" if town.network in ("telegram", "webhook") else "\n\n1. Tea\n2. Coffee")
    await town.until([shown])
    await town.say("2")  # where there are buttons too
    await town.until([shown, "At your service."])
    assert users(town).endswith("I want coffee")
