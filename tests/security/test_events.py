"""Whatever text becomes an event arrives as that text, read by the standard and by a client that others wrote."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.api.http import sse
from tests.later import later

if TYPE_CHECKING:
    import openai
else:
    openai = later("openai")

ENDS = ("\r\n", "\n", "\r")
PIECES = (
    *ENDS, "\r\r", "\n\n", "data: x", "event: ended", "id: 9", ":", ": ping", "retry: 1", " ", "a", "\u2028", "\x85",
    "\x00", "é", "<b>", "\ufeff",
)
WORDS = st.lists(st.sampled_from(PIECES)).map("".join)


@dataclass
class Got:
    name: str
    data: str
    id: str


def _lines(text: str) -> list[str]:
    """Lines that have an end, each of one of three kinds."""
    lines, line, place = list[str](), "", 0
    while place < len(text):
        char = text[place]
        place += 1
        if char == "\r" and text[place : place + 1] == "\n":
            place += 1
        if char in "\r\n":
            lines.append(line)
            line = ""
        else:
            line += char
    return lines


def standard(stream: bytes) -> list[Got]:
    """An event stream as the HTML standard reads it, section 9.2.6."""
    lines = _lines(stream.decode().removeprefix("\ufeff"))
    found: list[Got] = []
    data, name, last = "", "", ""
    for line in lines:
        if not line:
            if data:
                found.append(Got(name or "message", data[:-1], last))
            data, name = "", ""
            continue
        field, _, value = line.partition(":")
        value = value[1:] if value[:1] == " " else value
        if line[0] == ":":
            continue
        if field == "data":
            data += value + "\n"
        elif field == "event":
            name = value
        elif field == "id" and "\0" not in value:
            last = value
    return found


def read(text: str) -> str:
    """The text as a reader must have it: its line ends are line feeds."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


@given(text=WORDS, name=WORDS, id=st.none() | st.integers(0, 2**63))
@settings(max_examples=300, deadline=None)
def test_a_text_is_one_event_with_that_text_whatever_is_in_it(text: str, name: str, id: int | None) -> None:
    sent = sse.encode(sse.Named(name, text, id)) + sse.encode(sse.Named("next", "whole"))
    found = standard(sent)
    assert len(found) == 2
    assert (found[0].data, found[0].id) == (read(text), "" if id is None else str(id))
    assert (found[1].name, found[1].data) == ("next", "whole"), "what follows is not harmed"


@given(text=WORDS, data=st.binary(max_size=60).map(lambda raw: raw.decode("utf-8", "replace")))
@settings(max_examples=200, deadline=None)
def test_bytes_and_json_arrive_whole_too(text: str, data: str) -> None:
    [found] = standard(sse.encode({"text": text}))
    assert orjson.loads(found.data) == {"text": text}
    events = standard(sse.encode(("x" + data).encode()))
    assert [e.data for e in events] == [read("x" + data)]


@given(text=WORDS)
@settings(max_examples=200, deadline=None)
def test_another_client_reads_the_same(text: str) -> None:
    sent = sse.encode("x" + text.replace("\x00", ""))
    [found] = list(openai._streaming.SSEDecoder().iter_bytes(iter([sent])))
    assert "".join(found.data.split()) == "".join(("x" + text.replace("\x00", "")).split())


@pytest.mark.parametrize("end", ENDS, ids=["CR LF", "LF", "CR"])
def test_each_line_end_ends_a_line(end: str) -> None:
    assert sse.encode(f"a{end}b") == b"data: a\ndata: b\n\n"


@pytest.mark.parametrize("end", ENDS, ids=["CR LF", "LF", "CR"])
def test_a_name_is_one_line(end: str) -> None:
    [found] = standard(sse.encode(sse.Named(f"a{end}data: b", "x")))
    assert found.data == "x" and found.name.split() == ["a", "data:", "b"]


def test_half_a_character_is_no_error() -> None:
    [found] = standard(sse.encode("a\ud800b"))
    assert found.data == "a?b"
