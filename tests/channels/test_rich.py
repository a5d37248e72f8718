"""Telegram's rich messages: made where they are needed, as aiogram reads them, with a way back when refused."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.markup import split
from channels.outbound import Choice, Style
from tests.channels.telegram_api import CHAT, DONE, LINK, SENT, TEXT, Api, fails, refused, serving
from tests.later import later

if TYPE_CHECKING:
    import aiogram
else:
    aiogram = later("aiogram")

RICH = Style("html", 4096, 1024, utf16=True, entities=100, rich=True)
TABLE = "| Item | Price |\n|:--|--:|\n| Tea | 1 |\n| **Cake** | 2 |"
SNIPPETS = [
    "# Head", "### Small **head**", "plain words", "**bold** and *thin*", TABLE, "| a |\n|---|\n| b | surplus |",
    "- one\n- two\n  - deep", "1. first\n2. second", "> quoted\n> words", "```py\nx = 1\n```", "---", "`code`",
    "\\(x_1 + y\\)", "\\[\na*b*c\n\\]", "$$E = mc^2$$", "R$ 10 or $20", "[label](https://x.io/a)", "~~gone~~",
    "[mail](mailto:a@b.c)", "<b>no</b> & so", "- | a | b |\n  |---|---|\n  | c | d |", "😀 👨‍👩‍👧",
]


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serving() as found:
        yield found


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


def said(blocks: Any) -> str:
    """Whatever stands in the blocks, addresses too."""
    if isinstance(blocks, str):
        return blocks
    if isinstance(blocks, dict):
        return " ".join(said(v) for k, v in blocks.items() if k not in ("type", "align", "valign", "language"))
    return " ".join(map(said, blocks)) if isinstance(blocks, list | tuple) else ""


@given(st.lists(st.sampled_from(SNIPPETS) | st.text(max_size=30), min_size=1, max_size=8).map("\n\n".join))
@settings(max_examples=60, deadline=None)
def test_the_three_renderers_say_the_same(source: str) -> None:
    for piece in split(source, RICH):
        if not piece.rich:
            continue
        read = aiogram.types.InputRichMessage.model_validate({"blocks": list(piece.rich)})
        assert read.blocks is not None and len(read.blocks) == len(piece.rich)
        assert all(type(b).__name__.startswith("InputRichBlock") for b in read.blocks)
        # A word may be cut by signs around it, never lost.
        assert "".join(sorted(words(piece.plain))) and words(piece.plain) <= words(said(piece.rich)) | {"https", "http"}


@given(st.lists(st.sampled_from(SNIPPETS), min_size=1, max_size=8).map("\n\n".join))
@settings(max_examples=30, deadline=None)
def test_who_has_no_rich_messages_gets_the_same_as_with_them(source: str) -> None:
    with_them, without = split(source, RICH), split(source, replace(RICH, rich=False))
    assert [(p.text, p.plain) for p in with_them] == [(p.text, p.plain) for p in without]
    assert not any(p.rich for p in without)


@pytest.mark.parametrize(
    ("source", "types"),
    [
        ("plain **bold**\n\n- one\n- two\n\n> quote\n\n```\ncode\n```", []),
        ("R$ 10 e $20 e $$", []),
        ("# Head\n\nwords", ["heading", "paragraph"]),
        (f"Prices:\n\n{TABLE}", ["paragraph", "table"]),
        ("The area is \\(x^2\\).", ["paragraph"]),
        ("$$a_1 * b_2 * c$$", ["mathematical_expression"]),
        ("> # Head\n> words", []),
        ("| " + " | ".join("abcdefghijklmnopqrstuvwxyz"[:21]) + " |\n" + "|---" * 21 + "|\n| 1 |", []),
    ],
)
def test_only_what_plain_html_cannot_show_is_rich(source: str, types: list[str]) -> None:
    assert [b["type"] for p in split(source, RICH) for b in p.rich] == types


def test_a_table_keeps_its_columns() -> None:
    [table] = split(TABLE, RICH)[0].rich
    shown = [[said(cell).strip() for cell in row] for row in table["cells"]]
    assert shown == [["Item", "Price"], ["Tea", "1"], ["Cake", "2"]]
    assert [cell["align"] for cell in table["cells"][1]] == ["left", "right"]


def test_a_formula_is_not_taken_for_emphasis() -> None:
    [piece] = split("Is \\(a*b*c\\) or \\[x_1_2\\]?", RICH)
    assert piece.plain == "Is (a*b*c) or [x_1_2]?" and piece.text == piece.plain


BLOCKS = split(f"# Prices\n\n{TABLE}", RICH)[0]
OUT = replace(TEXT, text=BLOCKS.text, plain=BLOCKS.plain, rich=BLOCKS.rich)


async def test_it_goes_as_the_bot_api_wants_it(api: Api) -> None:
    api.answers = [SENT, SENT]
    await api.bots.send(LINK, replace(OUT, reply_to="5", choices=(Choice("a", "Buy"),)))
    await api.bots.edit(LINK, OUT, "201")
    assert api.methods == ["sendRichMessage", "editMessageText"]
    sent = aiogram.methods.SendRichMessage.model_validate(api.bodies[0])
    assert sent.rich_message.blocks is not None and len(sent.rich_message.blocks) == 2
    assert sent.reply_markup is not None and sent.reply_parameters is not None
    edited = aiogram.methods.EditMessageText.model_validate(api.bodies[1])
    assert edited.text is None and edited.rich_message is not None


async def test_a_server_that_lacks_them_is_not_asked_with_every_heading(api: Api) -> None:
    """Nor is it for edits, which such a server refuses in other words, nor by another bot; after a while it is."""
    api.answers = [refused("Not Found: method not found", 404), SENT, SENT, SENT, SENT, SENT]
    await api.bots.send(LINK, OUT)
    await api.bots.edit(LINK, OUT, "201")
    await api.bots.send(replace(LINK, settings={"botToken": "654321:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"}), OUT)
    assert api.methods == ["sendRichMessage", "sendMessage", "editMessageText", "sendMessage"]
    assert [b.get("text") for b in api.bodies] == [None, OUT.text, OUT.text, OUT.text]
    api.bots._plain_until = 0.0
    await api.bots.send(LINK, OUT)
    assert api.methods[-1] == "sendRichMessage"


async def test_a_draft_of_a_table_is_one(api: Api) -> None:
    """As aiogram reads it; a server that lacks it gets the words."""
    api.answers = [DONE, refused("Not Found: method not found", 404), DONE, DONE]
    for _ in range(3):
        await api.bots.draft(LINK, CHAT, 7, OUT.text, OUT.plain, OUT.rich)
    assert api.methods == ["sendRichMessageDraft", "sendRichMessageDraft", "sendMessageDraft", "sendMessageDraft"]
    read = aiogram.methods.SendRichMessageDraft.model_validate(api.bodies[0])
    assert (read.chat_id, read.draft_id) == (int(CHAT), 7) and len(read.rich_message.blocks or ()) == len(OUT.rich)


@pytest.mark.parametrize(
    "words",
    [("Bad Request: RICH_TOO_LONG",), ("Bad Request: can't parse blocks",)],
)
async def test_refused_as_rich_it_goes_as_html(api: Api, words: tuple[Any, ...]) -> None:
    api.answers = [refused(*words), SENT, refused(*words), SENT]
    await api.bots.send(LINK, OUT)
    await api.bots.edit(LINK, OUT, "201")
    assert api.methods == ["sendRichMessage", "sendMessage", "editMessageText", "editMessageText"]
    assert [b.get("text") for b in api.bodies] == [None, OUT.text, None, OUT.text]


@pytest.mark.parametrize("answer", [refused("Forbidden: bot was blocked by the user", 403), "hang", "reset"])
async def test_what_is_refused_for_another_reason_or_unknown_is_not_sent_a_second_time(api: Api, answer: Any) -> None:
    api.bots._session.wait = 1.0
    api.answers = [answer]
    await fails(api.bots.send(LINK, replace(OUT, chat=CHAT)))
    assert api.methods == ["sendRichMessage"]
