"""Z-API's sending calls: queued, answered at once, carried out later."""

import random
import secrets
import time
from typing import Any

from channels.twins import zapi_shapes as shapes
from channels.twins.people import Group, person
from channels.twins.replies import Refused, Reply
from channels.twins.said import Said
from channels.twins.state import Message, State
from channels.twins.webhooks import Hooks
from channels.twins.whatsapp import file_of, new_id, raised, ticks
from channels.twins.zapi_instance import OFFLINE, Instance

Json = dict[str, Any]
# Call -> the field with the file, and what the phone calls it.
FILES = {
    "send-image": ("image", "image"),
    "send-audio": ("audio", "voice"),
    "send-video": ("video", "video"),
    "send-ptv": ("ptv", "video_note"),
    "send-sticker": ("sticker", "sticker"),
    "send-gif": ("gif", "animation"),
    "send-document": ("document", "document"),
}
SENDS = (
    *("send-text", "send-link", "send-location", "send-contact", "send-reaction", "send-remove-reaction"),
    *("send-button-list", "send-option-list", *FILES),
)
STATUS = {"sent": "SENT", "delivered": "RECEIVED", "read": "READ"}


def refused(status: int, words: str) -> Refused:
    """An error in Z-API's shape."""
    return Refused(Reply(status, {"error": words}))


