"""The Telegram twin: paths, tokens, and what people do as updates."""

import re
import time
from typing import Any

import orjson
from aiohttp import web

from channels.twins import telegram_shapes as shapes
from channels.twins.people import Person
from channels.twins.replies import Body, Refused, Reply
from channels.twins.said import MEDIA, Said
from channels.twins.state import Message, State
from channels.twins.telegram_args import Args, bad, done
from channels.twins.telegram_bot import Bot
from channels.twins.telegram_calls import TelegramCalls
from channels.twins.telegram_hooks import TelegramHooks
from channels.twins.webhooks import Hooks, Push

Json = dict[str, Any]
TOKEN = re.compile(r"(\d{1,20}):([A-Za-z0-9_-]{3,128})")
DEFAULT = "110000001"
# What a bot may ask and get a plain yes to.
FINE = ("logout", "close", "setmydescription")
ERRORS: dict[str, tuple[int, str]] = {
    "blocked": (403, "Forbidden: bot was blocked by the user"),
    "deactivated": (403, "Forbidden: user is deactivated"),
    "unauthorized": (401, "Unauthorized"),
    "chat_not_found": (400, "Bad Request: chat not found"),
    "too_long": (400, "Bad Request: message is too long"),
    "markup": (400, 'Bad Request: can\'t parse entities: Unsupported start tag "x"'),
    "bad_album": (400, "Bad Request: can't use the media of the specified type in the album"),
    "internal": (500, "Internal Server Error"),
}


