"""Pages as Markdown: what they say, without what stands around it; what is left out is told."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

from hub.knowledge.children.common import Asked, No, Text, quoted, run
from hub.knowledge.children.encodings import decoded
from hub.knowledge.children.grids import spread
from hub.knowledge.children.panels import button, hide, labelled, targets
from hub.knowledge.children.questions import missing, questions
from hub.knowledge.children.soups import BeautifulSoup, Comment, Kind, MarkdownConverter, drop

# What a page has beside what it says.
NOISE = Kind(
    "script style noscript template svg canvas object embed nav select input textarea dialog head",
    roles="navigation banner contentinfo search dialog",
)
ROOTS = Kind(
    "app-root", ids="root app __next __nuxt main-app ___gatsby svelte q-app mount", attributes="data-reactroot ng-app",
)
# What stands around what a page says.
AROUND = Kind(
    "nav noscript header footer aside select dialog", roles="navigation banner contentinfo search dialog",
)
DRAWN = Kind("svg")
MAIN, FRAME, BUTTON = Kind("main", roles="main"), Kind("iframe"), Kind("button", roles="tab")
OUTSIDE = Kind(" ".join((*NOISE.names, "iframe", "button")), roles=" ".join(NOISE.roles))
SHADOW = Kind(with_=(("template", "shadowrootmode"), ("template", "shadowroot")))
FILE, PICTURE = Kind(with_=(("object", "data"), ("embed", "src"))), Kind(with_=(("img", "alt"),))
# All that a page says before its scripts have drawn it.
WAITS = re.compile(
    r"\W*(?:loading|please wait|one moment|carregando|aguarde|só um momento|cargando|espere|un momento)[\w\s]{0,30}\W*|"
    r".*(?:enabl|activ|ativ|habilit|requir|need|turn|disabl|support|suport).*\bjava\s?script\b.*|"
    r".*\bjava\s?script\b.*(?:enabl|activ|ativ|habilit|requir|need|turn|disabl|support|suport).*",
    re.IGNORECASE | re.DOTALL,
)
FEW = 200  # characters
LITTLE, MORE = 100, 5  # characters of a main part that says next to nothing, and how many times as much the rest has
DEPTH = 900
LINKS = 5000
ROBOTS = re.compile(r"^(?:robots|chathub)$", re.IGNORECASE)
REFRESH = re.compile(r"^\s*\d*\s*[;,]\s*url\s*=\s*[\"']?([^\"']+)", re.IGNORECASE)
QUOTED = 80
GAP = re.compile(r"[ \t\r\n]{200,}")  # blanks that say nothing, even where they are kept
SCRIPT = re.compile(r"^javascript:", re.IGNORECASE)
FILE_NAME = re.compile(r"^[\w-]+\.(?:png|jpe?g|gif|webp|svg)$", re.IGNORECASE)


def read(content: bytes, asked: Asked, text: Text) -> None:
    made = page(decoded(content), text)
    if not made and not text.links:
        raise No("holds no text of its own; it may be drawn by JavaScript in the browser")
    text.add(made)


def page(source: str, text: Text, book: bool = False) -> str:
    """The main part of a page as Markdown, its title first; empty when it has only a title.

    book: it is a chapter, whose header and notes belong to it.
    """
    soup: Any = BeautifulSoup(source, "html.parser")
    _shallow(soup)
    _leads(soup, text)
    # A drawing has a title of its own.
    named = next((one for one in soup.find_all("title", limit=50) if one.find_parent("svg") is None), None)
    title = named.get_text(" ", strip=True) if named is not None else ""
    drawn = soup.find("script") is not None
    rooted = drawn and ROOTS.first(soup) is not None
    asked = list(questions(soup))
    frames = len(FRAME.all(soup))
    mains = _mains(soup)
    whole = mains == [soup]
    body = "\n\n".join(filter(None, (markdown(_cleaned(main, whole and not book, text), text.note) for main in mains)))
    if not whole:
        _beside(soup, mains, text)
    if drawn and len(body) < FEW and WAITS.fullmatch(_bare(body, title)):
        body = ""
    body = (body + missing(asked, body)).strip()
    if frames:
        text.note(f"{frames} frames within the page were not read." if frames > 1
                  else f"{frames} frame within the page was not read.")
    if not _bare(body, title):
        return ""
    if rooted and len(body) < FEW:
        text.note("Most of this page seems to be drawn by JavaScript; only what its HTML holds was read.")
    return f"# {title}\n\n{body}" if title and title not in body[:500] else body


def _bare(body: str, title: str) -> str:
    """What a page says beyond its title."""
    said = body.strip().lstrip("# ")
    return said.removeprefix(title).strip() if title else said


def _leads(soup: Any, text: Text) -> None:
    """Where a page leads to, and what it asks of robots."""
    said = " ".join(str(m.get("content") or "") for m in soup.find_all("meta", attrs={"name": ROBOTS})).lower()
    text.kept = "noindex" not in said and "none" not in said.split()
    if not text.asked.get("links") or "nofollow" in said or not text.kept and "none" in said:
        return
    base = soup.find("base", href=True)
    for one in soup.find_all("link", href=True, rel="canonical"):
        text.canonical = urljoin(str(base["href"]), str(one["href"])) if base else str(one["href"])
    for one in soup.find_all("meta", attrs={"http-equiv": re.compile("^refresh$", re.IGNORECASE)}):
        if led := REFRESH.match(str(one.get("content") or "")):
            text.links.append(led[1].strip())
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
    """The main parts that hold something, or all of the page; all as well where the rest says far more."""
    found = [m for m in MAIN.all(soup) if m.get_text(strip=True) or PICTURE.first(m)]
    outer = [m for m in found if not any(p in found for p in m.parents)]
    there = sum(_size(m) for m in outer)
    if there < LITTLE and (soup.body or soup) and _size(soup.body or soup) - there > MORE * LITTLE:
        return [soup]
    return outer or [soup]


def _size(one: Any) -> int:
    """Characters that a part says, without what stands around it."""
    found = AROUND.all(one)
    there = {id(n) for n in found}
    beside = (n for n in found if not any(id(p) in there for p in n.parents))
    return len(one.get_text(strip=True)) - sum(len(n.get_text(strip=True)) for n in beside)


def _beside(soup: Any, mains: list[Any], text: Text) -> None:
    """What stands outside of the main part is told."""
    for main in mains:
        main.extract()
    drop(OUTSIDE.all(soup))
    _around(soup, text)
    said = soup.get_text(" ", strip=True)
    if len(said) > QUOTED:
        text.note(f"What stands outside of the main part was left out: {quoted(said)}")


def _cleaned(main: Any, whole: bool, text: Text) -> Any:
    drop(main.find_all(string=lambda s: isinstance(s, Comment)))
    for one in SHADOW.all(main):
        one.name = "div"
    opened = targets(main)
    labelled(main)
    drop([one for one in BUTTON.all(main) if not button(one, opened)])
    if FILE.first(main):
        text.note("A file within the page was not read.")
    for one in DRAWN.all(main):
        said = " ".join(t.get_text(" ", strip=True) for t in one.find_all("text"))
        if said:
            one.clear()
            one.name = "p"
            one.append(said)
    drop(NOISE.all(main))
    hide(main, opened, text)
    _mended(main)
    if whole:
        _around(main, text)
    return main


def _mended(main: Any) -> None:
    """Pictures become what they are said to show, and links that lead nowhere their words."""
    drop(FRAME.all(main))
    for one in main.find_all("img"):
        alt = " ".join(str(one.get("alt") or one.get("aria-label") or one.get("title") or "").split())
        one.replace_with(f" {alt} " if len(alt) > 2 and not FILE_NAME.match(alt) else "")
    for one in main.find_all("summary"):
        one.name = "h4"
    for one in main.find_all("a", href=SCRIPT):
        one.unwrap()


def _around(page: Any, text: Text) -> None:
    """The header, footer and side of the page; an article has a header and a footer of its own."""
    gone = list[Any]()
    there = set[int]()
    for one in page.find_all(["header", "footer", "aside"]):
        if not there.isdisjoint(map(id, one.parents)) or one.find_parent(["article", "section", "main"]):
            continue
        said = one.get_text(" ", strip=True)
        if said:
            said = quoted(said)
            text.note(f"The header of the page was left out: {said}" if one.name == "header" else
                      f"The footer of the page was left out: {said}" if one.name == "footer" else
                      f"The side column of the page was left out: {said}")
        gone.append(one)
        there.add(id(one))
    drop(gone)


def markdown(soup: Any, note: Callable[[str], object]) -> str:
    spread(soup, note)
    # Whoever makes Markdown takes quadratic time over them.
    for one in soup.find_all(string=GAP):
        one.replace_with(type(one)(GAP.sub(lambda gap: "\n" if "\n" in gap[0] else " ", one)))
    try:
        made = MarkdownConverter(heading_style="ATX", bullets="-", escape_misc=False).convert_soup(soup)
    except RecursionError:
        raise No("is nested too deeply") from None
    lines = [line.rstrip() for line in made.splitlines()]
    return "\n".join(line for n, line in enumerate(lines) if line or (n and lines[n - 1])).strip()


if __name__ == "__main__":
    run({"html": read})
