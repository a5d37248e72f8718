"""The inbox: conversations by whose they are and how they stand, one or many changed at once."""

from uuid import UUID

from aiohttp import web

from hub.accounts import audit
from hub.accounts.desk import HERE
from hub.api.aivax.schemas.inbox import (
    BulkFailure,
    BulkIn,
    BulkOut,
    InboxChange,
    InboxLine,
    InboxPage,
    InboxQuery,
    InboxState,
    OperatorOut,
)
from hub.api.http import pagination
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.chat.operators import inbox, triage
from hub.store import human_requests, operator_inbox
from hub.store.operator_inbox import Place

TAG = "Inbox"


@endpoint(tag=TAG)
async def listed(request: web.Request, query: InboxQuery) -> InboxPage:
    """List conversations as the console's inbox does.

    Of each person the one that came last to the top; or the more urgent ones first.
    """
    who, after = caller(request), None
    if query.cursor:
        code, _, level = query.cursor.partition(".")
        found = pagination.read_place(code, "cursor")
        after = Place(*found, int(level) if level in ("0", "1", "2", "3") else 3) if found else None
    rows = await operator_inbox.page(
        request.app[HUB].db, who.account_id, who.key_id, query.show, after=after, limit=query.limit + 1,
        filter=query.filter, by_priority=query.sort == "priority",
    )
    page, more = rows[: query.limit], None
    if len(rows) > query.limit:
        more = f"{pagination.write_place(page[-1]['at'], page[-1]['id'])}.{page[-1]['priority']}"
    return InboxPage(items=[InboxLine.line(r) for r in page], next_cursor=more)


@endpoint(tag=TAG, errors=(409,))
async def change(request: web.Request, session_id: UUID, body: InboxChange) -> InboxState:
    """Assign a conversation, label it, close or snooze it, set its priority.

    All of it or nothing. Assigning says who is to see to it; the bot goes on answering until somebody takes it over.
    """
    hub, who = request.app[HUB], caller(request)
    await triage.change(hub, who.account_id, audit.of_caller(who), session_id, body.change())
    return InboxState.of(await inbox.view(hub.db, who.account_id, session_id))


@endpoint(tag=TAG)
async def bulk(request: web.Request, body: BulkIn) -> BulkOut:
    """Do the same with many conversations.

    Sent again it changes nothing more; `routing` gives them to whose turn it is then.
    """
    hub, who = request.app[HUB], caller(request)
    actor = audit.of_caller(who)
    done, failed = await triage.bulk(hub, who.account_id, actor, body.session_ids, body.change())
    return BulkOut(
        done=done, failed=[BulkFailure(session_id=f["id"], name=f["name"], reason=f["why"]) for f in failed]
    )


@endpoint(tag=TAG)
async def people(request: web.Request) -> list[OperatorOut]:
    """List operators who may have a conversation."""
    found = await human_requests.colleagues(request.app[HUB].db, caller(request).account_id, HERE)
    return [OperatorOut(**one) for one in found]


BASE = "/api/v1/inbox"
ROUTES = (
    Route("GET", BASE + "/conversations", listed),
    Route("POST", BASE + "/conversations/bulk", bulk),
    Route("PATCH", BASE + "/conversations/{session_id}", change),
    Route("GET", BASE + "/operators", people),
)
