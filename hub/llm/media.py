"""Pictures, sounds and files of a chat message, apart from the shape that OpenAI gives them. Pure."""

import base64
import binascii
import mimetypes
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from hub.domain import Json

KINDS = {"image_url": "image", "video_url": "video", "input_audio": "audio", "file": "file"}
_SOUNDS = {"mp3": "audio/mp3", "wav": "audio/wav", "ogg": "audio/ogg", "flac": "audio/flac", "aac": "audio/aac",
           "m4a": "audio/mp4", "opus": "audio/ogg", "webm": "audio/webm", "aiff": "audio/aiff"}


@dataclass(frozen=True, slots=True)
class Medium:
    """kind: image, audio, video, file. data: base64, or none and a url, or the id of a file at the provider."""

    kind: str
    mime: str = ""
    data: str = ""
    url: str = ""
    id: str = ""
    name: str = ""

    @property
    def text(self) -> str | None:
        """What a text file holds."""
        if not self.mime.startswith("text/") and self.mime not in ("application/json", "application/xml"):
            return None
        try:
            return base64.b64decode(self.data).decode("utf-8", "replace") if self.data else None
        except (binascii.Error, ValueError):
            return None

    @property
    def notice(self) -> str:
        """What stands in its place for a model that does not take it."""
        return f"[{self.kind}{f' {self.name}' if self.name else ''}: this model cannot see it]"


def medium(part: Json) -> Medium | None:
    """What a part of a message holds beside text; None for text."""
    kind = KINDS.get(str(part.get("type")))
    inner = part.get(str(part.get("type")))
    if kind is None or not isinstance(inner, dict):
        return None
    name = str(inner.get("filename") or "")
    if kind == "audio":
        form = str(inner.get("format") or "wav").lower()
        given = str(inner.get("data") or "")
        found = _opened(given) if given.startswith("data:") else (_SOUNDS.get(form, f"audio/{form}"), given)
        return Medium(kind, *found, name=name)
    given = str(inner.get("url") or inner.get("file_data") or inner.get("file_url") or "")
    id = str(inner.get("file_id") or "")
    if given.startswith("data:"):
        return Medium(kind, *_opened(given), id=id, name=name)
    if given and not given.startswith(("http://", "https://", "gs://")):
        return Medium(kind, _guessed(name), given, id=id, name=name)
    return Medium(kind, _guessed(urlsplit(given).path), url=given, id=id, name=name)


def _opened(address: str) -> tuple[str, str]:
    """Type and base64 of a data: address."""
    head, _, data = address[5:].partition(",")
    mime, _, more = head.partition(";")
    if "base64" not in more.split(";"):
        data = base64.b64encode(unquote_to_bytes(data)).decode()
    return mime.strip().lower() or "text/plain", data.strip()


def _guessed(path: str) -> str:
    return mimetypes.guess_type(path)[0] or ""


def parts_of(content: Any) -> list[Json]:
    """The parts of a message's content."""
    if isinstance(content, list):
        return [p for p in content if isinstance(p, dict)]
    return [{"type": "text", "text": content}] if isinstance(content, str) and content else []


def text_of(content: Any) -> str:
    """All text of a message's content."""
    return "\n".join(str(p.get("text") or p.get("refusal") or "") for p in parts_of(content))
