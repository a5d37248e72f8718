"""Message content between the networks' words, the stored rows and the models' shape. Pure.

Stored content: {"text": str, "attachments": [{media, mime, name, size, seconds, text, error, ref, url, file_id,
token}], "reply_to", "quote", "quoted" (the attachments of what is answered to), "forwarded", "button", "author",
"from", "edited", "revoked", "by" (which operator wrote it), "ad" (the advertisement that brought the person), "detail"
(what else the network said)};
for assistant messages also "reasoning", "tool_calls", "back" (what the provider wants back within the turn) and
"choices" (see hub.chat.choices); for those that moderation blocked "withheld", why.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from channels.inbound import Attachment, Inbound, Kind, Media
from hub import phones

Json = dict[str, Any]
# Sounds that networks play; others are documents there.
HEARD = frozenset(("audio/mpeg", "audio/mp3", "audio/mp4", "audio/x-m4a", "audio/m4a", "audio/aac", "audio/amr"))
SHARED = ("location", "contact")
INLINE_TEXT = 60_000
INLINE_MEDIA = 8_000_000
AUDIO = {"audio/mpeg": "mp3", "audio/mp3": "mp3", "audio/wav": "wav", "audio/x-wav": "wav"}


def of_inbound(item: Inbound) -> Json:
    """Stored content of an arrived item."""
    body: Json = {"text": item.text}
    if item.attachments:
        body["attachments"] = [of_attachment(a) for a in item.attachments]
    for name in ("reply_to", "quote", "button", "album", "callback"):
        if getattr(item, name):
            body[name] = getattr(item, name)
    if item.forwarded:
        body["forwarded"] = True
    detail = dict(item.detail)
    if ad := detail.pop("ad", None):
        body["ad"] = ad
    if detail:
        body["detail"] = detail
    if item.group and item.contact:
        body["author"] = item.contact.name or item.contact.username or item.contact.phone
        body["group"] = item.group
        body["from"] = list(item.contact.ids)
    return body


def speaker(one: Inbound) -> Json:
    """What it takes to tell whose a message is: of changes, and of files, whose words may change before they come."""
    files = one.kind == Kind.MESSAGE and bool(one.attachments)
    if one.contact is None or not (files or one.kind in (Kind.EDIT, Kind.REVOKE)):
        return {}
    return {"speaker": phones.spellings(one.contact.ids)} | ({"files": True} if files else {})


def of_attachment(a: Attachment) -> Json:
    fields = ("ref", "url", "mime", "name", "size", "seconds", "text", "error")
    return {"media": str(a.media)} | {
        f: getattr(a, f) for f in fields if getattr(a, f) is not None and getattr(a, f) != ""
    }


def to_attachment(body: Json) -> Attachment:
    fields = ("ref", "url", "data", "mime", "name", "size", "seconds", "error")
    return Attachment(media=Media(body["media"]), text=body.get("text", ""), **{f: body.get(f) for f in fields})


def for_model(content: Json, files: Mapping[str, Json] | None, address: str) -> str | list[Json]:
    """Content of a user message in OpenAI's shape.

    files: opened files by id ({"mime", "content"}) of the messages answered now; None for older
    messages, whose files are only named.
    """
    text = _words(content)
    if content.get("revoked"):
        return text
    parts: list[Json] = []
    for a in content.get("quoted", ()):
        # The quote names them already; what can be seen is shown before what is said of it.
        part = _part(a, (files or {}).get(str(a.get("file_id"))))
        if part is not None and part["type"] != "text":
            parts.append(part)
    for a in content.get("attachments", ()):
        part = _part(a, (files or {}).get(str(a.get("file_id"))))
        if part is None:
            text = f"{text}\n{notice(a, address)}".strip()
        elif part["type"] == "text":
            text = f"{text}\n{part['text']}".strip()
        else:
            parts.append(part)
    if not parts:
        return text
    return [*([{"type": "text", "text": text}] if text else []), *parts]


def message(content: Json, files: Mapping[str, Json] | None, address: str) -> Json:
    """A stored message of a user (or of a tool the caller ran) in OpenAI's shape."""
    if content.get("role") == "tool":
        named = {"name": content["name"]} if content.get("name") else {}
        return {"role": "tool", "tool_call_id": content["tool_call_id"], **named, "content": content["text"]}
    if content.get("withheld"):
        # Once kept from the model, always kept from it.
        return {"role": "user", "content": f"(withheld by moderation: {', '.join(content['withheld'])})"}
    return {"role": "user", "content": for_model(content, files, address)}


def withheld(content: Json, why: Sequence[str]) -> Json:
    """A message that moderation blocked: people still see it, models do not."""
    return {**content, "withheld": list(why)}


def _words(content: Json) -> str:
    text = str(content.get("text", ""))
    if content.get("revoked"):
        text = "(this message was deleted by its author)"
    if content.get("quote") and not content.get("revoked"):
        quoted = "\n".join(f"> {line}" for line in str(content["quote"]).splitlines())
        text = f"{quoted}\n{text}"
    if content.get("forwarded"):
        text = f"(forwarded) {text}"
    if content.get("ad") and not content.get("revoked"):
        text = f"{advertised(content['ad'])}\n{text}"
    if content.get("author"):
        text = f"{content['author']}: {text}"
    return text


