"""Websites into collections: one page a step, within a host and a depth, as far as its robots.txt allows.

Google Drive and Notion are not read here. Whoever wants them brings their documents by A-53 or
`POST .../documents/files`; a reader of its own belongs beside this module, behind `hub.store.sources`.
"""

import asyncio
import hashlib
import logging
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit
from uuid import UUID, uuid5

from hub.errors import HubError, Invalid, NotFound, Unreadable, Unsupported, Upstream
from hub.guarded_http import Reply
from hub.knowledge import documents, extract, files, robots, website
from hub.knowledge.collections import require
from hub.knowledge.extract import Read
from hub.knowledge.files import Later
from hub.knowledge.robots import Rules
from hub.runtime import Hub
from hub.store import sources
from hub.store.documents import Given
from hub.store.sources import Claimed, Mark, Page, Source

log = logging.getLogger(__name__)

DEPTH, PAGES, SOURCES = 5, 2000, 20
LONGEST = 25 << 20  # bytes of a page or a file
LINKS = 500  # of a page that are kept: one with more is read as a whole each time
ROBOTS = 512_000
SECONDS = 20.0
LEASE = 120.0
TRIES = 4
TROUBLE = "Not read this time"
AWAY = (408, 425, 429)  # and all from 500 on: the site has trouble, the page may be there
MOVED = (301, 302, 303, 307, 308)
HEADERS = {"User-Agent": f"{robots.AGENT}/1.0", "Accept": "text/html,application/xhtml+xml,application/pdf,*/*;q=0.5"}


@dataclass(frozen=True, slots=True)
class Refused:
    url: str
    error: str


async def put(hub: Hub, account: UUID, collection: UUID, address: str, depth: int, pages: int, hours: float) -> UUID:
    """Add a website to a collection, or read it again with these limits. Raise Invalid, NotFound."""
    await require(hub.db, account, collection)
    url = website.normal(address)
    if url is None:
        raise Invalid("address must be an address such as https://example.com/help.", field="address")
    try:
        hub.outbound.guard.check(url)
    except Invalid as e:
        raise Invalid(f"address: {e}", field="address") from None
    id = await sources.put(hub.db, account, collection, url, depth, pages, hours, SOURCES)
    if id is None:
        raise Invalid(f"A collection has at most {SOURCES} sources; remove one.", field="address")
    return id


async def every(hub: Hub, account: UUID, collection: UUID) -> list[Source]:
    await require(hub.db, account, collection)
    return await sources.every(hub.db, account, collection)


async def get(hub: Hub, account: UUID, collection: UUID, id: UUID) -> tuple[Source, list[Refused]]:
    """A source with the first pages that were not read."""
    found = await sources.every(hub.db, account, collection, id)
    if not found:
        raise NotFound(f"There is no source {id} in this collection.")
    return found[0], [Refused(r["url"], r["error"]) for r in await sources.refused(hub.db, account, id, 50)]


async def remove(hub: Hub, account: UUID, collection: UUID, id: UUID) -> None:
    """Remove a source with the documents it brought."""
    async with hub.db.transaction() as inside:
        done = await sources.remove(inside, account, collection, id)
    if not done:
        raise NotFound(f"There is no source {id} in this collection.")


async def step(hub: Hub) -> bool:
    """Read one page of the source whose turn it is; false when none is due."""
    source = await sources.claim(hub.db, LEASE)
    if source is None:
        return False
    try:
        if source.attempts > TRIES:
            raise Upstream("The hub ended while it read this site.")
        if source.robots is None:
            source = await _begin(hub, source)
        await _step(hub, source)
    except HubError as e:
        log.warning("source %s: %s", source.id, e)
        await sources.failed(hub.db, source, str(e), TRIES)
    return True


async def _begin(hub: Hub, source: Claimed) -> Claimed:
    """A run begins with what the site asks of robots; a site whose answer is trouble is asked again later."""
    await sources.seen(hub.db, source, [source.address], 0)
    reply = await _got(hub, urljoin(source.address, "/robots.txt"), ROBOTS, follow=True, cut=True)
    if _troubled(reply):
        raise Upstream(f"The site's robots.txt answered with status {reply.status}.")
    said = reply.body.decode(errors="replace") if reply.status == 200 and "html" not in reply.mime else ""
    return replace(source, robots=said, pause=robots.read(said).pause)


