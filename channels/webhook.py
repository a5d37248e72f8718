"""The plain channel: JSON in, JSON out, signed both ways. Any system can talk to a bot with it."""

import hmac
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import orjson

from channels import base, inbound, loose, media, outbound
from channels.http import call
from channels.loose import obj, objs, text
from channels.plug import Plug

SIGNATURE, STAMP = "x-hub-signature", "x-hub-timestamp"
LATE = 300.0  # seconds after which a call proves nothing any more
MEDIA = {"image": inbound.Media.IMAGE, "audio": inbound.Media.AUDIO, "video": inbound.Media.VIDEO}
KINDS = {"message": inbound.Kind.MESSAGE, "edit": inbound.Kind.EDIT, "delete": inbound.Kind.REVOKE}


def sign(secret: str, stamp: str, body: bytes) -> str:
    """Of the time, a dot and the bytes, so that a call cannot be shown again later."""
    head = stamp.encode("utf-8", "replace")
    return "sha256=" + hmac.new(secret.encode(), head + b"." + body, "sha256").hexdigest()


class Webhook(Plug):
    """A system of the customer's own."""

    name, title, kind, target = "webhook", "Webhook", "Webhook", "Webhook"
    note = "Your system posts messages to the address shown here, and gets the answers at its own; both are signed."
    asks = (
        base.Setting("url", "Address that gets the answers", identity=True, pattern=r"https?://\S+"),
        base.Setting("secret", "Secret of both signatures", "of 16 characters", secret=True, pattern=r"\S{16,200}"),
    )
    style = outbound.Style("plain", 10_000, 10_000, buttons="links")
    mode = "at_least_once"  # the same message has the same id: who gets it can tell

    def prove(self, link: base.Link, headers: Mapping[str, str]) -> None:
        stamp = headers.get(STAMP, "")
        if SIGNATURE not in headers or not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
            raise base.BadSignature("the signature or its time is missing")
        if abs(time.time() - int(stamp)) > LATE:
            raise base.BadSignature("the call is too old, or a clock is wrong")

    def receive(self, link: base.Link, hook: base.Hook) -> list[inbound.Inbound]:
        self.prove(link, hook.headers)
        secret, given = link.settings.get("secret", ""), hook.headers[SIGNATURE].strip().lower()
        if not secret or not loose.same(given, sign(secret, hook.headers[STAMP], hook.body)):
            raise base.BadSignature("the signature is wrong")
        body = loose.load(hook.body)
        listed = objs(obj(body).get("messages")) if "messages" in obj(body) else [obj(body)]
        return [_item(one) for one in listed]

    async def send(self, link: base.Link, out: outbound.Outbound) -> str:
        body: dict[str, Any] = {"id": out.key, "chat": out.chat, "text": out.plain or out.text}
        if out.reply_to:
            body["replyTo"] = out.reply_to
        if out.choices:
            body["choices"] = [{"id": c.id, "label": c.label} | ({"url": c.url} if c.url else {}) for c in out.choices]
        body |= {n: asdict(v) for n, v in (("location", out.spot), ("contact", out.card)) if v}
        if out.file:
            named = {"kind": out.file.media.value, "mime": media.bare(out.file.mime), "name": out.file.name}
            where = {"url": out.file.url} if out.file.content is None else {"base64": media.encode(out.file.content)}
            body["file"] = named | where
        answer = await self._post(link, body)
        return text(obj(answer).get("id")) or out.key

    async def register(self, link: base.Link) -> None:
        """The system hears where it may post; one that knows needs only answer."""
        await self._post(link, {"webhook": link.webhook_url})

    async def unregister(self, link: base.Link) -> None:
        await self._post(link, {"webhook": None})

    async def check(self, link: base.Link) -> str:
        await self._post(link, {"ping": True})
        return "Your system answers; let it post messages to the address of this webhook."

    async def _post(self, link: base.Link, body: dict[str, Any]) -> Any:
        url, stamp = link.settings.get("url", ""), str(int(time.time()))
        try:
            http, raw = self.tools.guarded(url), orjson.dumps(body)
        except (ValueError, TypeError) as e:
            raise base.ChannelError(f"url: {e}", permanent=True, code="bad_settings") from None
        headers = {STAMP: stamp, SIGNATURE: sign(link.settings.get("secret", ""), stamp, raw)}
        # Twice is once: whoever gets it knows it by its id.
        answer = await call(http, "POST", url, headers=headers, json=body, retry_safe=True)
        if answer.ok:
            return answer.body
        later = answer.status == 429 or answer.status >= 500
        wait = answer.retry_after or (5.0 if answer.status == 429 else None)
        said = f"The system answered {answer.status}."
        raise base.ChannelError(said, permanent=not later, retry_after=wait, code=str(answer.status))


def _item(one: dict[str, Any]) -> inbound.Inbound:
    id, chat, kind = (loose.first(one.get(n)) for n in ("id", "chat", "type"))
    if not id or not chat or (kind or "message") not in KINDS:
        raise base.Unreadable("a message needs id and chat, and its type is message, edit or delete")
    found = KINDS[kind or "message"]
    about = id if found is inbound.Kind.MESSAGE else text(one.get("of"))
    files = tuple(_file(f) for f in objs(one.get("files")))
    by = text(one.get("from"))
    # A change that does not say by whom is nobody's, and may be of a message that did not.
    ids = (by or chat,) if found is inbound.Kind.MESSAGE else (by, chat) if by else ()
    who = inbound.Contact(tuple(f"webhook:{i}" for i in ids), text(one.get("name"))) if ids else None
    return inbound.Inbound(
        found, loose.key(found.value[0], id), chat=chat, contact=who, message_id=about, at=loose.moment(one.get("at")),
        text=text(one.get("text")) or "", attachments=files, reply_to=text(one.get("replyTo")),
        button=text(one.get("button")),
    )


def _file(one: dict[str, Any]) -> inbound.Attachment:
    mime = text(one.get("mime"))
    kind = MEDIA.get((mime or "").partition("/")[0], inbound.Media.DOCUMENT)
    return inbound.Attachment(kind, url=text(one.get("url")), mime=mime, name=text(one.get("name")))
