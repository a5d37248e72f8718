"""Bodies of outgoing Cloud API messages."""

from typing import Any

from channels import jid, media
from channels.base import ChannelError, File, Media, Outbound
from channels.kapso.who import BSUID, GROUP

Json = dict[str, Any]

KINDS = {
    Media.IMAGE: "image",
    Media.VIDEO: "video",
    Media.AUDIO: "audio",
    Media.VOICE: "audio",
    Media.DOCUMENT: "document",
    Media.STICKER: "sticker",
}
# What the Cloud API takes; anything else it refuses when the message is long accepted (131053).
PICTURES = frozenset({"image/jpeg", "image/png"})
DOCUMENTS = frozenset({
    "text/plain", "application/pdf", "application/msword", "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
})
CAPTIONED = frozenset({"image", "video", "document"})
LANGUAGE = "pt_BR"  # of a template, when the caller names none


def message(out: Outbound, file_id: str | None) -> Json:
    """The whole body; `file_id` is what the upload of the file's content returned."""
    body: Json = {"messaging_product": "whatsapp", **_receiver(out.chat), **_content(out, file_id)}
    if out.reply_to:
        body["context"] = {"message_id": out.reply_to}
    if out.key:
        # Comes back in every status, also when the answer to this call is lost.
        body["biz_opaque_callback_data"] = out.key
    return body


def _receiver(chat: str) -> Json:
    if chat.startswith(GROUP):
        return {"recipient_type": "group", "to": chat}
    if BSUID.fullmatch(chat):
        return {"recipient_type": "individual", "recipient": chat}
    number = jid.phone(chat)
    if number is None:
        raise ChannelError(
            "This person has neither a phone number nor an id to write to.",
            permanent=True,
            code="no_address",
        )
    return {"recipient_type": "individual", "to": number}


def _content(out: Outbound, file_id: str | None) -> Json:
    if out.template:
        language = (out.language or LANGUAGE).replace("-", "_")
        template: Json = {"name": out.template, "language": {"code": language}}
        if out.values:
            values = [{"type": "text", "text": value} for value in out.values]
            template["components"] = [{"type": "body", "parameters": values}]
        return {"type": "template", "template": template}
    if out.file is None:
        return {"type": "text", "text": {"body": out.text, "preview_url": False}}
    return _file(out.file, out.text, file_id)


def _file(file: File, caption: str, file_id: str | None) -> Json:
    kind = KINDS.get(file.media)
    if kind is None:
        raise ChannelError(
            f"A {file.media.value} is not a file to send.", permanent=True, code="unsupported"
        )
    value: Json = {"id": file_id} if file_id else {"link": media.address(file)}
    if kind == "document":
        value["filename"] = file.name
    if file.media is Media.VOICE and media.bare(file.mime) == "audio/ogg":
        value["voice"] = True  # any other format would be refused as a voice note
    if caption and kind in CAPTIONED:
        value["caption"] = caption
    return {"type": kind, kind: value}
