"""The Bot API's methods that act in chats: send, edit, delete, react, show."""

import time
from collections.abc import Callable
from typing import Any

from channels.twins import telegram_shapes as shapes
from channels.twins.files import File
from channels.twins.people import Group
from channels.twins.replies import Reply, Upload
from channels.twins.state import Message, State
from channels.twins.telegram_args import Args, bad, done
from channels.twins.telegram_bot import Bot
from channels.twins.telegram_markup import Unparsable, parse, units
from channels.twins.telegram_rich import rich, said_by
from channels.twins.telegram_signs import TelegramSigns

Json = dict[str, Any]
TEXT, CAPTION = 4096, 1024
FETCHED = 20 * 1024 * 1024
UPLOADED = 50 * 1024 * 1024
PHOTO = 10 * 1024 * 1024
MEDIA = {f"send{f.replace('_', '')}": f for f in shapes.PREFIX}
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly "
    "the same as a current content and reply markup of the message"
)


class TelegramCalls:
    """Carries the calls of bots out on the phones."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.groups: dict[str, Group] = {}
        self.signs = TelegramSigns(state, self.chat, self.formatted)
        self.methods: dict[str, Callable[[Bot, Args], Reply]] = {
            "sendmessage": self.send_text,
            "sendlocation": self.send_place,
            "sendvenue": self.send_place,
            "sendcontact": self.send_card,
            "sendmediagroup": self.send_album,
            "sendchataction": self.action,
            "sendmessagedraft": self.signs.draft,
            "sendrichmessagedraft": self.signs.draft,
            "sendrichmessage": self.send_rich,
            "editmessagetext": self.edit_text,
            "editmessagecaption": self.edit_caption,
            "editmessagereplymarkup": self.edit_markup,
            "deletemessage": self.delete,
            "deletemessages": self.delete_many,
            "setmessagereaction": self.signs.react,
            "setmycommands": self.signs.set_commands,
            "getmycommands": lambda bot, args: done(bot.commands),
            "deletemycommands": self.signs.delete_commands,
            "answercallbackquery": self.answer_callback,
            "getfile": self.get_file,
            "getchat": lambda bot, args: done(self.chat(bot, args)),
        }
        self.methods |= {name: self._media_sender(field) for name, field in MEDIA.items()}

    # Chats and texts

    def chat(self, bot: Bot, args: Args) -> Json:
        """The chat that is meant; raise a refusal."""
        key = args.text("chat_id").strip()
        if not key:
            raise bad("chat_id is empty")
        if key in self.groups:
            return shapes.group(self.groups[key])
        person = self._state.people["telegram"].get(key)
        if person is None or not person.exists:
            raise bad("chat not found")
        if person.state == "blocked":
            raise bad("bot was blocked by the user", 403)
        if person.state == "deactivated":
            raise bad("user is deactivated", 403)
        return shapes.private(person)

    def formatted(self, args: Args, field: str) -> tuple[str, list[Json]]:
        """Text and entities; raise a refusal."""
        given = args.structure("entities" if field == "text" else "caption_entities")
        try:
            text, entities = parse(args.text(field), args.text("parse_mode"))
        except Unparsable as e:
            raise bad(f"can't parse entities: {e}") from None
        if not entities and isinstance(given, list):
            entities = given
        if field == "text" and not text:
            raise bad("message text is empty")
        if units(text) > (TEXT if field == "text" else CAPTION):
            kind = "message" if field == "text" else "message caption"
            raise bad(f"{kind} is too long")
        return text, entities

    def paced(self, bot: Bot, chat: Json) -> None:
        """One message a second for each chat, when the option says so."""
        if not self._state.options.flood:
            return
        key, now = str(chat["id"]), time.monotonic()
        if now - bot.last_sent.get(key, 0) < 1:
            raise bad("Too Many Requests: retry after 1", 429, retry_after=1)
        bot.last_sent[key] = now

    # Sending

    def send_text(self, bot: Bot, args: Args) -> Reply:
        """sendMessage."""
        chat = self.chat(bot, args)
        text, entities = self.formatted(args, "text")
        content: Json = {"text": text}
        if entities:
            content["entities"] = entities
        return done(self._sent(bot, args, chat, content, "text", text, entities))

    def send_rich(self, bot: Bot, args: Args) -> Reply:
        """sendRichMessage."""
        chat = self.chat(bot, args)
        if (blocks := rich(args)) is None:
            raise bad("rich_message is empty")
        content = {"rich_message": {"blocks": blocks}}
        return done(self._sent(bot, args, chat, content, "rich", said_by(blocks), rich=blocks))

    def send_place(self, bot: Bot, args: Args) -> Reply:
        """sendLocation, sendVenue."""
        chat = self.chat(bot, args)
        given = {"latitude": args.real("latitude"), "longitude": args.real("longitude")}
        named = {"name": args.text("title"), "address": args.text("address")}
        place = given | {k: v for k, v in named.items() if v}
        content = shapes.place(place)
        return done(self._sent(bot, args, chat, content, "location", place=place))

    def send_card(self, bot: Bot, args: Args) -> Reply:
        """sendContact."""
        chat = self.chat(bot, args)
        name = f"{args.text('first_name')} {args.text('last_name')}".strip()
        card = {"name": name, "phone": args.text("phone_number"), "vcard": args.text("vcard")}
        return done(self._sent(bot, args, chat, shapes.card(card), "contact", card=card))

    def _media_sender(self, field: str) -> Callable[[Bot, Args], Reply]:
        def send(bot: Bot, args: Args) -> Reply:
            chat = self.chat(bot, args)
            source = args.file(field)
            if source is None:
                raise bad(f"there is no {field} in the request")
            return done(self._send_media(bot, args, chat, field, source))

        return send

    def _send_media(
        self, bot: Bot, args: Args, chat: Json, field: str, source: Upload | str
    ) -> Json:
        text, entities = self.formatted(args, "caption")
        ids, small = shapes.file_id(field), shapes.file_id("photo")
        file, old = self._file(bot, field, source)
        if isinstance(source, str) and old:
            ids = (source, old)
        content: Json = {field: shapes.media(field, file, ids, small)}
        if field == "animation":
            content["document"] = shapes.media("document", file, ids, small)
        if text:
            content["caption"] = text
        if entities:
            content["caption_entities"] = entities
        path = f"{shapes.FOLDER.get(field, field + 's')}/file_{self._state.number()}"
        extension = "." + file.name.rpartition(".")[2] if "." in file.name else ""
        for found in (ids, small) if field == "photo" else (ids,):
            bot.keep_file(found, path + extension, file)
        kind = shapes.KIND.get(field, field)
        return self._sent(bot, args, chat, content, kind, text, entities, file=file)

    def _file(self, bot: Bot, field: str, source: Upload | str) -> tuple[File, str]:
        """The file, and its unique id when it is known already."""
        if isinstance(source, Upload):
            size = len(source.content)
            if not size:
                raise bad("file must be non-empty")
            if size > (PHOTO if field == "photo" else UPLOADED):
                raise bad("Request Entity Too Large", 413)
            mime = "" if source.mime == "application/octet-stream" else source.mime
            return self._state.files.put(source.content, mime, source.name), ""
        if source.startswith(("http://", "https://")):
            name = source.partition("?")[0].rpartition("/")[2]
            return self._state.files.put(b"", "", name, size=90_000, seconds=9, source=source), ""
        if source in bot.files:
            return bot.files[source][2], bot.files[source][0]
        raise bad("wrong file identifier/HTTP URL specified")

    def send_album(self, bot: Bot, args: Args) -> Reply:
        """sendMediaGroup."""
        chat = self.chat(bot, args)
        items = args.structure("media")
        if not isinstance(items, list) or not 2 <= len(items) <= 10:
            raise bad("wrong number of items in the media group; expected 2-10")
        fields = {str(item.get("type")) for item in items}
        alone = not fields <= {"photo", "video"} and len(fields) > 1
        if alone or fields & {"voice", "animation", "video_note", "sticker"}:
            raise bad("can't use the media of the specified type in the album")
        album = str(13_900_000_000_000_000 + self._state.number())
        sent = []
        for item in items:
            one = args.within(item)
            field = str(item.get("type"))
            source = one.file("media")
            if field not in shapes.PREFIX or source is None:
                raise bad("can't parse InputMedia")
            sent.append(self._send_media(bot, one, chat, field, source))
            sent[-1]["media_group_id"] = album
        return done(sent)

    def _sent(
        self,
        bot: Bot,
        args: Args,
        chat: Json,
        content: Json,
        kind: str,
        text: str = "",
        entities: list[Json] | None = None,
        **shown: Any,
    ) -> Json:
        self.paced(bot, chat)
        key = str(chat["id"])
        reply = self._reply(bot, args, key)
        message: Json = {
            "message_id": bot.number(),
            "from": bot.user(),
            "chat": chat,
            "date": int(time.time()),
        }
        if thread := args.number("message_thread_id"):
            message["message_thread_id"] = thread
        if reply:
            message["reply_to_message"] = {k: v for k, v in reply.items() if "reply_to" not in k}
        markup = args.structure("reply_markup") or {}
        inline = isinstance(markup, dict) and "inline_keyboard" in markup
        message |= content | ({"reply_markup": markup} if inline else {})
        bot.keep(message, self._state.options.keep)
        seen = Message(
            id=str(message["message_id"]),
            network="telegram",
            account=bot.id,
            chat=key,
            side="business",
            by="api",
            kind=kind,
            text=text,
            entities=entities or [],
            buttons=buttons(markup),
            reply_to=str(reply["message_id"]) if reply else None,
            raw=message,
            **shown,
        )
        self._state.add(seen)
        self._state.accepted("send", seen)
        return message

    def _reply(self, bot: Bot, args: Args, chat: str) -> Json | None:
        given = args.structure("reply_parameters") or {}
        number = given.get("message_id") if isinstance(given, dict) else None
        number = int(number or args.number("reply_to_message_id") or 0)
        if not number:
            return None
        found = bot.messages.get((chat, number))
        lenient = args.flag("allow_sending_without_reply") or given.get(
            "allow_sending_without_reply"
        )
        if found is None and not lenient:
            raise bad("message to be replied not found")
        return found

    # Changing

    def _own(self, bot: Bot, args: Args, chat: Json, verb: str) -> Json:
        found = bot.messages.get((str(chat["id"]), args.number("message_id")))
        if found is None:
            raise bad(f"message to {verb} not found")
        if verb == "edit" and found["from"]["id"] != int(bot.id):
            raise bad("message can't be edited")
        return found

    def edit_text(self, bot: Bot, args: Args) -> Reply:
        """editMessageText."""
        chat = self.chat(bot, args)
        message = self._own(bot, args, chat, "edit")
        if (blocks := rich(args)) is not None:
            return done(self._enriched(bot, args, message, blocks))
        text, entities = self.formatted(args, "text")
        if "text" not in message and "rich_message" not in message:
            raise bad("there is no text in the message to edit")
        return done(self._edited(bot, args, message, "text", text, entities))

    def edit_caption(self, bot: Bot, args: Args) -> Reply:
        """editMessageCaption."""
        chat = self.chat(bot, args)
        message = self._own(bot, args, chat, "edit")
        text, entities = self.formatted(args, "caption")
        return done(self._edited(bot, args, message, "caption", text, entities))

    def edit_markup(self, bot: Bot, args: Args) -> Reply:
        """editMessageReplyMarkup."""
        message = self._own(bot, args, self.chat(bot, args), "edit")
        field = "text" if "text" in message else "caption"
        old = message.get("entities" if field == "text" else "caption_entities", [])
        return done(self._edited(bot, args, message, field, message.get(field, ""), old))

    def _enriched(self, bot: Bot, args: Args, message: Json, blocks: list[Json]) -> Json:
        """A text that becomes a rich message, or one that says something else."""
        markup = args.structure("reply_markup") or {}
        if (message.get("rich_message") or {}).get("blocks") == blocks:
            raise bad(NOT_MODIFIED)
        old = ("text", "entities", "reply_markup", "rich_message")
        edited = {k: v for k, v in message.items() if k not in old}
        edited |= {"edit_date": int(time.time()), "rich_message": {"blocks": blocks}}
        if "inline_keyboard" in markup:
            edited["reply_markup"] = markup
        bot.keep(edited, self._state.options.keep)
        if seen := self._state.find("telegram", bot.id, str(message["chat"]["id"]), str(message["message_id"])):
            seen.buttons, seen.raw, seen.rich, seen.kind = buttons(markup), edited, blocks, "rich"
            self._state.edit(seen, said_by(blocks))
            self._state.accepted("edit", seen)
        return edited

    def _edited(
        self, bot: Bot, args: Args, message: Json, field: str, text: str, entities: list[Json]
    ) -> Json:
        marks = "entities" if field == "text" else "caption_entities"
        markup = args.structure("reply_markup") or {}
        inline = markup if "inline_keyboard" in markup else None
        same = (message.get(field, ""), message.get(marks, []), message.get("reply_markup"))
        if same == (text, entities, inline):
            raise bad(NOT_MODIFIED)
        # The old one may have been answered already and must not change under the reader's hands.
        edited = {k: v for k, v in message.items() if k not in (field, marks, "reply_markup", "rich_message")}
        edited["edit_date"] = int(time.time())
        edited[field] = text
        if entities:
            edited[marks] = entities
        if inline:
            edited["reply_markup"] = inline
        bot.keep(edited, self._state.options.keep)
        chat, number = str(message["chat"]["id"]), str(message["message_id"])
        if seen := self._state.find("telegram", bot.id, chat, number):
            seen.buttons, seen.raw, seen.rich = buttons(markup), edited, []
            if seen.text != text or seen.entities != entities:
                self._state.edit(seen, text, entities)
            else:
                self._state.changed(seen)
            self._state.accepted("edit", seen)
        return edited

    def delete(self, bot: Bot, args: Args) -> Reply:
        """deleteMessage."""
        chat = self.chat(bot, args)
        message = self._own(bot, args, chat, "delete")
        self._gone(bot, str(chat["id"]), message["message_id"])
        return done(True)

    def delete_many(self, bot: Bot, args: Args) -> Reply:
        """deleteMessages: those not found are skipped."""
        chat = str(self.chat(bot, args)["id"])
        for number in args.structure("message_ids") or []:
            if (chat, int(number)) in bot.messages:
                self._gone(bot, chat, int(number))
        return done(True)

    def _gone(self, bot: Bot, chat: str, number: int) -> None:
        bot.messages.pop((chat, number), None)
        if seen := self._state.find("telegram", bot.id, chat, str(number)):
            seen.deleted = True
            self._state.changed(seen)
            self._state.accepted("delete", seen)

    # The rest

    def action(self, bot: Bot, args: Args) -> Reply:
        """sendChatAction: shown for five seconds or until a message."""
        chat = self.chat(bot, args)
        if not args.text("action"):
            raise bad("wrong parameter action in request")
        self._state.typing("telegram", bot.id, str(chat["id"]), 5.0)
        return done(True)

    def answer_callback(self, bot: Bot, args: Args) -> Reply:
        """answerCallbackQuery: the spinner stops, once."""
        asked = bot.callbacks.pop(args.text("callback_query_id"), None)
        if asked is None or time.time() - asked > 150:
            raise bad("query is too old and response timeout expired or query ID is invalid")
        return done(True)

    def get_file(self, bot: Bot, args: Args) -> Reply:
        """getFile."""
        found = bot.files.get(args.text("file_id"))
        if found is None:
            raise bad("invalid file_id")
        unique, path, file = found
        if file.size > FETCHED:
            raise bad("file is too big")
        answer = {"file_id": args.text("file_id"), "file_unique_id": unique}
        return done(answer | {"file_size": file.size, "file_path": path})


def buttons(markup: Any) -> list[Json]:
    """Buttons of either keyboard, for the phone."""
    if not isinstance(markup, dict):
        return []
    found = []
    for row in markup.get("inline_keyboard") or markup.get("keyboard") or []:
        for b in row:
            b = {"text": b} if isinstance(b, str) else b
            one = {"id": b.get("callback_data") or "", "text": b.get("text", "")}
            found.append(one | {"url": b.get("url"), "keyboard": "keyboard" in markup})
    return found
