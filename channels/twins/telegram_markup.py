"""Telegram's formatting: HTML and Markdown become text and entities, or an error as it words it."""

import re
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]
TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
}
NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>")
ATTRIBUTE = re.compile(r"([a-zA-Z-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|(\S+))")
ENTITY = re.compile(r"&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|([a-z]+));")
RESERVED = "_*[]()~`>#+-=|{}.!"
# Longest first: "__" is not twice "_".
MARKS = (
    ("||", "spoiler"),
    ("__", "underline"),
    ("*", "bold"),
    ("_", "italic"),
    ("~", "strikethrough"),
)
LINK = re.compile(r"\]\(((?:\\.|[^)\\])*)\)")


class Unparsable(Exception):
    """The text cannot be read; the message is what Telegram says about it."""


def units(text: str) -> int:
    """Length as Telegram counts: UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def parse(text: str, mode: str) -> tuple[str, list[Json]]:
    """Text and entities, trimmed; raise Unparsable."""
    readers: dict[str, Callable[[str], tuple[str, list[Json]]]] = {
        "": lambda t: (t, []),
        "html": _html,
        "markdownv2": _markdown,
        "markdown": _legacy,
    }
    reader = readers.get(mode.lower())
    if reader is None:
        raise Unparsable("unsupported parse_mode")
    return _trim(*reader(text.replace("\r\n", "\n")))


def _trim(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    lead = units(text) - units(text.lstrip())
    text = text.strip()
    size = units(text)
    kept = []
    for e in sorted(entities, key=lambda e: (e["offset"], -e["length"])):
        start, end = max(e["offset"] - lead, 0), min(e["offset"] + e["length"] - lead, size)
        if end > start:
            kept.append({**e, "offset": start, "length": end - start})
    return text, kept


def _entity(name: str, start: int, end: int, more: Json) -> Json:
    return {"offset": start, "length": end - start, "type": name, **more}


def _html(text: str) -> tuple[str, list[Json]]:
    out: list[str] = []
    size = 0
    open_tags: list[tuple[str, int, Json]] = []
    found: list[Json] = []
    at = 0

    def put(piece: str) -> None:
        nonlocal size
        piece = ENTITY.sub(_character, piece)
        out.append(piece)
        size += units(piece)

    while (start := text.find("<", at)) >= 0:
        put(text[at:start])
        tag, offset = TAG.match(text, start), len(text[:start].encode())
        if tag is None:
            raise Unparsable(f"Unclosed start tag at byte offset {offset}")
        closing, name, rest = tag[1], tag[2].lower(), tag[3]
        if closing:
            if not open_tags:
                raise Unparsable(f"Unexpected end tag at byte offset {offset}")
            opened, begun, more = open_tags.pop()
            if opened != name:
                raise Unparsable(
                    f'Unmatched end tag at byte offset {offset}, expected "</{opened}>",'
                    f' found "</{name}>"'
                )
            _close(found, opened, begun, size, more)
        elif name not in TAGS:
            raise Unparsable(f'Unsupported start tag "{name}" at byte offset {offset}')
        else:
            open_tags.append((name, size, _attributes(name, rest, offset)))
        at = tag.end()
    put(text[at:])
    if open_tags:
        raise Unparsable(f'Can\'t find end tag corresponding to start tag "{open_tags[-1][0]}"')
    return "".join(out), found


def _close(found: list[Json], name: str, start: int, end: int, more: Json) -> None:
    language = more.pop("language", None)
    if end == start or (name == "a" and not more):
        return
    if name == "code" and language:
        found.append(_entity("code", start, end, {"language": language}))
        return
    if name == "pre":  # <pre><code class="language-x"> is one entity
        inner = [e for e in found if e["type"] == "code" and e["offset"] == start]
        for e in inner:
            found.remove(e)
            more |= {k: v for k, v in e.items() if k == "language"}
    found.append(_entity(TAGS[name], start, end, more))


def _attributes(name: str, rest: str, offset: int) -> Json:
    given = {m[1].lower(): m[2] or m[3] or m[4] or "" for m in ATTRIBUTE.finditer(rest)}
    if name == "span" and given.get("class") != "tg-spoiler":
        raise Unparsable(f'Tag "span" must have class "tg-spoiler" at byte offset {offset}')
    if name == "a" and given.get("href"):
        return {"url": ENTITY.sub(_character, given["href"])}
    if name == "code" and given.get("class", "").startswith("language-"):
        return {"language": given["class"].removeprefix("language-")}
    if name == "tg-emoji":
        return {"custom_emoji_id": given.get("emoji-id", "")}
    return {}


def _character(found: re.Match[str]) -> str:
    if found[3]:
        return NAMED.get(found[3], found[0])
    code = int(found[1]) if found[1] else int(found[2], 16)
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else found[0]


class _Markdown:
    """One pass over MarkdownV2."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.out: list[str] = []
        self.size = 0
        self.open: list[tuple[str, int, int]] = []
        self.found: list[Json] = []

    def put(self, piece: str) -> None:
        self.out.append(piece)
        self.size += units(piece)

    def fail(self, what: str) -> Unparsable:
        return Unparsable(what.replace("@", str(len(self.text[: self.at].encode()))))

    def code(self, fence: str) -> None:
        end = self.text.find(fence, self.at + len(fence))
        name = "pre" if len(fence) == 3 else "code"
        if end < 0:
            raise self.fail(f"Can't find end of {name.capitalize()} entity at byte offset @")
        inner = self.text[self.at + len(fence) : end]
        more: Json = {}
        if name == "pre" and (line := re.match(r"([A-Za-z0-9+#-]*)\n", inner)):
            more = {"language": line[1]} if line[1] else {}
            inner = inner[line.end() :]
        start = self.size
        self.put(re.sub(r"\\(.)", r"\1", inner))
        if self.size > start:
            self.found.append(_entity(name, start, self.size, more))
        self.at = end + len(fence)

    def mark(self, sign: str, name: str) -> None:
        if self.open and self.open[-1][0] == sign:
            _, start, _ = self.open.pop()
            if self.size > start:
                self.found.append(_entity(name, start, self.size, {}))
        elif any(o[0] == sign for o in self.open):
            raise self.fail(f"Can't find end of {name.capitalize()} entity at byte offset @")
        else:
            self.open.append((sign, self.size, self.at))
        self.at += len(sign)

    def link(self) -> bool:
        link = LINK.match(self.text, self.at)
        if link is None or not self.open or self.open[-1][0] != "[":
            return False
        _, start, _ = self.open.pop()
        url = re.sub(r"\\(.)", r"\1", link[1])
        if self.size > start and url:
            self.found.append(_entity("text_link", start, self.size, {"url": url}))
        self.at = link.end()
        return True

    def step(self) -> None:
        text, at = self.text, self.at
        char = text[at]
        if char == "\\" and at + 1 < len(text) and 32 < ord(text[at + 1]) < 127:
            self.put(text[at + 1])
            self.at += 2
        elif char == "`":
            self.code("```" if text.startswith("```", at) else "`")
        elif sign := next((m for m in MARKS if text.startswith(m[0], at)), None):
            self.mark(*sign)
        elif char in "[]":
            self.bracket(char)
        elif char == ">" and (at == 0 or text[at - 1] == "\n"):
            end = text.find("\n", at)
            length = units(text[at + 1 : end if end >= 0 else len(text)])
            self.found.append(_entity("blockquote", self.size, self.size + length, {}))
            self.at += 1
        elif char in RESERVED:
            raise self.fail(
                f"Character '{char}' is reserved and must be escaped with the preceding '\\'"
            )
        else:
            self.put(char)
            self.at += 1

    def bracket(self, char: str) -> None:
        if char == "[":
            self.open.append(("[", self.size, self.at))
            self.at += 1
        elif not self.link():
            raise self.fail("Character ']' is reserved and must be escaped with the preceding '\\'")


