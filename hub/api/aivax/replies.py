"""Prepared replies of operators."""

from typing import Annotated
from urllib.parse import unquote
from uuid import UUID

from aiohttp import web
from pydantic import Field

from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.api.http.uploads import form
from hub.chat.operators import replies
from hub.chat.operators.replies import BYTES, FILES, TEXT, Reply
from hub.domain import Json
from hub.errors import BadRequest, NotFound
from hub.pydantic_base import Camel
from hub.store import replies as rows

TAG = "Inbox"
Said = Annotated[str, Field(min_length=1, max_length=TEXT)]
Texts = Annotated[dict[str, str], Field(description='By language, such as "pt"; the conversation\'s own is said.')]


class ReplyFile(Camel):
    id: UUID
    name: str
    mime: str
    size: int


class ReplyOut(Camel):
    id: UUID
    shortcut: str
    text: str
    texts: dict[str, str]
    files: list[ReplyFile]


class ReplyIn(Camel):
    """Names are put in for `{{contact.name}}`, `{{contact.phone}}`, `{{operator.name}}` and `{{client.name}}`, and what
    a field of the contact holds for `{{contact.fields.key}}`; `{{contact.name|there}}` says "there" where there is
    none."""

    shortcut: Annotated[str, Field(min_length=1, max_length=41)]
    text: Said
    texts: Texts = {}


class ReplyEdit(Camel):
    """Only what changes; texts are replaced, whole."""

    shortcut: Annotated[str | None, Field(min_length=1, max_length=41)] = None
    text: Said | None = None
    texts: Texts | None = None

    def of(self, old: Json) -> Reply:
        texts = old["texts"] if self.texts is None else self.texts
        return Reply.of(self.shortcut or old["shortcut"], self.text or old["text"], texts)


@endpoint(tag=TAG)
async def listed(request: web.Request) -> list[ReplyOut]:
    """List prepared replies."""
    return [ReplyOut(**one) for one in await rows.listed(request.app[HUB].db, caller(request).account_id)]


@endpoint(tag=TAG, errors=(409,))
async def create(request: web.Request, body: ReplyIn) -> ReplyOut:
    """Add a prepared reply."""
    wanted = Reply.of(body.shortcut, body.text, body.texts)
    return await _view(request, await replies.add(request.app[HUB].db, caller(request).account_id, wanted))


@endpoint(tag=TAG, errors=(409,))
async def edit(request: web.Request, id: UUID, body: ReplyEdit) -> ReplyOut:
    """Change a prepared reply."""
    await replies.edit(request.app[HUB].db, caller(request).account_id, id, body.of)
    return await _view(request, id)


@endpoint(tag=TAG, says="Prepared reply deleted.")
async def remove(request: web.Request, id: UUID) -> None:
    """Delete a prepared reply, with its files."""
    await replies.remove(request.app[HUB].db, caller(request).account_id, id)


@endpoint(tag=TAG, consumes="multipart/form-data", field="file", errors=(409, 413))
async def upload(request: web.Request, id: UUID) -> ReplyOut:
    """Attach files to a prepared reply.

    Multipart: up to five files of at most 5 MB in the field `file`; whoever chooses the reply sends them along.
    """
    sent = await form(request, FILES, BYTES, FILES * BYTES)
    if not sent.files:
        raise BadRequest("There is no file in the body; send at least one with a filename.", field="file")
    db, account = request.app[HUB].db, caller(request).account_id
    # Clients send names encoded now and then.
    await replies.attach(db, account, id, [(unquote(f.name), f.mime, f.content) for f in sent.files])
    return await _view(request, id)


@endpoint(tag=TAG, says="File taken off.")
async def remove_file(request: web.Request, id: UUID, file_id: UUID) -> None:
    """Take a file off a prepared reply."""
    await replies.detach(request.app[HUB].db, caller(request).account_id, id, file_id)


async def _view(request: web.Request, id: UUID) -> ReplyOut:
    found = await rows.one(request.app[HUB].db, caller(request).account_id, id)
    if found is None:
        raise NotFound
    return ReplyOut(**found)


BASE = "/api/v1/inbox/replies"
ROUTES = (
    Route("GET", BASE, listed), Route("POST", BASE, create), Route("PUT", BASE + "/{id}", edit),
    Route("DELETE", BASE + "/{id}", remove), Route("POST", BASE + "/{id}/files", upload),
    Route("DELETE", BASE + "/{id}/files/{file_id}", remove_file),
)
