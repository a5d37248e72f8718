"""Recordings of browsers as networks want voice notes: Opus taken out of WebM and put into Ogg, bit by bit as it is.

Chromium and Safari record WebM, WhatsApp and Telegram hear Ogg. The sound is the same in both, not decoded. Pure.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

TYPE, HEARD = "audio/webm", "audio/ogg"
# Elements of Matroska: those that hold others, and those that are read.
CODEC, PRIVATE, SIMPLE_BLOCK, BLOCK = 0x86, 0x63A2, 0xA3, 0xA1
HOLD = frozenset((0x18538067, 0x1F43B675, 0x1654AE6B, 0xAE, 0xA0))
OPUS, LACED = b"A_OPUS", 0x06
# Samples of a frame at 48 kHz, by the first five bits of a packet (RFC 6716, 3.1).
SAMPLES = (480, 960, 1920, 2880) * 3 + (480, 960) * 2 + (120, 240, 480, 960) * 4
# Packets of a page: about a second. What the page's table of pieces holds at most.
PACKETS, PIECES = 50, 255
FIRST, LAST = 2, 4
SERIAL = 0x48756221
TAGS = b"OpusTags" + struct.pack("<I3sI", 3, b"hub", 0)
# A byte with its bits turned round: Ogg's sum is zlib's with every bit the other way.
_TURNED = bytes(int(f"{n:08b}"[::-1], 2) for n in range(256))


class Unheard(Exception):
    """It is no recording that could be taken over."""


@dataclass(frozen=True, slots=True)
class _Sound:
    head: bytes
    packets: list[bytes]


def ogg(raw: bytes) -> bytes | None:
    """The recording as Ogg; None where it is no WebM with one track of Opus."""
    try:
        sound = _sound(raw)
        return b"".join(_pages(sound)) if sound.packets else None
    except (Unheard, IndexError, struct.error):
        return None


def _sound(raw: bytes) -> _Sound:
    """Raise Unheard for what is no Opus, IndexError for what is cut off in the middle of a number."""
    head, codec, packets, tracks = b"", b"", list[bytes](), set[int]()
    for name, at, end in _elements(raw):
        if name == CODEC:
            if codec:
                raise Unheard("several tracks")
            codec = raw[at:end]
        elif name == PRIVATE:
            head = raw[at:end]
        elif name in (SIMPLE_BLOCK, BLOCK):
            track, at = _number(raw, at)
            tracks.add(track)
            if raw[at + 2] & LACED:
                raise Unheard("laced")
            packets.append(raw[at + 3 : end])
    if codec != OPUS or not head.startswith(b"OpusHead") or len(tracks) != 1:
        raise Unheard("not Opus")
    return _Sound(head, [p for p in packets if p])


def _elements(raw: bytes) -> Iterator[tuple[int, int, int]]:
    """Name, beginning and end of what is in each element; those that hold others are gone into, however long they say
    they are: a browser that is recording does not know. The last may be cut off."""
    at = 0
    while at < len(raw):
        name, at = _name(raw, at)
        size, at = _number(raw, at)
        if name in HOLD:
            continue
        if at + size > len(raw):
            return
        yield name, at, at + size
        at += size


def _width(first: int, most: int) -> int:
    width = 9 - first.bit_length()
    if width > most:
        raise Unheard("no element")
    return width


def _name(raw: bytes, at: int) -> tuple[int, int]:
    width = _width(raw[at], 4)
    return int.from_bytes(raw[at : at + width]), at + width


def _number(raw: bytes, at: int) -> tuple[int, int]:
    width = _width(raw[at], 8)
    return int.from_bytes(raw[at : at + width]) & ((1 << 7 * width) - 1), at + width


def _length(packet: bytes) -> int:
    """Samples of a packet at 48 kHz."""
    code = packet[0] & 3
    frames = (1, 2, 2)[code] if code < 3 else packet[1] & 63
    return SAMPLES[packet[0] >> 3] * frames


def _pages(sound: _Sound) -> Iterator[bytes]:
    yield _page([sound.head], 0, 0, FIRST)
    yield _page([TAGS], 0, 1)
    number, played, waiting, pieces = 2, 0, list[bytes](), 0
    for packet in sound.packets:
        more = len(packet) // 255 + 1
        if more > PIECES:
            raise Unheard("a packet that is none")
        if len(waiting) == PACKETS or pieces + more > PIECES:
            yield _page(waiting, played, number)
            number, waiting, pieces = number + 1, [], 0
        waiting.append(packet)
        played, pieces = played + _length(packet), pieces + more
    yield _page(waiting, played, number, LAST)


def _page(packets: list[bytes], played: int, number: int, kind: int = 0) -> bytes:
    table = b"".join(b"\xff" * (len(p) // 255) + bytes((len(p) % 255,)) for p in packets)
    head = struct.pack("<4sBBqIII", b"OggS", 0, kind, played, SERIAL, number, 0) + bytes((len(table),)) + table
    body = head + b"".join(packets)
    return body[:22] + struct.pack("<I", _sum(body)) + body[26:]


def _sum(page: bytes) -> int:
    found = zlib.crc32(page.translate(_TURNED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{found:032b}"[::-1], 2)
