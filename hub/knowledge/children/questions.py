"""Questions and answers that a page tells search engines."""

import json
import re
from collections.abc import Iterator
from typing import Any

from hub.knowledge.children.soups import BeautifulSoup

DEPTH = 20
AROUND = re.compile(r"^\s*(?://|/\*)?\s*(?:<!--|<!\[CDATA\[)\s*(?:\*/)?|(?://|/\*)?\s*(?:-->|\]\]>)\s*(?:\*/)?\s*;?\s*$")
LAST = re.compile(r",(\s*[}\]])")


def questions(soup: Any) -> Iterator[tuple[str, str]]:
    for script in soup.find_all("script", type=re.compile(r"^\s*application/ld\+json", re.IGNORECASE)):
        for one in _within(_parsed(script.string or script.get_text())):
            question, answers = _text(one, ("name", "text", "headline")), list(_answers(one))
            if question and answers:
                yield question, "\n\n".join(dict.fromkeys(answers))


def missing(asked: list[tuple[str, str]], body: str) -> str:
    """Those that the text of the page does not have, as Markdown: a page may show them only when they are clicked."""
    there, found = _letters(body), ""
    for question, answer in asked:
        if _letters(question) not in there or _letters(answer)[:60] not in there:
            found += f"\n\n### {question}\n\n{answer}"
    return found


def _parsed(source: str) -> Any:
    bare = AROUND.sub("", source).strip()
    for tried in (bare, LAST.sub(r"\1", bare)):
        try:
            return json.loads(tried, strict=False)
        except (ValueError, RecursionError):
            continue
    return None


def _answers(one: dict[str, Any]) -> Iterator[str]:
    for name in ("acceptedAnswer", "suggestedAnswer"):
        given = one.get(name) or []
        for answer in given if isinstance(given, list) else [given]:
            said = plain(answer) if isinstance(answer, str) else _text(answer, ("text", "description", "name"))
            if said:
                yield said


def _text(one: Any, names: tuple[str, ...]) -> str:
    found = (one.get(name) for name in names) if isinstance(one, dict) else ()
    return next((said for value in found if isinstance(value, str) and (said := plain(value))), "")


def _within(found: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    if depth > DEPTH:
        return
    if isinstance(found, list):
        for one in found:
            yield from _within(one, depth + 1)
    elif isinstance(found, dict):
        kind = found.get("@type") or found.get("type") or ()
        if any(str(k).rpartition("/")[2] == "Question" for k in (kind if isinstance(kind, list) else [kind])):
            yield found
        for one in found.values():
            if isinstance(one, dict | list):
                yield from _within(one, depth + 1)


def plain(source: str) -> str:
    """Words without tags."""
    if "<" not in source and "&" not in source:
        return source.strip()
    return " ".join(BeautifulSoup(source, "html.parser").get_text(" ", strip=True).split())


def _letters(text: str) -> str:
    return re.sub(r"\W+", "", text).casefold()
