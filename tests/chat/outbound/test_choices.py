"""What may be chosen, as it is stored, said and understood."""

from typing import Any
from uuid import UUID

import pytest

from channels.markup import split
from channels.outbound import Style
from hub.chat import choices
from hub.chat.outbound import delivery

MESSAGE = UUID("01a22a25-19b4-7751-959a-5a5032a9141e")
WHATSAPP = Style("whatsapp", 4096, 1024, buttons="maybe", asked=1024)
REPLIES = Style("whatsapp", 4096, 1024, buttons="replies", asked=1024)
TELEGRAM = Style("html", 4096, 1024, utf16=True, buttons="links")


def parts(text: str, offered: list[Any], style: Style, buttons: bool, **more: Any) -> list[Any]:
    to = delivery.Address("1", "reconcile", style, buttons=buttons, **more)
    return [row["body"] for row in delivery.parts_of(text, MESSAGE, to, choices.of(offered))]


def test_what_is_stored() -> None:
    """Ten at most, each label once; a label is one line; addresses of the web only; rubbish is nothing."""
    assert len(choices.of([f"No. {n}" for n in range(30)])) == 10
    assert choices.of(["Yes", "yes ", {"label": "No", "text": "No"}]) == [{"label": "Yes"}, {"label": "No"}]
    assert choices.of([{"label": "a\nb\0", "text": " c "}]) == [{"label": "a b", "text": "c"}]
    assert choices.of([{"label": "x", "url": "javascript:alert(1)"}, {"label": ""}, 5, None, {"label": ["x"]}])[1:] == []
    assert choices.of([{"label": "x", "url": "tg://user?id=1"}]) == choices.of("abc") == choices.of(None) == []
    assert choices.of([{"label": "é" * 90}])[0]["label"] == "é" * 59 + "…"


@pytest.mark.parametrize("style", [WHATSAPP, REPLIES, TELEGRAM])
def test_a_numbered_text(style: Style) -> None:
    """Also behind a list, with labels that look like markup, and a link among them."""
    offered = ["*Bold* & <b>", {"label": "Site", "url": "https://a.example/?x=1"}, "2. Two_words_"]
    [body] = parts("Look:\n\n1. one\n2. two", offered, style, False)
    lines = body["plain"].splitlines()
    assert lines[-2:] == ["1. *Bold* & <b>", "2. 2. Two_words_"], body
    assert "https://a.example/?x=1" in body["text"].replace("&amp;", "&") and "choices" not in body
    assert choices.by_number(choices.of(offered), 2) == {"label": "2. Two_words_"}, "links have no number"
    assert choices.by_number(choices.of(offered), 3) is choices.by_number(None, 1) is choices.by_number("x", 1) is None


def test_buttons_hang_on_the_last_part() -> None:
    long = "\n\n".join(f"Paragraph {n} " + "word " * 60 for n in range(8))
    bodies = parts(long, ["Yes", "No"], REPLIES, True)
    assert len(bodies) > 1 and all(len(b["text"]) <= 1024 for b in bodies)
    assert [b.get("choices") is not None for b in bodies] == [False] * (len(bodies) - 1) + [True]
    assert len(parts(long, ["Yes", "No"], TELEGRAM, True)) == len(split(long, TELEGRAM)) == 1
    *_, file, words = parts("![a](https://a.example/a.png)", ["Yes"], REPLIES, True, ask="Escolha")
    assert "file" in file and words["text"] == words["menu"] == "Escolha" and len(words["choices"]) == 1
    [both] = parts("Hm", [{"label": "Site", "url": "https://a.example"}, "Yes"], REPLIES, True)
    assert [c["label"] for c in both["choices"]] == ["Yes"] and "https://a.example" in both["text"]
    [alone] = parts("Hm", [{"label": "Site", "url": "https://a.example"}], REPLIES, True)
    assert alone["choices"][0]["url"] == "https://a.example" and alone["text"] == "Hm"


def test_payloads() -> None:
    [body] = parts("Hm", ["a", {"label": "b", "url": "https://b.example"}, "c"], TELEGRAM, True)
    ids = [c["id"] for c in body["choices"]]
    assert [choices.named(i) for i in ids] == [(MESSAGE, n) for n in range(3)] and all(len(i) <= 64 for i in ids)
    for wrong in (None, "", "c:", "c:x:1", "c:" + "!" * 22 + ":1", ids[0][:-1], ids[0] + "x", "yes", "c:" + "A" * 22 + ":²"):
        assert choices.named(wrong) is None, wrong
    assert [choices.numbered(t) for t in ("2", " 2. ", "10)", "2 people", "", "²", "1" * 50, "-1")] == [2, 2, 10, *[None] * 5]


def test_where_there_are_buttons() -> None:
    native = {"choices": "native"}
    assert choices.delivered(TELEGRAM, "placeholder_edit", {}, True)
    assert choices.delivered(REPLIES, "reconcile", {}, False) and not choices.delivered(REPLIES, "reconcile", {}, True)
    assert not choices.delivered(WHATSAPP, "reconcile", {}, False) and choices.delivered(WHATSAPP, "reconcile", native, False)
    assert not choices.delivered(WHATSAPP, "placeholder_edit", native, False), "no message can become a list"
    assert not choices.delivered(Style("plain", 10, 10), "reconcile", native, False)
