"""The Cloud API behind Kapso: messages, read receipts, media."""

import time
from typing import Any

from channels.twins import kapso_shapes as shapes
from channels.twins.files import File
from channels.twins.kapso_errors import (
    UPLOADS,
    failure,
    invalid,
    meta_error,
    own_error,
    upload_error,
)
from channels.twins.kapso_number import Number, single
from channels.twins.replies import Body, Refused, Reply
from channels.twins.state import Message, State
from channels.twins.templates import Templates
from channels.twins.webhooks import Hooks
from channels.twins.whatsapp import DELIVERED, raised, ticks

Json = dict[str, Any]
DAY = 86_400
MEDIA = ("image", "audio", "video", "document", "sticker")
LIMIT, CAPTION = 4096, 1024
LARGEST = {"image": 5, "audio": 16, "video": 16, "document": 100, "sticker": 1}
TYPING = 25.0


class KapsoSends:
    """Carries the calls out on the phones."""

    def __init__(self, state: State, hooks: Hooks, name: str = "kapso") -> None:
        self.name = name
        self._state = state
        self._hooks = hooks
        self._last: dict[tuple[str, str], float] = {}
        self.templates = Templates()

    def post(self, number: Number, given: Json) -> Reply:
        """/{phone_number_id}/messages."""
        if given.get("messaging_product") != "whatsapp":
            raise invalid("The parameter messaging_product is required.")
        if given.get("status") == "read":
            return self._read(number, given)
        to = str(given.get("to") or given.get("recipient") or "")
        if not to:
            raise invalid("The parameter to is required.")
        chat = self._state.resolve(self.name, to)
        who = self._state.person(self.name, chat)
        kind = str(given.get("type") or "text")
        message = self._message(number, chat, kind, given)
        closed = self._closed(number, chat, kind)
        if closed and self._state.options.window == "sync":
            raise Refused(meta_error("131047"))
        self._paced(number, chat)
        if kind != "reaction":  # which only changes what it is about
            self._state.add(message)
        self._state.accepted("send", message)
        reason = "131047" if closed else "" if who.exists else "131026"
        self._state.spawn(self._fate(number, message, reason))
        sent: Json = {"id": message.id}
        if kind == "template" and given["template"]["name"].startswith("paused"):
            sent["message_status"] = "held_for_quality_assessment"
        contact = {"input": to, "wa_id": who.phone or chat}
        known = {"messaging_product": "whatsapp", "contacts": [contact]}
        return Reply(200, known | {"messages": [sent]})

    def _closed(self, number: Number, chat: str, kind: str) -> bool:
        """Outside the customer-service window."""
        if kind == "template" or self._state.options.window == "off":
            return False
        last = self._state.chat(self.name, number.id, chat).last_inbound
        return time.time() - last > DAY

    def _paced(self, number: Number, chat: str) -> None:
        """The pair limit, when the option says so."""
        if not self._state.options.flood:
            return
        now = time.monotonic()
        if now - self._last.get((number.id, chat), 0) < 1:
            raise Refused(meta_error("131056"))
        self._last[number.id, chat] = now

    def _message(self, number: Number, chat: str, kind: str, given: Json) -> Message:
        content = given.get(kind)
        if not isinstance(content, dict | list) or not content:
            raise invalid(f"The parameter {kind} is required.")
        context = given.get("context") or {}
        message = Message(
            id=shapes.wamid(chat),
            network=self.name,
            account=number.id,
            chat=chat,
            side="business",
            by="api",
            kind=kind,
            status="queued",
            reply_to=context.get("message_id"),
            callback=given.get("biz_opaque_callback_data"),
            raw={"type": kind, "content": content, "statuses": []},
        )
        self._content(message, content)
        return message

    def _content(self, message: Message, content: Any) -> None:
        match message.kind:
            case "text":
                self._text(message, str(content.get("body") or ""))
            case "image" | "audio" | "video" | "document" | "sticker":
                self._media(message, content)
            case "location":
                message.place = dict(content)
            case "contacts":
                self._card(message, content[0])
            case "template":
                self._template(message, content)
            case "interactive":
                self._interactive(message, content)
            case "reaction":
                self._reaction(message, content)
            case _:
                raise invalid(f"Param type must be one of the supported: {message.kind} is not.")

    def _text(self, message: Message, text: str) -> None:
        if not text:
            raise invalid("Param text['body'] must be a non-empty string.")
        if len(text) > LIMIT:
            raise invalid("Param text['body'] must be at most 4096 characters long.")
        message.text = text

    def _reaction(self, message: Message, content: Json) -> None:
        message.text = str(content.get("emoji") or "")
        about = str(content.get("message_id"))
        known = self._state.find(self.name, message.account, message.chat, about)
        if known is not None:
            known.reactions["business"] = message.text
            self._state.changed(known)

    def _card(self, message: Message, first: Json) -> None:
        phones = first.get("phones") or [{}]
        name = (first.get("name") or {}).get("formatted_name", "")
        message.kind = "contact"
        message.card = {"name": name, "phone": phones[0].get("phone", "")}

    def _media(self, message: Message, content: Json) -> None:
        message.text = str(content.get("caption") or "")
        if len(message.text) > CAPTION:
            raise invalid(f"Param {message.kind}['caption'] must be at most 1024 characters long.")
        if link := content.get("link"):
            name = str(content.get("filename") or str(link).partition("?")[0].rpartition("/")[2])
            message.file = self._state.files.put(b"", "", name, size=48_213, source=str(link))
        else:
            message.file = self.file(str(content.get("id") or ""))
            if message.file is None:
                raise invalid(
                    f"Param {message.kind}.id is not a valid whatsapp business account media "
                    "attachment ID"
                )
        if content.get("voice"):
            message.kind = "voice"

    def _template(self, message: Message, content: Json) -> None:
        name = str(content.get("name") or "")
        language = (content.get("language") or {}).get("code")
        if not name or not language:
            raise invalid("The parameters template.name and template.language are required.")
        if name.startswith("missing"):
            details = f"template name ({name}) does not exist in {language}"
            raise Refused(meta_error("132001", details))
        known = self.templates.check(content)
        values = [
            str(p.get("text", ""))
            for part in content.get("components") or []
            for p in part.get("parameters") or []
        ]
        message.text = known or " ".join([f"[{name}]", *values])

    def _interactive(self, message: Message, content: Json) -> None:
        message.text = str((content.get("body") or {}).get("text") or "")
        action = content.get("action") or {}
        buttons = [b.get("reply") or {} for b in action.get("buttons") or []]
        rows = [r for s in action.get("sections") or [] for r in s.get("rows") or []]
        if len(buttons) > 3:
            raise invalid("Param interactive['action']['buttons'] must have at most 3 buttons.")
        if any(len(str(b.get("title") or "")) > 20 for b in buttons):
            raise invalid("Button title length invalid. Min length: 1, Max length: 20")
        if len(rows) > 10:
            raise invalid("Total row count exceed max allowed count: 10")
        found = [{"id": b.get("id"), "text": b.get("title"), "list": False} for b in buttons]
        message.buttons = found + [
            {"id": r.get("id"), "text": r.get("title"), "list": True} for r in rows
        ]

    def _read(self, number: Number, given: Json) -> Reply:
        """A read receipt, with or without the typing indicator."""
        wanted = str(given.get("message_id") or "")
        if not wanted:
            raise invalid("The parameter message_id is required.")
        for (network, account, chat), known in list(self._state.chats.items()):
            if (network, account) == (self.name, number.id) and wanted in known.messages:
                raised(self._state, known.messages[wanted], "read")
                if given.get("typing_indicator"):
                    self._state.typing(self.name, number.id, chat, TYPING)
        return Reply(200, {"success": True})

    async def _fate(self, number: Number, message: Message, reason: str) -> None:
        """Statuses; `sent` may well arrive before the caller has its answer."""

        def told(m: Message, stage: str) -> None:
            self.status(number, m, stage)

        if not reason:
            await ticks(self._state, message, told)
            return
        if reason == "131047":  # such a message is taken at first
            raised(self._state, message, "sent")
            self.status(number, message, "sent")
            await self._state.sleep(DELIVERED)
        message.status, message.error = "failed", reason
        self._state.changed(message)
        self.status(number, message, "failed", failure(reason))

    def status(
        self, number: Number, message: Message, stage: str, error: Json | None = None
    ) -> None:
        """Tell a new status, with those before it."""
        message.raw["statuses"].append(shapes.status(message, stage, error))
        who = self._state.people[self.name].get(message.chat)
        chat = self._state.chat(self.name, number.id, message.chat)
        body = shapes.sent(message, stage)
        hidden = bool(who and not who.phone)
        item = shapes.event(number, who, message.chat, chat, body, hidden=hidden)
        name = f"whatsapp.message.{stage}"
        for hook in number.listeners(name):
            meta = shapes.meta(number, who, body)
            self._hooks.post(single(number, hook, name, item, meta))

    # Media

    def upload(self, body: Body) -> Reply:
        """/{phone_number_id}/media."""
        fields = body.data if isinstance(body.data, dict) else {}
        part = body.files.get("file")
        if part is None or fields.get("messaging_product") != "whatsapp":
            raise invalid("The parameters file and messaging_product are required.")
        if part.mime.partition(";")[0] not in UPLOADS.split(", "):
            raise upload_error(part.mime)
        family = part.mime.partition("/")[0]
        most = LARGEST.get(family, LARGEST["document"]) * 1024 * 1024
        if len(part.content) > most:
            raise invalid(f"Param file must be at most {most} bytes.")
        file = self._state.files.put(part.content, part.mime, part.name)
        return Reply(200, {"id": str(int(file.id, 16))})

    def file(self, media_id: str) -> File | None:
        """The file of a media id."""
        return self._state.files.get(f"{int(media_id):016x}") if media_id.isdigit() else None

    def media(self, media_id: str, origin: str) -> Reply:
        """GET /{media_id}."""
        file = self.file(media_id)
        if file is None:
            return own_error("not_found", "Media not found")
        where = f"{origin}/kapso/meta/whatsapp/media_download?token={file.id}"
        known = {
            "url": f"https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid={media_id}",
            "download_url": where,
            "mime_type": file.mime.partition(";")[0],
            "sha256": "5457494e",
            "file_size": file.size,
            "id": media_id,
            "messaging_product": "whatsapp",
        }
        return Reply(200, known)
