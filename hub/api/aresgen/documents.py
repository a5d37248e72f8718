"""G-04 to G-06: documents, their versions, and commands on them."""

from aiohttp import web

from hub import ids
from hub.api.aresgen.schemas.documents import (
    CommandIn,
    CommandOut,
    DocumentEdit,
    DocumentGrant,
    DocumentIn,
    DocumentLine,
    DocumentOut,
    DocumentQuery,
    Token,
    VersionOut,
)
from hub.api.aresgen.schemas.kinds import Cursor, DocumentId, Paged, page
from hub.api.http.app_keys import HUB, caller, fresh_id
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.errors import NotFound
from hub.store import studio_documents
from hub.store.studio_documents import Writing
from hub.studio import models
from hub.studio.aresgen import commands, documents

TAG = "Documents"
FAMILY = "aresgen"
LIMIT, LARGEST = 8 << 20, 5_000_000
BASE = "/v1/documents"


@endpoint(
    id="G-04", tag=TAG, family=FAMILY, query_key=False, status=201, limit=LIMIT, seconds=30, errors=(404,), bare=True
)
async def create(request: web.Request, body: DocumentIn) -> DocumentGrant:
    """Create a document.

    The edit token opens it for live editing for 24 hours.
    """
    hub, account = request.app[HUB], caller(request).account_id
    if body.model is not None:
        await models.find(hub, account, body.model)
    made = await documents.add(hub, account, fresh_id(request), body.title, body.content, body.voice_id, body.model)
    return DocumentGrant.model_validate(DocumentOut.of(made).model_dump() | await _token(request, made))


async def _token(request: web.Request, made: Writing) -> dict[str, object]:
    hub = request.app[HUB]
    token, expires = await documents.grant(hub, made.account_id, made.id)
    address = hub.settings.address.replace("http", "ws", 1)
    return {
        "edit_token": token, "edit_token_expires_at": expires,
        "live_url": f"{address}{BASE}/{ids.named('doc', made.id)}/live?token={token}",
    }


@endpoint(tag=TAG, family=FAMILY, query_key=False)
async def listed(request: web.Request, query: DocumentQuery) -> Paged[DocumentLine]:
    """List documents, newest first, without their content."""
    account = caller(request).account_id
    rows = await studio_documents.listed(request.app[HUB].db, account, query.after, query.status, query.wanted)
    return Paged[DocumentLine](**page(rows, query, lambda r: DocumentLine(**DocumentLine.fields(Writing(**r)))))


@endpoint(tag=TAG, family=FAMILY, query_key=False)
async def show(request: web.Request, id: DocumentId) -> DocumentOut:
    """Show a document."""
    return DocumentOut.of(await documents.get(request.app[HUB].db, caller(request).account_id, id))


@endpoint(tag=TAG, family=FAMILY, query_key=False, limit=LIMIT, seconds=30)
async def edit(request: web.Request, id: DocumentId, body: DocumentEdit) -> DocumentOut:
    """Change a document; a new title or content is a new version.

    With `base_revision` the change is refused with 409 when somebody else was faster; details then hold
    the present state.
    """
    hub, account = request.app[HUB], caller(request).account_id
    if body.model is not None:
        await models.find(hub, account, body.model)
    return DocumentOut.of(await documents.edit(hub, account, id, body.given(), body.base_revision))


@endpoint(tag=TAG, family=FAMILY, query_key=False, status=204)
async def remove(request: web.Request, id: DocumentId) -> None:
    """Delete a document with its versions; who edits it live is told."""
    await documents.remove(request.app[HUB], caller(request).account_id, id)


@endpoint(tag=TAG, family=FAMILY, query_key=False)
async def publish(request: web.Request, id: DocumentId) -> DocumentOut:
    """Publish a document as it is now; webhooks are told `document.published`."""
    return DocumentOut.of(await documents.publish(request.app[HUB], caller(request).account_id, id))


@endpoint(id="G-05", tag=TAG, family=FAMILY, query_key=False, errors=(402, 502))
async def command(request: web.Request, id: DocumentId, body: CommandIn) -> CommandOut:
    """Run an AI command: outline, expand, summarize, rewrite, cite or translate.

    What it gives is kept as a version. `cite` looks for sources in the knowledge base and asks no model.
    """
    who = caller(request)
    output, after, cost = await commands.run(request.app[HUB], who.account_id, id, body.order(who.key_id))
    return CommandOut(
        command=body.command, output=output, version=after.version, revision=after.revision, cost_usd=cost
    )


@endpoint(id="G-06", tag=TAG, family=FAMILY, query_key=False)
async def versions(request: web.Request, id: DocumentId, query: Cursor) -> Paged[VersionOut]:
    """List the versions of a document, oldest first.

    A page whose texts are very large together has fewer than `limit`.
    """
    db, account = request.app[HUB].db, caller(request).account_id
    await documents.get(db, account, id)
    rows, cut = await studio_documents.versions(db, account, id, query.after, query.wanted, LARGEST)
    return Paged[VersionOut](**page(rows, query, lambda r: VersionOut(**r), cut=cut))


@endpoint(tag=TAG, family=FAMILY, query_key=False)
async def version(request: web.Request, id: DocumentId, number: int) -> VersionOut:
    """Show one version."""
    found = await studio_documents.version(request.app[HUB].db, caller(request).account_id, id, min(number, 2**31 - 1))
    if found is None:
        raise NotFound
    return VersionOut(**found)


@endpoint(tag=TAG, family=FAMILY, query_key=False, status=201)
async def grant(request: web.Request, id: DocumentId) -> Token:
    """Give a new edit token; those that were given go on working until they expire."""
    made = await documents.get(request.app[HUB].db, caller(request).account_id, id)
    return Token.model_validate(await _token(request, made))


@endpoint(tag=TAG, family=FAMILY, query_key=False, status=204)
async def withdraw(request: web.Request, id: DocumentId) -> None:
    """Make all edit tokens of a document void."""
    await documents.withdraw(request.app[HUB], caller(request).account_id, id)


ROUTES = (
    Route("POST", BASE, create),
    Route("GET", BASE, listed),
    Route("GET", BASE + "/{id}", show),
    Route("PATCH", BASE + "/{id}", edit),
    Route("DELETE", BASE + "/{id}", remove),
    Route("POST", BASE + "/{id}/publish", publish),
    Route("POST", BASE + "/{id}/commands", command),
    Route("GET", BASE + "/{id}/versions", versions),
    Route("GET", BASE + "/{id}/versions/{number}", version),
    Route("POST", BASE + "/{id}/edit-tokens", grant),
    Route("DELETE", BASE + "/{id}/edit-tokens", withdraw),
)
