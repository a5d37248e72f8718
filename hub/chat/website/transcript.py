"""What a visitor of the web chat sees and sends, between documented shapes and stored content."""

import asyncio
import base64
import binascii
import hashlib
import mimetypes
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, Protocol
from uuid import UUID

from hub import ids
from hub.chat import choices, content
from hub.chat.clients.parameters import ClientParameters
from hub.chat.inbound.intake import FILE_DAYS
from hub.chat.website import prompts, recordings
from hub.errors import BadRequest, NotFound, TooMany, Unsupported
from hub.mime import OFFICE, data_address, sniffed
from hub.runtime import Hub
from hub.store import files, web_sessions
from hub.store.web_sessions import Visit
from hub.tools import phone_pictures

Json = dict[str, Any]
STANDARD: Mapping[str, Any] = ClientParameters().stored()

class Part(Protocol):
    """A part of what a visitor sends: text, or one of the others."""

    @property
    def type(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def image_url(self) -> Json | None: ...
    @property
    def input_audio(self) -> Json | None: ...
    @property
    def file(self) -> Json | None: ...


class Saying(Protocol):
    """What a visitor sends: a message, or the result of a tool."""

    @property
    def role(self) -> str: ...
    @property
    def content(self) -> Any: ...
    @property
    def tool_call_id(self) -> str | None: ...


def visible(rows: Sequence[Json], address: str, tools: bool = False) -> list[Json]:
    """The messages that people see of a conversation: no tools' results, nothing without words; with
    `tools` also which tools were called."""
    found = [shown(r, address, tools) for r in rows if r["role"] in ("user", "assistant")]
    return [m for m in found if m["content"] or m["tools"] or m["choices"]]


def shown(row: Json, address: str, tools: bool = False) -> Json:
    """A stored message as a visitor sees it; `content` says everything, `text` and `attachments` apart."""
    body = row["content"]
    text = content.plain(body, address)
    if row["role"] == "assistant" and body.get("attachments"):
        text = "\n\n".join(t for t in (body.get("text"), content.shown_files(body, address)) if t)
    calls = body.get("tool_calls", ()) if tools else ()
    offered = choices.of(body.get("choices"))
    said = choices.linked(str(body.get("text") or ""), offered)
    return {
        "role": row["role"],
        "content": text,
        "message_id": str(row["id"]),
        "source": row["source"],
        "created_at": _moment(row.get("created_at") or datetime.now(UTC)),
        "text": said,
        "attachments": [_file(a, address) for a in body.get("attachments", ())],
        "tools": [str(c.get("function", {}).get("name")) for c in calls],
        "turn_id": str(row["turn_id"]) if row.get("turn_id") else None,
        "client_message_id": name[2:] if (name := str(row.get("network_id") or "")).startswith("w:") else None,
        "stopped": bool(body.get("cancelled")),
        "choices": [{"label": c["label"], "text": choices.meaning(c)} for c in offered if not c.get("url")],
    }


def created(messages: Sequence[Json], open: Sequence[Json], tools: bool) -> list[Json]:
    """What a request added, as chat completion messages. tools: with what the hub's tools were called with and gave;
    without, only calls that the caller is to run (`open`) are told."""
    if tools:
        return list(messages)
    ids = {c.get("id") for c in open}
    found = []
    for message in messages:
        if message["role"] == "tool":
            continue
        calls = [c for c in message.get("tool_calls") or () if c.get("id") in ids]
        kept = {k: v for k, v in message.items() if k != "tool_calls"} | ({"tool_calls": calls} if calls else {})
        if calls or kept.get("content"):
            found.append(kept)
    return found


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _file(a: Json, address: str) -> Json:
    return {
        "name": str(a.get("name") or a.get("media") or "file"), "kind": str(a.get("media") or "document"),
        "mime_type": str(a.get("mime") or ""), "url": content.link(a, address) if a.get("token") else None,
    }


def look(p: Json) -> Json:
    """What the page needs of the chat client's parameters."""
    p = {**STANDARD, **p}
    names = (
        "customScripts", "customStyles", "helloLabel", "helloSubLabel", "logoImageUrl", "primaryColor", "pageTitle",
        "suggestionButtons", "debug", "showToolCalls", "textAreaPlaceholder", "uploadUnsupportedFiles", "languageCode",
    )
    return {n: p[n] for n in names} | {
        "inputModes": ["text", *(m.lower() for m in p["inputModes"])],
        "audioSynthesisEnabled": p["audioSynthesisSource"] != "None",
    }


async def said(hub: Hub, seen: Visit, given: Sequence[Saying]) -> list[Json]:
    """Stored content of what a visitor sends; inline files are kept, uploaded ones named."""
    bodies = [await _body(hub, seen, one) for one in given]
    if any(not b["text"].strip() and not b.get("attachments") and b.get("role") != "tool" for b in bodies):
        raise BadRequest("prompt.content is empty; write something or attach a file.", field="prompt.content")
    return bodies


@dataclass(frozen=True, slots=True)
class _Content:
    content: Any
    role: str = "user"
    tool_call_id: None = None


async def saying(hub: Hub, seen: Visit, given: str | Sequence[Part]) -> Json:
    """Stored content of one message."""
    return (await said(hub, seen, [_Content(given)]))[0]


async def _body(hub: Hub, seen: Visit, one: Saying) -> Json:
    if one.role == "tool":
        if not one.tool_call_id:
            raise BadRequest(
                "prompt.tool_call_id is missing; name the call whose result this is.", field="prompt.tool_call_id"
            )
        text = one.content if isinstance(one.content, str) else "\n".join(p.text for p in one.content)
        return {"text": text, "role": "tool", "tool_call_id": one.tool_call_id}
    if isinstance(one.content, str):
        return {"text": one.content}
    words, attachments = [], []
    for part in one.content:
        if part.type == "text":
            words.append(part.text)
        else:
            attachments.append(await _attachment(hub, seen, part))
    return {"text": "\n".join(words), "attachments": attachments}


async def _attachment(hub: Hub, seen: Visit, part: Part) -> Json:
    named = (part.file or {}).get("file_id")
    if named:
        try:
            return (await prompts.attach(hub, seen, [UUID(str(named))]))[0]
        except ValueError:
            raise BadRequest(
                "prompt.content.file.file_id is not an id; upload the file first.", field="file_id"
            ) from None
    name, mime, raw = await asyncio.to_thread(_inline, part)
    kept = await keep(hub, seen, name, mime, raw)
    return (await prompts.attach(hub, seen, [UUID(kept["id"])]))[0]


def _inline(part: Part) -> tuple[str, str, bytes]:
    """Name, type and bytes of a file sent inside the message."""
    if part.input_audio is not None:
        kind = str(part.input_audio.get("format", "mp3"))
        return (
            f"audio.{kind}",
            f"audio/{'mpeg' if kind == 'mp3' else kind}",
            _decoded(str(part.input_audio.get("data", ""))),
        )
    url = str((part.image_url or {}).get("url") or (part.file or {}).get("file_data") or "")
    try:
        found = data_address(url)
    except ValueError:
        raise _broken() from None
    if found is None:
        raise BadRequest(
            "A file inside a message must be a data: address with base64, or be uploaded first.", field="prompt.content"
        )
    mime = found[0] or "application/octet-stream"
    return str((part.file or {}).get("filename") or f"file{mimetypes.guess_extension(mime) or ''}"), mime, found[1]


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise _broken() from None


def _broken() -> BadRequest:
    return BadRequest("The file inside the message is not valid base64.", field="prompt.content")


async def keep(hub: Hub, seen: Visit, name: str, mime: str, raw: bytes) -> Json:
    """Store an uploaded file. Raise Unsupported when the chat client does not take its kind."""
    mime = sniffed(raw, mime)
    kind = kind_of(mime)
    modes = [m.lower() for m in seen.parameters.get("inputModes") or ()]
    if kind not in modes and not seen.parameters.get("uploadUnsupportedFiles"):
        taken = ", ".join(modes) or "text only"
        raise Unsupported(f"file: this chat does not take {kind} files ({mime}); it takes {taken}.", field="file")
    if not raw:
        raise BadRequest("file is empty.", field="file")
    await _allowed(hub, seen, len(raw))
    name, mime, raw = await phone_pictures.readable(hub.children, name, mime, raw)
    id, token = await _kept(hub, seen.account_id, seen.session_id, name, mime, raw)
    url = content.link({"token": token}, hub.settings.address)
    return {"id": str(id), "name": name, "mime_type": mime, "size": len(raw), "kind": kind, "public_url": url}


async def _allowed(hub: Hub, seen: Visit, size: int) -> None:
    """Raise TooMany when guests have uploaded as much as they may."""
    s = hub.settings
    why = await files.take(
        hub.db, seen.account_id, seen.session_id, size, s.guest_session_mb << 20, s.guest_day_mb << 20
    )
    if why == "session":
        raise TooMany(f"The files of one conversation may have {s.guest_session_mb} MB together.", code="upload_limit")
    if why == "day":
        raise TooMany(
            "No more files can be taken today; send it tomorrow, or describe it.", code="upload_limit",
            retry_after=86400.0 - time.time() % 86400.0,
        )


async def store(hub: Hub, account: UUID, session: UUID, name: str, mime: str, raw: bytes) -> UUID:
    """Keep a file of an operator: whatever its kind is, the chat's limits are for visitors."""
    name, mime, raw = await phone_pictures.readable(hub.children, name, sniffed(raw, mime), raw)
    if mime == recordings.TYPE and (heard := await asyncio.to_thread(recordings.ogg, raw)):
        name, mime, raw = f"{PurePath(name).stem or 'voice'}.ogg", recordings.HEARD, heard
    return (await _kept(hub, account, session, name, mime, raw))[0]


async def _kept(hub: Hub, account: UUID, session: UUID, name: str, mime: str, raw: bytes) -> tuple[UUID, str]:
    id, token, kind = ids.uuid7(), ids.access_key()[4:], kind_of(mime)
    sha256 = await asyncio.to_thread(lambda: hashlib.sha256(raw).digest())
    await files.add(
        hub.db, id, account, session, None, token=token, name=name, mime=mime,
        kind=kind if kind in ("image", "audio") else "document", sha256=sha256, content=raw,
        seconds=FILE_DAYS * 86400.0,
    )
    return id, token


def attachment(row: Json) -> Json:
    """A stored file as a message names it."""
    return {
        "media": row["kind"], "mime": row["mime"], "name": row["name"], "size": row["size"],
        "file_id": str(row["id"]), "token": row["token"],
    }


def kind_of(mime: str) -> str:
    """image, audio, document or other: what `inputModes` speaks of."""
    for kind in ("image", "audio"):
        if mime.startswith(kind + "/") and mime != "image/svg+xml":
            return kind
    documents = ("text/", "application/pdf", "application/json", "application/msword", *OFFICE)
    return "document" if mime.startswith(documents) else "other"


async def rate(hub: Hub, seen: Visit, message: UUID, rating: str | int, comment: str | None) -> None:
    if not await web_sessions.feedback(hub.db, seen, message, {"rating": rating, "comment": comment}):
        raise NotFound("No such answer in this conversation.")