async def _step(hub: Hub, source: Claimed) -> None:
    page = await sources.following(hub.db, source)
    if page is None:
        await _end(hub, source)
        return
    kind, rules = source.kind, await asyncio.to_thread(robots.read, source.robots or "")
    if not await asyncio.to_thread(robots.allowed, rules, page.url):
        await _refuse(hub, source, page.url, "The site's robots.txt does not allow it.")
    elif (reply := await _page_at(hub, source, page)) is not None:
        kind = await _take(hub, source, page, reply, rules)
    await sources.stepped(hub.db, source, kind, source.robots or "", source.pause)


async def _take(hub: Hub, source: Claimed, page: Page, reply: Reply, rules: Rules) -> str:
    """What a site answered; the kind of the source, which is told by its first answer."""
    digest = await asyncio.to_thread(_digest, reply.body)
    if page.document and (reply.status == 304 or reply.status == 200 and digest == page.mark.digest):
        await _met(hub, source, page, page.mark.links, rules)
        await sources.close(hub.db, source, page.url, None, page.document, page.mark)
    elif reply.status in MOVED:
        await _moved(hub, source, page, reply)
    elif reply.status != 200:
        await _refuse(hub, source, page.url, f"The site answered with status {reply.status}.")
    elif (listed := await asyncio.to_thread(website.listed, reply.body)) is not None:
        await _map(hub, source, page, listed)
        return "sitemap" if page.depth == 0 else source.kind
    else:
        await _page(hub, source, page, reply, rules, digest)
    return source.kind


async def _got(
    hub: Hub, url: str, limit: int, follow: bool = False, cut: bool = False, mark: Mark | None = None
) -> Reply:
    known = {"If-None-Match": mark.etag, "If-Modified-Since": mark.modified} if mark else {}
    headers = HEADERS | {name: value for name, value in known.items() if value}
    return await hub.outbound.request("GET", url, headers=headers, seconds=SECONDS, limit=limit, follow=follow, cut=cut)


def _troubled(reply: Reply) -> bool:
    return reply.status >= 500 or reply.status in AWAY


async def _page_at(hub: Hub, source: Claimed, page: Page) -> Reply | None:
    """The answer of a page; None when the site has trouble with it: what was read of it before stays meanwhile.

    The run itself waits for its first page.
    """
    try:
        reply = await _got(hub, page.url, LONGEST, mark=page.mark)
        if _troubled(reply):
            raise Upstream(f"The site answered with status {reply.status}.")
    except Upstream as e:
        if page.depth == 0:
            raise
        await sources.close(hub.db, source, page.url, f"{TROUBLE}: {e}", None)
        return None
    return reply


async def _refuse(hub: Hub, source: Claimed, url: str, why: str) -> None:
    """What is not there, or may not be read, is not kept either; a page that gave it as its own address is read."""
    async with hub.db.transaction() as inside:
        await sources.drop_document(inside, source, url)
        await sources.close(inside, source, url, why, None)
        await sources.reopen(inside, source, _called(url))


def _called(url: str) -> str:
    return f"Its own address is {url}."


async def _moved(hub: Hub, source: Claimed, page: Page, reply: Reply) -> None:
    target = website.normal(reply.headers.get("Location", ""), page.url)
    if target is None or website.bare(target) != website.bare(source.address):
        await _refuse(hub, source, page.url, "It leads to another site.")
        return
    await sources.seen(hub.db, source, [target], page.depth)
    await _refuse(hub, source, page.url, f"It leads to {target[:200]}.")


async def _map(hub: Hub, source: Claimed, page: Page, listed: tuple[list[str], bool]) -> None:
    """Maps of maps are followed twice; their pages are read, and no links of theirs beyond."""
    urls, maps = listed
    if not maps or page.depth < 2:
        found = await asyncio.to_thread(website.within, urls, page.url, website.bare(source.address), maps)
        await sources.seen(hub.db, source, found, page.depth + 1 if maps else DEPTH + 1)
    await sources.close(hub.db, source, page.url, None, None)


