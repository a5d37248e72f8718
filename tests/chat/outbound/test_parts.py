"""An answer in Markdown becomes parts: files apart, words whole, within each network's limit."""

import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.outbound import Style
from hub.chat.inbound.intake import sha
from hub.chat.outbound.delivery import Address, parts_of

TELEGRAM = Style("html", 4096, 1024, utf16=True)
WHATSAPP = Style("whatsapp", 4096, 1024)
SMALL = Style("plain", 60, 30)
Json = dict[str, Any]
CAT = "![a cat](https://x.example/cat.png)"


def parts(text: str, style: Style = WHATSAPP, **more: Any) -> list[Json]:
    return parts_of(text, uuid4(), Address("chat-1", "reconcile", style, **more))


def bodies(text: str, **more: Any) -> list[Json]:
    return [p["body"] for p in parts(text, **more)]


def shape(text: str) -> list[str]:
    """ "file:URL" or the words, part by part."""
    return [f"file:{b['file']['url']}" if "file" in b else b["plain"] for b in bodies(text)]


def test_a_part_is_a_whole_row() -> None:
    id = uuid4()
    [one] = parts_of("Hello *you*", id, Address("c", "at_most_once", TELEGRAM))
    assert UUID(one["key"]).version == 7
    assert (one["message_id"], one["chat"], one["mode"]) == (str(id), "c", "at_most_once")
    assert one["body"] == {"text": "Hello <i>you</i>", "plain": "Hello you"}
    assert one["sha"] == sha("Hello <i>you</i>")


def test_an_image_of_its_own_paragraph_is_sent_as_one() -> None:
    before, image, after = bodies(f"Look:\n\n{CAT}\n\nNice?")
    assert image["file"] == {
        "url": "https://x.example/cat.png",
        "media": "image",
        "mime": "image/png",
        "alt": "a cat",
        "name": "a cat",
    }
    assert (image["text"], image["plain"]) == ("", "a cat")
    assert (before["plain"], after["plain"]) == ("Look:", "Nice?")


@pytest.mark.parametrize(
    ("ending", "media", "mime"),
    [
        ("jpg", "image", "image/jpeg"),
        ("WEBP", "image", "image/webp"),
        ("mp3", "audio", "audio/mpeg"),
        ("ogg", "voice", "audio/ogg"),
        ("mp4", "video", "video/mp4"),
        ("pdf", "document", "application/pdf"),
        ("png?v=1", "image", "image/png"),
    ],
)
def test_a_file_is_known_by_its_ending(ending: str, media: str, mime: str) -> None:
    for sign in ("!", ""):
        [body] = bodies(f"{sign}[menu](https://x.example/menu.{ending})")
        assert (body["file"]["media"], body["file"]["mime"], body["file"]["name"]) == (
            media,
            mime,
            "menu",
        )


def test_a_file_without_words_is_named_by_its_address() -> None:
    [body] = bodies("![](https://x.example/a/menu.pdf?sig=1)")
    assert body["file"]["name"] == "menu.pdf"


@pytest.mark.parametrize(
    "text",
    [
        f"Look: {CAT}",
        f"{CAT} nice",
        "[home](https://x.example/)",
        "[a](http://x/y.html)",
        "[doc](ftp://x/y.pdf)",
        "![x](/local.png)",
        "https://x.example/cat.png",
        f"- {CAT}",
        f"    {CAT}",
        f"> {CAT}",
    ],
)
def test_what_is_not_a_paragraph_with_only_a_file_is_text(text: str) -> None:
    assert all("file" not in b for b in bodies(text))


@pytest.mark.parametrize(
    "text",
    [
        f"```\n\n{CAT}\n\n```",
        f"```html\none\n\n{CAT}\n\ntwo\n```",
        f"```md\none\n\n{CAT}\n\ntwo\n```\n\nthree",
        f"~~~\n\n{CAT}\n\n~~~",
        f"````\n```\n\n{CAT}\n\n````",
    ],
)
def test_code_stays_code(text: str) -> None:
    assert all("file" not in b for b in bodies(text)), shape(text)


