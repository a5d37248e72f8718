"""Files into a collection: an extra beside A-52 and A-53."""

from pathlib import PurePosixPath
from urllib.parse import unquote
from uuid import UUID

import orjson
from aiohttp import web

from hub.accounts.balance import paying
from hub.api.aivax.schemas.knowledge import FiledOut, FilesOut
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.api.http.uploads import Form, Upload, form
from hub.domain import Json
from hub.engine.media import readers
from hub.errors import BadRequest, Invalid
from hub.knowledge import collections, files
from hub.llm.helper import configured
from hub.store.documents import Given

MIB = 1 << 20
MOST, EACH, WHOLE = 20, 32 * MIB, 64 * MIB


@endpoint(tag="Documents", consumes="multipart/form-data", errors=(402, 413, 415, 422))
async def put(request: web.Request, collection_id: UUID) -> FilesOut:
    """Create documents from files, or change those of the same names.

    Multipart: up to 20 files of at most 32 MB (PDF, DOCX, ODT, PPTX, XLSX, ODS, CSV, HTML, XML, EPUB, RTF, EML, SRT,
    Markdown, plain text; pictures and scanned pages where the operator has set a helper model or installed OCR;
    recordings of at most 25 MB where somebody hears), and the optional fields `reference`, `tags` (comma separated) and
    `metadata` (JSON) for all of them. Scans and recordings are read step by step: until then the document is `Queued`,
    and `notes` says so. A file that cannot be read is told in `files` beside the others, what was left out of one that
    can be in its `notes`; when none can be read, its error is the answer.
    """
    hub, who = request.app[HUB], caller(request)
    await collections.require(hub.db, who.account_id, collection_id)
    sent = await form(request, MOST, EACH, WHOLE)
    if not sent.files:
        raise BadRequest("There is no file in the body; send at least one with a filename.")
    judge = configured(hub.models, hub.settings.helper_model, who.account_id)
    if judge:
        await paying(hub, who.account_id)
    try:
        done = await files.put(
            hub.db, hub.queue, readers(hub, judge, who.account_id, collection_id), who.account_id, collection_id,
            [_file(f) for f in sent.files], _common(sent),
        )
    finally:
        if judge:
            await hub.meter.add(who.account_id, judge.rows, key=who.key_id)
    return FilesOut(files=[_out(d) for d in done])


def _file(sent: Upload) -> files.File:
    """Clients send folders with the name now and then, and some encode it; the document is called by the last part."""
    name = unquote(sent.name).replace("\\", "/")
    return files.File(PurePosixPath(name).name or "file", sent.mime, sent.content)


def _common(sent: Form) -> Given:
    fields = sent.fields
    return Given("", "", fields.get("reference") or None, tuple(fields.get("tags", "").split(",")), _metadata(fields))


def _metadata(fields: dict[str, str]) -> Json:
    try:
        found = orjson.loads(fields.get("metadata") or "{}")
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise Invalid("metadata must be a JSON object.", field="metadata")
    return found


def _out(done: files.Filed) -> FiledOut:
    return FiledOut(
        name=done.name,
        document_id=done.saved.id if done.saved else None,
        state=done.saved.outcome if done.saved else None,  # type: ignore[arg-type]  # checked by the table
        character_count=done.characters,
        error=str(done.error) if done.error else None,
        notes=list(done.notes),
    )


ROUTES = [Route("POST", "/api/v1/collections/{collection_id}/documents/files", put)]