async def _met(hub: Hub, source: Claimed, page: Page, links: tuple[str, ...], rules: Rules) -> None:
    """The pages that a page leads to."""
    if page.depth < source.depth:
        found = await asyncio.to_thread(robots.open_to, rules, links)
        await sources.seen(hub.db, source, found, page.depth + 1)


async def _page(hub: Hub, source: Claimed, page: Page, reply: Reply, rules: Rules, digest: bytes) -> None:
    url, host = page.url, website.bare(source.address)
    try:
        read = await _read(hub, url, reply)
    except (Unreadable, Unsupported) as e:
        await _refuse(hub, source, url, str(e))
        return
    found = read.before if isinstance(read, Later) else read
    links = await asyncio.to_thread(website.within, found.links, url, host)
    await _met(hub, source, page, tuple(links), rules)
    why = await _unfit(hub, source, page, found, reply, rules)
    if why is None and not isinstance(read, Later) and not found.text.strip():
        why = "It holds no text of its own; it may be drawn by JavaScript in the browser."
    if why is not None:
        await _refuse(hub, source, url, why)
        return
    left = await asyncio.to_thread(website.left_out, found.links, url, host)
    given = Given(_name(url), "", None, (), {"url": url, "source": str(source.id)}, (left,) if left else ())
    try:
        saved = await files.keep(
            hub.db, hub.queue, source.account_id, source.collection_id, given, read, reply.mime, reply.body)
    except Invalid as e:
        await _refuse(hub, source, url, str(e))
        return
    await sources.close(hub.db, source, url, None, saved.id, _mark(reply, digest, links))


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()


def _mark(reply: Reply, digest: bytes, links: list[str]) -> Mark:
    """By what the page is known again; by nothing where it leads to more than is kept of it."""
    if len(links) > LINKS:
        return Mark()
    etag, modified = reply.headers.get("ETag"), reply.headers.get("Last-Modified")
    short = [value if value and len(value) <= 500 else None for value in (etag, modified)]
    return Mark(short[0], short[1], digest, tuple(links))


async def _read(hub: Hub, url: str, reply: Reply) -> Read | Later:
    name = urlsplit(url).path.rpartition("/")[2] or "page"
    if extract.kind_of(name, reply.mime) == "pdf" and hub.settings.ocr and extract.sees():
        return await files.paper(hub.children, name, reply.body)
    return await extract.page_of(hub.children, name, reply.mime, reply.body, reply.headers.get("Content-Type", ""))


async def _unfit(hub: Hub, source: Claimed, page: Page, read: Read, reply: Reply, rules: Rules) -> str | None:
    """Why a page is not kept."""
    # Each line of it is read by itself: whom one names, the next may not.
    tags = [value for name, value in reply.headers.items() if name.lower() == "x-robots-tag"]
    if not read.kept or not all(map(robots.indexed, tags)):
        return "The page asks not to be indexed."
    own = website.canonical(read.canonical, page.url, website.bare(source.address))
    if own is None or not await asyncio.to_thread(robots.allowed, rules, own):
        return None
    await sources.seen(hub.db, source, [own], page.depth)
    # One that is refused itself, or for which there is no room, speaks for no other.
    return _called(own) if await sources.standing(hub.db, source, own) in ("waiting", "read") else None


def _name(url: str) -> str:
    """A document is called by its address; what is too long keeps its beginning."""
    return url if len(url) <= documents.NAME else f"{url[: documents.NAME - 37]} {uuid5(UUID(int=0), url)}"


async def _end(hub: Hub, source: Claimed) -> None:
    """What this run did not meet any more is gone, and goes here too; not after trouble, which may have hidden it."""
    while not await sources.troubled(hub.db, source, TROUBLE) and (urls := await sources.gone(hub.db, source)):
        async with hub.db.transaction() as inside:
            await sources.forget(inside, source, urls)
    await sources.ended(hub.db, source)