class TelegramTwin:
    """All bots."""

    name = "telegram"

    def __init__(self, state: State, hooks: Hooks) -> None:
        self._state = state
        self._hooks = hooks
        self.calls = TelegramCalls(state)
        self.webhooks = TelegramHooks(state, hooks)
        self.bots: dict[str, Bot] = {}

    async def handle(self, request: web.Request, path: str, body: Body) -> Reply:
        """bot<token>/<method> and file/bot<token>/<path>."""
        filing = path.startswith("file/")
        token, _, rest = path.removeprefix("file/").removeprefix("bot").partition("/")
        try:
            bot = self.bot(token)
            if filing:
                return self._download(bot, rest)
            return self.call(bot, rest, Args(dict(request.query), body))
        except Refused as e:
            return e.reply

    def call(self, bot: Bot, method: str, args: Args) -> Reply:
        """One method; names are not case-sensitive."""
        name = method.lower()
        match name:
            case "getme":
                return done(bot.me())
            case "setwebhook":
                return self.webhooks.set(bot, args)
            case "deletewebhook":
                return self.webhooks.delete(bot, args)
            case "getwebhookinfo":
                return done(bot.info())
            case "getupdates":
                return self.webhooks.updates(bot, args)
        if name in FINE:
            return done(True)
        if name not in self.calls.methods:
            raise bad("method not found", 404)
        return self.calls.methods[name](bot, args)

    def bot(self, token: str) -> Bot:
        """The bot of a token; raise a refusal."""
        shape = TOKEN.fullmatch(token)
        if shape is None:
            raise bad("Unauthorized: invalid token specified", 401)
        options = self._state.options
        if not options.known(self.name, shape[1]) or not (
            options.secret_ok(self.name, shape[1], token if options.accounts else shape[2])
        ):
            raise bad("Unauthorized", 401)
        bot = self.bots.get(shape[1])
        if bot is None:
            bot = self.bots[shape[1]] = Bot(shape[1], token)
            self._state.publish("account", {"network": self.name, "id": bot.id, "webhook": None})
        if bot.token != token:
            if bot.registered:
                raise bad("Unauthorized", 401)  # a bot has one token at a time
            bot.token = token
        bot.seen = time.time()
        return bot

    def _download(self, bot: Bot, path: str) -> Reply:
        for _, known, file in bot.files.values():
            if known == path:
                kind = {"Content-Type": "application/octet-stream"}
                return Reply(200, file.content, kind)
        raise bad("Not Found", 404)

    # People

    def say(self, said: Said) -> tuple[str, list[Push]]:
        """What a person does, as updates."""
        bot = self.bots.setdefault(said.account, Bot(said.account, f"{said.account}:TWIN"))
        if said.group:
            self.calls.groups[said.group.id] = said.group
        if said.kind in ("block", "unblock"):
            return "", self._member(bot, said)
        if said.kind == "typing" or said.from_me:
            return "", []  # bots are told neither
        if said.person.state == "blocked":
            raise ValueError("this person has blocked the bot")
        if said.kind in ("edit", "delete", "reaction", "button"):
            return self._about(bot, said)
        return self._message(bot, said)

    def _chat(self, said: Said) -> Json:
        return shapes.group(said.group) if said.group else shapes.private(said.person)

    def _message(self, bot: Bot, said: Said) -> tuple[str, list[Push]]:
        at = int(said.at)
        message: Json = {
            "message_id": int(said.id) if said.id else bot.number(),
            "from": shapes.user(said.person),
            "chat": self._chat(said),
            "date": at,
        }
        if said.forwarded:
            message |= shapes.forwarded(at)
        reply = bot.messages.get((said.chat, int(said.reply_to))) if said.reply_to else None
        if reply:
            message["reply_to_message"] = {k: v for k, v in reply.items() if "reply_to" not in k}
        if said.album:
            message["media_group_id"] = said.album
        text = f"@{bot.username} {said.text}".strip() if said.mention else said.text
        message |= self._content(bot, said, text)
        bot.keep(message, self._state.options.keep)
        self._state.add(self._seen(bot, said, message, text))
        kind = "channel_post" if message["chat"]["type"] == "channel" else "message"
        return str(message["message_id"]), self._push(bot, kind, message, said, said.chat)

    def _content(self, bot: Bot, said: Said, text: str) -> Json:
        if said.kind == "location":
            return shapes.place(said.place)
        if said.kind == "contact":
            return shapes.card(said.card)
        marks = shapes.entities(said, bot.username)
        if said.kind not in MEDIA or said.file is None:
            return {"text": text} | ({"entities": marks} if marks else {})
        field = shapes.FIELD.get(said.kind, said.kind)
        ids, small = shapes.file_id(field), shapes.file_id("photo")
        extension = said.file.name.rpartition(".")[2]
        folder = shapes.FOLDER.get(field, field + "s")
        bot.keep_file(ids, f"{folder}/file_{self._state.number()}.{extension}", said.file)
        bot.keep_file(small, f"{folder}/file_{self._state.number()}.{extension}", said.file)
        content: Json = {field: shapes.media(field, said.file, ids, small)}
        if field == "animation":
            content["document"] = shapes.media("document", said.file, ids, small)
        return content | ({"caption": text} if text else {})

    def _seen(self, bot: Bot, said: Said, message: Json, text: str) -> Message:
        return Message(
            id=str(message["message_id"]),
            network=self.name,
            account=bot.id,
            chat=said.chat,
            author=said.person.name,
            kind=said.kind,
            text=text,
            file=said.file,
            place=said.place or None,
            card=said.card or None,
            reply_to=said.reply_to,
            at=said.at,
            raw=message,
        )

    def _about(self, bot: Bot, said: Said) -> tuple[str, list[Push]]:
        """An edit, a deletion, a reaction or a pressed button."""
        seen = self._state.find(self.name, bot.id, said.chat, said.target)
        if seen is None:
            raise ValueError(f"there is no message {said.target} in this chat")
        if said.kind == "delete":  # bots are not told
            seen.deleted = True
            self._state.changed(seen)
            return seen.id, []
        if said.kind == "edit":
            message = seen.raw | {"edit_date": int(said.at)}
            message["caption" if seen.file else "text"] = said.text
            seen.raw = bot.keep(message, self._state.options.keep)
            self._state.edit(seen, said.text)
            return seen.id, self._push(bot, "edited_message", message, said, said.chat)
        if said.kind == "button":
            return seen.id, self._pressed(bot, said, seen)
        return seen.id, self._reacted(bot, said, seen)

    def _pressed(self, bot: Bot, said: Said, seen: Message) -> list[Push]:
        query = str(3_006_477_107_000_000_000 + self._state.number())
        bot.callbacks[query] = time.time()
        body = {
            "id": query,
            "from": shapes.user(said.person),
            "message": seen.raw,
            "chat_instance": "-1234567890123456789",
            "data": said.button["id"],
        }
        return self._push(bot, "callback_query", body, said, f"callback {said.person.id}")

    def _reacted(self, bot: Bot, said: Said, seen: Message) -> list[Push]:
        old, seen.reactions["person"] = seen.reactions.get("person", ""), said.emoji
        self._state.changed(seen)
        body = {
            "chat": self._chat(said),
            "message_id": int(seen.id),
            "user": shapes.user(said.person),
            "date": int(said.at),
            "old_reaction": [{"type": "emoji", "emoji": old}] if old else [],
            "new_reaction": [{"type": "emoji", "emoji": said.emoji}] if said.emoji else [],
        }
        return self._push(bot, "message_reaction", body, said, f"reaction {said.chat}")

    def _member(self, bot: Bot, said: Said) -> list[Push]:
        blocked = said.kind == "block"
        given = {"id": said.person.id, "state": "blocked" if blocked else "active"}
        person: Person = self._state.person(self.name, given)
        states: list[Json] = [
            {"user": bot.user(), "status": "member"},
            {"user": bot.user(), "status": "kicked", "until_date": 0},
        ]
        body = {
            "chat": shapes.private(person),
            "from": shapes.user(person),
            "date": int(said.at),
            "old_chat_member": states[0 if blocked else 1],
            "new_chat_member": states[1 if blocked else 0],
        }
        return self._push(bot, "my_chat_member", body, said, f"member {said.chat}")

    def _push(self, bot: Bot, kind: str, body: Json, said: Said, queue: str) -> list[Push]:
        if not bot.wants(kind):
            return []
        update = bot.update(kind, body, said.chat, queue)
        return [self.webhooks.push(bot, update, self._answered)]

    def _answered(self, bot: Bot, body: bytes) -> None:
        """A webhook's answer may hold a call; what comes of it is not told."""
        try:
            call = orjson.loads(body)
            method = call.pop("method")
            self.call(bot, str(method), Args({}, Body(data=call)))
        except (ValueError, KeyError, AttributeError, Refused):
            return

    def dispatch(self, push: Push, *, ordered: bool = True) -> None:
        """Updates of a chat go one after another."""
        self._hooks.post(push, ordered=ordered)

    def read(self, account: str, chat: str) -> None:
        """Bots are not told; the phone shows it."""
        known = self._state.chats.get((self.name, account, chat))
        for message in known.messages.values() if known else ():
            if message.side == "business" and message.status != "read":
                message.status = "read"
                self._state.changed(message)

    # For tests

    def limited(self, seconds: float, path: str) -> Reply:
        """429."""
        whole = max(1, int(seconds))
        body = {
            "ok": False,
            "error_code": 429,
            "description": f"Too Many Requests: retry after {whole}",
            "parameters": {"retry_after": whole},
        }
        return Reply(429, body, {"Retry-After": str(whole)})

    def error(self, name: str, path: str) -> Reply | None:
        """Named errors; 502 comes from the servers in front."""
        if name == "bad_gateway":
            page = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
            return Reply(502, page, {"Content-Type": "text/html"})
        if name not in ERRORS:
            return None
        status, words = ERRORS[name]
        return Reply(status, {"ok": False, "error_code": status, "description": words})

    def account(self, given: str) -> str:
        """A bot's id; tokens are taken too."""
        if given:
            return given.partition(":")[0]
        last = max(self.bots.values(), key=lambda b: (b.registered, b.seen), default=None)
        return last.id if last else DEFAULT

    def accounts(self) -> list[Json]:
        """The bots seen."""
        names = ((b, b.user()["first_name"]) for b in self.bots.values())
        return [
            {
                "id": b.id,
                "name": n,
                "username": b.username,
                "webhook": b.url or None,
                "since": b.registered,
            }
            for b, n in names
        ]

    def set(self, account: str, given: Json) -> None:
        """Nothing about a bot can be changed from outside."""

    def reset(self) -> None:
        """Forget all bots."""
        self.bots.clear()
        self.calls.groups.clear()
