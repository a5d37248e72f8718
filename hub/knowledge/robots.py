"""What a site asks of robots: in its robots.txt, as RFC 9309 reads it, and in the header of an answer. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

AGENT = "ChatHub"
SLOWEST = 10.0  # seconds between two pages, whatever the site asks for
ALL = "*"
PRODUCT = re.compile(r"[A-Za-z_-]+|\*")
TAG = re.compile(r"^\s*([\w-]+)\s*:\s*(.*)$")
COMPARED = 1_000_000  # paths with addresses, for the links of one page
TIMED = ("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview")


@dataclass(frozen=True, slots=True)
class Rules:
    """paths: whether it is allowed, and the path as it is written; pause: seconds between two pages."""

    paths: tuple[tuple[bool, str], ...] = ()
    pause: float = 0.0


def allowed(rules: Rules, url: str) -> bool:
    """The longest of the paths that fit says it; where two are as long, the one that allows."""
    parts = urlsplit(url)
    path = unquote(parts.path or "/") + (f"?{unquote(parts.query)}" if parts.query else "")
    fits = [(len(wanted), yes) for yes, wanted in rules.paths if _fits(wanted, path)]
    return max(fits)[1] if fits else True


def open_to(rules: Rules, urls: Sequence[str]) -> list[str]:
    """Those of the addresses that may be read. Where a site has very many rules and links, the last of them are looked
    at when it is their turn."""
    many = COMPARED // max(1, len(rules.paths))
    return [u for n, u in enumerate(urls) if n >= many or allowed(rules, u)]


def indexed(header: str) -> bool:
    """Whether the header X-Robots-Tag lets a page be kept."""
    whose = AGENT.lower()
    for one in header.split(","):
        named = TAG.match(one)
        if named and named[1].lower() not in TIMED:
            whose, one = named[1].lower(), named[2]
        if whose == AGENT.lower() and one.strip().lower() in ("noindex", "none"):
            return False
    return True


def read(robots: str) -> Rules:
    """What it asks of this hub, or of all robots where it does not name it."""
    groups = list(_groups(robots))
    mine = [rules for names, rules in groups if AGENT.lower() in names] or [r for names, r in groups if ALL in names]
    paths, wait = [], 0.0
    for rules in mine:
        for key, value in rules:
            if key == "crawl-delay":
                wait = _seconds(value)
            elif value:
                paths.append((key == "allow", unquote(value)))
    return Rules(tuple(paths), min(SLOWEST, wait))


def _groups(robots: str) -> Iterator[tuple[set[str], list[tuple[str, str]]]]:
    names: set[str] = set()
    rules: list[tuple[str, str]] = []
    said = False
    for line in robots.removeprefix("\ufeff").splitlines():
        key, _, value = (part.strip() for part in line.partition("#")[0].partition(":"))
        key = key.lower()
        if key == "user-agent":
            if said:
                yield names, rules
                names, rules, said = set(), [], False
            product = PRODUCT.match(value)
            names |= {product[0].lower()} if product else set()
        elif key in ("allow", "disallow", "crawl-delay"):
            rules.append((key, value))
            said = True
    yield names, rules


def _seconds(value: str) -> float:
    try:
        return max(0.0, float(value))
    except ValueError:
        return 0.0


def _fits(wanted: str, path: str) -> bool:
    """Whether a path begins as it is written; a star stands for anything, a dollar sign for the end."""
    end = wanted.endswith("$")
    first, *rest = wanted.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    for n, part in enumerate(rest, 1):
        if end and n == len(rest):
            return len(path) - len(part) >= at and path.endswith(part)
        found = path.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return not end or at == len(path)
