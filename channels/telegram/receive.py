"""Verify and read a Telegram webhook call. By hand: this runs for every message that arrives."""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from channels.base import BadSignature, Hook, Link, Unreadable
from channels.inbound import Inbound, Kind
from channels.telegram import message as messages
from channels.telegram.fields import (
    Json,
    child,
    identifier,
    load,
    many,
    moment,
    need,
    number,
    record,
    text,
)
from channels.telegram.message import Bot

SECRET = "x-telegram-bot-api-secret-token"
UNANSWERED = "unsupported: messages to a person's account that the bot only manages (Telegram Business)"
GUEST = "unsupported: questions in chats that the bot is not in (Telegram guest mode)"
JOINED = frozenset({"creator", "administrator", "member", "restricted"})


def receive(link: Link, hook: Hook) -> list[Inbound]:
    """One update gives one item."""
    if not hook.proved:
        prove(link, hook.headers)
    update = load(hook.body)
    ext = f"u{identifier(update, 'update_id')}"
    keys = [key for key in update if key != "update_id"]
    known = [key for key in keys if key in KINDS]
    if known:
        return [KINDS[known[0]](record(update[known[0]], known[0]), whose(link), ext)]
    if not keys:
        raise Unreadable("The update is empty.")
    name = keys[0].replace("\0", "")[:64]
    why = UNANSWERED if "business" in name else GUEST if name == "guest_message" else None
    return [Inbound(Kind.EVENT, ext, event=name, ignore=why)]


def prove(link: Link, headers: Mapping[str, str]) -> None:
    """The header that Telegram was given."""
    verify(headers.get(SECRET), link.proofs)


def verify(given: str | None, secrets: Sequence[str]) -> None:
    if not given or not all(secrets):
        raise BadSignature("The secret header is missing.")
    # As bytes: compare_digest refuses text beyond ASCII, and a header may hold anything.
    theirs, *ours = (s.encode("utf-8", "backslashreplace") for s in (given, *secrets))
    if not any(hmac.compare_digest(one, theirs) for one in ours):
        raise BadSignature("The secret header is wrong.")


def whose(link: Link) -> Bot:
    """The id is the token's public half; the name is what `register` returned."""
    number_part = link.settings.get("botToken", "").partition(":")[0]
    known = number_part.isascii() and number_part.isdigit() and len(number_part) < 20
    return Bot(int(number_part) if known else None, link.handle or None)


def _message(data: Json, bot: Bot, ext: str) -> Inbound:
    item = messages.read(data, bot, ext)
    sender = child(data, "from")
    if bot.id is not None and sender is not None and number(sender, "id") == bot.id:
        kind = item.kind if item.kind is Kind.EVENT else Kind.OWN
        return replace(item, kind=kind, by="api", ignore=None)
    return item


def _edited(data: Json, bot: Bot, ext: str) -> Inbound:
    item = messages.read(data, bot, ext)
    at = moment(data, "edit_date") or item.at
    if data.get("location") is not None:  # it moves every few seconds and says nothing
        return replace(
            item, kind=Kind.EVENT, event="location.moved", at=at, ignore="location moved"
        )
    if item.kind is Kind.EVENT:
        return replace(item, at=at)
    return replace(item, kind=Kind.EDIT, at=at)


def _channel_post(data: Json, bot: Bot, ext: str) -> Inbound:
    item = messages.read(data, bot, ext)
    return replace(item, kind=Kind.EVENT, event="channel_post", ignore="a channel's post")


def _reaction(data: Json, _: Bot, ext: str) -> Inbound:
    chat = need(data, "chat")
    author, actor = child(data, "user"), child(data, "actor_chat")
    contact = messages.user(author) if author is not None else None
    if contact is None and actor is not None:
        contact = messages.chat_as_author(actor)
    before = [_emoji(r) for r in many(data, "old_reaction")]
    after = [_emoji(r) for r in many(data, "new_reaction")]
    added = [emoji for emoji in after if emoji not in before]
    return Inbound(
        Kind.REACTION,
        ext,
        chat=str(identifier(chat, "id")),
        contact=contact,
        at=moment(data, "date"),
        text=(added or after or [""])[-1],
        reply_to=str(identifier(data, "message_id")),
        group=messages.group(chat),
    )


def _emoji(reaction: Json) -> str:
    if emoji := text(reaction, "emoji"):
        return emoji
    return "⭐" if text(reaction, "type") == "paid" else ":custom_emoji:"


def _callback(data: Json, _: Bot, ext: str) -> Inbound:
    """A pressed button is a message of whoever pressed it."""
    contact = messages.user(need(data, "from"))
    callback = text(data, "id") or ""
    button, pressed = text(data, "data"), child(data, "message")
    if not button or pressed is None:  # a game, or a message sent through another chat
        name = "callback_query.game" if not button else "callback_query.inline"
        return Inbound(Kind.EVENT, ext, contact=contact, event=name, callback=callback)
    return Inbound(
        Kind.MESSAGE,
        ext,
        chat=messages.address(pressed),
        contact=contact,
        text=_label(pressed, button),
        reply_to=str(identifier(pressed, "message_id")),
        button=button,
        group=messages.group(need(pressed, "chat")),
        mentioned=messages.group(need(pressed, "chat")) is not None,
        callback=callback,
    )


def _label(pressed: Json, button: str) -> str:
    markup = child(pressed, "reply_markup") or {}
    rows = markup.get("inline_keyboard") or []
    if not isinstance(rows, list):
        raise Unreadable("inline_keyboard is not a list.")
    for row in rows:
        for key in many({"row": row}, "row"):
            if text(key, "callback_data") == button:
                return text(key, "text") or button
    return button


def _membership(data: Json, _: Bot, ext: str) -> Inbound:
    chat = need(data, "chat")
    old = text(need(data, "old_chat_member"), "status") or ""
    new = text(need(data, "new_chat_member"), "status") or ""
    return Inbound(
        Kind.EVENT,
        ext,
        chat=str(identifier(chat, "id")),
        contact=messages.user(need(data, "from")),
        at=moment(data, "date"),
        group=messages.group(chat),
        event=_change(text(chat, "type") == "private", old, new),
        detail={"old": old, "new": new},
    )


def _change(private: bool, old: str, new: str) -> str:
    was, now = old in JOINED, new in JOINED
    if was == now:
        return "bot.changed"
    if private:
        return "bot.unblocked" if now else "bot.blocked"
    return "bot.added" if now else "bot.removed"


KINDS: Mapping[str, Callable[[Json, Bot, str], Inbound]] = {
    "message": _message,
    "edited_message": _edited,
    "channel_post": _channel_post,
    "message_reaction": _reaction,
    "callback_query": _callback,
    "my_chat_member": _membership,
}
