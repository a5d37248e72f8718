"""What changes after it was said: edits, deletions, upgraded groups, buttons, echoes, other people's answers."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hub.config import Settings
from tests.fakes.model import says
from tests.flows.picky import given, picky
from tests.flows.rig import Rig, echo, rig
from tests.flows.test_answers import BODIES, say
from tests.flows.test_provider_failures import kapso

Json = dict[str, Any]


@pytest.fixture
async def r(settings: Settings) -> AsyncIterator[Rig]:
    async with picky() as net, rig(settings, work=True, net=net) as one:
        yield one


async def texts(r: Rig) -> list[str]:
    rows = await r.db.fetch("select content->>'text' as text from messages where not hidden order by position")
    return [x["text"] for x in rows]


def asked(r: Rig) -> str:
    """Everything the model was last shown."""
    return str(r.model.calls[-1].body["messages"])


def here(body: Json) -> Json:
    """An input of Evolution for this business, as of now."""
    body["instance"] = "hub"
    body["data"]["messageTimestamp"] = int(time.time())
    return body


async def test_an_edit_while_the_answer_is_made_counts(r: Rig) -> None:
    case = given("19")
    r.model.default = says("As you say.", delay=1.0)
    await say(r.w, "telegram", "", case["first"])
    await r.w.until(lambda: bool(r.model.calls))
    await say(r.w, "telegram", "", case["1 s later, while the model works"])
    await r.w.settle()
    assert await texts(r) == ["custa quanto o VERDE?", "As you say."]
    assert "VERDE" in asked(r) and "azul" not in asked(r), "the answer was made anew"
    assert r.net.final() == ["As you say."]
    assert [s.text for s in r.net.shown] == ["As you say."], "no placeholder is left"


def deletion(channel: str, sent: Json) -> Json:
    if channel == "zapi":
        more = {"notification": "REVOKE", "messageId": sent["messageId"], "phone": sent["phone"]}
        return {"instanceId": "I1", "type": "ReceivedCallback", "fromMe": False, **more}
    if channel == "evolution":
        protocol = {"key": sent["data"]["key"], "type": "REVOKE"}
        body = BODIES[channel]("")
        body["data"]["message"] = {"protocolMessage": protocol}
        return body
    body = BODIES[channel]("")
    body["message"] |= {"type": "revoke", "revoke": {"original_message_id": sent["message"]["id"]}}
    return body


@pytest.mark.parametrize("channel", ["zapi", "evolution", "kapso"])
async def test_what_is_deleted_while_the_answer_is_made_is_gone(r: Rig, channel: str) -> None:
    r.model.default = echo(1.0)
    first = BODIES[channel]("my password is 1234 #a1-1")
    await say(r.w, channel, "", first)
    await r.w.until(lambda: bool(r.model.calls))
    await say(r.w, channel, "", deletion(channel, first))
    await asyncio.sleep(0.2)
    r.model.default = echo()
    await say(r.w, channel, "hello #a1-2")
    await r.w.settle()
    assert "1234" not in asked(r) and r.net.final() == ["You said #a1-2"]
    assert await r.db.value("select count(*) from messages where content::text like '%1234%'") == 0
    assert await r.db.value("select count(*) from inbox where body::text like '%1234%'") == 0


def edit(channel: str, sent: Json, words: str) -> Json:
    if channel == "zapi":
        return sent | {"isEdit": True, "editMessageId": "E2", "text": {"message": words}}
    if channel == "evolution":
        protocol = {"key": sent["data"]["key"], "type": "MESSAGE_EDIT", "editedMessage": {"conversation": words}}
        body = BODIES[channel]("")
        body["data"]["message"] = {"editedMessage": {"message": {"protocolMessage": protocol}}}
        return body
    changed = {"original_message_id": sent["message"]["id"], "message": {"type": "text", "text": {"body": words}}}
    body = BODIES[channel]("")
    body["message"] |= {"type": "edit", "edit": changed}
    return body


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("channel", ["zapi", "evolution", "kapso"])
async def test_a_change_may_come_before_what_it_changes(r: Rig, channel: str, known: bool) -> None:
    """No WhatsApp network keeps an order, and what failed comes again later."""
    if known:
        await say(r.w, channel, "hello #a1-0")
        await r.w.settle()
    taken_back, changed, other = (BODIES[channel](f"{words} 1234") for words in ("my password is", "blue", "red"))
    for body in (deletion(channel, taken_back), taken_back, taken_back):
        await say(r.w, channel, "", body)
    await r.w.settle()
    assert len(r.model.calls) == int(known)
    assert await r.db.value("select count(*) from inbox where body::text like '%1234%'") == 0
    for body in (edit(channel, changed, "green #a1-1"), edit(channel, changed, "green #a1-1"), changed, changed):
        await say(r.w, channel, "", body)
    await r.w.settle()
    assert "green" in asked(r) and "1234" not in asked(r) and r.net.final()[int(known):] == ["You said #a1-1"]
    for body in (other, edit(channel, other, "yellow #a1-2")):  # in their order they are as ever
        await say(r.w, channel, "", body)
    await r.w.settle()
    said = [t for t in await texts(r) if "yellow" in t or "red" in t]
    assert said == ["yellow #a1-2"] and r.net.final()[-1] in ("You said #a1-2", "You said nothing")


@pytest.mark.parametrize("channel", ["zapi", "evolution", "kapso"])
async def test_what_is_deleted_later_is_gone_from_later_prompts(r: Rig, channel: str) -> None:
    first = BODIES[channel]("my password is 1234")
    await say(r.w, channel, "", first)
    await r.w.settle()
    await say(r.w, channel, "", deletion(channel, first))
    await say(r.w, channel, "hello")
    await r.w.settle()
    assert "1234" not in asked(r) and "deleted by its author" in asked(r)


async def test_another_persons_deletion_with_the_same_number_changes_nothing(r: Rig) -> None:
    """Telegram counts the messages of each group from one."""
    await r.db.run("update integrations set groups = 'all'")
    for chat in (-1001, -1002):
        body = BODIES["telegram"](f"words of {chat}")
        body["message"] |= {"message_id": 5, "chat": {"id": chat, "type": "supergroup", "title": "T"}}
        await say(r.w, "telegram", "", body)
    await r.w.settle()
    edit = BODIES["telegram"]("")
    edit["edited_message"] = {**edit.pop("message"), "message_id": 5, "text": "other words", "edit_date": 1767272502}
    edit["edited_message"]["chat"] = {"id": -1001, "type": "supergroup", "title": "T"}
    await say(r.w, "telegram", "", edit)
    assert sorted(t for t in await texts(r) if "words" in t) == ["other words", "words of -1002"]


async def test_an_upgraded_group_keeps_its_conversation(r: Rig) -> None:
    await r.db.run("update integrations set groups = 'all'")
    for body in given("21"):
        await say(r.w, "telegram", "", body)
        await r.w.settle()
    assert "lembre: senha azul" in asked(r) and "qual era?" in asked(r)
    assert await r.db.value("select count(*) from sessions") == 1
    assert r.net.shown[-1].chat == "-1001900000006"


@pytest.mark.parametrize("first", ["message", "migration"])
async def test_an_upgraded_group_is_followed_in_any_order(r: Rig, first: str) -> None:
    await r.db.run("update integrations set groups = 'all'")
    begin, *moves, after = given("21")
    for body in (begin, *([after, *moves] if first == "message" else [*moves, after])):
        await say(r.w, "telegram", "", body)
        await r.w.settle()
    again = BODIES["telegram"]("and now?")
    again["message"]["chat"] = after["message"]["chat"]
    await say(r.w, "telegram", "", again)
    await r.w.settle()
    assert "lembre: senha azul" in asked(r)
    assert await r.db.value("select count(*) from sessions where closed_at is null") == 1


@pytest.mark.parametrize("words", ["Bad Request: message thread not found", "Bad Request: TOPIC_CLOSED"])
async def test_a_closed_topic_is_tried_once_more_without_it(r: Rig, words: str) -> None:
    await r.db.run("update integrations set groups = 'all', mode = 'at_most_once'")
    said = {"ok": False, "error_code": 400, "description": words}
    r.net.refuse("sendMessage", 400, said, when=lambda b: bool(b.get("message_thread_id")))  # type: ignore[attr-defined]  # a provider of this file
    body = BODIES["telegram"]("hi #a1-1")
    chat = {"id": -1001, "type": "supergroup", "title": "T", "is_forum": True}
    body["message"] |= {"chat": chat, "message_thread_id": 7, "is_topic_message": True}
    await say(r.w, "telegram", "", body)
    await r.w.settle()
    assert r.net.final("-1001") == ["You said #a1-1"]


async def test_a_command_of_another_bot_is_not_ours(r: Rig) -> None:
    await r.db.run("update integrations set groups = 'all', handle = 'our_bot' where channel = 'telegram'")
    hello = BODIES["telegram"]("remember blue")
    hello["message"]["chat"] = given("17")["message"]["chat"]
    await say(r.w, "telegram", "", hello)
    await r.w.settle()
    await say(r.w, "telegram", "", given("17"))
    await r.w.settle()
    assert await texts(r) == ["remember blue", "You said nothing"]
    assert (
        await r.db.value("select rule from inbox where body->>'text' = '/reset@other_bot'")
        == "a command of another bot"
    )
    ours = given("17")
    ours["update_id"] += 1
    ours["message"] |= {"message_id": 99, "text": "/reset@our_bot"}
    await say(r.w, "telegram", "", ours)
    await r.w.settle()
    assert await texts(r) == []


def press(id: str, **more: Any) -> Json:
    who = {"id": 700, "is_bot": False, "first_name": "Ana"}
    message = {"message_id": 3, "date": 1767272501, "chat": {"id": 700, "type": "private"}, "text": "Which?"}
    query = {"id": id, "from": who, "chat_instance": "1", "message": message, "data": "x", **more}
    return {"update_id": 10_000 + int(id), "callback_query": {k: v for k, v in query.items() if v is not None}}


async def test_every_press_of_a_button_is_acknowledged_at_once(r: Rig) -> None:
    await r.w.parameters(messageDebounceInterval="00:00:30")
    await say(r.w, "telegram", "", press("1"))
    await say(r.w, "telegram", "", press("2"))
    await say(r.w, "telegram", "", press("3", data=None, game_short_name="g"))
    group = {"message_id": 3, "date": 1, "chat": {"id": -5, "type": "group", "title": "T"}, "text": "Which?"}
    await say(r.w, "telegram", "", press("4", message=group))
    await say(r.w, "telegram", "", press("4", message=group))
    await r.w.until(lambda: len(r.net.paths("answerCallbackQuery")) == 4, 5)  # type: ignore[attr-defined]  # a provider of this file
    assert {b["callback_query_id"] for b in r.net.paths("answerCallbackQuery")} == set("1234")  # type: ignore[attr-defined]  # a provider of this file
    assert r.model.calls == []


async def test_files_of_ignored_groups_are_left_alone(r: Rig) -> None:
    case = given("26")
    await say(r.w, "telegram", "", case["telegram"])
    await say(r.w, "evolution", "", here(case["evolution"]))
    await asyncio.sleep(0.5)
    assert r.net.calls == []
    assert await r.db.value("select count(*) from files") == 0
    assert await r.db.value("select count(*) from inbox where rule = 'groups:ignore'") == 2


async def test_an_echo_by_another_name_is_known_by_its_id(r: Rig) -> None:
    case = given("23")
    r.model.default = says("Our answer.")
    await say(r.w, "evolution", "", here(case["first"]))
    await r.w.settle()
    echoed = here(case["echo of our answer"])
    echoed["data"]["key"]["id"] = r.net.shown[-1].id
    echoed["data"]["message"]["conversation"] = "Our answer."
    await say(r.w, "evolution", "", echoed)
    await say(r.w, "evolution", "", here(case["then"]))
    await r.w.settle()
    assert r.net.final() == ["Our answer."] * 2
    assert await r.db.value("select count(*) from sessions") == 1, "both names are one person's"
    assert await texts(r) == ["pergunta", "Our answer.", "mais uma", "Our answer."]


async def test_an_answer_from_kapsos_own_inbox_is_kept(r: Rig) -> None:
    case = given("25")
    for body in case.values():
        body["phone_number_id"] = body["conversation"]["phone_number_id"] = "100"
    await say(r.w, "kapso", "", case["first"])
    await r.w.settle()
    ours = dict(case["second (event whatsapp.message.sent)"])
    ours["message"] = ours["message"] | {"id": r.net.shown[-1].id, "text": {"body": "You said nothing"}}
    await kapso(r, "sent", ours)
    await kapso(r, "sent", case["second (event whatsapp.message.sent)"])
    assert await texts(r) == ["oi", "You said nothing", "Aqui é a Carla do suporte, já resolvi seu caso"]
    assert await r.db.value("select fate from outbox") == "sent"
    again = case["first"]
    again["message"] |= {"id": "wamid.NEXT", "text": {"body": "thanks Carla"}}
    await say(r.w, "kapso", "", again)
    await r.w.settle()
    assert "Carla do suporte" in asked(r)


@pytest.mark.parametrize("channel", ["zapi", "evolution", "kapso"])
async def test_the_advertisement_a_person_came_from_is_told(r: Rig, channel: str) -> None:
    ad = given("24")["evolution"]["data"]["contextInfo"]["externalAdReply"]
    body = BODIES[channel]("Tenho interesse")
    if channel == "evolution":
        body = here(given("24")["evolution"])
    elif channel == "zapi":
        body["externalAdReply"] = ad
    else:
        body["message"]["referral"] = {
            "headline": ad["title"],
            "body": ad["body"],
            "source_id": ad["sourceId"],
            "source_type": "ad",
            "source_url": ad["sourceUrl"],
            "ctwa_clid": ad["ctwaClid"],
        }
    await say(r.w, channel, "", body)
    await r.w.settle()
    kept = await r.db.value("select content->'ad' from messages where role = 'user'")
    assert (kept["title"], kept["source"], kept["click"]) == ("Promo Dente Branco", "120212345678900", "ARA_made_up")
    assert "Promo Dente Branco" in asked(r) and "120212345678900" in asked(r) and "ARA_made_up" in asked(r)


@pytest.mark.parametrize("channel", ["telegram", "zapi", "evolution", "kapso"])
async def test_a_strangers_reaction_opens_no_session(r: Rig, channel: str) -> None:
    if channel == "telegram":
        who = {"id": 9, "is_bot": False, "first_name": "X"}
        reaction = {"chat": {"id": 9, "type": "private"}, "message_id": 1, "user": who, "date": 1, "old_reaction": []}
        body: Json = {
            "update_id": 1,
            "message_reaction": {**reaction, "new_reaction": [{"type": "emoji", "emoji": "👍"}]},
        }
    else:
        body = BODIES[channel]("")
        if channel == "zapi":
            body = {**body, "reaction": {"value": "👍", "referencedMessage": {"messageId": "?"}}}
        elif channel == "evolution":
            body["data"]["message"] = {"reactionMessage": {"key": {"id": "?"}, "text": "👍"}}
        else:
            body["message"] |= {"type": "reaction", "reaction": {"emoji": "👍", "message_id": "?"}}
    await say(r.w, channel, "", body)
    assert await r.db.value("select count(*) from sessions") == 0
    assert await r.db.value("select kind from happenings") == "reaction"