def advertised(ad: Json) -> str:
    """The advertisement that a person came from, for people and models."""
    named = {"title": "", "body": "", "url": "", "source": "id ", "click": "ctwa_clid "}
    facts = [f"{label}{ad[name]}" for name, label in named.items() if ad.get(name)]
    return f"(came from the advertisement: {'; '.join(facts)})"


def _part(a: Json, file: Json | None) -> Json | None:
    if file is None or len(file["content"]) > INLINE_MEDIA:
        return None
    mime, raw = str(file["mime"]).split(";")[0].strip(), bytes(file["content"])
    if mime.startswith("image/") and mime != "image/svg+xml":
        return {"type": "image_url", "image_url": {"url": f"data:{mime};base64,{_b64(raw)}"}}
    if mime in AUDIO and not a.get("text"):
        return {"type": "input_audio", "input_audio": {"data": _b64(raw), "format": AUDIO[mime]}}
    if mime == "application/pdf":
        data = f"data:{mime};base64,{_b64(raw)}"
        return {"type": "file", "file": {"filename": a.get("name") or "document.pdf", "file_data": data}}
    if mime.startswith("text/") or mime in ("application/json", "application/x-ndjson"):
        words = raw.decode("utf-8", errors="replace")[:INLINE_TEXT]
        return {"type": "text", "text": f"[File {a.get('name') or mime}]\n{words}"}
    return None


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def notice(a: Json, address: str) -> str:
    """An attachment as text, for models and channels that cannot take it."""
    kind, words = a.get("media", "file"), a.get("text") or ""
    if kind in ("location", "contact"):
        return f"[{kind}: {words}]"
    facts = [str(f) for f in (a.get("name"), a.get("mime"), words) if f]
    if a.get("seconds"):
        facts.append(f"{a['seconds']} s")
    if a.get("token"):
        facts.append(link(a, address))
    elif a.get("error"):
        facts.append(f"not available: {a['error']}")
    return f"[{kind}: {', '.join(facts)}]" if facts else f"[{kind}]"


def link(a: Json, address: str) -> str:
    """Public address of a stored file."""
    return f"{address}/media/{a['token']}"


def of_answer(message: Json) -> Json | None:
    """Stored content of a message that an answer adds; None for what only the model was shown."""
    text = message.get("content")
    if message["role"] == "tool":
        return {
            "role": "tool", "text": text or "", "tool_call_id": message["tool_call_id"], "name": message.get("name")
        }
    if message["role"] != "assistant":
        return None
    beside = {n: message[n] for n in ("tool_calls", "reasoning", "reasoning_details") if message.get(n)}
    if message.get("tool_calls") and message.get("back"):
        # Until the results of its calls are there the turn goes on.
        beside["back"] = message["back"]
    return {"text": text or "", **beside}


def shown_files(content: Json, address: str) -> str:
    """What an answer brings beside its text, as Markdown: pictures as pictures, the rest as links."""
    found = []
    for a in content.get("attachments", ()):
        if a.get("media") in SHARED:
            continue
        mark = "!" if a.get("media") == "image" else ""
        name = str(a.get("name") or a.get("media") or "file").replace("[", "(").replace("]", ")")
        found.append(f"{mark}[{name}]({link(a, address)})")
    return "\n\n".join(found)


def files(content: Json, address: str) -> list[Json]:
    """What a message brings beside its text, as the network's own files: voices, songs, films, pictures, documents."""
    return [
        {
            "url": link(a, address), "media": kind_of_file(str(a.get("mime") or ""), str(a["media"])),
            "mime": str(a.get("mime") or "application/octet-stream"), "alt": (name := str(a.get("name") or a["media"])),
            "name": name,
        }
        for a in content.get("attachments", ()) if a.get("media") not in SHARED
    ]


def kind_of_file(mime: str, media: str) -> str:
    """As what a file of this type is sent."""
    group = mime.partition("/")[0]
    if group == "audio":
        return "voice" if mime == "audio/ogg" else "audio" if mime in HEARD else "document"
    if mime == "video/mp4" or (group == "image" and mime != "image/svg+xml"):
        return group
    return media if media == "image" and not mime else "document"


def shared(content: Json) -> list[Json]:
    """Places and contacts of an answer, which networks have messages of their own for."""
    found: list[Json] = []
    for a in content.get("attachments", ()):
        if a.get("media") == "location":
            spot = {k: a[k] for k in ("latitude", "longitude", "name", "address") if a.get(k) is not None}
            found.append({"spot": spot, "text": "", "plain": a.get("text") or ""})
        elif a.get("media") == "contact":
            found.append({"card": {"name": a["name"], "phone": a["phone"]}, "text": "", "plain": a.get("text") or ""})
    return found


def place(latitude: float, longitude: float, name: str = "", address: str = "") -> Json:
    """A place as an attachment of an answer."""
    words = ", ".join(t for t in (name, address, f"{latitude:.6f}, {longitude:.6f}") if t)
    named = {k: v for k, v in (("name", name), ("address", address)) if v}
    return {"media": "location", "latitude": latitude, "longitude": longitude, "text": words} | named


def card(name: str, phone: str) -> Json:
    """A contact as an attachment of an answer. phone: digits with the country code."""
    return {"media": "contact", "name": name, "phone": phone, "text": f"{name}, +{phone}"}


def plain(content: Json, address: str) -> str:
    """A message as one text (previews, transcripts)."""
    if content.get("revoked"):
        return ""
    notices = [notice(a, address) for a in content.get("attachments", ())]
    return "\n".join(t for t in (str(content.get("text", "")), *notices) if t)
