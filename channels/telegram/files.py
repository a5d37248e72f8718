"""Choose the Telegram method that shows a file best and accepts it."""

import re
from collections.abc import Mapping, Sequence

from channels.base import ChannelError
from channels.inbound import Media
from channels.outbound import File
from channels.telegram.calls import Call, Upload
from channels.telegram.place import Place

PHOTO_LIMIT = 10 * 1024 * 1024
UPLOAD_LIMIT = 50 * 1024 * 1024
PHOTOS = frozenset({"image/jpeg", "image/png", "image/webp"})
VOICES = frozenset(
    {"audio/ogg", "audio/opus", "audio/mpeg", "audio/mp3", "audio/mp4", "audio/x-m4a"}
)
SONGS = frozenset({"audio/mpeg", "audio/mp3", "audio/mp4", "audio/x-m4a", "audio/m4a"})
# The name goes into a header as it is.
UNSAFE = re.compile(r'[\x00-\x1f\x7f"\\/]')

# What may stand beside one another in an album, and what only beside its own kind.
SEEN = frozenset({Media.IMAGE, Media.VIDEO})
ALONE = frozenset({Media.DOCUMENT, Media.AUDIO})
METHODS: Mapping[Media, tuple[str, str]] = {
    Media.IMAGE: ("sendPhoto", "photo"), Media.VOICE: ("sendVoice", "voice"), Media.AUDIO: ("sendAudio", "audio"),
    Media.VIDEO: ("sendVideo", "video"), Media.DOCUMENT: ("sendDocument", "document"),
}


def method(file: File, place: Place, caption: str, parse_mode: str | None) -> Call:
    """The call that sends `file`."""
    name, argument = METHODS[kind(file)]
    arguments = place.arguments()
    if caption:
        arguments |= {"caption": caption, "parse_mode": parse_mode}
    source = _source(file, argument)
    if isinstance(source, Upload):
        return Call(name, arguments, source)
    return Call(name, arguments | {argument: source})


def album(listed: Sequence[File], place: Place, caption: str, parse_mode: str | None) -> Call:
    """The call that sends several files as one: photos and films together, or nothing but documents, or songs."""
    kinds = [kind(f) for f in listed]
    if not set(kinds) <= SEEN and (len(set(kinds)) > 1 or kinds[0] not in ALONE):
        raise ChannelError("These files cannot be one album.", permanent=True, code="bad_album")
    items: list[dict[str, str]] = []
    uploads: list[Upload] = []
    for n, (file, found) in enumerate(zip(listed, kinds, strict=True)):
        source = _source(file, f"album{n}")
        if isinstance(source, Upload):
            uploads.append(source)
        items.append({
            "type": METHODS[found][1], "media": source if isinstance(source, str) else f"attach://{source.argument}",
        })
    if caption:
        # Of one item alone it is the album's.
        items[0] |= {"caption": caption, **({"parse_mode": parse_mode} if parse_mode else {})}
    return Call("sendMediaGroup", place.arguments() | {"media": items}, more=uploads)


def kind(file: File) -> Media:
    """As what it is sent; what a method would refuse goes as a document."""
    size = len(file.content or b"")
    mime = file.mime.partition(";")[0].strip().lower()
    match file.media:
        case Media.IMAGE if mime in PHOTOS and size <= PHOTO_LIMIT:
            return Media.IMAGE
        case Media.VOICE if mime in VOICES:
            return Media.VOICE
        case Media.VOICE | Media.AUDIO if mime in SONGS:
            return Media.AUDIO
        case Media.VIDEO if mime == "video/mp4":
            return Media.VIDEO
        case _:
            return Media.DOCUMENT


def _source(file: File, argument: str) -> Upload | str:
    if file.content is None:
        if not file.url:
            raise ChannelError("The file has no content.", permanent=True, code="bad_file")
        return file.url
    if len(file.content) > UPLOAD_LIMIT:
        raise ChannelError("The file is larger than 50 MB.", permanent=True, code="too_large")
    return Upload(argument, UNSAFE.sub("_", file.name)[-100:] or "file", file.content)