def test_after_code_a_file_is_a_file_again() -> None:
    assert shape(f"```\ncode\n```\n\n{CAT}")[-1] == "file:https://x.example/cat.png"
    assert shape(f"Use ``` three\n\n{CAT}")[-1] == "file:https://x.example/cat.png", (
        "three backticks within a line open nothing"
    )


def test_files_and_words_keep_their_order() -> None:
    assert shape("one\n\n![](https://x/1.png)\n\n![](https://x/2.pdf)\n\ntwo\n\nthree") == [
        "one",
        "file:https://x/1.png",
        "file:https://x/2.pdf",
        "two\n\nthree",
    ]


def test_only_the_first_part_answers_a_message_and_takes_the_placeholder() -> None:
    made = parts("one\n\n![](https://x/1.png)\n\ntwo", reply_to="77", placeholder="88")
    assert [p["body"].get("reply_to") for p in made] == ["77", None, None]
    assert [p.get("placeholder") for p in made] == ["88", None, None]
    assert all("placeholder" not in p and "reply_to" not in p["body"] for p in parts("one"))


@pytest.mark.parametrize("text", ["", " \n\n ", "\u200b", "\n\n\n"])
def test_nothing_to_say_is_no_part(text: str) -> None:
    assert parts(text, reply_to="1", placeholder="2") == []


def test_paragraphs_are_messages_only_when_asked_for() -> None:
    text = "One.\n\nTwo.\n\nThree."
    assert len(parts(text)) == 1
    assert [p["body"]["plain"] for p in parts(text, chunks=True)] == ["One.", "Two.", "Three."]


def test_keys_differ_and_sort_in_order() -> None:
    keys = [p["key"] for p in parts("word " * 100, style=SMALL)]
    assert len(keys) > 5 and len(set(keys)) == len(keys)


def words(text: str) -> list[str]:
    return re.findall(r"w\d+", text)


PARAGRAPH = st.lists(st.integers(0, 999), min_size=1, max_size=30)
PIECE = st.one_of(
    PARAGRAPH.map(lambda ns: " ".join(f"w{n}" for n in ns)),
    PARAGRAPH.map(lambda ns: "\n".join(f"- w{n}" for n in ns)),
    PARAGRAPH.map(lambda ns: "```\n" + "\n\n".join(f"w{n}" for n in ns) + "\n```"),
    PARAGRAPH.map(lambda ns: "**" + " ".join(f"w{n}" for n in ns) + "**"),
    PARAGRAPH.map(lambda ns: "# " + " ".join(f"w{n}" for n in ns)),
    st.integers(0, 999).map(lambda n: f"![w{n}](https://x.example/file.png)"),
    st.integers(0, 999).map(lambda n: f"[w{n}](https://x.example/file.pdf)"),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(PIECE, min_size=1, max_size=8),
    st.sampled_from([TELEGRAM, WHATSAPP, SMALL]),
    st.booleans(),
)
def test_no_word_is_lost_doubled_or_moved(pieces: list[str], style: Style, chunks: bool) -> None:
    made = parts("\n\n".join(pieces), style=style, chunks=chunks)
    assert [w for p in made for w in words(p["body"]["plain"])] == words("\n\n".join(pieces))
    for p in made:
        assert len(p["body"]["plain"]) <= style.limit or "file" in p["body"]


@settings(max_examples=150, deadline=None)
@given(
    st.text(st.sampled_from("ab \n`~!*_[](){}<>&|#-.:/\\\u200b😀é1"), max_size=80),
    st.sampled_from([TELEGRAM, WHATSAPP, SMALL]),
)
def test_any_text_is_parted(text: str, style: Style) -> None:
    for p in parts(text, style=style):
        assert p["body"]["plain"].strip() or "file" in p["body"]
