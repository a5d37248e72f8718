"""Markdown to each network's text: well-formed, within limits, nothing lost."""

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.markup import Piece, split
from channels.markup.cut import grapheme
from channels.markup.read import PARSER, Reader, plain, read
from channels.outbound import Style

HTML = Style("html", 4096, 1024, utf16=True)
WHATSAPP = Style("whatsapp", 4096, 1024)
PLAIN = Style("plain", 4096, 1024)
ALLOWED = {"b", "i", "s", "code", "pre", "a", "blockquote"}


class Checker(HTMLParser):
    """Telegram's view of a text: what is seen, and whether every tag is allowed and closed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen = ""
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED, tag
        names = [name for name, _ in attrs]
        assert names == (["href"] if tag == "a" else names), attrs
        if tag == "a":
            self.links.append(attrs[0][1] or "")
        elif names:
            assert tag == "code" and names == ["class"] and self.open[-1] == "pre"
        assert not {"code", "pre"} & set(self.open) or (tag == "code" and self.open[-1] == "pre")
        assert tag not in self.open
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.seen += data


def check(text: str) -> Checker:
    checker = Checker()
    checker.feed(text)
    checker.close()
    assert checker.open == []
    assert not re.search(r"&(?!(amp|lt|gt|quot|#x27);)", text)
    return checker


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def one(markdown: str, style: Style) -> str:
    [piece] = split(markdown, style)
    return piece.text


CASES = [
    # markdown, Telegram, WhatsApp, plain
    (
        "**a** _b_ ~~c~~ `d`",
        "<b>a</b> <i>b</i> <s>c</s> <code>d</code>",
        "*a* _b_ ~c~ ```d```",
        "a b c d",
    ),
    ("***x***", "<b><i>x</i></b>", "_*x*_", "x"),
    ("# Title\n\ntext", "<b>Title</b>\n\ntext", "*Title*\n\ntext", "Title\n\ntext"),
    ("## Title\ntext", "<b>Title</b>\ntext", "*Title*\ntext", "Title\ntext"),
    ("a\nb", "a\nb", "a\nb", "a\nb"),
    ("a & b < c", "a &amp; b &lt; c", "a & b < c", "a & b < c"),
    ("&lt;b&gt; &copy;", "&lt;b&gt; ©", "<b> ©", "<b> ©"),
    ("<b>x</b>", "&lt;b&gt;x&lt;/b&gt;", "<b>x</b>", "<b>x</b>"),
    ("<!-- x -->", "&lt;!-- x --&gt;", "<!-- x -->", "<!-- x -->"),
    (
        "[a](https://x.io/?p=1&q=2)",
        '<a href="https://x.io/?p=1&amp;q=2">a</a>',
        "a (https://x.io/?p=1&q=2)",
        "a (https://x.io/?p=1&q=2)",
    ),
    ("<https://x.io>", '<a href="https://x.io">https://x.io</a>', "https://x.io", "https://x.io"),
    ("[x.io](https://x.io/)", '<a href="https://x.io/">x.io</a>', "x.io", "x.io"),
    ("[call](tel:+5511)", "call (+5511)", "call (+5511)", "call (+5511)"),
    ("[write](mailto:a@b.c)", "write (a@b.c)", "write (a@b.c)", "write (a@b.c)"),
    (
        "[x](javascript:alert)",
        "[x](javascript:alert)",
        "[x](javascript:alert)",
        "[x](javascript:alert)",
    ),
    ("[x](tg://user?id=1)", "x (tg://user?id=1)", "x (tg://user?id=1)", "x (tg://user?id=1)"),
    (
        '[x](https://a/"onclick)',
        '<a href="https://a/%22onclick">x</a>',
        "x (https://a/%22onclick)",
        "x (https://a/%22onclick)",
    ),
    (
        "![cat](https://x.io/c.png)",
        '<a href="https://x.io/c.png">cat</a>',
        "cat (https://x.io/c.png)",
        "cat (https://x.io/c.png)",
    ),
    ("- a\n- b\n  - c", "• a\n• b\n  • c", "• a\n• b\n  • c", "• a\n• b\n  • c"),
    ("1. a\n2. b", "1. a\n2. b", "1. a\n2. b", "1. a\n2. b"),
    ("1. a\n1. b", "1. a\n2. b", "1. a\n2. b", "1. a\n2. b"),
    ("2024. was good", "2024. was good", "2024. was good", "2024. was good"),
    ("2024.", "2024.", "2024.", "2024."),
    ("1. - x", "1. • x", "1. • x", "1. • x"),
    ("- a\n\n  more\n- b", "• a\n  more\n• b", "• a\n  more\n• b", "• a\n  more\n• b"),
    ("- a\n  b", "• a\n  b", "• a\n  b", "• a\n  b"),
    ("- [ ] todo", "• [ ] todo", "• [ ] todo", "• [ ] todo"),
    ("> a\n> b", "<blockquote>a\nb</blockquote>", "> a\n> b", "> a\n> b"),
    ("> a\n>\n> b", "<blockquote>a\n\nb</blockquote>", "> a\n>\n> b", "> a\n>\n> b"),
    (
        "```py\nx < 1\n```",
        '<pre><code class="language-py">x &lt; 1</code></pre>',
        "```\nx < 1\n```",
        "x < 1",
    ),
    ("```\n  x\n\n  y\n```", "<pre>  x\n\n  y</pre>", "```\n  x\n\n  y\n```", "  x\n\n  y"),
    (
        "```not a language\nx\n```",
        "<pre>not a language\nx</pre>",
        "```\nnot a language\nx\n```",
        "not a language\nx",
    ),
    ("a\n\n---\n\nb", "a\n\n———\n\nb", "a\n\n———\n\nb", "a\n\n———\n\nb"),
    (
        "| A | B |\n|---|---|\n| 1 | 2 |\n| 3 | |",
        "• A: <b>1</b>\n  B: 2\n• A: <b>3</b>",
        "• A: *1*\n  B: 2\n• A: *3*",
        "• A: 1\n  B: 2\n• A: 3",
    ),
    (
        "| A | B |\n|---|---|\n| 1 | 2 | 3 |",
        "• A: <b>1</b>\n  B: 2\n  3",
        "• A: *1*\n  B: 2\n  3",
        "• A: 1\n  B: 2\n  3",
    ),
    (
        "| A | B |\n|---|---|\n| 1 | |",
        "• A: <b>1</b>\n  B: -",
        "• A: *1*\n  B: -",
        "• A: 1\n  B: -",
    ),
    ("| A | B |\n|---|---|", "A | B", "A | B", "A | B"),
    ("in**tra**word", "in<b>tra</b>word", "intraword", "intraword"),
    ("**a\nb**", "<b>a\nb</b>", "*a*\n*b*", "a\nb"),
    (
        "**bold `code` on**",
        "<b>bold </b><code>code</code><b> on</b>",
        "*bold* ```code``` *on*",
        "bold code on",
    ),
    ("[1]: https://x.io", "[1]: https://x.io", "[1]: https://x.io", "[1]: https://x.io"),
    ("**", "**", "**", "**"),
    ("\\*a\\*", "*a*", "*\ufeffa\ufeff*", "*a*"),
]  # fmt: skip


@pytest.mark.parametrize(("markdown", "html", "whatsapp", "plain"), CASES)
def test_each_network(markdown: str, html: str, whatsapp: str, plain: str) -> None:
    assert one(markdown, HTML) == html
    assert one(markdown, WHATSAPP) == whatsapp
    assert one(markdown, PLAIN) == plain
    assert {split(markdown, style)[0].plain for style in (HTML, WHATSAPP, PLAIN)} == {plain}
    check(html)


@pytest.mark.parametrize("nothing", ["", " \n\t ", "\u200b", "&nbsp;", "\0"])
def test_nothing_visible_is_no_message(nothing: str) -> None:
    assert split(nothing, HTML) == [] or nothing == "&nbsp;"


def test_what_utf8_cannot_hold_is_replaced() -> None:
    assert one("a\ud800b\0c", HTML) == "a?bc"


def test_nesting_beyond_reason_is_plain_text() -> None:
    assert one(">" * 500 + " end", PLAIN) == ">" * 500 + " end"
    assert one("![" * 300 + "a" + "](u)" * 300, PLAIN).count("a") == 1


@pytest.mark.parametrize(
    "unit", ["[", "![", "![a](", "*a ", "> ", "|a", "a.", "e\u0301", "| a |\n"]
)
def test_hostile_input_is_quick(unit: str) -> None:
    started = time.perf_counter()
    split(unit * (8000 // len(unit)), HTML)
    assert time.perf_counter() - started < 20


def test_a_table_does_not_explode() -> None:
    source = f"|{'x' * 4000}|b|\n|-|-|\n" + "|1|2|\n" * 1000
    assert sum(len(p.text) for p in split(source, HTML)) < 3 * len(source)


def test_blocks_are_packed_whole() -> None:
    paragraphs = [f"{n} " + "word " * 15 for n in range(10)]
    pieces = split("\n\n".join(paragraphs), Style("plain", 200, 200))
    assert [p.text for p in pieces] == [
        "\n\n".join(p.strip() for p in paragraphs[n : n + 2]) for n in range(0, 10, 2)
    ]


def test_a_heading_goes_with_what_it_heads() -> None:
    pieces = split("intro " * 10 + "\n\n# Head\n\n" + "body " * 18, Style("plain", 100, 100))
    assert [p.text.split()[0] for p in pieces] == ["intro", "Head"]


def test_long_text_is_cut_at_sentences_then_words() -> None:
    sentences = " ".join(f"Sentence number {n} ends here." for n in range(20))
    pieces = split(sentences, Style("plain", 100, 100))
    assert all(p.text.endswith("here.") for p in pieces)
    words = split("word " * 100, Style("plain", 64, 64))
    assert {w for p in words for w in p.text.split()} == {"word"}


def test_code_is_fenced_again() -> None:
    lines = "\n".join(f"    line_{n} = {n}" for n in range(50))
    source = f"```python\n{lines}\n```"
    html, whatsapp = (
        split(source, Style("html", 200, 200, utf16=True)),
        split(source, Style("whatsapp", 200, 200)),
    )
    assert len(html) > 3
    for piece in html:
        assert piece.text.startswith('<pre><code class="language-python">    line_')
        assert piece.text.endswith("</code></pre>")
    for piece in whatsapp:
        assert piece.text.startswith("```\n    line_") and piece.text.endswith("\n```")
    assert "\n".join(p.plain for p in html) == lines


def test_formatting_goes_on_after_a_cut() -> None:
    pieces = split(f"**{'bold ' * 50}end**", Style("html", 64, 64, utf16=True))
    assert len(pieces) > 3
    assert all(p.text.startswith("<b>") and p.text.endswith("</b>") for p in pieces)


def test_a_links_address_stands_once_after_its_end() -> None:
    pieces = split(f"[{'label ' * 40}end](https://x.io/a)", Style("whatsapp", 100, 100))
    assert sum("https://x.io/a" in p.text for p in pieces) == 1
    assert pieces[-1].text.endswith("label end (https://x.io/a)")


def test_an_address_longer_than_a_message_is_text() -> None:
    address = "https://x.io/" + "a" * 500
    pieces = split(f"[here]({address})", Style("html", 100, 100, utf16=True))
    assert address in "".join(p.text for p in pieces).replace(" ", "")
    assert all(len(p.plain) <= 100 for p in pieces)


def test_graphemes_are_not_torn() -> None:
    family, flag, accent = "👩\u200d👩\u200d👧", "🇧🇷", "e\u0301"
    for unit in (family, flag, accent, "👍🏽"):
        for limit in range(32, 50):
            for piece in split(unit * 40, Style("html", limit, limit, utf16=True)):
                assert piece.text == unit * (len(piece.text) // len(unit))
                assert utf16(piece.text) <= limit
    assert grapheme("\u0301" * 200, 100) == 100


def test_chunks_follow_blank_lines() -> None:
    source = "One\nstill one\n\n# Two\nof two\n\n- a\n\n- b\n\n```\nx\n\ny\n```\n\n---\n\nLast"
    assert [p.plain for p in split(source, HTML, chunks=True)] == [
        "One\nstill one",
        "Two\nof two",
        "• a\n• b",
        "x\n\ny",
        "Last",
    ]
    assert [p.plain for p in split("a\n***\nb", HTML, chunks=True)] == ["a", "b"]


WORDS = st.text("abcdefghijk é😀", min_size=1, max_size=12).filter(lambda s: s.strip() != "")
INLINE = st.one_of(
    WORDS,
    WORDS.map(lambda w: f"**{w.strip()}**"),
    WORDS.map(lambda w: f"_{w.strip()}_"),
    WORDS.map(lambda w: f"`{w.strip()}`"),
    WORDS.map(lambda w: f"[{w}](https://x.io/p)"),
    st.sampled_from(["<b>", "&amp;", "a < b", "*", "~~x~~", "![i](https://x.io/i)", "<x@y.io>"]),
)
LINE = st.lists(INLINE, min_size=1, max_size=8).map(" ".join)
BLOCK = st.one_of(
    LINE,
    LINE.map(lambda x: f"## {x}"),
    st.lists(LINE, min_size=1, max_size=4).map(lambda x: "\n".join(f"- {i}" for i in x)),
    st.lists(LINE, min_size=1, max_size=4).map(lambda x: "\n".join(f"1. {i}" for i in x)),
    st.lists(LINE, min_size=1, max_size=4).map(lambda x: "\n".join(f"> {i}" for i in x)),
    st.lists(LINE, max_size=6).map(lambda x: "```py\n" + "\n".join(x) + "\n```"),
    st.lists(LINE, min_size=1, max_size=3).map(
        lambda x: "| h | k |\n|---|---|\n" + "\n".join(f"| {i} | {i} |" for i in x)
    ),
)
DOCUMENT = st.lists(BLOCK, max_size=8).map("\n\n".join)
# Half of the trials are Markdown that makes sense, half are any signs at all.
ANY = st.one_of(
    DOCUMENT, st.text(max_size=200), st.text("*_~`[]()<>|#-+>1.) \n\t\\!&ab:/", max_size=200)
)
STYLES = st.builds(
    Style,
    st.sampled_from(["html", "whatsapp", "plain"]),
    st.integers(40, 400),
    st.just(1024),
    st.booleans(),
)


def squeezed(pieces: list[Piece]) -> str:
    """All that is seen, without blanks, quote signs and lines across."""
    return re.sub(r"[\s>—]", "", "".join(p.plain for p in pieces))


@settings(max_examples=250, deadline=None)
@given(ANY, STYLES, st.booleans())
def test_limits_hold_and_nothing_is_lost(source: str, style: Style, chunks: bool) -> None:
    pieces = split(source, style, chunks=chunks)
    for piece in pieces:
        texts = [piece.plain, check(piece.text).seen if style.markup == "html" else piece.text]
        for text in texts:
            assert 0 < (utf16(text) if style.utf16 else len(text)) <= style.limit
            assert text.strip()
    whole = split(source, Style(style.markup, 10**9, 10**9))
    assert squeezed(pieces) == squeezed(whole)


@settings(max_examples=150, deadline=None)
@given(st.lists(WORDS.map(str.split).filter(bool).map("".join), min_size=1, max_size=60), st.data())
def test_every_word_arrives_in_order(words: list[str], data: st.DataObject) -> None:
    shapes = [
        "{}",
        "**{}**",
        "- {}",
        "> {}",
        "# {}",
        "`{}`",
        "[{}](https://x.io)",
        "```\n{}\n```",
        "1. {}",
    ]
    source = "\n\n".join(data.draw(st.sampled_from(shapes)).format(w) for w in words)
    seen = squeezed(split(source, Style("html", 50, 50, utf16=True)))
    at = 0
    for word in words:
        at = seen.index(word, at) + len(word)


@settings(max_examples=150, deadline=None)
@given(ANY)
def test_only_safe_links_become_links(source: str) -> None:
    for piece in split(source, HTML):
        assert all(re.match("https?://", link) for link in check(piece.text).links)


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from(list("aBéç  ,.;:!?-+#=%()/'\"@0129\t\u00a0[]*_`\\~<>&$|^{}\n")), max_size=40))
def test_an_ordinary_line_is_read_as_the_parser_reads_it(source: str) -> None:
    parsed = Reader(source.split("\n")).read(PARSER.parse(source)) or plain(source)
    assert read(source) == parsed
    ordinary = f"a{source}"
    assert read(ordinary) == (Reader(ordinary.split("\n")).read(PARSER.parse(ordinary)) or plain(ordinary))