class ZapiSends:
    """Carries the calls out on the phones."""

    name = "zapi"

    def __init__(self, state: State, hooks: Hooks) -> None:
        self._state = state
        self._hooks = hooks

    def send(self, instance: Instance, action: str, rest: str, given: Json) -> Reply:
        """send-*: the ids come at once."""
        phone = str(given.get("phone") or "")
        if not phone:
            raise refused(400, "Phone is required")
        chat = self._state.resolve(self.name, phone)
        if "-group" not in chat:
            self._state.person(self.name, chat)
        if action in ("send-reaction", "send-remove-reaction"):
            return self._react(instance, chat, given)
        if action == "send-text" and given.get("editMessageId"):
            return self._edit(instance, chat, given)
        message = self._outgoing(instance, chat, action, rest, given)
        message.raw = {"zaapId": secrets.token_hex(16).upper()}
        self._state.add(message)
        self._state.accepted("send", message)
        pause = float(given.get("delayMessage") or 0) or random.uniform(1, 3)
        shown = float(given.get("delayTyping") or 0)
        if instance.connected:
            self._state.spawn(self.deliver(instance, message, pause, shown))
        elif len(instance.offline) < OFFLINE:
            instance.offline.append(message)
        return self._ids(message.raw["zaapId"], message.id)

    def _ids(self, zaap: str, message_id: str) -> Reply:
        return Reply(200, {"zaapId": zaap, "messageId": message_id, "id": message_id})

    def _outgoing(
        self, instance: Instance, chat: str, action: str, rest: str, given: Json
    ) -> Message:
        message = Message(
            id=new_id(),
            network=self.name,
            account=instance.id,
            chat=chat,
            side="business",
            by="api",
            text=str(given.get("message") or given.get("caption") or ""),
            reply_to=str(given["messageId"]) if given.get("messageId") else None,
            status="queued",
        )
        if action in FILES:
            field, message.kind = FILES[action]
            name = str(given.get("fileName") or "")
            if action == "send-document":
                name = f"{name or 'document'}.{rest}"
            if not given.get(field):
                raise refused(400, f"{field} is required")
            message.file = file_of(self._state, str(given[field]), "", name)
        elif action == "send-location":
            message.kind = "location"
            message.place = {k: float(given.get(k) or 0) for k in ("latitude", "longitude")}
            message.place |= {"name": given.get("title"), "address": given.get("address")}
        elif action == "send-contact":
            message.kind = "contact"
            message.card = {"name": given.get("contactName"), "phone": given.get("contactPhone")}
        elif not message.text:
            raise refused(400, "Message is required")
        listed = (given.get("buttonList") or {}).get("buttons") or []
        rows = (given.get("optionList") or {}).get("options") or []
        message.buttons = [{"id": b.get("id"), "text": b.get("label"), "list": False} for b in listed]
        message.buttons += [{"id": r.get("id"), "text": r.get("title"), "list": True} for r in rows]
        return message

    async def deliver(
        self, instance: Instance, message: Message, pause: float, shown: float
    ) -> None:
        """Z-API's own queue: the answer was given long before."""
        if shown:
            self._state.typing(self.name, instance.id, message.chat, shown)
            await self._state.sleep(shown)
        await self._state.sleep(pause)
        receiver = self._state.people[self.name].get(message.chat)
        if receiver is not None and not receiver.exists:
            message.status, message.error = "failed", "Phone number does not exist"
            self._state.changed(message)
            self.tell(instance, shapes.delivery(instance.id, message, message.error), message.chat)
            return
        self.tell(instance, shapes.delivery(instance.id, message), message.chat)
        if instance.notify_me:
            self.tell(instance, self._echo(instance, message), message.chat)

        def told(m: Message, stage: str) -> None:
            body = shapes.status(instance.id, m.chat, STATUS[stage], [m.id])
            self.tell(instance, body, m.chat)

        await ticks(self._state, message, told)

    def _echo(self, instance: Instance, message: Message) -> Json:
        """The own message as a callback."""
        said = self._said(instance, message)
        url = self.url(said)
        body = shapes.received(instance.id, said, message.id) | shapes.content(said, url)
        return body | {"fromApi": True}

    def _said(self, instance: Instance, message: Message) -> Said:
        """The business's message as if it had been said, to give it the same shape."""
        who = self._state.people[self.name].get(message.chat) or person(self.name, message.chat)
        group = Group(message.chat, "Group") if message.chat.endswith("-group") else None
        return Said(
            account=instance.id,
            person=who,
            group=group,
            kind=message.kind,
            text=message.text,
            at=time.time(),
            file=message.file,
            place=message.place or {},
            card={"vcard": "", **(message.card or {})},
            reply_to=message.reply_to,
            from_me=True,
        )

    def _edit(self, instance: Instance, chat: str, given: Json) -> Reply:
        known = self._state.find(self.name, instance.id, chat, str(given["editMessageId"]))
        new = new_id()
        if known is not None:
            self._state.edit(known, str(given.get("message") or ""))
            self._state.accepted("edit", known)
            if instance.notify_me:
                body = self._echo(instance, known) | {"isEdit": True, "editMessageId": new}
                self.tell(instance, body, chat)
        return self._ids(secrets.token_hex(16).upper(), new)

    def _react(self, instance: Instance, chat: str, given: Json) -> Reply:
        known = self._state.find(self.name, instance.id, chat, str(given.get("messageId") or ""))
        if known is not None:
            known.reactions["business"] = str(given.get("reaction") or "")
            self._state.changed(known)
        return self._ids(secrets.token_hex(16).upper(), new_id())

    def delete(self, instance: Instance, message_id: str) -> None:
        """For everyone."""
        for message in self._named(instance, message_id):
            message.deleted = True
            self._state.changed(message)
            self._state.accepted("delete", message)

    def read(self, instance: Instance, message_id: str) -> None:
        """The business has seen the message."""
        for message in self._named(instance, message_id):
            raised(self._state, message, "read")

    def _named(self, instance: Instance, message_id: str) -> list[Message]:
        mine = [
            c for (n, a, _), c in self._state.chats.items() if (n, a) == (self.name, instance.id)
        ]
        return [c.messages[message_id] for c in mine if message_id in c.messages]

    def url(self, said: Said) -> str:
        """Where the webhook says that the file is."""
        if said.file is None:
            return ""
        return said.file.source or f"{self._state.origin}/media/{said.file.id}/{said.file.name}"

    def tell(self, instance: Instance, body: Json, chat: str) -> None:
        """Deliver a callback."""
        self._hooks.post(instance.push(body, chat))
