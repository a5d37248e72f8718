"""Stored content: from networks, to models, to people."""

import base64
from typing import Any

import pytest

from channels.inbound import Attachment, Contact, Inbound, Kind, Media
from hub.chat import content

HERE = "https://hub.example"
Json = dict[str, Any]


def said(**more: Any) -> Inbound:
    return Inbound(Kind.MESSAGE, "m:1", **more)


@pytest.mark.parametrize(
    ("item", "body"),
    [
        (said(text="hi"), {"text": "hi"}),
        (said(), {"text": ""}),
        (
            said(
                text="a",
                reply_to="9",
                quote="q",
                button="b",
                album="al",
                callback="cb",
                forwarded=True,
            ),
            {
                "text": "a",
                "reply_to": "9",
                "quote": "q",
                "button": "b",
                "album": "al",
                "callback": "cb",
                "forwarded": True,
            },
        ),
        (said(text="a", contact=Contact(("x",), name="Ana")), {"text": "a"}),
        (
            said(text="a", group="Friends", contact=Contact(("x",), name="Ana")),
            {"text": "a", "author": "Ana", "group": "Friends", "from": ["x"]},
        ),
        (
            said(text="a", group="Friends", contact=Contact(("x",), username="ana7")),
            {"text": "a", "author": "ana7", "group": "Friends", "from": ["x"]},
        ),
        (
            said(text="a", group="Friends", contact=Contact(("x",), phone="55")),
            {"text": "a", "author": "55", "group": "Friends", "from": ["x"]},
        ),
        (
            said(attachments=(Attachment(Media.IMAGE, ref="r", data="AAAA", size=0),)),
            {"text": "", "attachments": [{"media": "image", "ref": "r", "size": 0}]},
        ),
    ],
)
def test_what_arrives_becomes_content(item: Inbound, body: Json) -> None:
    assert content.of_inbound(item) == body


@pytest.mark.parametrize("media", list(Media))
def test_attachments_survive_being_stored(media: Media) -> None:
    a = Attachment(
        media,
        ref="r",
        url="https://x/y",
        mime="a/b",
        name="n",
        size=3,
        seconds=4,
        text="t",
        error="e",
    )
    assert content.to_attachment(content.of_attachment(a)) == a
    assert content.to_attachment(content.of_attachment(Attachment(media))) == Attachment(media)


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        ({"text": "hi"}, "hi"),
        ({}, ""),
        ({"text": "hi", "author": "Ana"}, "Ana: hi"),
        ({"text": "hi", "forwarded": True}, "(forwarded) hi"),
        ({"text": "yes", "quote": "one\ntwo"}, "> one\n> two\nyes"),
        (
            {"text": "yes", "quote": "q", "author": "Ana", "forwarded": True},
            "Ana: (forwarded) > q\nyes",
        ),
        ({"text": "bad words", "revoked": True}, "(this message was deleted by its author)"),
        (
            {"text": "", "attachments": [{"media": "location", "text": "Lisbon"}]},
            "[location: Lisbon]",
        ),
        (
            {"text": "see", "attachments": [{"media": "contact", "text": "Bob"}]},
            "see\n[contact: Bob]",
        ),
        (
            {
                "text": "",
                "attachments": [
                    {"media": "voice", "mime": "audio/ogg", "seconds": 4, "token": "tok"}
                ],
            },
            f"[voice: audio/ogg, 4 s, {HERE}/media/tok]",
        ),
        (
            {"text": "", "attachments": [{"media": "image", "error": "too old"}]},
            "[image: not available: too old]",
        ),
        ({"text": "", "attachments": [{"media": "sticker"}]}, "[sticker]"),
    ],
)
def test_a_model_reads_words(body: Json, seen: str) -> None:
    assert content.for_model(body, None, HERE) == seen


def file(mime: str, raw: bytes = b"raw") -> Json:
    return {"mime": mime, "content": raw}


@pytest.mark.parametrize(
    ("mime", "part"),
    [
        ("image/png", {"type": "image_url", "image_url": {"url": "data:image/png;base64,cmF3"}}),
        (
            "image/jpeg; charset=binary",
            {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,cmF3"}},
        ),
        ("audio/mpeg", {"type": "input_audio", "input_audio": {"data": "cmF3", "format": "mp3"}}),
        (
            "application/pdf",
            {
                "type": "file",
                "file": {"filename": "a.bin", "file_data": "data:application/pdf;base64,cmF3"},
            },
        ),
    ],
)
def test_a_model_sees_files_of_the_newest_messages(mime: str, part: Json) -> None:
    body = {
        "text": "look",
        "attachments": [{"media": "document", "name": "a.bin", "file_id": "f1"}],
    }
    assert content.for_model(body, {"f1": file(mime)}, HERE) == [
        {"type": "text", "text": "look"},
        part,
    ]
    assert content.for_model(body | {"text": ""}, {"f1": file(mime)}, HERE) == [part]
    assert isinstance(content.for_model(body, None, HERE), str), "older files are only named"


def test_text_files_are_read_out_and_cut() -> None:
    body = {
        "text": "sum up",
        "attachments": [{"media": "document", "name": "a.csv", "file_id": "f1"}],
    }
    assert (
        content.for_model(body, {"f1": file("text/csv", "é;1".encode())}, HERE)
        == "sum up\n[File a.csv]\né;1"
    )
    long = content.for_model(body, {"f1": file("text/plain", b"x" * 200_000)}, HERE)
    assert isinstance(long, str) and len(long) < content.INLINE_TEXT + 100


@pytest.mark.parametrize("mime", ["image/svg+xml", "application/zip", "video/mp4", "audio/ogg"])
def test_what_a_model_cannot_take_is_named_with_a_link(mime: str) -> None:
    body = {
        "text": "",
        "attachments": [{"media": "document", "mime": mime, "file_id": "f1", "token": "tok"}],
    }
    assert (
        content.for_model(body, {"f1": file(mime)}, HERE) == f"[document: {mime}, {HERE}/media/tok]"
    )


def test_a_file_that_is_too_large_is_named() -> None:
    body = {"text": "", "attachments": [{"media": "image", "file_id": "f1", "token": "t"}]}
    large = file("image/png", bytes(content.INLINE_MEDIA + 1))
    assert content.for_model(body, {"f1": large}, HERE) == f"[image: {HERE}/media/t]"


def test_order_of_several_files_stays() -> None:
    body = {
        "text": "two",
        "attachments": [{"media": "image", "file_id": "a"}, {"media": "image", "file_id": "b"}],
    }
    seen = content.for_model(
        body, {"a": file("image/png", b"A"), "b": file("image/png", b"B")}, HERE
    )
    assert isinstance(seen, list)
    assert [base64.b64decode(p["image_url"]["url"].split(",")[1]) for p in seen[1:]] == [b"A", b"B"]


def test_people_read_one_text() -> None:
    body = {
        "text": "hi",
        "attachments": [{"media": "image", "token": "t"}, {"media": "sticker", "text": "😀"}],
    }
    assert content.plain(body, HERE) == f"hi\n[image: {HERE}/media/t]\n[sticker: 😀]"
    assert content.plain({}, HERE) == ""
