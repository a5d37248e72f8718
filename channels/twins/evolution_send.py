"""Evolution's sending calls: validation, the answer, and what the webhook is told after."""

import time
from typing import Any

from channels.twins import evolution_shapes as shapes
from channels.twins.evolution_instance import Instance, failed, invalid
from channels.twins.files import File
from channels.twins.people import person
from channels.twins.replies import Body, Refused, Reply
from channels.twins.state import Message, State
from channels.twins.webhooks import Hooks
from channels.twins.whatsapp import file_of, new_id, ticks

Json = dict[str, Any]
TEXT = {"type": str, "name": "string"}
# Route -> what the body must have.
REQUIRED: dict[str, tuple[str, ...]] = {
    "message/sendText": ("number", "text"),
    "message/sendMedia": ("number", "mediatype"),
    "message/sendPtv": ("number",),
    "message/sendWhatsAppAudio": ("number",),
    "message/sendSticker": ("number",),
    "message/sendLocation": ("number", "latitude", "longitude", "name", "address"),
    "message/sendContact": ("number", "contact"),
    "message/sendReaction": ("key", "reaction"),
    "message/sendList": ("number", "title", "footerText", "buttonText", "sections"),
    "chat/updateMessage": ("number", "text", "key"),
    "chat/sendPresence": ("number", "presence", "delay"),
    "chat/markMessageAsRead": ("readMessages",),
    "chat/getBase64FromMediaMessage": ("message",),
    "chat/whatsappNumbers": ("numbers",),
    "chat/findMessages": (),
}
STRINGS = ("number", "text", "mediatype", "caption", "fileName", "presence", "reaction")
STATUS = {"sent": "SERVER_ACK", "delivered": "DELIVERY_ACK", "read": "READ"}
FIELD = {"sendWhatsAppAudio": "audio", "sendSticker": "sticker", "sendPtv": "video"}
KINDS = {"sendWhatsAppAudio": "voice", "sendSticker": "sticker", "sendPtv": "video_note"}


def validate(route: str, given: Json) -> None:
    """As the JSON schema says it; raise a refusal."""
    missing = [f'instance requires property "{n}"' for n in REQUIRED[route] if n not in given]
    wrong = [
        f"instance.{n} is not of a type(s) string"
        for n in STRINGS
        if n in given and not isinstance(given[n], str)
    ]
    if problems := missing + wrong:
        raise Refused(invalid(*problems))


