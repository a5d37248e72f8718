"""Websites into collections: one page a step, within a host and a depth, as far as its robots.txt allows.

Google Drive and Notion are not read here. Whoever wants them brings their documents by A-53 or
`POST .../documents/files`; a reader of its own belongs beside this module, behind `hub.store.sources`.
"""

import logging
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit
from uuid import UUID, uuid5

from hub.errors import HubError, Invalid, NotFound, Unreadable, Unsupported, Upstream
from hub.guarded_http import Reply
from hub.knowledge import documents, extract, website
from hub.knowledge.collections import require
from hub.runtime import Hub
from hub.store import sources
from hub.store.documents import Given
from hub.store.sources import Claimed, Source

log = logging.getLogger(__name__)

DEPTH, PAGES, SOURCES = 5, 2000, 20
LONGEST = 5_000_000  # bytes of a page
ROBOTS = 100_000
SECONDS = 20.0
LEASE = 120.0
TRIES = 4
TROUBLE = "Not read this time"
HEADERS = {"User-Agent": f"{website.AGENT}/1.0", "Accept": "text/html,application/xhtml+xml,application/pdf,*/*;q=0.5"}


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
    if reply.status >= 500 or reply.status == 429:
        raise Upstream(f"The site's robots.txt answered with status {reply.status}.")
    robots = reply.body.decode(errors="replace") if reply.status == 200 and "html" not in reply.mime else ""
    return replace(source, robots=robots, pause=website.pause(robots))


async def _step(hub: Hub, source: Claimed) -> None:
    robots = source.robots or ""
    found = await sources.following(hub.db, source)
    if found is None:
        await _end(hub, source)
        return
    url, depth = found
    kind = source.kind
    if not website.allowed(robots, url):
        await _refuse(hub, source, url, "The site's robots.txt does not allow it.")
    else:
        reply = await _page_at(hub, source, url, depth)
        if reply is None:
            pass
        elif reply.status in (301, 302, 303, 307, 308):
            await _moved(hub, source, url, depth, reply)
        elif reply.status != 200:
            await _refuse(hub, source, url, f"The site answered with status {reply.status}.")
        elif (listed := website.listed(reply.body)) is not None:
            kind = "sitemap" if depth == 0 else kind
            await _map(hub, source, url, depth, listed)
        else:
            await _page(hub, source, url, depth, reply)
    await sources.stepped(hub.db, source, kind, robots, source.pause)


async def _got(hub: Hub, url: str, limit: int, follow: bool = False, cut: bool = False) -> Reply:
    return await hub.outbound.request("GET", url, headers=HEADERS, seconds=SECONDS, limit=limit, follow=follow, cut=cut)


async def _page_at(hub: Hub, source: Claimed, url: str, depth: int) -> Reply | None:
    """The answer of a page; None when the site has trouble with it: what was read of it before stays meanwhile.

    The run itself waits for its first page.
    """
    try:
        reply = await _got(hub, url, LONGEST)
        if reply.status >= 500 or reply.status == 429:
            raise Upstream(f"The site answered with status {reply.status}.")
    except Upstream as e:
        if depth == 0:
            raise
        await sources.close(hub.db, source, url, f"{TROUBLE}: {e}", None)
        return None
    return reply


async def _refuse(hub: Hub, source: Claimed, url: str, why: str) -> None:
    """What is not there, or may not be read, is not kept either."""
    async with hub.db.transaction() as inside:
        await sources.drop_document(inside, source, url)
        await sources.close(inside, source, url, why, None)


async def _moved(hub: Hub, source: Claimed, url: str, depth: int, reply: Reply) -> None:
    target = website.normal(reply.headers.get("Location", ""), url)
    if target is None or website.bare(target) != website.bare(source.address):
        await _refuse(hub, source, url, "It leads to another site.")
        return
    await sources.seen(hub.db, source, [target], depth)
    await _refuse(hub, source, url, f"It leads to {target[:200]}.")


async def _map(hub: Hub, source: Claimed, url: str, depth: int, listed: tuple[list[str], bool]) -> None:
    """Maps of maps are followed twice; their pages are read, and no links of theirs beyond."""
    urls, maps = listed
    if not maps or depth < 2:
        found = website.within(urls, url, website.bare(source.address))
        await sources.seen(hub.db, source, found, depth + 1 if maps else DEPTH + 1)
    await sources.close(hub.db, source, url, None, None)


async def _page(hub: Hub, source: Claimed, url: str, depth: int, reply: Reply) -> None:
    name = urlsplit(url).path.rpartition("/")[2] or "page"
    try:
        read = await extract.page_of(hub.children, name, reply.mime, reply.body, reply.headers.get("Content-Type", ""))
    except (Unreadable, Unsupported) as e:
        await _refuse(hub, source, url, str(e))
        return
    if depth < source.depth:
        links = website.within(read.links, url, website.bare(source.address))
        await sources.seen(hub.db, source, [u for u in links if website.allowed(source.robots or "", u)], depth + 1)
    if not read.kept:
        await _refuse(hub, source, url, "The page asks not to be indexed.")
        return
    if not read.text.strip():
        await _refuse(hub, source, url, "It holds no text of its own; it may be drawn by JavaScript in the browser.")
        return
    given = Given(_name(url), read.text, None, (), {"url": url, "source": str(source.id)}, read.notes, read.places)
    try:
        saved = await documents.put(hub.db, hub.queue, source.account_id, source.collection_id, given)
    except Invalid as e:
        await _refuse(hub, source, url, str(e))
        return
    await sources.close(hub.db, source, url, None, saved.id)


def _name(url: str) -> str:
    """A document is called by its address; what is too long keeps its beginning."""
    return url if len(url) <= documents.NAME else f"{url[: documents.NAME - 37]} {uuid5(UUID(int=0), url)}"


async def _end(hub: Hub, source: Claimed) -> None:
    """What this run did not meet any more is gone, and goes here too; not after trouble, which may have hidden it."""
    while not await sources.troubled(hub.db, source, TROUBLE) and (urls := await sources.gone(hub.db, source)):
        async with hub.db.transaction() as inside:
            await sources.forget(inside, source, urls)
    await sources.ended(hub.db, source)
