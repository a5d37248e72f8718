"""Choices below a message: buttons where the network delivers them, else a numbered list in its words. Pure.

Stored with a message as `choices`: [{"label", "text"?, "url"?}]. `text` is what a press stands for (without it the
label), `url` what it opens instead.
"""

import base64
import binascii
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from channels.outbound import Style

Json = dict[str, Any]
MOST, LONGEST, SAYS = 10, 60, 1000
MARK = "c:"
NATIVE = "native"
_SIGNS = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~])")
_NUMBER = re.compile(r"\s*(\d{1,2})\s*[.)]?\s*")
_WEB = re.compile(r"https?://[^\s<>\"']{1,2000}", re.I)


def of(given: Any) -> list[Json]:
    """What somebody offers, as it is stored: at most ten, each label once, without what cannot be shown."""
    found: list[Json] = []
    taken: set[str] = set()
    for one in given if isinstance(given, list | tuple) else ():
        choice = _choice(one)
        if choice is not None and choice["label"].casefold() not in taken and len(found) < MOST:
            taken.add(choice["label"].casefold())
            found.append(choice)
    return found


def _choice(one: Any) -> Json | None:
    fields = one if isinstance(one, Mapping) else {"label": one}
    label = " ".join(str(fields.get("label") or "").replace("\0", "").split())
    if not label or not all(isinstance(v, str) for v in fields.values() if v is not None):
        return None
    if len(label) > LONGEST:
        label = label[: LONGEST - 1].rstrip() + "…"
    text, url = str(fields.get("text") or "").replace("\0", "").strip(), str(fields.get("url") or "")
    if url and not _WEB.fullmatch(url):
        return None
    return {"label": label} | ({"url": url} if url else {"text": text[:SAYS]} if text and text != label else {})


def delivered(style: Style, mode: str, settings: Mapping[str, Any], group: bool) -> bool:
    """Whether they can be buttons. WhatsApp's are for two, and no message can become one that has some."""
    if style.buttons == "links":
        return True
    fits = bool(style.buttons) and not group and mode != "placeholder_edit"
    return fits and (style.buttons == "replies" or settings.get("choices") == NATIVE)


def worded(text: str, choices: Sequence[Json], style: Style, native: bool) -> str:
    """The message's Markdown with what is no button."""
    shown = pressed(choices, style, native)
    text = linked(text, [c for c in choices if c not in shown])
    rest = [c for c in choices if not c.get("url") and c not in shown]
    listed = [f"{n}\\. {_literal(c['label'])}" for n, c in enumerate(rest, 1)]
    # Lines of a paragraph: as a list they would go on with the one that the message may end with.
    return "\n\n".join(t for t in (text, "  \n".join(listed)) if t)


def pressed(choices: Sequence[Json], style: Style, native: bool) -> list[Json]:
    """Those that are buttons."""
    if not native or style.buttons == "links":
        return list(choices) if native else []
    replies = [c for c in choices if not c.get("url")]
    alone = style.buttons == "replies" and len(choices) == 1
    return list(choices) if alone else replies


def linked(text: str, choices: Sequence[Json]) -> str:
    """A page's text with the links that were offered."""
    links = [f"[{_literal(c['label'])}]({c['url']})" for c in choices if c.get("url")]
    return "\n\n".join(t for t in (text, "  \n".join(links)) if t)


def attached(
    bodies: list[Json], choices: Sequence[Json], message: UUID, style: Style, native: bool, words: str
) -> None:
    """Hang the buttons on the last of a message's parts, which is one with words for it."""
    shown = pressed(choices, style, native)
    if not shown:
        return
    if not bodies or "file" in bodies[-1]:
        bodies.append({"text": words, "plain": words})
    named = base64.urlsafe_b64encode(message.bytes).decode().rstrip("=")
    bodies[-1]["choices"] = [
        {"id": f"{MARK}{named}:{n}", "label": c["label"]} | ({"url": c["url"]} if c.get("url") else {})
        for n, c in enumerate(choices) if c in shown
    ]
    bodies[-1]["menu"] = words.rstrip(":")


def asking(style: Style, native: bool, choices: Sequence[Json], block: str) -> Style:
    """How words are cut that get buttons: a list's may be shorter."""
    if style.asked and len(block) > style.asked and pressed(choices, style, native):
        return replace(style, limit=style.asked)
    return style


def instead(body: Json, style: Style) -> tuple[str, str]:
    """Text and plain text of a part whose buttons were refused."""
    buttons: list[Json] = body["choices"]
    lines = [f"{c['label']}: {c['url']}" for c in buttons if c.get("url")]
    lines += [f"{n}. {c['label']}" for n, c in enumerate((c for c in buttons if not c.get("url")), 1)]
    words = "\n\n".join((str(body.get("plain") or ""), "\n".join(lines))).strip()
    return (html.escape(words, quote=False) if style.markup == "html" else words), words


def named(payload: str | None) -> tuple[UUID, int] | None:
    """Which choice of which message a press names, if it is one of ours."""
    head, _, number = (payload or "").removeprefix(MARK).partition(":")
    if not (payload or "").startswith(MARK) or len(head) != 22 or not number.isascii() or not number.isdigit():
        return None
    try:
        return UUID(bytes=base64.urlsafe_b64decode(head + "==")), int(number[:2])
    except (binascii.Error, ValueError):
        return None


def numbered(text: str) -> int | None:
    """The number that somebody typed and nothing else."""
    found = _NUMBER.fullmatch(text) if len(text) < 12 and text.isascii() else None
    return int(found[1]) if found else None


def meaning(choice: Json) -> str:
    """The message that a press stands for."""
    return str(choice.get("text") or choice["label"])


def by_number(choices: Any, number: int) -> Json | None:
    """The choice that stood behind a number."""
    listed = [c for c in of(choices) if not c.get("url")]
    return listed[number - 1] if 0 < number <= len(listed) else None


def _literal(label: str) -> str:
    return _SIGNS.sub(r"\\\1", label)
