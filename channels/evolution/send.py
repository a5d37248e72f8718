"""Call an Evolution server: send, edit, delete, webhooks, media."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

import aiohttp

from channels import media
from channels.base import ChannelError, Download, Fetch, Hook, Link, Pairing
from channels.evolution.errors import refusal
from channels.evolution.history import found, listed, reaches
from channels.evolution.receive import receive
from channels.evolution.verify import SECRET_HEADER, prove
from channels.http import Answer, call, down
from channels.inbound import Attachment, Inbound, Media
from channels.loose import obj, text
from channels.outbound import File, Outbound, Sought, Style

Json = dict[str, Any]

# The list is explicit since an empty one means every event, history and address books included.
EVENTS = [
    "MESSAGES_UPSERT",
    "MESSAGES_EDITED",
    "MESSAGES_UPDATE",
    "MESSAGES_DELETE",
    "SEND_MESSAGE",
    "CONNECTION_UPDATE",
    "QRCODE_UPDATED",
    "GROUP_PARTICIPANTS_UPDATE",
    "CALL",
    "LOGOUT_INSTANCE",
    "REMOVE_INSTANCE",
]
SENDING = 60.0  # sound is converted and media uploaded before the server answers
TYPING_MS = 1500  # the server holds its answer that long
GONE = frozenset({"no_instance"})
LISTED, PAGES = 100, 5  # messages of a chat that are looked through
# What its server may take for an address, of whichever version it is.
ADDRESS = re.compile(r"\S[.:]\S")


class Evolution:
    """WhatsApp through an Evolution server that the customer runs."""

    name = "evolution"
    style = Style("whatsapp", 4096, 1024, buttons="maybe", asked=1024)
    mode = "reconcile"
    echoes = True
    renew = TYPING_MS / 1000
    typing_reads = False

    def __init__(self, http: Callable[[str], aiohttp.ClientSession], fetch: Fetch) -> None:
        """`http` gives the session for an address, or refuses it: the customer chose the server."""
        self._http = http
        self._fetch = fetch

    def prove(self, link: Link, headers: Mapping[str, str]) -> None:
        prove(link, headers)

    def vouch(self, link: Link, hook: Hook) -> Sequence[str] | None:
        prove(link, hook.headers)
        return ()

    def receive(self, link: Link, hook: Hook) -> list[Inbound]:
        return receive(link, hook)

    async def send(self, link: Link, out: Outbound) -> str:
        # Only 2.4 knows a `messageId` of the caller's in the body; whether a second call with the
        # same id is sent once is not known, so none is given and the echo is matched instead.
        path, body = _message(out)
        if out.reply_to:
            body["quoted"] = {"key": {"id": out.reply_to}}
        answer = await self._call(link, "POST", path, {"number": out.chat, **body}, within=SENDING)
        return text(obj(obj(answer.body).get("key")).get("id")) or ""

    async def find(self, link: Link, out: Outbound, since: datetime) -> Sought:
        key = {"remoteJid": _key(out.chat, "")["remoteJid"]}
        seen: list[dict[str, Any]] = []
        for page in range(1, PAGES + 1):
            body = {"where": {"key": key}, "page": page, "offset": LISTED}
            more = listed((await self._call(link, "POST", "chat/findMessages", body, retry_safe=True)).body)
            # What comes in meanwhile moves others to the next page, where they are seen once more.
            seen += more
            if len(more) < LISTED or reaches(more, since):
                break
        return found(seen, out, since, LISTED * page)

    async def edit(self, link: Link, out: Outbound, message_id: str) -> None:
        body = {"number": out.chat, "text": out.text, "key": _key(out.chat, message_id)}
        await self._call(link, "POST", "chat/updateMessage", body)

    async def delete(self, link: Link, chat: str, message_id: str) -> None:
        await self._call(
            link,
            "DELETE",
            "chat/deleteMessageForEveryone",
            _key(chat, message_id),
            retry_safe=True,
        )

    async def typing(self, link: Link, chat: str, message_id: str | None) -> None:
        if message_id:
            await self.seen(link, chat, message_id)
        shown = {"number": chat, "delay": TYPING_MS, "presence": "composing"}
        await self._call(link, "POST", "chat/sendPresence", shown, retry_safe=True)

    async def seen(self, link: Link, chat: str, message_id: str) -> None:
        read = {"readMessages": [_key(chat, message_id, own=False)]}
        await self._call(link, "POST", "chat/markMessageAsRead", read, retry_safe=True)

    async def react(self, link: Link, chat: str, message_id: str, emoji: str) -> None:
        sign = {"key": _key(chat, message_id, own=False), "reaction": emoji}
        await self._call(link, "POST", "message/sendReaction", sign, retry_safe=True)

    async def acknowledge(self, link: Link, callback: str) -> None:
        """WhatsApp has no spinner to stop."""

    async def register(self, link: Link) -> None:
        await self._webhook(link, enabled=True)

    async def unregister(self, link: Link) -> None:
        try:
            await self._webhook(link, enabled=False)
        except ChannelError as e:
            if e.code not in GONE:
                raise

    async def alive(self, link: Link) -> bool:
        try:
            answer = await self._call(link, "GET", "instance/connectionState", retry_safe=True)
        except ChannelError as e:
            return not down(e)
        state = text(obj(obj(answer.body).get("instance")).get("state"))
        return state not in ("close", "connecting")

    async def check(self, link: Link) -> str:
        answer = await self._call(link, "GET", "instance/connectionState", retry_safe=True)
        state = text(obj(obj(answer.body).get("instance")).get("state")) or "unknown"
        if state != "open":
            raise ChannelError(
                f"The server knows the instance, but its WhatsApp connection is {state[:40]}.",
                code="disconnected",
            )
        hook = obj((await self._call(link, "GET", "webhook/find", retry_safe=True)).body)
        hook = obj(hook.get("webhook")) or hook
        if hook.get("enabled") is not True or text(hook.get("url")) != link.webhook_url:
            raise ChannelError(
                "WhatsApp is connected, but the webhook is off or points to another address.",
                code="webhook",
            )
        return "Connected to WhatsApp, the webhook points here."

    async def pairing(self, link: Link) -> Pairing:
        shown = obj((await self._call(link, "GET", "instance/connect", retry_safe=True)).body)
        state = text(obj(shown.get("instance")).get("state"))
        return Pairing(state == "open", text(shown.get("code")), text(shown.get("pairingCode")))

    async def fetch_media(
        self, link: Link, attachment: Attachment, message_id: str | None
    ) -> Download:
        if attachment.data:
            return media.decode(attachment.data, attachment.mime, attachment.name)
        key = attachment.ref or message_id
        # A storage inside the customer's own network has no address for us.
        if attachment.url and (attachment.url.startswith("https://") or not key):
            try:
                return await media.download(self._fetch, attachment.url, attachment)
            except ChannelError as e:
                if not key or e.code == "too_large":
                    raise  # else the server may still have it
        if not key:
            raise media.gone("The message says nothing about where its file is.")
        body = {"message": {"key": {"id": key}}, "convertToMp4": False}
        answer = await self._call(
            link,
            "POST",
            "chat/getBase64FromMediaMessage",
            body,
            within=SENDING,
            retry_safe=True,
        )
        kept = obj(answer.body)
        content = text(kept.get("base64"))
        if content is None:
            raise media.gone("The server has no copy of the file.")
        mime = text(kept.get("mimetype")) or attachment.mime
        return media.decode(content, mime, attachment.name or text(kept.get("fileName")))

    async def close(self) -> None:
        """The session belongs to whoever gave it."""

    async def _webhook(self, link: Link, *, enabled: bool) -> None:
        hook = {
            "enabled": enabled,
            "url": link.webhook_url,
            "headers": {SECRET_HEADER: link.proof},
            "byEvents": False,
            "base64": True,
            "events": EVENTS,
        }
        await self._call(link, "POST", "webhook/set", {"webhook": hook}, retry_safe=True)

    async def _call(
        self,
        link: Link,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        within: float = 20.0,
        retry_safe: bool = False,
    ) -> Answer:
        base = link.settings.get("endpointUrl", "").rstrip("/")
        instance = quote(link.settings.get("instanceName", ""), safe="")
        try:
            http = self._http(base)
        except ValueError as e:
            raise ChannelError(f"endpointUrl: {e}", permanent=True, code="bad_request") from None
        answer = await call(
            http,
            method,
            f"{base}/{path}/{instance}",
            headers={"apikey": link.settings.get("apiKey", "")},
            json=body,
            timeout=within,
            retry_safe=retry_safe,
        )
        if not answer.ok:
            raise refusal(answer)
        return answer


def _message(out: Outbound) -> tuple[str, Json]:
    """Path and body, but for the receiver and the reply."""
    if out.template:
        raise ChannelError("Evolution has no templates.", permanent=True, code="unsupported")
    if out.choices:
        return "message/sendList", _list(out)
    if out.spot is not None:
        spot = out.spot
        # Its schema wants all four.
        named = {"name": spot.name or "-", "address": spot.address or spot.name or "-"}
        return "message/sendLocation", {"latitude": spot.latitude, "longitude": spot.longitude, **named}
    if out.card is not None:
        card = {"fullName": out.card.name, "wuid": out.card.phone, "phoneNumber": f"+{out.card.phone}"}
        return "message/sendContact", {"contact": [card]}
    if out.file is None:
        # For a preview its server would fetch whatever address stands in the text.
        unseen = {"linkPreview": False} if ADDRESS.search(out.text) else {}
        return "message/sendText", {"text": out.text, **unseen}
    return _file(out.file, out.text)


def _list(out: Outbound) -> Json:
    """Its words are the list's description: a title would be bold, and comes back in front of them."""
    rows = [{"rowId": c.id, **media.row(c.label)} for c in out.choices]
    menu = out.menu or rows[0]["title"]
    section = {"title": menu[:24], "rows": rows}
    return {"title": "", "description": out.text, "footerText": "", "buttonText": menu[:20], "sections": [section]}


def _file(file: File, caption: str) -> tuple[str, Json]:
    # Base64 stands bare here: with a data: prefix it would be taken for an address.
    source = media.address(file) if file.content is None else media.encode(file.content)
    match file.media:
        case Media.VOICE:  # WhatsApp's sounds and stickers have no caption
            return "message/sendWhatsAppAudio", {"audio": source}
        case Media.STICKER:
            return "message/sendSticker", {"sticker": source}
        case Media.IMAGE | Media.VIDEO | Media.DOCUMENT | Media.AUDIO:
            body = {
                "mediatype": file.media.value,
                "mimetype": media.bare(file.mime),
                "media": source,
                "fileName": file.name,
            }
            return "message/sendMedia", {**body, **({"caption": caption} if caption else {})}
    raise ChannelError(
        f"A {file.media.value} is not a file to send.", permanent=True, code="unsupported"
    )


def _key(chat: str, message_id: str, *, own: bool = True) -> Json:
    remote = chat if "@" in chat else f"{chat}@s.whatsapp.net"
    return {"remoteJid": remote, "fromMe": own, "id": message_id}
