"""A browser's WebM as Ogg: packet for packet the same sound, in pages that add up; what is none is left alone."""

import struct

import pytest

from hub.chat.website.recordings import ogg

HEAD = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 312, 48000, 0, 0)
UNKNOWN = b"\x01" + b"\xff" * 7


def element(name: int, body: bytes, size: bytes | None = None) -> bytes:
    told = size or (0x10000000 | len(body)).to_bytes(4)
    return name.to_bytes((name.bit_length() + 7) // 8) + told + body


def webm(packets: list[bytes], codec: bytes = b"A_OPUS", flags: int = 0x80, tracks: int = 1) -> bytes:
    """As Chromium records: nothing says how long it is; half of the blocks are within groups."""
    entry = element(0xAE, element(0xD7, b"\x01") + element(0x86, codec) + element(0x63A2, HEAD))
    blocks = [
        element(0xA3, b"\x81" + struct.pack(">hB", n, flags) + packet) if n % 2
        else element(0xA0, element(0xA1, b"\x81" + struct.pack(">hB", n, flags & 0x7F) + packet))
        for n, packet in enumerate(packets)
    ]
    half = len(blocks) // 2
    clusters = b"".join(element(0x1F43B675, element(0xE7, b"\0") + b"".join(part), UNKNOWN)
                        for part in (blocks[:half], blocks[half:]))
    return element(0x1A45DFA3, element(0x4282, b"webm")) + element(
        0x18538067, element(0x1549A966, b"info") + element(0x1654AE6B, entry * tracks) + clusters, UNKNOWN)


def checked(page: bytes) -> int:
    """Ogg's sum, bit by bit as its standard tells it."""
    found = 0
    for byte in page[:22] + bytes(4) + page[26:]:
        found ^= byte << 24
        for _ in range(8):
            found = (found << 1 ^ 0x04C11DB7 if found & 0x80000000 else found << 1) & 0xFFFFFFFF
    return found


def pages(raw: bytes) -> list[tuple[int, int, list[bytes]]]:
    """Kind, samples up to its end, packets of each page."""
    found, at, number = [], 0, 0
    while at < len(raw):
        mark, version, kind, played, _, page, told, count = struct.unpack_from("<4sBBqIIIB", raw, at)
        table = raw[at + 27 : at + 27 + count]
        size = 27 + count + sum(table)
        assert (mark, version, page) == (b"OggS", 0, number) and checked(raw[at : at + size]) == told
        packets, start, here = [], at + 27 + count, 0
        for piece in table:
            here += piece
            if piece < 255:
                packets.append(raw[start : start + here])
                start, here = start + here, 0
        assert here == 0
        found.append((kind, played, packets))
        at, number = at + size, number + 1
    return found


SIZES = [3, 254, 255, 256, 600, *[80] * 300]
PACKETS = [b"\x78" + bytes([n % 251]) * size for n, size in enumerate(SIZES)]


def test_the_packets_are_the_same_and_the_pages_add_up() -> None:
    made = ogg(webm(PACKETS))
    assert made is not None
    (first, zero, head), (_, _, tags), *rest = pages(made)
    assert (first, zero, head) == (2, 0, [HEAD]) and tags[0].startswith(b"OpusTags")
    assert [p for _, _, packets in rest for p in packets] == PACKETS
    # Configuration 15: frames of 20 ms, 960 samples.
    assert rest[-1][0] == 4 and rest[-1][1] == 960 * len(PACKETS) and len(rest) > 5
    assert [played for _, played, _ in rest] == sorted(played for _, played, _ in rest)


@pytest.mark.parametrize(("first", "more", "samples"), [
    (0x78, b"", 960), (0x79, b"", 1920), (0x7B, b"\x03", 2880), (0x18, b"", 2880), (0x80, b"", 120), (0x60, b"", 480),
])
def test_how_long_a_packet_lasts(first: int, more: bytes, samples: int) -> None:
    made = ogg(webm([bytes([first]) + more + b"x"] * 2))
    assert made is not None and pages(made)[-1][1] == 2 * samples


def test_a_recording_that_is_cut_off_is_heard_up_to_there() -> None:
    whole = webm(PACKETS)
    made = ogg(whole[: len(whole) * 2 // 3])
    assert made is not None
    heard = [p for _, _, packets in pages(made)[2:] for p in packets]
    assert 100 < len(heard) < len(PACKETS) and heard == PACKETS[: len(heard)]


@pytest.mark.parametrize("raw", [
    b"", b"\x1aE\xdf\xa3", webm([]), webm(PACKETS, b"A_VORBIS"), webm(PACKETS, flags=0x82), webm(PACKETS, tracks=2),
    b"\0" * 400, b"\xff" * 400, bytes(range(256)) * 4, webm([b"\x78" * 70_000]), webm([b"\x7b"]),
], ids=range(11))
def test_what_is_no_such_recording_is_left_alone(raw: bytes) -> None:
    assert ogg(raw) is None
