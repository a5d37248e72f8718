"""Inline Markdown tokens to runs."""

from collections.abc import Sequence

from markdown_it.common.normalize_url import normalizeLink
from markdown_it.token import Token

from channels.markup.model import Mark, Run

CLOSED = {"\\(": ")", "\\[": "]"}
LINKED = ("http://", "https://", "mailto:", "tel:")
OPENING = {"strong_open": Mark.BOLD, "em_open": Mark.ITALIC, "s_open": Mark.STRIKE}
CLOSING = {"strong_close": Mark.BOLD, "em_close": Mark.ITALIC, "s_close": Mark.STRIKE}


def runs(tokens: Sequence[Token], marks: frozenset[Mark] = frozenset()) -> list[Run]:
    """The tokens of one "inline" token, all with `marks` on top of their own."""
    found: list[Run] = []
    depth = {mark: int(mark in marks) for mark in Mark}
    link, start = "", 0
    for token in tokens:
        kind = token.type
        if kind in OPENING:
            depth[OPENING[kind]] += 1
        elif kind in CLOSING:
            depth[CLOSING[kind]] -= 1
        elif kind == "link_open":
            link, start = str(token.attrs.get("href", "")), len(found)
        elif kind == "link_close":
            found[start:] = linked(found[start:], link)
            link = ""
        else:
            now = frozenset(mark for mark in Mark if depth[mark] > 0)
            found.extend(_leaf(token, now, bool(link)))
    return found


def _leaf(token: Token, marks: frozenset[Mark], in_link: bool) -> list[Run]:
    match token.type:
        case "softbreak" | "hardbreak":  # in a chat a line break is meant
            return [Run("\n", marks)]
        case "math":
            opening, inner = token.markup, token.content
            text = f"$${inner}$$" if opening == "$$" else f"{opening[1]}{inner}{CLOSED[opening]}"
            return [Run(text, frozenset({Mark.MATH}), display=opening != "\\(")]
        case "code_inline":
            return [Run(token.content, frozenset({Mark.CODE}))]
        case "image":
            words = "".join(child.content or " " for child in token.children or [])
            label = [Run(words, marks)] if words.strip() else []
            return label if label and in_link else linked(label, str(token.attrs.get("src", "")))
        case _:
            return [Run(token.content, marks)]


def linked(label: list[Run], href: str) -> list[Run]:
    """The label as a link, with the address as its tail unless the label says the same."""
    address = href.removeprefix("mailto:").removeprefix("tel:")
    said = "".join(run.text for run in label).strip()
    if not said:
        label, said = [*label, Run(address)], address
    if not href.lower().startswith(LINKED):  # shown as text, never as a link
        return label if said == href else [*label, Run(f" ({href})" if href else "")]
    tail = "" if _same(said, href, address) else f" ({address})"
    hot = [Run(run.text, run.marks, href) for run in label]
    hot[-1] = Run(hot[-1].text, hot[-1].marks, href, tail)
    return hot


def _same(said: str, href: str, address: str) -> bool:
    bare = address.removeprefix("https://").removeprefix("http://").rstrip("/")
    return said.rstrip("/") in (href, address, bare) or normalizeLink(said) == href
