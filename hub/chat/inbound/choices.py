"""A press, or the number of a choice, is the message that it stands for: days later and in a new conversation too."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from channels.inbound import Inbound, Kind
from channels.openers import LONGEST, opener
from hub import phones
from hub.chat import choices
from hub.chat.clients.networks import OPENED
from hub.store import inbox
from hub.store.db import Db

GONE = "what this button stood for is gone"


def asks(endpoint: Mapping[str, Any], one: Inbound) -> bool:
    """Whether what an item means hangs on what was stored before it."""
    if one.kind is not Kind.MESSAGE:
        return False
    named = bool(one.group) and not one.mentioned and endpoint["groups"] == "mention"
    return named or bool(one.button) or choices.numbered(one.text) is not None


async def understood(db: Db, endpoint: Mapping[str, Any], one: Inbound) -> Inbound:
    """The item with the words of the choice; only what can be one is looked up."""
    if one.kind is not Kind.MESSAGE:
        return one
    if (pressed := choices.named(one.button)) is not None:
        message, place = pressed
        offered = choices.of(await inbox.offered(db, endpoint["id"], message))
        if place < len(offered):
            return replace(one, text=choices.meaning(offered[place]))
        # The label is on the button itself; a network that does not repeat it tells us nothing.
        return one if one.text != one.button else replace(one, text="", ignore=one.ignore or GONE)
    if (meant := _opened(endpoint, one)) is not None:
        return replace(one, text=meant, button=one.text)
    number = choices.numbered(one.text)
    if number is None or one.button or (one.group and not one.mentioned and endpoint["groups"] != "all"):
        return one
    said = (f"group:{one.chat}",) if one.group else (one.contact.ids if one.contact else ())
    last = await inbox.last_offered(db, endpoint["id"], phones.names(said)) if said else None
    chosen = choices.by_number(last, number)
    return one if chosen is None else replace(one, text=choices.meaning(chosen), button=one.text.strip())


def _opened(endpoint: Mapping[str, Any], one: Inbound) -> str | None:
    """The prompt of the chat client's suggestion whose words were tapped; None where they are none, or the prompt."""
    if endpoint["channel"] not in OPENED or one.button or one.group or len(one.text) > LONGEST:
        return None
    for given in endpoint["parameters"].get("suggestionButtons") or ():
        shown, prompt = choices.of([given]), str(given.get("prompt") or "")
        if shown and prompt and prompt != one.text and opener(shown[0]["label"]) == one.text.strip():
            return prompt
    return None
