"""Live editing: one editor of a document, who sees what the others change, in order."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, ValidationError, model_validator

from hub.errors import HubError, NotFound, Overloaded, TooMany, Unauthorized
from hub.pydantic_base import invalid
from hub.runtime import Hub
from hub.store import studio_documents
from hub.studio.aresgen import documents
from hub.studio.aresgen.documents import LONGEST, Stale
from hub.task_groups import end

Json = dict[str, Any]
Send = Callable[[Json], Awaitable[None]]
LOOK = 1.0  # seconds between looks at the database, which make good what the fan-out lost
CHANGES, PER_MINUTE = 500, 1800


class Piece(BaseModel):
    from_: Annotated[int, Field(alias="from", ge=0)]
    to: Annotated[int, Field(ge=0)]
    text: Annotated[str, Field(max_length=LONGEST)]

    def shown(self) -> Json:
        return {"from": self.from_, "to": self.to, "text": self.text}


class Edit(BaseModel):
    """What an editor sends: pieces of the text to replace, or the whole of it, or a title."""

    type: Literal["edit"]
    base: Annotated[int, Field(ge=0, description="Revision that the editor sees.")]
    changes: Annotated[list[Piece], Field(min_length=1, max_length=CHANGES)] | None = None
    content: Annotated[str, Field(max_length=LONGEST)] | None = None
    title: Annotated[str, Field(min_length=1, max_length=300)] | None = None
    id: Annotated[str, Field(max_length=100, description="Comes back with the answer.")] | None = None

    @model_validator(mode="after")
    def _one(self) -> "Edit":
        if (self.changes is None) == (self.content is None and self.title is None):
            raise ValueError("send either changes, or content and title (one of them or both)")
        return self


@dataclass(slots=True)
class Editor:
    """A connection. token: the hash of the one that opened it. seen: the revision that its editor has."""

    hub: Hub
    account: UUID
    document: UUID
    name: str
    expires: datetime
    token: bytes
    send: Send
    seen: int = 0
    # An answer is sent before anything that happened after it.
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def hello(self) -> None:
        """The state it begins with."""
        found = await documents.get(self.hub.db, self.account, self.document)
        self.seen = found.revision
        await self.send({"type": "state", "you": self.name, **documents.state(found)})

    async def take(self, text: str) -> None:
        """One message of the editor; it is answered whatever it is."""
        try:
            edit = Edit.model_validate_json(text)
        except ValidationError as e:
            await self._refuse(invalid(e), None)
            return
        async with self.turn:
            try:
                await self._accept(edit)
            except Stale as e:
                self.seen = e.details["revision"]
                await self._refuse(e, edit.id)
            except HubError as e:
                await self._refuse(e, edit.id)

    async def _accept(self, edit: Edit) -> None:
        wait = await self.hub.limits.take("live", self.token.hex(), PER_MINUTE, 60.0)
        if wait > 0:
            raise TooMany("Too many changes; send several in one message.", retry_after=wait)
        where = self.hub, self.account, self.document
        if not await studio_documents.opens(self.hub.db, self.account, self.document, self.token):
            raise Unauthorized("The edit token was withdrawn, or it has expired.")
        if edit.changes is not None:
            new = await documents.change(*where, edit.base, [c.shown() for c in edit.changes], self.name)
        else:
            given = {k: v for k, v in (("content", edit.content), ("title", edit.title)) if v is not None}
            new = await documents.edit(*where, given, edit.base, self.name)
        self.seen = max(self.seen, new.revision)
        await self.send({"type": "accepted", "revision": new.revision, "version": new.version, "id": edit.id})

    async def _refuse(self, e: HubError, id: str | None) -> None:
        told: Json = {"type": "refused", "code": e.code, "message": str(e), "id": id}
        await self.send(told | ({"state": e.details} if isinstance(e, Stale) else {}))

    async def hear(self, event: Json) -> None:
        """A change of somebody: passed on when it is the next one, else made good by the whole state."""
        if event["type"] == "deleted":
            raise NotFound
        if event["type"] == "withdrawn":
            await self.stay()
            return
        async with self.turn:
            if event["revision"] <= self.seen:
                return
            if event["base"] == self.seen:
                self.seen = event["revision"]
                await self.send(event)
                return
        await self.catch_up()

    async def catch_up(self) -> None:
        """Send the present state when it is newer than what the editor has. Raise NotFound."""
        revision = await studio_documents.revision(self.hub.db, self.account, self.document)
        if revision is None:
            raise NotFound
        async with self.turn:
            if revision <= self.seen:
                return
            found = await documents.get(self.hub.db, self.account, self.document)
            self.seen = found.revision
            await self.send({"type": "state", **documents.state(found)})

    async def stay(self) -> None:
        """Raise Unauthorized when its token opens nothing any more, NotFound when the document is gone."""
        if not await studio_documents.opens(self.hub.db, self.account, self.document, self.token):
            await documents.get(self.hub.db, self.account, self.document)
            raise Unauthorized

    @property
    def over(self) -> bool:
        return datetime.now(UTC) >= self.expires


@asynccontextmanager
async def following(editor: Editor, ended: Callable[[str], Awaitable[None]]) -> AsyncIterator[None]:
    """Pass on what others change for as long as the block runs; `ended` is told why it has to end."""
    async with editor.hub.events.listen(documents.topic(editor.document)) as inbox:
        await editor.hello()
        task = asyncio.create_task(_follow(editor, inbox, ended))
        try:
            yield
        finally:
            await end([task])


async def _follow(editor: Editor, inbox: "asyncio.Queue[Json]", ended: Callable[[str], Awaitable[None]]) -> None:
    looked = time.monotonic()
    try:
        while not editor.over:
            event = None
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    event = await inbox.get()
            if event is not None:
                with suppress(Overloaded):
                    await editor.hear(event)
            if time.monotonic() - looked >= LOOK:
                looked = time.monotonic()
                await _look(editor)
    except NotFound:
        await ended("deleted")
        return
    except Unauthorized:
        await ended("withdrawn")
        return
    except ConnectionError:
        return
    await ended("expired")


async def _look(editor: Editor) -> None:
    """What the database says; one that is away is asked the next time."""
    try:
        await editor.catch_up()
        await editor.stay()
    except (NotFound, Unauthorized):
        raise
    except HubError:
        return
