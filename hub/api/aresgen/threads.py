"""G-02 and G-03: threads, which completions make (G-01, hub.api.openai)."""

from aiohttp import web

from hub.accounts import audit
from hub.api.aresgen.schemas.kinds import Cursor, Paged, page
from hub.api.aresgen.schemas.threads import MessageOut, ThreadLine, ThreadOut
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.chat.turns import dialogs
from hub.chat.turns.dialogs import Dialog
from hub.studio.aresgen import threads

TAG = "Threads"
FAMILY = "aresgen"


@endpoint(tag=TAG, family=FAMILY, query_key=False)
async def listed(request: web.Request, query: Cursor) -> Paged[ThreadLine]:
    """List saved threads, newest first."""
    rows = await threads.listed(request.app[HUB].db, caller(request).account_id, query.after, query.wanted)
    return Paged[ThreadLine](**page(rows, query, lambda r: ThreadLine(**ThreadLine.fields(Dialog(**r)))))


@endpoint(id="G-02", tag=TAG, family=FAMILY, query_key=False)
async def show(request: web.Request, id: str) -> ThreadOut:
    """Retrieve the full message history of a saved thread."""
    db = request.app[HUB].db
    found = await threads.find(db, caller(request).account_id, id)
    rows = await dialogs.messages(db, found, None)
    return ThreadOut(**ThreadLine.fields(found), messages=[MessageOut.of(r) for r in rows])


@endpoint(id="G-03", tag=TAG, family=FAMILY, query_key=False, status=204)
async def remove(request: web.Request, id: str) -> None:
    """Delete a thread for good.

    The deletion is noted in the audit log and told to webhooks as `chat.thread.deleted`.
    """
    who = caller(request)
    await threads.remove(request.app[HUB], who.account_id, audit.of_caller(who), id)


BASE = "/v1/chat/threads"
ROUTES = (
    Route("GET", BASE, listed),
    Route("GET", BASE + "/{id}", show),
    Route("DELETE", BASE + "/{id}", remove),
)
