"""What a website says about itself: which addresses belong to it, what robots may read, what its map lists. Pure."""

import gzip
import re
import zlib
from collections.abc import Iterable
from html import unescape
from urllib.parse import urldefrag, urljoin, urlsplit
from urllib.robotparser import RobotFileParser

AGENT = "ChatHub"
LONGEST = 2000
SLOWEST = 10.0  # seconds between two pages, whatever the site asks for
LOC = re.compile(r"<(?:\w+:)?loc>\s*(?:<!\[CDATA\[)?\s*([^<\]]+?)\s*(?:\]\]>)?\s*</(?:\w+:)?loc>", re.IGNORECASE)
MAP = re.compile(rb"<(?:\w+:)?(urlset|sitemapindex)[\s>]", re.IGNORECASE)
# What is no page to read.
OTHER = re.compile(
    r"\.(?:png|jpe?g|gif|webp|svg|ico|css|js|mjs|json|zip|gz|rar|7z|exe|dmg|mp[34]|avi|mov|webm|wav|ogg|woff2?|ttf)$",
    re.IGNORECASE,
)
UNPACKED = 20 << 20


def normal(url: str, base: str = "") -> str | None:
    """An address as it is kept: absolute, without its fragment; None for what is none of the web."""
    try:
        whole = urldefrag(urljoin(base, url.strip())).url
        parts = urlsplit(whole)
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or len(whole) > LONGEST or parts.username:
        return None
    return parts._replace(scheme=parts.scheme.lower(), netloc=parts.netloc.lower(), path=parts.path or "/").geturl()


def within(urls: Iterable[str], base: str, host: str) -> list[str]:
    """Those of the addresses that are pages of the host, each once."""
    found = (normal(u, base) for u in urls)
    return list(dict.fromkeys(u for u in found if u and bare(u) == host and not OTHER.search(urlsplit(u).path)))


def bare(url: str) -> str:
    """The host and port of an address; with and without www it is one."""
    return urlsplit(url).netloc.lower().removeprefix("www.")


def allowed(robots: str, url: str) -> bool:
    return _rules(robots).can_fetch(AGENT, url)


def pause(robots: str) -> float:
    """Seconds a site asks robots to wait between two pages."""
    found = _rules(robots).crawl_delay(AGENT)
    return min(SLOWEST, float(found)) if found else 0.0


def _rules(robots: str) -> RobotFileParser:
    parser = RobotFileParser()
    parser.parse(robots.splitlines())
    parser.modified()
    return parser


def listed(body: bytes) -> tuple[list[str], bool] | None:
    """The addresses of a map of a site, and whether they are maps themselves; None when it is no map."""
    if body.startswith(b"\x1f\x8b"):
        try:
            body = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(body, UNPACKED)
        except (zlib.error, gzip.BadGzipFile):
            return None
    kind = MAP.search(body[:5000])
    if kind is None:
        return None
    text = body.decode(errors="replace")
    return [unescape(u) for u in LOC.findall(text)], kind[1].lower() == b"sitemapindex"