def _markdown(text: str) -> tuple[str, list[Json]]:
    reader = _Markdown(text)
    while reader.at < len(text):
        reader.step()
    if reader.open:
        sign, _, reader.at = reader.open[-1]
        name = dict(MARKS).get(sign, "text_url").capitalize()
        raise reader.fail(f"Can't find end of {name} entity at byte offset @")
    return "".join(reader.out), reader.found


def _legacy(text: str) -> tuple[str, list[Json]]:
    """The old Markdown: no nesting, nothing reserved but its four signs."""
    out: list[str] = []
    found: list[Json] = []
    names = {"*": "bold", "_": "italic", "`": "code", "```": "pre"}
    at = size = 0
    while at < len(text):
        link = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)").match(text, at)
        sign = next((s for s in ("```", "*", "_", "`") if text.startswith(s, at)), "")
        end = text.find(sign, at + len(sign)) if sign else -1
        if text[at] == "\\" and text[at + 1 : at + 2] in ("_", "*", "`", "["):
            piece, step, entity = text[at + 1], 2, None
        elif link:
            piece, step = link[1], len(link[0])
            entity = ("text_link", {"url": link[2]})
        elif sign:
            if end < 0:
                raise Unparsable(
                    "Can't find end of the entity starting at byte offset "
                    f"{len(text[:at].encode())}"
                )
            piece, step, entity = (
                text[at + len(sign) : end],
                end + len(sign) - at,
                (names[sign], {}),
            )
        else:
            piece, step, entity = text[at], 1, None
        if entity and piece:
            found.append(_entity(entity[0], size, size + units(piece), entity[1]))
        out.append(piece)
        size += units(piece)
        at += step
    return "".join(out), found
