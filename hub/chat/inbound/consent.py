"""Words that stop messages which nobody just asked for, and words that allow them again."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from channels.inbound import RESUMED, STOPPED
from hub.language.consent import START, STOP
from hub.language.folding import plain
from hub.runtime import Hub
from hub.store import people
from hub.store.turns import Claim

Json = dict[str, Any]
OUT, IN = "optout", "optin"
# What a contact told the network itself.
TOLD: Mapping[str, str] = {STOPPED: OUT, RESUMED: IN}
TEXTS: Mapping[str, Mapping[str, str]] = {
    OUT: {
        "pt": "Pronto: não vamos mais escrever para você por iniciativa própria. Se você escrever, respondemos. "
        "Para voltar a receber, envie VOLTAR.",
        "en": "Done: we will not write to you on our own any more. If you write, we answer. "
        "To receive messages again, send START.",
        "es": "Listo: ya no te escribiremos por iniciativa propia. Si escribes, respondemos. "
        "Para volver a recibir mensajes, envía VOLVER.",
    },
    IN: {
        "pt": "Pronto: você volta a receber nossas mensagens. Para parar, envie PARAR.",
        "en": "Done: you will receive our messages again. To stop them, send STOP.",
        "es": "Listo: volverás a recibir nuestros mensajes. Para detenerlos, envía BAJA.",
    },
}


# Characters of what may be a word of ours, however it is set.
LONGEST, SAID = 600, 60
# So many words are more than that, which is told sooner than folding them takes.
_MANY = re.compile(r"\s*(?:[0-9A-Za-z]\S*\s+){31}", re.ASCII)


def parse(text: str, policy: Json) -> str | None:
    """optout, optin or None. `policy`: the account's, whose own words count too."""
    if len(text) > LONGEST or (text.isascii() and _MANY.match(text)):
        return None
    said = plain(text)
    if not said or len(said) > SAID:
        return None
    # Telegram's own button says "/start", behind a link with what the link was for.
    if said.split()[0] == "/start":
        return IN
    if said in STOP or said in _plain(policy.get("optOutWords") or ()):
        return OUT
    return IN if said in START or said in _plain(policy.get("optInWords") or ()) else None


def _plain(words: Iterable[str]) -> set[str]:
    return {plain(w) for w in words}


async def answer(hub: Hub, claimed: Claim, language: str) -> str | None:
    """Carry the words out and confirm them. None when the batch is no such words, or allows what was
    never stopped: then it is an ordinary message."""
    wanted = _wanted(claimed)
    if wanted is None or claimed.session["contact_id"] is None or claimed.session["person_id"] is None:
        return None
    account, person = UUID(claimed.account["id"]), UUID(claimed.session["person_id"])
    if wanted == IN:
        known = await people.get(hub.db, account, person)
        if known is None or known["opted_out_at"] is None:
            return None
    await people.opt(hub.db, account, person, wanted == OUT, "contact", claimed.batch[0]["body"].get("text"))
    # Whoever said more at once is answered to that.
    return TEXTS[wanted][language] if len(claimed.batch) == 1 or wanted == OUT else None


def _wanted(claimed: Claim) -> str | None:
    if claimed.batch[0]["command"] == OUT:
        return OUT
    return IN if any(row["body"].get("consent") == IN for row in claimed.batch) else None
