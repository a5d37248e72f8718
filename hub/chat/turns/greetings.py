"""What a network shows before the first message: WhatsApp's ice breakers, Telegram's menu of commands.

Made of the chat client's suggestion buttons and of the commands that are understood. A network that shows something
the hub has never set keeps it for as long as there is nothing to show from here.
"""

import asyncio
import logging
from typing import Any

from channels.base import ChannelError, Greets
from hub.chat import choices, texts
from hub.chat.clients.link import integration_of, link_of
from hub.chat.turns import human
from hub.runtime import Hub
from hub.store import greetings

log = logging.getLogger(__name__)

Json = dict[str, Any]
ONCE, TRIES = 10, 9  # at a time; within some two hours
COMMANDS = {
    "human": {"pt": "Falar com uma pessoa", "en": "Talk to a person", "es": "Hablar con una persona"},
    "reset": {"pt": "Começar uma nova conversa", "en": "Start a new conversation", "es": "Empezar otra conversación"},
}


def wanted(parameters: Json, gateway: Json | None) -> Json:
    """What is to be shown: openers (words that a tap sends) and commands (name and description). Pure."""
    listed = choices.of([
        {"label": b.get("label"), "text": b.get("prompt")} for b in parameters.get("suggestionButtons") or ()
    ])
    lang = texts.language(parameters.get("languageCode"))
    names = ["human", "reset"] if human.offered(gateway) else ["reset"]
    return {"openers": [c["label"] for c in listed], "commands": [[n, COMMANDS[n][lang]] for n in names]}


async def run(hub: Hub) -> None:
    """Tell the networks of what has changed. One that hangs holds up no other longer than a call may take."""
    if not hub.leases.closing:
        await asyncio.gather(*(_told(hub, row) for row in await greetings.due(hub.db, ONCE, TRIES)))


async def _told(hub: Hub, row: Json) -> None:
    one, taken = integration_of(row["integration"], hub.sealer), row["greet_at"]
    channel, before = hub.channels.get(one.channel), row["integration"]["greeted"]
    if not isinstance(channel, Greets):
        await greetings.give_up(hub.db, one.account_id, one.id, taken)
        return
    now = wanted(row["parameters"], row["gateway"])
    try:
        link, again = link_of(one, hub.settings), before is not None
        shown = await channel.greet(link, now["openers"], now["commands"], again=again)
    except ChannelError as e:
        log.info("what %s shows first was not set: %s", one.channel, e)
        if e.permanent:
            await greetings.give_up(hub.db, one.account_id, one.id, taken)
        return
    await greetings.done(hub.db, one.account_id, one.id, now if shown else None, taken)
