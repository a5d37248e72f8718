"""Collections: files dropped in, their way into the index, and a box that shows what a question finds."""

from pathlib import PurePosixPath
from uuid import UUID

from aiohttp import web

from hub.accounts.operators import Deed
from hub.api.http import pagination
from hub.console.guard import act, look
from hub.console.page_request import Visit
from hub.domain import Json
from hub.engine.media import readers
from hub.errors import BadRequest, Invalid
from hub.knowledge import collections, documents, files, search
from hub.llm.helper import configured
from hub.store import dashboard
from hub.store.documents import Given
from hub.translations import counted, told

PAGE = 50
TOP = 5


async def listed(v: Visit) -> web.StreamResponse:
    """GET /console/knowledge"""
    after = pagination.read(v.asked("after")) if v.asked("after") else None
    rows = await dashboard.collections(v.db, v.account, after, PAGE + 1)
    more = f"/console/knowledge?after={pagination.write(rows[PAGE - 1]['id'])}" if len(rows) > PAGE else ""
    return await v.page("knowledge.html", collections=rows[:PAGE], more=more)


async def create(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/knowledge"""
    name = v.form.get("name")
    deed.change = {"name": name}
    id = await collections.create(v.db, v.account, name, v.form.get("context") or None, None)
    return v.to(f"/console/knowledge/{id}", "The collection is made. Drop files into it.")


async def view(v: Visit) -> web.StreamResponse:
    """GET /console/knowledge/{id}"""
    found = await collections.get(v.db, v.account, v.id())
    return await v.page("collection.html", one=found, **await _documents(v), passages=None, question="", top=TOP)


async def rows(v: Visit) -> web.StreamResponse:
    """GET /console/knowledge/{id}/documents: the table alone, asked for again while files are being read."""
    found = await collections.get(v.db, v.account, v.id())
    return v.part("documents.html", one=found, **await _documents(v))


async def _documents(v: Visit) -> Json:
    before = pagination.read(v.asked("before")) if v.asked("before") else None
    found = await dashboard.documents(v.db, v.account, v.id(), before, PAGE + 1)
    base = f"/console/knowledge/{v.id()}"
    more = f"{base}?before={pagination.write(found[PAGE - 1]['id'])}" if len(found) > PAGE else ""
    working = any(d["state"] == "Queued" for d in found[:PAGE])
    return {"documents": found[:PAGE], "more": more, "base": base, "working": working, "first": before is None}


async def upload(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/knowledge/{id}/files"""
    id = v.id()
    await collections.require(v.db, v.account, id)
    deed.change = {"files": [f.name for f in v.form.files]}
    return v.to(f"/console/knowledge/{id}", await add_files(v, id))


async def add_files(v: Visit, id: UUID) -> str:
    """Take the form's files and its text into a collection; what became of them. Raise BadRequest."""
    given = [files.File(_called(f.name), f.mime, f.content) for f in v.form.files]
    if text := v.form.get("text"):
        given.append(files.File(f"{v.form.get('name') or 'Text'}.md".replace("/", " "), "text/markdown", text.encode()))
    if not given:
        raise BadRequest("Choose a file, or write a text.", field="file")
    judge = configured(v.hub.models, v.hub.settings.helper_model, v.account)
    try:
        done = await files.put(
            v.db, v.hub.queue, readers(v.hub, judge, v.account, id), v.account, id, given, Given("", "")
        )
    finally:
        if judge:
            await v.hub.meter.add(v.account, judge.rows)
    failed = "; ".join(f"{d.name}: {v.words.say(d.error.text)}" for d in done if d.error)
    taken = sum(d.error is None for d in done)
    said = v.words.say(counted("%(count)s file taken in.", "%(count)s files taken in.", taken))
    return said + (" " + v.words.say(told("Not read: %(names)s", names=failed)) if failed else "")


async def ask(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/knowledge/{id}/ask: what a question finds, with its sources."""
    id, question = v.id(), v.form.get("question")
    if not question or len(question) > 2000:
        raise Invalid("question must have 1 to 2,000 characters.", field="question")
    deed.object = str(id)
    found = await search.query(v.db, v.hub.embedder, v.account, [id], [question], TOP, 0.0, "rrf")
    if v.partial:
        return v.part("passages.html", passages=found, question=question, top=TOP)
    one = await collections.get(v.db, v.account, id)
    return await v.page("collection.html", one=one, **await _documents(v), passages=found, question=question, top=TOP)


async def drop(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/knowledge/{id}/documents/{document}/delete"""
    document = v.id("document")
    deed.object = str(document)
    await documents.remove(v.db, v.account, v.id(), document)
    return v.to(f"/console/knowledge/{v.id()}", "The document is deleted.")


async def remove(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/knowledge/{id}/delete"""
    deed.object = str(v.id())
    await collections.remove(v.db, v.account, v.id())
    return v.to("/console/knowledge", "The collection is deleted.")


def _called(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).name or "file"


def routes() -> list[web.RouteDef]:
    one = "/console/knowledge/{id}"
    return [
        look("/console/knowledge", listed), look(one, view), look(one + "/documents", rows),
        act("/console/knowledge", "knowledge.created", create), act(one + "/files", "knowledge.added", upload),
        act(one + "/ask", "look.asked", ask), act(one + "/documents/{document}/delete", "knowledge.dropped", drop),
        act(one + "/delete", "knowledge.deleted", remove),
    ]
