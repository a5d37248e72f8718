"""What a message of a bot's own says: the Bot API tells it to whoever changes the buttons below it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from channels import loose
from channels.base import ChannelError
from channels.outbound import Choice
from channels.telegram.buttons import keyboard
from channels.telegram.calls import Call

Json = dict[str, Any]
Ask = Callable[[Call], Awaitable[Any]]
# A button that nothing comes of, wherever it is pressed.
MARK = {"inline_keyboard": [[{"text": "…", "copy_text": {"text": "…"}}]]}


async def words(ask: Ask, where: Json, buttons: Mapping[str, Sequence[Choice]]) -> str | None:
    """Taking away the buttons that it does not have changes nothing, and is refused for others' messages; one that is
    put there and taken away again makes Telegram tell the message. "" of a picture of an album; None of another's."""
    try:
        told = _said(await ask(_with(where, None)))  # it had some, or ours, of somebody who was cut off
    except ChannelError as e:
        if e.code == "gone":
            return None
        if e.code != "not_modified":
            raise
        try:
            told = _said(await ask(_with(where, MARK)))
        except ChannelError as refused:
            if not refused.permanent:
                raise
            return ""
    # Spaces around lines are the network's matter.
    own = next((choices for text, choices in buttons.items() if text.split() == told.split()), ())
    try:
        await ask(_with(where, keyboard(own)))
    except ChannelError as e:
        if e.code not in ("not_modified", "gone"):
            raise
    return told


def _with(where: Json, markup: Json | None) -> Call:
    return Call("editMessageReplyMarkup", where if markup is None else {**where, "reply_markup": markup})


def _said(message: Any) -> str:
    return loose.text(loose.obj(message).get("text")) or ""
