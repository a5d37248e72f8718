"""What of the Bot API leaves no message: drafts, reactions, the menu of commands."""

import re
import time
from collections.abc import Callable
from typing import Any

from channels.twins.replies import Reply
from channels.twins.state import State
from channels.twins.telegram_args import Args, bad, done
from channels.twins.telegram_bot import Bot
from channels.twins.telegram_rich import rich, said_by

Json = dict[str, Any]
DRAFTED = 30.0
# What bots may react with, as far as anything here uses it.
SIGNS = frozenset("👍👎❤🔥🥰👏😁🤔🎉🤩🙏👌😍💯🤣⚡🏆💔😐😴😭👀🤝✍🤗🫡🆒😎")
COMMAND = re.compile(r"[a-z0-9_]{1,32}")


class TelegramSigns:
    """chat, formatted: those of the calls."""

    def __init__(
        self, state: State, chat: Callable[[Bot, Args], Json],
        formatted: Callable[[Args, str], tuple[str, list[Json]]],
    ) -> None:
        self._state = state
        self._chat = chat
        self._formatted = formatted

    def draft(self, bot: Bot, args: Args) -> Reply:
        """sendMessageDraft, sendRichMessageDraft: for thirty seconds or until a message; an empty text is a thought."""
        chat = self._chat(bot, args)
        if chat["type"] != "private":
            raise bad("TEXTDRAFT_PEER_INVALID")
        if not (number := args.number("draft_id")):
            raise bad("TEXTDRAFT_ID_INVALID")
        if (blocks := rich(args)) is not None:
            text, entities = said_by(blocks), list[Json]()
        else:
            text, entities = self._formatted(args, "text") if args.text("text") else ("", [])
        known = self._state.chat("telegram", bot.id, str(chat["id"])).draft
        shown = {
            "id": number, "text": text, "entities": entities, "rich": blocks or [], "until": time.time() + DRAFTED,
            "changes": known["changes"] + 1 if known and known["id"] == number else 0,
        }
        self._state.draft("telegram", bot.id, str(chat["id"]), shown)
        return done(True)

    def react(self, bot: Bot, args: Args) -> Reply:
        """setMessageReaction."""
        chat = str(self._chat(bot, args)["id"])
        number = args.number("message_id")
        if (chat, number) not in bot.messages:
            raise bad("message to react not found")
        given = args.structure("reaction") or []
        emoji = next((str(r.get("emoji", "")) for r in given if isinstance(r, dict)), "")
        if emoji and emoji not in SIGNS:
            raise bad("REACTION_INVALID")
        if seen := self._state.find("telegram", bot.id, chat, str(number)):
            seen.reactions["business"] = emoji
            self._state.changed(seen)
        return done(True)

    def set_commands(self, bot: Bot, args: Args) -> Reply:
        """setMyCommands."""
        given = args.structure("commands")
        if not isinstance(given, list) or any(
            not COMMAND.fullmatch(str(c.get("command"))) or not 0 < len(str(c.get("description") or "")) <= 256
            for c in given
        ):
            raise bad("BOT_COMMAND_INVALID")
        bot.commands = given
        return done(True)

    def delete_commands(self, bot: Bot, args: Args) -> Reply:
        """deleteMyCommands."""
        bot.commands = []
        return done(True)
