"""A person is asked for: by the model, in words, or by a button that says such words.

What is asked for within a turn is noted at once and done when the turn is over: the bot's own words are still sent,
and a process that dies in between leaves the note, which a sweep takes up (`settle_left`). While people are there, the
bot falls silent; else it goes on, and asks for an address at which somebody answers later.
"""

import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from hub.accounts import desk
from hub.accounts.emails import email_address
from hub.chat.news import tell
from hub.domain import Json
from hub.errors import HubError, Invalid, NotFound
from hub.language.human_requests import wants_human
from hub.runtime import Hub
from hub.store import accounts, handoffs, human_requests, labels, messages
from hub.store.db import Call
from hub.store.turns import Claim
from hub.tools import handover

log = logging.getLogger(__name__)

LONGEST, ADDRESS = 160, 300
# Characters beside an address that are no question of their own.
BESIDE = 80
# Of a turn that ended without settling what was asked for in it, in seconds.
LEFT = 15.0
COMMANDS = frozenset(("/human", "/humano", "/humana", "/atendente", "/agente", "/person", "/pessoa", "/persona"))
# What the button of the chat page says, in the languages in which words alone are not understood.
BUTTONS = frozenset(("parler à une personne", "mit einem menschen sprechen", "التحدث إلى شخص"))
_ADDRESS = re.compile(r"[^\s<>,;:]+@[^\s<>,;:]+\.[^\s<>,;:.]+")
TEXTS: Mapping[str, Mapping[str, str]] = {
    "called": {
        "pt": "Chamei uma pessoa da equipe; ela vai responder aqui mesmo.",
        "en": "I have called a colleague, who will answer you right here.",
        "es": "Llamé a una persona del equipo; te responderá aquí mismo.",
    },
    "away": {
        "pt": "Agora não há ninguém da equipe aqui{when}. Deixe seu e-mail, e respondemos assim que possível; enquanto "
        "isso eu continuo ajudando.",
        "en": "Nobody of the team is here now{when}. Leave your e-mail address and somebody will answer as soon as "
        "possible; meanwhile I go on helping.",
        "es": "Ahora no hay nadie del equipo aquí{when}. Deja tu correo electrónico y te responderemos lo antes "
        "posible; mientras tanto sigo ayudando.",
    },
    "when": {"pt": "; voltamos {at}", "en": "; we are back {at}", "es": "; volvemos {at}"},
    "email": {
        "pt": "Obrigado: anotei {email}. Alguém da equipe vai escrever para você.",
        "en": "Thank you: I have noted {email}. Somebody of the team will write to you.",
        "es": "Gracias: anoté {email}. Alguien del equipo te escribirá.",
    },
}


def offered(parameters: Json | None) -> bool:
    """Whether the bot's one switch is on: `AskForHuman` among its functions."""
    options = (parameters or {}).get("sentinelOptions") or {}
    return handover.FUNCTION in (options.get("enabledFunctions") or ())


def asks(text: str) -> bool:
    """Whether a message is nothing but the wish for a person. Pure."""
    said = " ".join(text.split())
    return 0 < len(said) <= LONGEST and (
        said.lower().split("@")[0] in COMMANDS or said.lower() in BUTTONS or wants_human(said)
    )


async def answer(hub: Hub, claimed: Claim, language: str) -> str | None:
    """What is said to who asks for a person, or leaves an address where nobody was; None: it is none of both.

    Each of the messages that wait counts: who asks, or leaves an address, often says a word more."""
    if not claimed.gateway or claimed.batch[-1]["command"] or not offered(claimed.gateway["parameters"]):
        return None
    account, session = UUID(claimed.account["id"]), claimed.session_id
    texts = [str(row["body"].get("text") or "") for row in claimed.batch]
    if (email := await _left(hub, account, session, texts)) is not None:
        return TEXTS["email"][language].format(email=email)
    if not any(map(asks, texts)) or claimed.batch[-1]["body"].get("group"):
        return None
    parameters = claimed.account["parameters"]
    await human_requests.ask(hub.db, account, session, "words", None)
    return said(parameters, await desk.available(hub.db, account, parameters), language)


