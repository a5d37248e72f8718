"""What an MCP tool gave back, for a model."""

import json

import mcp_types as types

from hub.domain import Json
from hub.tools import choices, http_replies
from hub.tools.base import Result, ToolFailed

LONGEST, MEDIA, PIECES = 100_000, 12_000_000, 20
IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
AUDIO = {
    "audio/wav": "wav", "audio/x-wav": "wav", "audio/wave": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3",
}


def result(name: str, given: types.CallToolResult | types.InputRequiredResult) -> Result:
    """Texts as text, images and audio as further messages, the rest as a word about it.

    Raise ToolFailed with the texts when the tool says that it failed.
    """
    if isinstance(given, types.InputRequiredResult):
        raise ToolFailed("The tool wants to ask a person in between, which is not possible here.")
    texts, parts, size = [], list[Json](), 0
    for one in given.content[:PIECES]:
        part = _part(one)
        size += len(one.data) if isinstance(one, types.ImageContent | types.AudioContent) else 0
        if isinstance(one, types.TextContent):
            texts.append(one.text)
        elif part is None or size > MEDIA:
            texts.append(_unsupported(one))
        else:
            parts.append(part)
            texts.append(f"[{one.type} attached]")
    if not given.content and given.structured_content is not None:
        texts.append(json.dumps(given.structured_content, ensure_ascii=False))
    text = http_replies.cut("\n".join(texts), LONGEST)
    if given.is_error:
        raise ToolFailed(text or "The tool failed and says nothing about it.")
    told = {"type": "text", "text": f"Given by the tool {name}:"}
    offered = choices.listed((given.meta or {}).get(choices.KEY))
    return Result(text, ({"role": "user", "content": [told, *parts]},) if parts else (), choices=offered)


def _part(one: types.ContentBlock) -> Json | None:
    """A part of a message in OpenAI's shape."""
    if isinstance(one, types.ImageContent) and one.mime_type in IMAGES:
        return {"type": "image_url", "image_url": {"url": f"data:{one.mime_type};base64,{one.data}"}}
    if isinstance(one, types.AudioContent) and one.mime_type in AUDIO:
        return {"type": "input_audio", "input_audio": {"data": one.data, "format": AUDIO[one.mime_type]}}
    return None


def _unsupported(one: types.ContentBlock) -> str:
    what = getattr(one, "mime_type", None) or getattr(one, "name", None) or ""
    return f"[unsupported content: {one.type} {str(what)[:100]}".strip() + "]"
