"""What a file is: by its first bytes, which say more than what it says of itself; and data: addresses. Pure."""

import base64
import binascii

MAGIC = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF", "application/pdf"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"\x1aE\xdf\xa3", "audio/webm"),
    (b"PK\x03\x04", "application/zip"),
)
# Brands of pictures in an ISO base media file.
HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
OFFICE = ("application/vnd.openxmlformats", "application/vnd.oasis", "application/epub")


def sniffed(raw: bytes, claimed: str = "") -> str:
    """The type by the file's first bytes; the claimed one only where bytes say nothing against it."""
    claimed = claimed.split(";")[0].strip().lower()
    for magic, mime in MAGIC:
        if raw.startswith(magic):
            return claimed if mime == "application/zip" and claimed.startswith(OFFICE) else mime
    if raw[:4] == b"RIFF" and raw[8:12] in (b"WEBP", b"WAVE"):
        return "image/webp" if raw[8:12] == b"WEBP" else "audio/wav"
    if raw[4:8] == b"ftyp" and raw[8:12] in HEIF:
        return "image/heic"
    if raw[4:8] == b"ftyp":
        return claimed if claimed in ("audio/mp4", "video/mp4") else "video/mp4"
    if claimed.startswith(("image/", "audio/", "video/")) and claimed != "image/svg+xml":
        return "application/octet-stream"
    return claimed


def data_address(text: str) -> tuple[str, bytes] | None:
    """Type and bytes of a data: address with base64; None for anything else. Raise ValueError when it is
    none that can be decoded."""
    head, comma, body = text.partition(",")
    if not head.startswith("data:") or not comma or not head.endswith(";base64"):
        return None
    try:
        return head[5:].split(";")[0], base64.b64decode(body, validate=True)
    except binascii.Error as e:
        raise ValueError("is not valid base64") from e
