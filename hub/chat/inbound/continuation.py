"""A web chat goes on at WhatsApp or Telegram, by the person's own act: they send the code that their browser shows.

Nothing is ever sent to a number that somebody typed. A code is good once, for a quarter of an hour, for one chat
client, and only its visitor sees it; where the business has proved the visitor's phone, only from that phone.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from hub import ids, phones
from hub.chat.texts import language
from hub.errors import Conflict
from hub.runtime import Hub
from hub.sealing import digest
from hub.store import continuations
from hub.store.turns import Claim
from hub.store.web_sessions import Visit

Json = dict[str, Any]
SECONDS = 900.0
# Without letters that are taken for others.
LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
# A telephone may write its own idea of a hyphen.
_HYPHEN, _FOUR = r"[-\u2010-\u2015\u2212]", rf"([{LETTERS}]{{4}})"
_CODE = re.compile(rf"(?<![\w-]){_FOUR}{_HYPHEN}{_FOUR}{_HYPHEN}{_FOUR}(?![\w-])")
_START = re.compile(rf"/start(?:@\w+)? ([{LETTERS}]{{12}})")
TEXTS: Mapping[str, Mapping[str, str]] = {
    "ask": {
        "pt": "Quero continuar aqui a conversa do site. Código {code}",
        "en": "I want to continue my chat from the website here. Code {code}",
        "es": "Quiero continuar aquí el chat del sitio. Código {code}",
    },
    "done": {
        "pt": "Pronto: continuamos aqui a conversa que você começou no site. Como posso ajudar?",
        "en": "Done: we go on here with the chat that you began on the website. How can I help?",
        "es": "Listo: seguimos aquí con el chat que empezaste en el sitio. ¿En qué puedo ayudar?",
    },
    "late": {
        "pt": "Este código já foi usado ou venceu. Peça um novo no chat do site.",
        "en": "This code has been used or has expired. Ask for a new one in the chat on the website.",
        "es": "Este código ya se usó o venció. Pide uno nuevo en el chat del sitio.",
    },
    "other": {
        "pt": "Este código é de outro número, por isso não vale aqui.",
        "en": "This code belongs to another number, so it does not work here.",
        "es": "Este código es de otro número, por eso no vale aquí.",
    },
}


@dataclass(frozen=True, slots=True)
class Way:
    """url: opens the network with `text` written already; None where the hub does not know its own address there."""

    channel: str
    url: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Offer:
    code: str
    expires_at: datetime
    ways: tuple[Way, ...]


def code_in(text: str) -> str | None:
    """The code that a message holds."""
    if found := _START.fullmatch(text.strip()):
        return found[1]
    if text.isascii() and "-" not in text:
        return None
    found = _CODE.search(text.upper())
    return "".join(found.groups()) if found else None


async def offer(hub: Hub, seen: Visit, accept_language: str = "") -> Offer:
    """A new code for this conversation. Raise Conflict when there is no network to go to."""
    ways = await continuations.ways(hub.db, seen.account_id, seen.client_id)
    if not ways:
        raise Conflict("This chat is on no other network; there is nowhere to continue it.", code="no_network")
    code = "".join(secrets.choice(LETTERS) for _ in range(12))
    async with hub.db.transaction() as tx:
        until = await continuations.add(tx, seen.account_id, seen.session_id, ids.uuid7(), digest(code), SECONDS)
    if until is None:
        raise Conflict("This conversation has ended.")
    shown = "-".join((code[:4], code[4:8], code[8:]))
    lang = language(seen.parameters.get("languageCode"), accept_language.split(",")[0] or None)
    said = TEXTS["ask"][lang].format(code=shown)
    return Offer(shown, until, tuple(_way(w, code, said) for w in ways))


def _way(row: Json, code: str, said: str) -> Way:
    if row["channel"] == "telegram":
        url = f"https://t.me/{row['handle']}?start={code}" if row["handle"] else None
        return Way("telegram", url, f"/start {code}")
    phone = next((o[6:] for o in row["own"] or () if str(o).startswith(phones.PHONE)), None)
    return Way(row["channel"], f"https://wa.me/{phone}?text={quote(said)}" if phone else None, said)


async def answer(hub: Hub, claimed: Claim, lang: str) -> str | None:
    """Go on here, and what to say to that. None: no code is in the batch, or there is more in it to be answered."""
    code = next((c for row in claimed.batch if (c := row["body"].get("continues"))), None)
    if code is None or claimed.integration is None:
        return None
    account, hash = UUID(claimed.account["id"]), digest(code)
    found = await continuations.look(hub.db, account, hash, UUID(claimed.client["id"]))
    if found is None:
        return None  # it only looked like one
    if not found["good"]:
        return TEXTS["late"][lang]
    if _elsewhere(found["phone"], claimed):
        await continuations.burn(hub.db, account, hash)
        return TEXTS["other"][lang]
    if not await continuations.take(hub.db, account, hash, claimed.session_id, claimed.epoch):
        return TEXTS["late"][lang]
    claimed.session["gathers"] = True
    return TEXTS["done"][lang] if len(claimed.batch) == 1 else None


def _elsewhere(proved: str | None, claimed: Claim) -> bool:
    """Whether the visitor's phone is known and another one wrote."""
    wanted, phone = (_digits(p) for p in (proved, (claimed.contact or {}).get("phone")))
    return bool(wanted and claimed.integration and claimed.integration["channel"] != "telegram") and (
        phones.key(wanted) != phones.key(phone)
    )


def _digits(text: str | None) -> str:
    return "".join(c for c in text or "" if c.isascii() and c.isdigit())
