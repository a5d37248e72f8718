"""What a website says about itself: which addresses belong to it, what its map lists. Pure."""

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from html import unescape
from itertools import islice
from urllib.parse import urldefrag, urljoin, urlsplit

LONGEST = 2000
# Each part of it is bounded: what a hostile map writes takes no longer to read than any other.
LOC = re.compile(r"<(?:\w{1,40}:)?loc\s{0,20}>\s{0,200}(?:<!\[CDATA\[)?([^<\]]{1,4000})", re.IGNORECASE)
MAP = re.compile(rb"<(?:\w+:)?(urlset|sitemapindex)[\s>]", re.IGNORECASE)
# What is no page to read.
OTHER = re.compile(
    r"\.(?:svg|ico|css|js|mjs|json|zip|gz|rar|7z|exe|dmg|woff2?|ttf|eot|map|apk|iso|tar|tgz)$", re.IGNORECASE)
MEDIA = re.compile(
    r"\.(?:png|jpe?g|gif|webp|avif|bmp|tiff?|heic|mp[34]|m4[av]|avi|mov|mkv|webm|wav|og[gav]|opus|flac|aac|wma|wmv)$",
    re.IGNORECASE,
)
FRONT = re.compile(r"/(?:(?:index|home|default|inicio|início)(?:\.\w+)?/?)?", re.IGNORECASE)
PLAIN = re.compile(rb"\s*https?://\S+")
WORD = re.compile(rb"\S+")
UNPACKED = 20 << 20
PART, LONGEST_LOC = 64 << 10, 5000  # characters
LISTED = 50_000  # addresses in one map, as sitemaps.org has it
TOLD = 5


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


def within(urls: Iterable[str], base: str, host: str, maps: bool = False) -> list[str]:
    """Those of the addresses that are pages of the host, each once. maps: they are maps, which may be packed."""
    own = _own(urls, base, host)
    return [u for u in own if maps or not any(kind.search(urlsplit(u).path) for kind in (OTHER, MEDIA))]


def _own(urls: Iterable[str], base: str, host: str) -> list[str]:
    """Those of the host, each once."""
    return list(dict.fromkeys(u for u in (normal(u, base) for u in urls) if u and bare(u) == host))


def left_out(urls: Iterable[str], base: str, host: str) -> str:
    """A sentence about the pictures and recordings of the host that a page leads to; empty when there are none."""
    names = [urlsplit(u).path.rpartition("/")[2] for u in _own(urls, base, host) if MEDIA.search(urlsplit(u).path)]
    if not names:
        return ""
    more = f" and {len(names) - TOLD} more" if len(names) > TOLD else ""
    return f"Pictures and recordings that it leads to were not read: {', '.join(names[:TOLD])}{more}."


def canonical(said: str, url: str, host: str) -> str | None:
    """The address that a page says is its own, where it is another one of the host.

    A page that calls the front page its own is more likely wrong about itself than the front page.
    """
    meant = normal(said, url) if said.strip() else None
    if meant is None or bare(meant) != host or _same(meant) == _same(url):
        return None
    front = urlsplit(meant).path == "/" and not urlsplit(meant).query
    return None if front and not FRONT.fullmatch(urlsplit(url).path) else meant


def _same(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(scheme="", netloc=parts.netloc.removeprefix("www.")).geturl()


def bare(url: str) -> str:
    """The host and port of an address; with and without www it is one."""
    return urlsplit(url).netloc.lower().removeprefix("www.")


def listed(body: bytes) -> tuple[list[str], bool] | None:
    """The addresses of a map of a site, and whether they are maps themselves; None when it is no map."""
    if body.startswith(b"\x1f\x8b"):
        try:
            body = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(body, UNPACKED)
        except (zlib.error, gzip.BadGzipFile):
            return None
    kind = MAP.search(body[:5000])
    if kind is None:
        # Looked at before it is cut to pieces: most bodies are no list of addresses.
        if b"<" in body[:5000] or not PLAIN.match(body[:5000]):
            return None
        lines = [m[0] for m in islice(WORD.finditer(body), LISTED)]
        plain = all(PLAIN.fullmatch(line) for line in lines)
        return ([u.decode(errors="replace") for u in lines], False) if plain else None
    text = body.decode(errors="replace")
    return list(islice(_locations(text), LISTED)), kind[1].lower() == b"sitemapindex"


def _locations(text: str) -> Iterator[str]:
    """Part by part: what else runs in the process is not held up."""
    for start in range(0, len(text), PART):
        for match in LOC.finditer(text, start, start + PART + LONGEST_LOC):
            found = unescape(match[1].strip())
            if found and match.start() < start + PART:
                yield found
