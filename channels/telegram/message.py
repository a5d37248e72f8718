"""Read one Telegram message: who, where, in answer to what, and whether the bot is meant."""

from dataclasses import dataclass, replace

from channels import readable
from channels.inbound import Attachment, Contact, Inbound, Kind
from channels.telegram import content
from channels.telegram.fields import Json, child, flag, identifier, many, moment, need, number, text

GROUPS = frozenset({"group", "supergroup"})


@dataclass(frozen=True, slots=True)
class Bot:
    """Whom the updates are for. `username` has no @; None when it is not known."""

    id: int | None
    username: str | None

    def called(self, name: str) -> bool:
        """Not knowing our name we take any bot's: every bot's ends so."""
        name = name.removeprefix("@").casefold()
        return name == self.username.casefold() if self.username else name.endswith("bot")


def read(message: Json, bot: Bot, ext: str) -> Inbound:
    """A contact's message, or the EVENT that a service message reports."""
    item = _place(message, ext)
    if (moved := _moved(message)) is not None:
        return replace(item, kind=Kind.EVENT, event="chat.migrated", detail=moved)
    button: str | None = None
    files: tuple[Attachment, ...] = ()
    if (data := child(message, "web_app_data")) is not None:
        button = text(data, "data") or ""
        said = readable.lines(text(data, "button_text"), button)  # what was filled in is what is said
    else:
        said, files = content.words(message), content.attachments(message)
    if not (said or files or button):
        return replace(item, kind=Kind.EVENT, event=content.service(message), text=content.reported(message))
    reply = _reply(message)
    return replace(  # once: each copy of the record costs as much as reading the message
        item,
        text=said,
        attachments=files,
        button=button,
        reply_to=None if reply is None else str(identifier(reply, "message_id")),
        quote=_quote(message, reply),
        forwarded=any(message.get(k) is not None for k in ("forward_origin", "forward_date")),
        album=text(message, "media_group_id"),
        mentioned=item.group is not None and _mentioned(message, reply, bot),
        ignore=_ignore(message, bot),
    )


def user(data: Json, phone: str | None = None) -> Contact:
    """A person as the author."""
    parts = text(data, "first_name"), text(data, "last_name")
    return Contact(
        ids=(f"tg:{identifier(data, 'id')}",),
        name=" ".join(p for p in parts if p) or None,
        phone=phone,
        username=text(data, "username"),
        language=text(data, "language_code"),
    )


def chat_as_author(data: Json) -> Contact:
    """A group or channel as the author: Telegram hides the person behind a shared stand-in."""
    ids = (f"tg:{identifier(data, 'id')}",)
    return Contact(ids, name=text(data, "title"), username=text(data, "username"))


def address(message: Json) -> str:
    """Where an answer goes: the chat, with the topic when there is one."""
    chat = str(identifier(need(message, "chat"), "id"))
    thread = number(message, "message_thread_id")
    return f"{chat}:{thread}" if thread and flag(message, "is_topic_message") else chat


def group(chat: Json) -> str | None:
    """Its title, None in a private chat."""
    kind = text(chat, "type")
    return text(chat, "title") or str(identifier(chat, "id")) if kind in GROUPS else None


def _place(message: Json, ext: str) -> Inbound:
    return Inbound(
        Kind.MESSAGE,
        ext,
        chat=address(message),
        contact=_author(message),
        message_id=str(identifier(message, "message_id")),
        at=moment(message, "date"),
        group=group(need(message, "chat")),
    )


def _author(message: Json) -> Contact | None:
    if (chat := child(message, "sender_chat")) is not None:
        return chat_as_author(chat)
    if (sender := child(message, "from")) is None:
        return None
    return user(sender, content.card_phone(message, identifier(sender, "id")))


def _moved(message: Json) -> dict[str, str] | None:
    here = str(identifier(need(message, "chat"), "id"))
    if (to := number(message, "migrate_to_chat_id")) is not None:
        return {"from": here, "to": str(to)}
    if (origin := number(message, "migrate_from_chat_id")) is not None:
        return {"from": str(origin), "to": here}
    return None


def _reply(message: Json) -> Json | None:
    reply = child(message, "reply_to_message")
    # In a topic every message "answers" the service message that opened the topic.
    if reply is not None and child(reply, "forum_topic_created") is not None:
        return None
    return reply


def _quote(message: Json, reply: Json | None) -> str | None:
    if (chosen := child(message, "quote")) is not None:
        return text(chosen, "text")
    if reply is None and child(message, "reply_to_story") is not None:
        return content.STORY
    if reply is None:  # of another chat only what is not text is told
        reply = child(message, "external_reply")
    if reply is None:
        return None
    return readable.lines(content.words(reply), *map(readable.label, content.attachments(reply))) or None


def _mentioned(message: Json, reply: Json | None, bot: Bot) -> bool:
    if reply is not None and bot.id is not None:
        author = child(reply, "from")
        if author is not None and number(author, "id") == bot.id:
            return True
    said = text(message, "text") or text(message, "caption") or ""
    key = "entities" if message.get("text") else "caption_entities"
    return any(_names(entity, said, bot) for entity in many(message, key))


def _names(entity: Json, said: str, bot: Bot) -> bool:
    kind = text(entity, "type")
    if kind == "text_mention":
        return bot.id is not None and number(need(entity, "user"), "id") == bot.id
    if kind not in ("mention", "bot_command"):
        return False
    start, length = identifier(entity, "offset"), identifier(entity, "length")
    if start < 0 or length < 0:
        return False
    # Offsets count UTF-16 units.
    part = said.encode("utf-16-le")[2 * start : 2 * (start + length)].decode("utf-16-le", "ignore")
    if kind == "mention":
        return bot.called(part)
    _, at, addressee = part.partition("@")
    return not at or bot.called(addressee)


def _ignore(message: Json, bot: Bot) -> str | None:
    if flag(message, "is_automatic_forward"):
        return "a channel's post repeated in its discussion group"
    if child(message, "direct_messages_topic") is not None:
        return "direct messages of a channel"
    if child(message, "sender_chat") is not None:
        return None  # an anonymous admin or a channel: its stand-in is a bot, the author is not
    sender = child(message, "from")
    if sender is None:
        return "no author"
    if flag(sender, "is_bot"):
        return "written by a bot"
    return "a command of another bot" if bot.username and _of_another(message, bot) else None


def _of_another(message: Json, bot: Bot) -> bool:
    """Whether it begins with a command that names another bot."""
    words = (text(message, "text") or "").split(None, 1)
    command, at, addressee = words[0].partition("@") if words else ("", "", "")
    return bool(at) and command.startswith("/") and not bot.called(addressee)
