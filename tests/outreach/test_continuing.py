"""A web chat goes on at another network by the person's own act, and is shown to nobody else."""

import time
from typing import Any

import jwt
import pytest

from hub.chat.inbound.continuation import code_in
from tests.outreach.phones import write
from tests.outreach.street import ANA, Json, Street

BIA = "5531990000123"
SALT = "a salt of the account, long enough for a key"


async def opened(s: Street, tag: str = "") -> str:
    """The access key of a new web chat."""
    path = f"/api/v1/web-chat-client/{s.rig.w.client}/sessions"
    found = await s.ok("POST", path, {"tag": tag} if tag else {})
    return str(found["accessKey"])


async def proved(s: Street, **claims: Any) -> str:
    """The access key of a visitor whom the business has signed in."""
    await s.db.run("update accounts set salt = $1", SALT)
    token = jwt.encode({"sub": "bia-7", "exp": time.time() + 600, **claims}, SALT)
    found = await s.ok("POST", f"/api/v1/public/web-chat-clients/{s.rig.w.client}/sessions", {"token": token})
    return str(found["accessKey"])


async def prompt(s: Street, key: str, text: str) -> None:
    await s.ok("POST", f"/api/v1/public/chat-clients/{key}/prompt", {"prompt": text})


async def offered(s: Street, key: str) -> Json:
    return dict(await s.ok("POST", f"/api/v1/public/chat-clients/{key}/continuation"))


def asked(offer: Json, target: str) -> str:
    return next(str(w["text"]) for w in offer["ways"] if w["target"] == target)


async def ended(s: Street, key: str) -> bool:
    return (await s.call("GET", f"/api/v1/public/chat-clients/{key}"))[0] == 422


@pytest.mark.parametrize("network", ["zapi", "telegram"])
async def test_a_web_chat_goes_on_with_its_context(s: Street, network: str) -> None:
    key = await opened(s)
    await prompt(s, key, "my order is AZUL-77")
    offer = await offered(s, key)
    text = asked(offer, "Telegram" if network == "telegram" else "WhatsApp_ZApi")
    await s.spoken(text, network)
    assert "website" in s.rig.net.final()[-1] or "site" in s.rig.net.final()[-1]
    await s.spoken("where is it?", network)
    assert "AZUL-77" in s.prompt() and "where is it?" in s.prompt()
    # It has ended on the web: whoever has the page open reads nothing of what is said elsewhere.
    assert await ended(s, key)
    [one] = await s.ok("GET", "/api/v1/contacts")
    whole = await s.ok("GET", f"/api/v1/contacts/{one['id']}")
    assert [j["evidence"] for j in whole["joins"]] == ["code"] and len(whole["conversations"]) == 2
    # A new beginning is a new beginning here too.
    await s.spoken("/reset", network)
    await s.spoken("hello again", network)
    assert "AZUL-77" not in s.prompt()


async def test_a_code_is_good_once_for_one_person(s: Street) -> None:
    key, other = await opened(s), await opened(s)
    await prompt(s, key, "the secret is AZUL")
    await prompt(s, other, "mine is VERDE")
    stale = asked(await offered(s, key), "WhatsApp_ZApi")
    text = asked(await offered(s, key), "WhatsApp_ZApi")
    await write(s, "zapi", stale, ANA)
    await s.rig.w.settle()
    assert not await ended(s, key)
    await write(s, "zapi", text, BIA)
    await s.rig.w.settle()
    assert await ended(s, key) and not await ended(s, other)
    await write(s, "zapi", text, ANA)
    await s.rig.w.settle()
    assert "novo" in s.rig.net.final(ANA)[-1], "used already, and said so"
    for text, phone in (("and me?", ANA), ("what is the secret?", BIA)):
        await write(s, "zapi", text, phone)
        await s.rig.w.settle()
        assert ("AZUL" in s.prompt(), "VERDE" in s.prompt()) == (phone == BIA, False)
    # What only looks like a code is a message, and one that is too late is said to be.
    await write(s, "zapi", "my voucher is ABCD-EFGH-JKLM", ANA)
    await s.rig.w.settle()
    assert "ABCD-EFGH-JKLM" in s.prompt()
    late = asked(await offered(s, other), "WhatsApp_ZApi")
    await s.db.run("update continuations set expires_at = now() where used_at is null")
    await write(s, "zapi", late, BIA)
    await s.rig.w.settle()
    assert not await ended(s, other) and "novo" in s.rig.net.final(BIA)[-1]


async def test_a_proved_phone_is_the_only_one(s: Street) -> None:
    """Written with and without the ninth digit it is the same; another number is told nothing."""
    key = await proved(s, phone_number="+55 31 99000-0123")
    await prompt(s, key, "the secret is AZUL")
    await write(s, "zapi", asked(await offered(s, key), "WhatsApp_ZApi"), ANA)
    await s.rig.w.settle()
    await write(s, "zapi", "what is it?", ANA)
    await s.rig.w.settle()
    assert "AZUL" not in s.prompt() and not await ended(s, key)
    await write(s, "evolution", asked(await offered(s, key), "WhatsApp_Evolution"), "553190000123")
    await s.rig.w.settle()
    await write(s, "evolution", "what is it?", "553190000123")
    await s.rig.w.settle()
    assert "AZUL" in s.prompt() and await ended(s, key)
    # Whoever signs in again is the same person, in a new conversation.
    again = await proved(s)
    assert again != key and len(await s.ok("GET", "/api/v1/contacts?filter=bia-7")) == 1


async def test_sent_by_somebody_else_it_is_split_and_given_back(s: Street) -> None:
    key = await opened(s)
    await prompt(s, key, "the secret is AZUL")
    await write(s, "zapi", asked(await offered(s, key), "WhatsApp_ZApi"), BIA)
    await s.rig.w.settle()
    [one] = await s.ok("GET", "/api/v1/contacts")
    await s.ok("POST", f"/api/v1/contacts/{one['id']}/split", {})
    await write(s, "zapi", "what is the secret?", BIA)
    await s.rig.w.settle()
    assert "AZUL" not in s.prompt() and not await ended(s, key)


def test_codes_as_people_and_telephones_write_them() -> None:
    code = "ABCDEFGH2345"
    for text in (
        "ABCD-EFGH-2345", "Quero continuar. Código ABCD-EFGH-2345.", "abcd-efgh-2345", "ABCD\u2011EFGH\u20132345",
        "/start ABCDEFGH2345", "/start@shop_bot ABCDEFGH2345",
    ):
        assert code_in(text) == code, text
    others = ("/start", "1BCD-EFGH-2345",
              "ABCDEFGH2345", "ABCD-EFGH-2345-6789", "x-ABCD-EFGH-2345", "55-1199-9999-0000")
    for text in others:
        assert code_in(text) is None, text
