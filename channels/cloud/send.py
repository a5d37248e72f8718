"""Call Meta's Graph API: send, read receipts, webhooks, media."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp

from channels import loose, media
from channels.base import ChannelError, Download, Fetch, Hook, Link, Setting, Unreadable
from channels.cloud.verify import challenge, prove, verify
from channels.http import Answer, call, down
from channels.inbound import Attachment, Inbound
from channels.loose import first, obj, objs, text
from channels.meta.errors import by_code
from channels.meta.outgoing import DOCUMENTS, PICTURES, message, reaction, read, upload
from channels.meta.receive import receive
from channels.meta.templates import listing
from channels.openers import opener
from channels.outbound import File, Outbound, Sought, Style
from channels.templates import Template

Json = dict[str, Any]
UPLOAD = 60.0
LONGEST = 200  # characters of a webhook's address
OPENERS = 4
SHOWN = "display_phone_number,verified_name,quality_rating,webhook_configuration"
# Who keeps Meta's files: the token goes to nobody else.
KEEPERS = (".fbsbx.com", ".facebook.com", ".whatsapp.net", ".fbcdn.net")


class WhatsAppCloud:
    """WhatsApp's Cloud API, straight from Meta."""

    name = "cloud"
    title = "WhatsApp (Meta)"
    kind = "WhatsAppCloud"
    target = "WhatsApp_Cloud"
    note = "From your app at developers.facebook.com: WhatsApp's official API, without anybody in between."
    asks: tuple[Setting, ...] = (
        Setting("accessToken", "Access token", "of a system user, that does not expire", secret=True),
        Setting("appSecret", "App secret", "App settings, Basic", secret=True),
        Setting("phoneNumberId", "Phone number id", identity=True),
        Setting("businessAccountId", "Business account id", "for templates and webhooks", optional=True),
        Setting(
            "graphVersion", "Version of the Graph API", "v24.0; else the server's", optional=True,
            pattern=r"v\d{1,3}\.\d",
        ),
        Setting("continuedMessagesTemplateId", "Template after 24 hours", optional=True),
    )
    window = True
    style = Style("whatsapp", 4096, 1024, pictures=PICTURES, documents=DOCUMENTS, buttons="replies", asked=1024)
    mode = "reconcile"
    # Statuses come, and settle what is unknown; that one does not come proves nothing.
    echoes = False
    renew = 20.0  # shown for 25
    typing_reads = True
    opens = True

    def __init__(self, http: aiohttp.ClientSession, fetch: Fetch, base_url: str) -> None:
        """base_url: ends with the version of the Graph API."""
        self._http = http
        self._fetch = fetch
        self._base, _, self._version = base_url.rstrip("/").rpartition("/")

    def prove(self, link: Link, headers: Mapping[str, str]) -> None:
        prove(headers)

    def vouch(self, link: Link, hook: Hook) -> Sequence[str] | None:
        verify(link, hook)
        return ()

    def challenge(self, link: Link, query: Mapping[str, str]) -> str | None:
        return challenge(link, query)

    def receive(self, link: Link, hook: Hook) -> list[Inbound]:
        if not hook.proved:
            verify(link, hook)
        body = loose.load(hook.body)
        if not isinstance(body, dict) or not isinstance(body.get("entry"), list):
            raise Unreadable("the body is not what Meta sends")
        return receive(link, body)

    async def send(self, link: Link, out: Outbound) -> str:
        file_id = None
        if out.file and out.file.content is not None and not out.template:
            file_id = await self._upload(link, out.file, out.file.content)
        answer = await self._call(link, "POST", _number(link, "/messages"), message(out, file_id))
        sent = next(iter(objs(obj(answer.body).get("messages"))), {})
        return text(sent.get("id")) or ""

    async def find(self, link: Link, out: Outbound, since: datetime) -> Sought:
        """Meta lists no messages."""
        return Sought(False)

    async def edit(self, link: Link, out: Outbound, message_id: str) -> None:
        raise _unsupported("edited")

    async def delete(self, link: Link, chat: str, message_id: str) -> None:
        raise _unsupported("deleted")

    async def typing(self, link: Link, chat: str, message_id: str | None) -> None:
        """Mark as read with the typing indicator, which lasts 25 s or until a message is sent."""
        if message_id is None:
            return
        await self._call(link, "POST", _number(link, "/messages"), read(message_id), retry_safe=True)

    async def seen(self, link: Link, chat: str, message_id: str) -> None:
        await self._call(link, "POST", _number(link, "/messages"), read(message_id, typing=False), retry_safe=True)

    async def react(self, link: Link, chat: str, message_id: str, emoji: str) -> None:
        await self._call(link, "POST", _number(link, "/messages"), reaction(chat, message_id, emoji), retry_safe=True)

    async def acknowledge(self, link: Link, callback: str) -> None:
        """WhatsApp has no spinner to stop."""

    async def register(self, link: Link) -> None:
        """The app's own webhook stays; this number's calls come here. Meta asks `challenge` at once."""
        if len(link.webhook_url) > LONGEST:
            raise ChannelError("The webhook's address is longer than Meta allows.", permanent=True, code="webhook")
        if account := link.settings.get("businessAccountId"):
            await self._call(link, "POST", f"{quote(account, safe='')}/subscribed_apps", {}, retry_safe=True)
        hook = {"override_callback_uri": link.webhook_url, "verify_token": link.proof}
        await self._call(link, "POST", _number(link), {"webhook_configuration": hook}, retry_safe=True)

    async def unregister(self, link: Link) -> None:
        hook = {"webhook_configuration": {"override_callback_uri": ""}}
        try:
            await self._call(link, "POST", _number(link), hook, retry_safe=True)
        except ChannelError as e:
            if e.code not in ("not_found", "bad_request"):
                raise

    async def greet(
        self, link: Link, openers: Sequence[str], commands: Sequence[Sequence[str]], *, again: bool
    ) -> bool:
        """Ice breakers, and commands beside them."""
        prompts = [words for words in dict.fromkeys(map(opener, openers)) if words][:OPENERS]
        if not prompts and not again:
            return False
        listed = [{"command_name": name, "command_description": words} for name, words in commands]
        shown: Json = {"prompts": prompts, "commands": listed if prompts else []}
        await self._call(link, "POST", _number(link, "/conversational_automation"), shown, retry_safe=True)
        return bool(prompts)

    async def alive(self, link: Link) -> bool:
        try:
            await self._call(link, "GET", _number(link), retry_safe=True)
        except ChannelError as e:
            return not down(e)
        return True

    async def check(self, link: Link) -> str:
        found = obj((await self._call(link, "GET", f"{_number(link)}?fields={SHOWN}", retry_safe=True)).body)
        name = first(found.get("display_phone_number"), found.get("verified_name")) or "the number"
        quality = (text(found.get("quality_rating")) or "").lower()
        rated = f" Its quality is {quality}." if quality in ("green", "yellow", "red") else ""
        if text(obj(found.get("webhook_configuration")).get("phone_number")) != link.webhook_url:
            raise ChannelError(f"Meta knows {name[:60]}, but its webhook points to another address.", code="webhook")
        return f"Meta knows {name[:60]}, the webhook points here.{rated}"

    async def fetch_media(self, link: Link, attachment: Attachment, message_id: str | None) -> Download:
        if not attachment.ref:
            raise media.gone("The message says nothing about where its file is.")
        number = quote(link.settings.get("phoneNumberId", ""), safe="")
        path = f"{quote(attachment.ref, safe='')}?phone_number_id={number}"
        found = obj((await self._call(link, "GET", path, retry_safe=True)).body)
        url = text(found.get("url"))
        if url is None:
            raise media.gone("Meta has no address for the file.")
        got = await self._fetch(url, self._opening(link, url), media.LIMIT)
        mime = attachment.mime or text(found.get("mime_type")) or got.mime
        return Download(got.content, mime, attachment.name or got.name)

    async def templates(self, link: Link) -> list[Template]:
        account = link.settings.get("businessAccountId")
        if not account:
            raise ChannelError(
                "Templates are listed where the business account id is given.", permanent=True, code="no_account"
            )
        return await listing(lambda path: self._call(link, "GET", path, retry_safe=True), account)

    async def close(self) -> None:
        """The session belongs to whoever gave it."""

    def _opening(self, link: Link, url: str) -> dict[str, str]:
        parts, base = urlsplit(url), urlsplit(self._base)
        home = (parts.scheme, parts.hostname, parts.port) == (base.scheme, base.hostname, base.port)
        if parts.scheme != "https" and not home:
            raise media.gone("The file's address is not https.")
        ours = home or f".{(parts.hostname or '').lower()}".endswith(KEEPERS)
        return _key(link) if ours else {}

    async def _upload(self, link: Link, file: File, content: bytes) -> str:
        form = upload(file, content)
        # An upload reaches nobody, so a second one does no harm.
        answer = await self._call(link, "POST", _number(link, "/media"), form=form, retry_safe=True)
        found = text(obj(answer.body).get("id"))
        if found is None:
            raise ChannelError("Meta took the file but gave no id for it.", code="upload")
        return found

    async def _call(
        self, link: Link, method: str, path: str, body: Json | None = None, *, form: aiohttp.FormData | None = None,
        retry_safe: bool = False,
    ) -> Answer:
        version = link.settings.get("graphVersion") or self._version
        answer = await call(
            self._http, method, f"{self._base}/{version}/{path}", headers=_key(link), json=body, form=form,
            timeout=20.0 if form is None else UPLOAD, retry_safe=retry_safe,
        )
        if not answer.ok:
            raise refusal(answer)
        return answer


def refusal(answer: Answer) -> ChannelError:
    """The error for an answer that is not 2xx."""
    if (known := by_code(answer)) is not None:
        return known
    if answer.status in (401, 403):
        return ChannelError("Meta refused the access token.", permanent=True, code="unauthorized")
    if answer.status == 404:
        return ChannelError("Meta does not know this phone number.", permanent=True, code="not_found")
    if answer.status == 429:
        return ChannelError("Meta asks to slow down.", retry_after=answer.retry_after or 10.0, code="rate_limited")
    permanent = answer.status < 500
    return ChannelError(
        f"Meta answered {answer.status}.", permanent=permanent, retry_after=answer.retry_after, code=str(answer.status)
    )


def _key(link: Link) -> dict[str, str]:
    return {"Authorization": f"Bearer {link.settings.get('accessToken', '')}"}


def _number(link: Link, rest: str = "") -> str:
    return quote(link.settings.get("phoneNumberId", ""), safe="") + rest


def _unsupported(done: str) -> ChannelError:
    return ChannelError(
        f"The Cloud API does not let a sent message be {done}.", permanent=True, code="unsupported"
    )
