"""Call Kapso: send, read receipts, webhooks, media."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp

from channels import media
from channels.base import ChannelError, Download, Fetch, Hook, Link
from channels.http import Answer, call, down
from channels.inbound import Attachment, Inbound
from channels.kapso.errors import refusal
from channels.kapso.history import SKEW, look
from channels.kapso.receive import HEADERS, receive
from channels.kapso.verify import prove, verify
from channels.loose import first, obj, objs, text
from channels.meta.outgoing import DOCUMENTS, PICTURES, message, reaction, read, upload
from channels.meta.templates import listing
from channels.outbound import File, Outbound, Sought, Style
from channels.templates import Template

Json = dict[str, Any]

EVENTS = [f"whatsapp.message.{n}" for n in ("received", "sent", "delivered", "read", "failed")]
UPLOAD = 60.0
LISTED, PAGES = 100, 10  # messages of a page, and pages, that are looked through
META = "meta/whatsapp/v24.0"


class Kapso:
    """WhatsApp's Cloud API through Kapso."""

    name = "kapso"
    style = Style(
        "whatsapp", 4096, 1024, pictures=PICTURES, documents=DOCUMENTS, buttons="replies", asked=1024
    )
    mode = "reconcile"
    echoes = True
    renew = 20.0  # shown for 25
    typing_reads = True

    def __init__(self, http: aiohttp.ClientSession, fetch: Fetch, base_url: str) -> None:
        self._http = http
        self._fetch = fetch
        self._base = base_url.rstrip("/")

    def prove(self, link: Link, headers: Mapping[str, str]) -> None:
        prove(link, headers)

    def vouch(self, link: Link, hook: Hook) -> Sequence[str] | None:
        verify(link, hook)
        return HEADERS

    def receive(self, link: Link, hook: Hook) -> list[Inbound]:
        return receive(link, hook)

    async def send(self, link: Link, out: Outbound) -> str:
        file_id = None
        if out.file and out.file.content is not None and not out.template:
            file_id = await self._upload(link, out.file, out.file.content)
        answer = await self._call(link, "POST", _meta(link, "messages"), message(out, file_id))
        sent = next(iter(objs(obj(answer.body).get("messages"))), {})
        return text(sent.get("id")) or ""

    async def find(self, link: Link, out: Outbound, since: datetime) -> Sought:
        begun = (since - SKEW).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        query = f"direction=outbound&since={begun}&limit={LISTED}&fields=kapso(default)"
        after, seen = "", Sought(False)
        for _ in range(PAGES):
            answer = await self._call(link, "GET", f"{_meta(link, 'messages')}?{query}{after}", retry_safe=True)
            page, following = look(answer.body, out)
            seen = Sought(page.told and not following, (*seen.ids, *page.ids))
            if not following or not page.told:
                break
            after = f"&after={quote(following, safe='')}"
        return seen

    async def edit(self, link: Link, out: Outbound, message_id: str) -> None:
        raise _unsupported("edited")

    async def delete(self, link: Link, chat: str, message_id: str) -> None:
        raise _unsupported("deleted")

    async def typing(self, link: Link, chat: str, message_id: str | None) -> None:
        """Mark as read with the typing indicator, which lasts 25 s or until a message is sent."""
        if message_id is None:
            return
        await self._call(link, "POST", _meta(link, "messages"), read(message_id), retry_safe=True)

    async def seen(self, link: Link, chat: str, message_id: str) -> None:
        await self._call(link, "POST", _meta(link, "messages"), read(message_id, typing=False), retry_safe=True)

    async def react(self, link: Link, chat: str, message_id: str, emoji: str) -> None:
        await self._call(link, "POST", _meta(link, "messages"), reaction(chat, message_id, emoji), retry_safe=True)

    async def acknowledge(self, link: Link, callback: str) -> None:
        """WhatsApp has no spinner to stop."""

    async def register(self, link: Link) -> str | None:
        hook = {
            "url": link.webhook_url,
            "secret_key": link.settings.get("webhookSecretKey") or link.proof,
            "events": EVENTS,
            "active": True,
            "kind": "kapso",
            "payload_version": "v2",
            "buffer_enabled": False,  # waiting for the rest of a thought is done here
        }
        body = {"whatsapp_webhook": hook}
        if link.handle:
            try:
                await self._call(link, "PATCH", _hook(link), body, retry_safe=True)
                return link.handle
            except ChannelError as e:
                if e.code != "not_found":
                    raise
        answer = await self._call(link, "POST", _platform(link, "/webhooks"), body)
        return text(obj(obj(answer.body).get("data")).get("id"))

    async def unregister(self, link: Link) -> None:
        if not link.handle:
            return
        try:
            await self._call(link, "DELETE", _hook(link), retry_safe=True)
        except ChannelError as e:
            if e.code != "not_found":
                raise

    async def alive(self, link: Link) -> bool:
        try:
            await self._call(link, "GET", _platform(link), retry_safe=True)
        except ChannelError as e:
            return not down(e)
        return True

    async def check(self, link: Link) -> str:
        answer = await self._call(link, "GET", _platform(link), retry_safe=True)
        number = obj(obj(answer.body).get("data"))
        name = first(number.get("display_phone_number"), number.get("name")) or "the number"
        if not link.handle:
            return f"Kapso knows {name[:60]}; no webhook was registered from here."
        answer = await self._call(link, "GET", _hook(link), retry_safe=True)
        hook = obj(obj(answer.body).get("data"))
        if hook.get("active") is False or text(hook.get("url")) != link.webhook_url:
            raise ChannelError(
                "Kapso knows the number, but the webhook is paused or points to another address.",
                code="webhook",
            )
        return f"Kapso knows {name[:60]}, the webhook points here."

    async def fetch_media(
        self, link: Link, attachment: Attachment, message_id: str | None
    ) -> Download:
        if attachment.url:
            try:
                return await self._download(link, attachment.url, attachment)
            except ChannelError as e:
                if not attachment.ref or e.code == "too_large":
                    raise
        if not attachment.ref:
            raise media.gone("The message says nothing about where its file is.")
        number = quote(link.settings.get("phoneNumberId", ""), safe="")
        path = f"{META}/{quote(attachment.ref, safe='')}?phone_number_id={number}"
        found = obj((await self._call(link, "GET", path, retry_safe=True)).body)
        url = first(found.get("download_url"), found.get("url"))
        if url is None:
            raise media.gone("Kapso has no address for the file.")
        return await self._download(link, url, attachment)

    async def templates(self, link: Link) -> list[Template]:
        found = obj(obj((await self._call(link, "GET", _platform(link), retry_safe=True)).body).get("data"))
        account = text(found.get("business_account_id"))
        if account is None:
            raise ChannelError(
                "Kapso does not say which business account the number is of.", permanent=True, code="no_account"
            )
        return await listing(lambda path: self._call(link, "GET", f"{META}/{path}", retry_safe=True), account)

    async def close(self) -> None:
        """The session belongs to whoever gave it."""

    async def _upload(self, link: Link, file: File, content: bytes) -> str:
        form = upload(file, content)
        # An upload reaches nobody, so a second one does no harm.
        answer = await self._call(link, "POST", _meta(link, "media"), form=form, retry_safe=True)
        found = text(obj(answer.body).get("id"))
        if found is None:
            raise ChannelError("Kapso took the file but gave no id for it.", code="upload")
        return found

    async def _download(self, link: Link, url: str, attachment: Attachment) -> Download:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        base = urlsplit(self._base)
        home = (parts.scheme, host, parts.port) == (base.scheme, base.hostname, base.port)
        if parts.scheme != "https" and not home:
            raise media.gone("The file's address is not https.")
        # The address comes from outside, and the key must not go to anyone else.
        ours = home or host == "kapso.ai" or host.endswith(".kapso.ai")
        headers = {"X-API-Key": link.settings.get("apiKey", "")} if ours else {}
        found = await self._fetch(url, headers, media.LIMIT)
        mime, name = attachment.mime or found.mime, attachment.name or found.name
        return Download(found.content, mime, name)

    async def _call(
        self,
        link: Link,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        form: aiohttp.FormData | None = None,
        retry_safe: bool = False,
    ) -> Answer:
        answer = await call(
            self._http,
            method,
            f"{self._base}/{path}",
            headers={"X-API-Key": link.settings.get("apiKey", "")},
            json=body,
            form=form,
            timeout=20.0 if form is None else UPLOAD,
            retry_safe=retry_safe,
        )
        if not answer.ok:
            raise refusal(answer)
        return answer


def _meta(link: Link, what: str) -> str:
    return f"{META}/{quote(link.settings.get('phoneNumberId', ''), safe='')}/{what}"


def _platform(link: Link, rest: str = "") -> str:
    number = quote(link.settings.get("phoneNumberId", ""), safe="")
    return f"platform/v1/whatsapp/phone_numbers/{number}{rest}"


def _hook(link: Link) -> str:
    return _platform(link, f"/webhooks/{quote(link.handle or '', safe='')}")


def _unsupported(done: str) -> ChannelError:
    return ChannelError(
        f"The Cloud API does not let a sent message be {done}.", permanent=True, code="unsupported"
    )