class EvolutionSends:
    """Carries the calls out on the phones."""

    def __init__(self, state: State, hooks: Hooks) -> None:
        self._state = state
        self._hooks = hooks

    async def send(self, instance: Instance, call: str, given: Json, body: Body) -> Reply:
        """/message/<call>/{instance}."""
        chat, remote = self.receiver(instance, given)
        if (twice := self._known(instance, given)) is not None:
            return Reply(201, twice.raw)
        if delay := float(given.get("delay") or 0) / 1000:
            self._state.typing("evolution", instance.name, chat, delay)
            await self._state.sleep(delay)  # the answer is held as long
        message = Message(
            id=str(self._named(instance, given) or new_id()),
            network="evolution",
            account=instance.name,
            chat=chat,
            side="business",
            by="api",
            status="queued",
            reply_to=self._quoted(given),
        )
        kind, content = self._content(instance, message, call, given, body)
        message.raw = self._raw(instance, message, remote, kind, content)
        self._shown(instance, message, "send")
        self._tell(instance, "send.message", message.raw, chat)
        if self._state.options.echo_upsert:
            self._tell(instance, "messages.upsert", message.raw, chat)
        self._state.spawn(self._ticks(instance, message))
        return Reply(201, message.raw)

    def receiver(self, instance: Instance, given: Json) -> tuple[str, str]:
        """Chat key and jid; raise a refusal for numbers without WhatsApp."""
        number = str(given.get("number") or (given.get("key") or {}).get("remoteJid") or "")
        chat = self._state.resolve("evolution", number)
        if instance.state != "open":
            raise Refused(failed(400, "Bad Request", ["Error: Connection Closed"]))
        if chat.endswith("@g.us") or (chat.isdigit() and len(chat) >= 18):
            return chat, chat if "@" in chat else f"{chat}@g.us"
        if number.endswith("@lid"):
            return chat, number
        remote = f"{chat}@s.whatsapp.net"
        if not chat.isdigit() or not self._state.person("evolution", chat).exists:
            nobody = {"jid": remote, "exists": False, "number": number}
            raise Refused(failed(400, "Bad Request", [nobody]))
        return chat, remote

    def _named(self, instance: Instance, given: Json) -> str | None:
        """An id of the caller's own: from 2.4 on."""
        return given.get("messageId") if instance.version.startswith("2.4") else None

    def _known(self, instance: Instance, given: Json) -> Message | None:
        name = self._named(instance, given)
        return instance.messages.get(name) if name else None

    def _quoted(self, given: Json) -> str | None:
        quoted = given.get("quoted")
        key = quoted.get("key") if isinstance(quoted, dict) else None
        return str(key["id"]) if isinstance(key, dict) and key.get("id") else None

    def _content(
        self, instance: Instance, message: Message, call: str, given: Json, body: Body
    ) -> tuple[str, Json]:
        match call:
            case "sendText":
                message.text = given["text"]
                return "conversation", {"conversation": message.text}
            case "sendLocation":
                return self._place(message, given)
            case "sendContact":
                return self._card(message, given)
            case "sendList":
                return self._list(message, given)
            case "sendReaction":
                return self._reaction(instance, message, given)
        return self._media(instance, message, call, given, body)

    def _place(self, message: Message, given: Json) -> tuple[str, Json]:
        names = ("name", "address")
        where = {k: float(given[k]) for k in ("latitude", "longitude")}
        message.kind, message.place = "location", where | {k: given.get(k) for k in names}
        spot = {"degreesLatitude": where["latitude"], "degreesLongitude": where["longitude"]}
        return "locationMessage", {"locationMessage": spot | {k: given[k] for k in names}}

    def _card(self, message: Message, given: Json) -> tuple[str, Json]:
        first = given["contact"][0] if given["contact"] else {}
        name, phone = first.get("fullName", ""), first.get("phoneNumber", "")
        wuid = first.get("wuid") or "".join(c for c in phone if c.isdigit())
        lines = ("BEGIN:VCARD", "VERSION:3.0", f"N:{name}", f"FN:{name}")
        tel = (f"item1.TEL;waid={wuid}:{phone}", "item1.X-ABLabel:Celular", "END:VCARD")
        message.kind, message.card = "contact", {"name": name, "phone": phone}
        shown = {"displayName": name, "vcard": "\n".join((*lines, *tel))}
        return "contactMessage", {"contactMessage": shown}

    def _list(self, message: Message, given: Json) -> tuple[str, Json]:
        rows = [r for s in given["sections"] for r in s.get("rows") or []]
        if not rows or any(not r.get("title") or not r.get("rowId") for r in rows):
            raise Refused(invalid("instance.sections[0].rows does not meet minimum length of 1"))
        if any(r.get("description") == "" for r in rows):
            raise Refused(invalid('The "description" cannot be empty'))
        message.text = str(given.get("description") or given["title"])
        message.buttons = [{"id": r["rowId"], "text": r["title"], "list": True} for r in rows]
        names = ("title", "description", "buttonText", "footerText", "sections")
        return "listMessage", {"listMessage": {n: given[n] for n in names if n in given} | {"listType": 2}}

    def _reaction(self, instance: Instance, message: Message, given: Json) -> tuple[str, Json]:
        message.kind, message.text = "reaction", given["reaction"]
        about = instance.messages.get(str(given["key"].get("id")))
        if about is not None:
            about.reactions["business"] = given["reaction"]
            self._state.changed(about)
        stamp = shapes.Encoding(instance.version).long(int(time.time() * 1000))
        body = {"key": given["key"], "text": given["reaction"], "senderTimestampMs": stamp}
        return "reactionMessage", {"reactionMessage": body}

    def _media(
        self, instance: Instance, message: Message, call: str, given: Json, body: Body
    ) -> tuple[str, Json]:
        field = FIELD.get(call, "media")
        message.kind = KINDS.get(call) or str(given.get("mediatype"))
        if message.kind not in shapes.TYPES:
            allowed = "image,document,video,audio,ptv"
            raise Refused(invalid(f"instance.mediatype is not one of enum values: {allowed}"))
        message.text = str(given.get("caption") or "")
        message.file = self._file(call, field, given, body)
        enc = shapes.Encoding(instance.version)
        name, content = shapes.media(message.kind, message.file, message.text, enc)
        return name, self._answered(name, content, message.file, call)

    def _file(self, call: str, field: str, given: Json, body: Body) -> File:
        mime = str(given.get("mimetype") or "")
        name = str(given.get("fileName") or "")
        if call == "sendWhatsAppAudio":  # it converts whatever comes
            mime, name = "audio/ogg; codecs=opus", "audio.ogg"
        if upload := body.files.get("file"):
            return self._state.files.put(upload.content, mime or upload.mime, name or upload.name)
        source = given.get(field)
        if not isinstance(source, str) or not source:
            words = f"Owned media must be a url, base64, or valid file with field name: {field}"
            raise Refused(failed(400, "Bad Request", [words]))
        if source.startswith("data:"):
            raise Refused(failed(400, "Bad Request", ["Owned media must be a url or base64"]))
        return file_of(self._state, source, mime, name)

    def _answered(self, name: str, content: Json, file: File, call: str) -> Json:
        """What an answer shows of the file."""
        body = content[name]
        if name == "audioMessage":
            kept = (
                ("url", "mimetype", "seconds", "ptt")
                if file.source
                else ("mimetype", "seconds", "ptt")
            )
            return {name: {k: body[k] for k in kept}}
        if name == "documentMessage":
            kept = ("url", "mimetype", "fileName", "caption")
            return {name: {k: body[k] for k in kept if k in body}}
        if "contextInfo" in body:
            body["contextInfo"] = {}
        return content

    def _raw(
        self, instance: Instance, message: Message, remote: str, kind: str, content: Json
    ) -> Json:
        raw: Json = {
            "key": {"remoteJid": remote, "fromMe": True, "id": message.id},
            "pushName": "Você",
            "status": "PENDING",
            "message": content,
        }
        quoted = instance.messages.get(message.reply_to) if message.reply_to else None
        if quoted is not None:
            own = quoted.side == "business"
            who = self._state.people["evolution"].get(message.chat)
            who = who or person("evolution", message.chat)
            raw["contextInfo"] = shapes.quote(quoted.id, quoted.raw.get("message"), own, who)
        elif kind in ("imageMessage", "documentMessage", "videoMessage"):
            raw["contextInfo"] = {}
        return raw | {
            "messageType": kind,
            "messageTimestamp": int(time.time()),
            "instanceId": instance.id,
            "source": "web",
        }

    def _shown(self, instance: Instance, message: Message, op: str) -> None:
        """On the phone; a reaction only changes what it is about."""
        if message.kind != "reaction":
            self._state.add(message)
            instance.keep(message, self._state.options.keep)
        self._state.accepted(op, message)

    async def _ticks(self, instance: Instance, message: Message) -> None:
        def told(m: Message, stage: str) -> None:
            self.status(instance, m, STATUS[stage])

        await ticks(self._state, message, told)

    def status(self, instance: Instance, message: Message, name: str) -> None:
        """messages.update."""
        data = {
            "keyId": message.id,
            "remoteJid": message.raw["key"]["remoteJid"],
            "fromMe": True,
            "status": name,
            "instanceId": instance.id,
            "messageId": f"cm{message.seq:023d}",
        }
        self._tell(instance, "messages.update", data, message.chat)

    def edit(self, instance: Instance, given: Json) -> Reply:
        """/chat/updateMessage."""
        chat, _ = self.receiver(instance, given)
        known = instance.messages.get(str(given["key"].get("id")))
        if known is None or known.chat != chat:
            return failed(400, "Bad Request", ["Message not found"])
        if known.side != "business":
            return failed(400, "Bad Request", ["You cannot edit others messages"])
        self._state.edit(known, given["text"])
        self._state.accepted("edit", known)
        inner = {
            "key": given["key"],
            "type": "MESSAGE_EDIT",
            "editedMessage": {"conversation": given["text"]},
            "timestampMs": str(int(time.time() * 1000)),
        }
        content = {"editedMessage": {"message": {"protocolMessage": inner}}}
        changed = known.raw | {"message": content, "messageType": "editedMessage"}
        changed.pop("contextInfo", None)
        self._tell(instance, "send.message.update", changed, chat)
        return Reply(201, changed)

    def delete(self, instance: Instance, given: Json) -> Reply:
        """/chat/deleteMessageForEveryone."""
        known = instance.messages.get(str(given.get("id") or ""))
        if known is None:
            return failed(400, "Bad Request", ["Message not found"])
        known.deleted = True
        self._state.changed(known)
        self._state.accepted("delete", known)
        key = known.raw["key"]
        inner = {"protocolMessage": {"key": key, "type": "REVOKE"}}
        changed = known.raw | {"message": inner, "messageType": "protocolMessage"}
        self._tell(instance, "messages.delete", {**key, "status": "DELETED"}, known.chat)
        return Reply(201, changed)

    def _tell(self, instance: Instance, event: str, data: Any, chat: str) -> None:
        if instance.wants(event):
            self._hooks.post(instance.push(event, data, chat))
