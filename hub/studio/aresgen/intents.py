"""What a conversation is about, in a word."""

import logging
import re
import time
from uuid import UUID

from hub.domain import Gateway
from hub.errors import HubError
from hub.language.folding import fold
from hub.language.human_requests import wants_human
from hub.language.intents import GREETING, HUMAN, OTHER, RULES
from hub.language.words import words
from hub.llm.helper import HelperTask, helper
from hub.runtime import Hub

log = logging.getLogger(__name__)

# Intents that say little: the next message is looked at again.
VAGUE = (None, OTHER, GREETING)
SECONDS, TOKENS, SHOWN = 15.0, 20, 2000
LABEL = re.compile(r"[a-z][a-z_]{1,38}[a-z]")
ASKED = (
    "Name the intent of the customer's message in one to three English words in snake_case, such as pricing,"
    " order_status, refund, complaint, support, opening_hours, cancellation, booking, human, greeting or other."
    " Answer with the label alone."
)


def by_rules(text: str) -> str:
    """The intent by words that speak for one. Pure."""
    if wants_human(text):
        return HUMAN
    folded = f" {' '.join(words(text))} "
    return next((intent for intent, starts in RULES.items() if any(f" {s}" in folded for s in starts)), OTHER)


async def named(hub: Hub, account: UUID, gateway: Gateway, text: str, key: UUID | None = None) -> str:
    """The intent by the model; by rules where it follows no instructions, fails, or says something else."""
    asked = helper(hub.models, hub.settings.helper_model, gateway)
    if asked is None:
        return by_rules(text)
    question = HelperTask(text[:SHOWN], "inference.resolving.intent", "Naming an intent", ASKED, TOKENS)
    try:
        said = await asked.ask(question, time.monotonic() + SECONDS)
    except HubError as e:
        log.info("an intent was not named by the model: %s", e)
        return by_rules(text)
    await hub.meter.add(account, asked.rows, key=key)
    label = re.sub(r"\W+", "_", fold(said)).strip("_")
    return label if LABEL.fullmatch(label) and label.count("_") <= 3 else by_rules(text)