async def _left(hub: Hub, account: UUID, session: UUID, texts: list[str]) -> str | None:
    """Keep the address that is left; it is returned where nothing else is said that wants an answer."""
    for text in reversed(texts):
        if (email := _address(text)) is None:
            continue
        rest = " ".join(texts).replace(email, "")
        alone = "?" not in rest and len(rest) <= BESIDE
        # One that only occurs in a question takes no other's place.
        if await human_requests.set_email(hub.db, account, session, email, alone) and alone:
            return email
        return None
    return None


def _address(text: str) -> str | None:
    if len(text) > ADDRESS or "@" not in text or not (found := _ADDRESS.search(text)):
        return None
    try:
        return email_address(found[0])
    except Invalid:
        return None


def said(parameters: Json, there: desk.Available, language: str) -> str:
    """What the hub itself says to who asked."""
    own = desk.of(parameters)
    if there.now:
        return own.called_text or TEXTS["called"][language]
    if own.away_text:
        return own.away_text
    when = ""
    if there.opens_at is not None:
        local = there.opens_at.astimezone(desk.zone_of(parameters))
        at = f"{local:%d %b, %H:%M}" if language == "en" else f"{local:%d/%m %H:%M}"
        when = TEXTS["when"][language].format(at=at)
    return TEXTS["away"][language].format(when=when)


async def settle(hub: Hub, account: UUID, session: UUID) -> None:
    """Do what was asked for: people have the conversation from now on, or it is left for them."""
    found = await accounts.get(hub.db, account)
    if found is None:
        raise NotFound
    there = await desk.available(hub.db, account, found.parameters)
    due, warn = desk.deadline(desk.of(found.parameters), desk.zone_of(found.parameters), datetime.now(UTC))
    async with hub.db.transaction() as tx:
        state = "waiting" if there.now else "left"
        asked = await human_requests.settle(tx, account, session, state, due, warn)
        if asked is None:
            return
        await messages.note(tx, account, "person_asked", {"by": asked["asked_by"], "state": state}, session=session)
        await _labelled(tx, account, session, str((asked["reason"] or {}).get("text") or ""))
        if there.now:
            own = desk.of(found.parameters).routing
            to = await human_requests.pick(tx, account, desk.HERE, own) if own != "none" else None
            by, name = (to["id"], to["name"]) if to else (None, None)
            if await handoffs.switch(tx, account, None, session, True, by, ends=True):
                told = {"active": True, "by": name, "asked": True}
                await messages.note(tx, account, "handoff", told, session=session)
    if there.now:
        await tell(hub.events, account, session, {"type": "handoff", "active": True})
    else:
        await tell(hub.events, account, session, {"type": "note"})


async def _labelled(tx: Call, account: UUID, session: UUID, reason: str) -> None:
    """Labels whose name stands in the bot's reason are set: what it is about is seen before it is opened."""
    if not reason:
        return
    found = [one for one in await labels.listed(tx, account) if named(one["name"], reason)]
    if not found:
        return
    added = await labels.put_on(tx, account, session, [one["id"] for one in found])
    for one in found:
        if one["id"] in added:
            told = {"what": "labelled", "to": one["name"], "by": "The bot"}
            await messages.note(tx, account, "desk", told, session=session)


def named(name: str, text: str) -> bool:
    """Whether words stand in a text as they are. Pure."""
    return re.search(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", text.casefold()) is not None


async def settle_left(hub: Hub) -> None:
    """What was asked for in turns whose process died, and who will soon have waited too long."""
    for row in await human_requests.asking(hub.db, LEFT):
        try:
            await settle(hub, row["account_id"], row["session_id"])
        except (HubError, ValueError, KeyError) as e:
            # One account whose settings cannot be read must not keep the others waiting.
            log.warning("session %s is left for people without their hours: %s", row["session_id"], e)
            await human_requests.settle(hub.db, row["account_id"], row["session_id"], "left", None, None)
    for row in await human_requests.warn(hub.db):
        await tell(hub.events, row["account_id"], row["session_id"], {"type": "note"})


def ran(claimed: Claim, outcome: str, made: list[Json]) -> bool:
    """Whether a person was asked for in this turn."""
    if outcome == "command:human":
        return True
    on = claimed.gateway is not None and offered(claimed.gateway["parameters"])
    return on and any(r.get("name") == handover.NAME for r in made)
