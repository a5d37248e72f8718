"""A form is done once, however often it is sent: a double click, a reload, a second try after a lost answer."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from uuid import UUID

from aiohttp import web

from hub import ids
from hub.console.page_request import HEADERS, Visit
from hub.errors import Conflict, HubError
from hub.store import form_posts
from hub.store.form_posts import Post

# A process that died frees its forms after LEASE; who sends one that is being done waits for it.
LEASE, WAIT, LOOK = 60.0, 15.0, 0.2
MARK = "once"
Work = Callable[[], Awaitable[web.StreamResponse]]


def name(v: Visit) -> UUID | None:
    """Of the person, the form's mark and all it holds: what was changed since is another. None without a mark."""
    mark = v.form.get(MARK)
    if not mark:
        return None
    sum = hashlib.sha256()
    for part in (str(v.who.id), mark, v.request.path_qs):
        sum.update(part.encode() + b"\0")
    for key in sorted(set(v.form.fields) - {"csrf", MARK, "since"}):
        sum.update("\0".join((key, *v.form.all(key))).encode() + b"\1")
    for file in v.form.files:
        sum.update(file.name.encode() + b"\0" + hashlib.sha256(file.content).digest())
    # What is said has it as its id.
    return ids.timeless(sum.digest())


async def answer(v: Visit, work: Work, repeats: bool) -> web.StreamResponse:
    """What comes of the form. Raise Conflict while another process is at it for long."""
    v.once = name(v)
    if v.once is None:
        return await work()
    post, end = Post(v.account, v.who.id, v.once), time.monotonic() + WAIT
    while (claim := await form_posts.claim(v.db, post, LEASE)) == "taken":
        found = await form_posts.found(v.db, post)
        if found is not None and found["status"] is not None:
            return await _again(v, found["location"], found["said"])
        if time.monotonic() > end:
            raise Conflict("It is still being done. Look whether it was done before you send it again.")
        await asyncio.sleep(LOOK)
    if claim == "again" and not repeats and await form_posts.done(v.db, post):
        await form_posts.finish(v.db, post, 200, None, None)
        return await _again(v, None, None)
    try:
        response = await work()
    except BaseException as e:
        await asyncio.shield(_ended(v, post, isinstance(e, HubError) or repeats))
        raise
    await form_posts.finish(v.db, post, response.status, v.led_to, v.told)
    return response


async def _ended(v: Visit, post: Post, refused: bool) -> None:
    """What was refused may be sent again; what broke after its change was made is done."""
    if not refused and await form_posts.done(v.db, post):
        await form_posts.finish(v.db, post, 200, None, None)
    else:
        await form_posts.free(v.db, post)


async def _again(v: Visit, location: str | None, said: str | None) -> web.StreamResponse:
    """It was done already; the stream or the page it leads to shows it."""
    if location:
        return v.to(location, said or "")
    if v.partial:
        return web.Response(headers={**HEADERS, "HX-Reswap": "none"}, content_type="text/html")
    return await v.page("error.html", 200, title=v.words.say("Done already"), words=v.words.say(
        "This form was sent before and is done."))
