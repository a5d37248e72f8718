"""Pages as Markdown: what they say, without what stands around it; what is left out is told."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

from bs4 import BeautifulSoup, Comment
from markdownify import MarkdownConverter

from hub.knowledge.children.common import Asked, No, Text, run
from hub.knowledge.children.encodings import decoded

# What a page has beside what it says.
NOISE = (
    "script, style, noscript, template, svg, canvas, object, embed, nav, select, input, textarea, dialog, head, "
    "[role=navigation], [role=banner], [role=contentinfo], [role=search], [role=dialog]"
)
# A button that opens a part of the page says what that part is about.
OPENS = ("aria-controls", "aria-expanded", "data-bs-toggle", "data-toggle", "data-target", "data-bs-target")
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6", "dt", "summary")
HIDDEN = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
PANEL = re.compile(r"collaps|accordion|tab-?pane|tab-?panel|tab-?content|panel|toggle|faq|answer", re.IGNORECASE)
ROOTS = "#root, #app, #__next, #__nuxt, #main-app, app-root, [data-reactroot]"
FEW = 200  # characters
DEPTH = 900
LINKS = 5000
ROBOTS = re.compile(r"^robots$", re.IGNORECASE)
QUOTED = 80
FILE_NAME = re.compile(r"^[\w-]+\.(?:png|jpe?g|gif|webp|svg)$", re.IGNORECASE)


def read(content: bytes, asked: Asked, text: Text) -> None:
    made = page(decoded(content), text)
    if not made and not text.links:
        raise No("holds no text of its own; it may be drawn by JavaScript in the browser")
    text.add(made)


def page(source: str, text: Text) -> str:
    """The main part of a page as Markdown, its title first; empty when it has only a title."""
    soup: Any = BeautifulSoup(source, "html.parser")
    _shallow(soup)
    _leads(soup, text)
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    asked = list(_questions(soup))
    drawn = bool(soup.select_one("script")) and bool(soup.select_one(ROOTS))
    frames = len(soup.select("iframe"))
    body = "\n\n".join(filter(None, (markdown(_cleaned(main, main is soup, text)) for main in _mains(soup))))
    for question, answer in asked:
        if question not in body:
            body += f"\n\n### {question}\n\n{answer}"
    body = body.strip()
    if frames:
        text.note(f"{frames} frame{'s' * (frames > 1)} within the page {'were' if frames > 1 else 'was'} not read.")
    if not body or body.lstrip("# ").strip() == title:
        return ""
    if drawn and len(body) < FEW:
        text.note("Most of this page seems to be drawn by JavaScript; only what its HTML holds was read.")
    return f"# {title}\n\n{body}" if title and title not in body[:500] else body


def _leads(soup: Any, text: Text) -> None:
    """Where a page leads to, and what it asks of robots."""
    said = " ".join(str(m.get("content") or "") for m in soup.find_all("meta", attrs={"name": ROBOTS})).lower()
    text.kept = "noindex" not in said and "none" not in said.split()
    if not text.asked.get("links") or "nofollow" in said or not text.kept and "none" in said:
        return
    base = soup.find("base", href=True)
    for one in soup.find_all("a", href=True, limit=LINKS):
        if "nofollow" not in (one.get("rel") or ()):
            text.links.append(urljoin(str(base["href"]), str(one["href"])) if base else str(one["href"]))


def _shallow(soup: Any) -> None:
    """Refuse what is nested so deeply that every look upwards takes its time."""
    level = [soup]
    for _ in range(DEPTH):
        level = [part for one in level for part in getattr(one, "contents", ())]
        if not level:
            return
    raise No("is nested too deeply")


def _mains(soup: Any) -> list[Any]:
    """The main parts that hold something, or all of the page."""
    found = [m for m in soup.select("main, [role=main]") if m.get_text(strip=True) or m.select_one("img[alt]")]
    outer = [m for m in found if not any(p in found for p in m.parents)]
    return outer or [soup]


def _cleaned(main: Any, whole: bool, text: Text) -> Any:
    for comment in main.find_all(string=lambda s: isinstance(s, Comment)):
        comment.extract()
    for one in main.select("button, [role=tab]"):
        _button(one)
    targets = _targets(main)
    for one in main.select(NOISE):
        one.decompose()
    _hide(main, targets, text)
    for one in main.select("iframe"):
        one.decompose()
    for one in main.find_all("img"):
        alt = " ".join(str(one.get("alt") or "").split())
        one.replace_with(f" {alt} " if len(alt) > 2 and not FILE_NAME.match(alt) else "")
    for one in main.find_all("summary"):
        one.name = "h4"
    if whole:
        _around(main, text)
    return main


def _button(one: Any) -> None:
    if one.parent and one.parent.name in HEADINGS or any(one.has_attr(a) for a in OPENS) or one.get("role") == "tab":
        text = one.get_text(" ", strip=True)
        if one.parent and one.parent.name in HEADINGS or not text:
            one.unwrap()
        elif one.get("role") == "tab" or not one.has_attr("aria-haspopup"):
            one.name = "h4"
            return
    else:
        one.decompose()


def _targets(main: Any) -> set[str]:
    """Ids of the parts that something on the page opens."""
    found = set()
    for one in main.find_all(True):
        for name in ("aria-controls", "data-target", "data-bs-target", "href"):
            value = str(one.get(name) or "")
            if value and (name != "href" or value.startswith("#")):
                found.add(value.removeprefix("#"))
    return found


def _hide(main: Any, targets: set[str], text: Text) -> None:
    """Leave out what a reader does not see and cannot open."""
    for one in main.find_all(True):
        if one.decomposed or one.attrs is None:
            continue
        silent, style = one.get("aria-hidden") == "true", str(one.get("style") or "")
        if not (silent or one.has_attr("hidden") or HIDDEN.search(style)) or _opened(one, targets):
            continue
        said = one.get_text(" ", strip=True)
        if len(said) > 2 and not silent:
            text.note(f'Hidden text was left out: "{said[:QUOTED]}{"…" * (len(said) > QUOTED)}"')
        one.decompose()


def _opened(one: Any, targets: set[str]) -> bool:
    if one.get("role") == "tabpanel" or one.has_attr("aria-labelledby") or str(one.get("id") or "\0") in targets:
        return True
    return bool(PANEL.search(" ".join(one.get("class") or []) + " " + str(one.get("id") or "")))


def _around(page: Any, text: Text) -> None:
    """The header, footer and side of the page; an article has a header and a footer of its own."""
    for one in page.find_all(["header", "footer", "aside"]):
        if one.decomposed or one.find_parent(["article", "section", "main"]):
            continue
        said = one.get_text(" ", strip=True)
        if said:
            what = {"header": "header", "footer": "footer"}.get(one.name, "side column")
            text.note(f'The {what} of the page was left out: "{said[:QUOTED]}{"…" * (len(said) > QUOTED)}"')
        one.decompose()


def _questions(soup: Any) -> Iterator[tuple[str, str]]:
    """Questions and answers that a page tells search engines."""
    for script in soup.find_all("script", type="application/ld+json"):
        try:
            found = json.loads(script.string or "")
        except ValueError:
            continue
        for one in _within(found):
            answer = one.get("acceptedAnswer") or one.get("suggestedAnswer") or {}
            first = answer[0] if isinstance(answer, list) and answer else answer
            said = first.get("text") if isinstance(first, dict) else None
            if isinstance(one.get("name"), str) and isinstance(said, str):
                yield _plain(one["name"]), _plain(said)


def _within(found: Any, depth: int = 0) -> Iterator[Any]:
    if depth > 20:
        return
    if isinstance(found, list):
        for one in found:
            yield from _within(one, depth + 1)
    elif isinstance(found, dict):
        if found.get("@type") == "Question" or "Question" in (found.get("@type") or ()):
            yield found
        for one in found.values():
            if isinstance(one, dict | list):
                yield from _within(one, depth + 1)


def _plain(source: str) -> str:
    return str(BeautifulSoup(source, "html.parser").get_text(" ", strip=True))


def markdown(soup: Any) -> str:
    try:
        made = MarkdownConverter(heading_style="ATX", bullets="-", escape_misc=False).convert_soup(soup)
    except RecursionError:
        raise No("is nested too deeply") from None
    lines = [line.rstrip() for line in made.splitlines()]
    return "\n".join(line for n, line in enumerate(lines) if line or (n and lines[n - 1])).strip()


if __name__ == "__main__":
    run({"html": read})
