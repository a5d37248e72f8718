"""Call Z-API: send, edit, delete, webhooks, media."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

import aiohttp

from channels import media
from channels.base import ChannelError, Download, Fetch, Hook, Link
from channels.http import Answer, call, down
from channels.inbound import Attachment, Inbound, Media
from channels.loose import obj, text
from channels.outbound import File, Outbound, Sought, Style
from channels.zapi.errors import refusal
from channels.zapi.receive import prove, receive

Json = dict[str, Any]
BUTTONS, LABEL = 3, 20  # of a message with buttons
SENDING = 30.0  # a file in base64 takes its time


class ZApi:
    """WhatsApp through Z-API."""

    name = "zapi"
    style = Style("whatsapp", 4096, 1024, buttons="maybe", asked=1024)
    mode = "reconcile"
    echoes = True
    renew = 60.0  # there is no typing without a message
    typing_reads = False

    def __init__(self, http: aiohttp.ClientSession, fetch: Fetch, base_url: str) -> None:
        self._http = http
        self._fetch = fetch
        self._base = base_url.rstrip("/")

    def prove(self, link: Link, headers: Mapping[str, str]) -> None:
        prove(link, headers)

    def vouch(self, link: Link, hook: Hook) -> Sequence[str] | None:
        prove(link, hook.headers)
        return ()

    def receive(self, link: Link, hook: Hook) -> list[Inbound]:
        return receive(link, hook)

    async def send(self, link: Link, out: Outbound) -> str:
        path, body = _message(out)
        if out.reply_to:
            body["messageId"] = out.reply_to
        return await self._send(link, path, {"phone": out.chat, **body})

    async def find(self, link: Link, out: Outbound, since: datetime) -> Sought:
        """Z-API keeps no history that can be asked for (GET chat-messages is refused)."""
        return Sought(False)

    async def edit(self, link: Link, out: Outbound, message_id: str) -> None:
        body = {"phone": out.chat, "message": out.text, "editMessageId": message_id}
        await self._send(link, "send-text", body)

    async def delete(self, link: Link, chat: str, message_id: str) -> None:
        query = f"phone={quote(chat, safe='')}&messageId={quote(message_id, safe='')}&owner=true"
        await self._call(link, "DELETE", f"messages?{query}", retry_safe=True)

    async def typing(self, link: Link, chat: str, message_id: str | None) -> None:
        """Mark as read. Z-API shows typing only as a delay of a message that is sent."""
        if message_id:
            await self.seen(link, chat, message_id)

    async def seen(self, link: Link, chat: str, message_id: str) -> None:
        body = {"phone": chat, "messageId": message_id}
        await self._call(link, "POST", "read-message", body, retry_safe=True)

    async def react(self, link: Link, chat: str, message_id: str, emoji: str) -> None:
        about = {"phone": chat, "messageId": message_id}
        if emoji:
            await self._call(link, "POST", "send-reaction", {**about, "reaction": emoji}, retry_safe=True)
        else:
            await self._call(link, "POST", "send-remove-reaction", about, retry_safe=True)

    async def acknowledge(self, link: Link, callback: str) -> None:
        """WhatsApp has no spinner to stop."""

    async def register(self, link: Link) -> None:
        # Without notifySentByMe nobody would notice a human who answers on the phone.
        await self._webhooks(link, {"value": link.webhook_url, "notifySentByMe": True})

    async def unregister(self, link: Link) -> None:
        try:
            await self._webhooks(link, {"value": "", "notifySentByMe": False})
        except ChannelError as e:
            if e.code != "no_instance":
                raise

    async def alive(self, link: Link) -> bool:
        try:
            answer = await self._call(link, "GET", "status", retry_safe=True)
        except ChannelError as e:
            return not down(e)
        return obj(answer.body).get("connected") is not False

    async def check(self, link: Link) -> str:
        status = obj((await self._call(link, "GET", "status", retry_safe=True)).body)
        if status.get("connected") is not True:
            raise ChannelError(
                "Z-API knows the instance, but its WhatsApp is not connected: scan the QR code.",
                code="disconnected",
            )
        ours = await self._points_here(link)
        if ours is False:
            raise ChannelError(
                "The instance is connected, but its webhook points to another address.",
                code="webhook",
            )
        return "Connected to WhatsApp" + (", the webhook points here." if ours else ".")

    async def fetch_media(
        self, link: Link, attachment: Attachment, message_id: str | None
    ) -> Download:
        if attachment.error or not attachment.url:
            raise media.gone("Z-API could not download the file from WhatsApp.")
        return await media.download(self._fetch, attachment.url, attachment, self._base)

    async def close(self) -> None:
        """The session belongs to whoever gave it."""

    async def _send(self, link: Link, path: str, body: Json) -> str:
        answer = obj((await self._call(link, "POST", path, body)).body)
        message_id = text(answer.get("messageId")) or text(answer.get("id"))
        if message_id is None:
            # 200 {"value": false}: the instance is offline and its queue is off.
            raise ChannelError("Z-API answered but did not send the message.", code="not_sent")
        return message_id

    async def _webhooks(self, link: Link, body: Json) -> None:
        answer = await self._call(link, "PUT", "update-every-webhooks", body, retry_safe=True)
        if obj(answer.body).get("value") is False:
            raise ChannelError("Z-API did not accept the webhook address.", code="webhook")

    async def _points_here(self, link: Link) -> bool | None:
        """Whether the webhook is ours; None when Z-API does not tell."""
        try:
            # This answer holds the instance's token: nothing of it may leave this function.
            me = obj((await self._call(link, "GET", "me", retry_safe=True)).body)
        except ChannelError:
            return None
        url = text(me.get("receivedCallbackUrl"))
        return None if url is None else url == link.webhook_url

    async def _call(
        self, link: Link, method: str, path: str, body: Json | None = None, retry_safe: bool = False
    ) -> Answer:
        instance = quote(link.settings.get("instanceId", ""), safe="")
        token = quote(link.settings.get("instanceToken", ""), safe="")
        client = link.settings.get("clientToken")
        answer = await call(
            self._http,
            method,
            f"{self._base}/instances/{instance}/token/{token}/{path}",
            headers={"Client-Token": client} if client else None,
            json=body,
            timeout=SENDING,
            retry_safe=retry_safe,
        )
        if not answer.ok:
            raise refusal(answer)
        return answer


def _message(out: Outbound) -> tuple[str, Json]:
    """Path and body, but for the receiver and the reply."""
    if out.template:
        raise ChannelError("Z-API has no templates.", permanent=True, code="unsupported")
    if out.choices:
        return _choices(out)
    if out.spot is not None:
        spot = out.spot
        where = {"latitude": str(spot.latitude), "longitude": str(spot.longitude)}
        return "send-location", {"title": spot.name, "address": spot.address, **where}
    if out.card is not None:
        return "send-contact", {"contactName": out.card.name, "contactPhone": out.card.phone}
    if out.file is None:
        return "send-text", {"message": out.text} | ({"delayTyping": out.typed} if out.typed else {})
    return _file(out.file, {"caption": out.text} if out.text else {})


def _choices(out: Outbound) -> tuple[str, Json]:
    """Up to three short ones are buttons, others a list."""
    if len(out.choices) <= BUTTONS and all(len(c.label) <= LABEL for c in out.choices):
        buttons = [{"id": c.id, "label": c.label} for c in out.choices]
        return "send-button-list", {"message": out.text, "buttonList": {"buttons": buttons}}
    rows = [{"id": c.id, "description": "", **media.row(c.label)} for c in out.choices]
    menu = out.menu or rows[0]["title"]
    listed = {"title": menu, "buttonLabel": menu[:20], "options": rows}
    return "send-option-list", {"message": out.text, "optionList": listed}


def _file(file: File, caption: Json) -> tuple[str, Json]:
    source = media.data_url(file)
    match file.media:
        case Media.IMAGE:
            return "send-image", {"image": source, **caption}
        case Media.VIDEO:
            return "send-video", {"video": source, **caption}
        case Media.VOICE | Media.AUDIO:  # WhatsApp's sounds and stickers have no caption
            return "send-audio", {"audio": source}
        case Media.STICKER:
            return "send-sticker", {"sticker": source}
        case Media.DOCUMENT:
            kind = media.extension(file)
            name = file.name.removesuffix(f".{kind}")
            return f"send-document/{quote(kind, safe='')}", {
                "document": source,
                "fileName": name,
                **caption,
            }
    raise ChannelError(
        f"A {file.media.value} is not a file to send.", permanent=True, code="unsupported"
    )
