"""G-13 to G-15: workflows and their runs."""

import asyncio
from typing import Any
from uuid import UUID

import orjson
from aiohttp import web

from hub.api.aresgen.schemas.kinds import Cursor, Paged, RunId, WorkflowId, page
from hub.api.aresgen.schemas.workflows import RunIn, RunLine, RunOut, RunQuery, VersionLine, WorkflowLine, WorkflowOut
from hub.api.http.app_keys import HUB, caller, fresh_id
from hub.api.http.body import deep, is_json
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.domain import Json
from hub.errors import BadRequest, Unsupported
from hub.store import workflow_runs, workflows
from hub.studio.aresgen.workflow import book, secrets, source

TAG = "Workflows"
FAMILY = "aresgen"
EITHER = "application/json, application/yaml"
YAML = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")


async def _definition(request: web.Request, raw: bytes) -> Any:
    """The definition of a body: raw YAML; JSON with `definition`, an object or a text of YAML; or JSON itself."""
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() in YAML:
        return await asyncio.to_thread(source.read, raw)
    if not is_json(request):
        raise Unsupported("Send the definition as application/json or application/yaml.")
    try:
        sent = orjson.loads(raw)
    except orjson.JSONDecodeError as e:
        raise BadRequest(f"The body is not valid JSON: {e.msg} (line {e.lineno}, column {e.colno}).") from None
    if deep(sent):
        raise BadRequest("The body is nested too deep.")
    value = sent.get("definition", sent) if isinstance(sent, dict) else sent
    if isinstance(value, str):
        return await asyncio.to_thread(source.read, value.encode(errors="replace"))
    return source.plain(value)


async def _out(request: web.Request, id: UUID) -> WorkflowOut:
    who = caller(request)
    return WorkflowOut(**_shown(await book.get(request.app[HUB], who.account_id, id), who.trusted))


def _shown(row: Json, whole: bool) -> Json:
    return row | {"definition": secrets.shown(row["definition"], whole)}


@endpoint(id="G-13", tag=TAG, family=FAMILY, query_key=False, status=201, errors=(415, 422), consumes=EITHER)
async def create(request: web.Request, body: bytes) -> WorkflowOut:
    """Create a workflow from a YAML or JSON definition.

    Send raw YAML (`application/yaml`), or JSON with `definition`: an object, or YAML as text.
    """
    hub, account = request.app[HUB], caller(request).account_id
    id = fresh_id(request)
    await book.add(hub, account, id, await _definition(request, body))
    return await _out(request, id)


@endpoint(tag=TAG, family=FAMILY, query_key=False, errors=(415, 422), consumes=EITHER)
async def revise(request: web.Request, id: WorkflowId, body: bytes) -> WorkflowOut:
    """Give a workflow a new definition: a new version. Runs under way go on with theirs."""
    hub, account = request.app[HUB], caller(request).account_id
    await book.get(hub, account, id)
    await book.revise(hub, account, id, await _definition(request, body))
    return await _out(request, id)


@endpoint(tag=TAG, family=FAMILY, query_key=False)
async def listed(request: web.Request, query: Cursor) -> Paged[WorkflowLine]:
    """List workflows, newest first."""
    rows = await workflows.listed(request.app[HUB].db, caller(request).account_id, query.after, query.wanted)
    return Paged[WorkflowLine](**page(rows, query, lambda r: WorkflowLine(**r)))


@endpoint(tag=TAG, family=FAMILY, query_key=False)
async def show(request: web.Request, id: WorkflowId) -> WorkflowOut:
    """Show a workflow with its definition; headers of its http steps are masked.

    A mask that is sent back stands for the value of the same destination. Queries of addresses are masked below the
    role admin.
    """
    return await _out(request, id)


@endpoint(tag=TAG, family=FAMILY, query_key=False)
async def versions(request: web.Request, id: WorkflowId, query: Cursor) -> Paged[VersionLine]:
    """List the versions of a definition, oldest first."""
    hub, who = request.app[HUB], caller(request)
    await book.get(hub, who.account_id, id)
    after = min(query.after.int, 2**31 - 1) if query.after else None
    rows = await book.versions(hub, who.account_id, id, after, query.wanted)
    placed = [{**_shown(r, who.trusted), "place": UUID(int=r["version"])} for r in rows]
    return Paged[VersionLine](**page(placed, query, lambda r: VersionLine(**r), "place"))


@endpoint(tag=TAG, family=FAMILY, query_key=False, status=204)
async def remove(request: web.Request, id: WorkflowId) -> None:
    """Delete a workflow with its runs."""
    await book.remove(request.app[HUB], caller(request).account_id, id)


@endpoint(id="G-14", tag=TAG, family=FAMILY, query_key=False, status=202, bare=True)
async def run(request: web.Request, id: WorkflowId, body: RunIn) -> RunOut:
    """Run a workflow with an input; without a body it has none."""
    who = caller(request)
    made = await book.start(
        request.app[HUB], who.account_id, id, fresh_id(request), body.input, who.key_id, body.version
    )
    return RunOut.of(made)


@endpoint(tag=TAG, family=FAMILY, query_key=False)
async def ran(request: web.Request, id: WorkflowId, query: RunQuery) -> Paged[RunLine]:
    """List the runs of a workflow, newest first."""
    db, account = request.app[HUB].db, caller(request).account_id
    await book.get(request.app[HUB], account, id)
    rows = await workflow_runs.listed(db, account, id, query.after, query.status, query.wanted)
    return Paged[RunLine](**page(rows, query, lambda r: RunLine(**RunLine.fields(r))))


@endpoint(id="G-15", tag=TAG, family=FAMILY, query_key=False)
async def status(request: web.Request, id: WorkflowId, run_id: RunId) -> RunOut:
    """Get the status of a run with cost, latency, retries and output of every step."""
    return RunOut.of(await book.show(request.app[HUB].db, caller(request).account_id, id, run_id))


@endpoint(tag=TAG, family=FAMILY, query_key=False, errors=(409,))
async def cancel(request: web.Request, id: WorkflowId, run_id: RunId) -> RunOut:
    """Cancel a run that has not ended; a moment later its status is `cancelled`."""
    return RunOut.of(await book.cancel(request.app[HUB], caller(request).account_id, id, run_id))


BASE = "/v1/workflows"
ROUTES = (
    Route("POST", BASE, create),
    Route("GET", BASE, listed),
    Route("GET", BASE + "/{id}", show),
    Route("PUT", BASE + "/{id}", revise),
    Route("DELETE", BASE + "/{id}", remove),
    Route("GET", BASE + "/{id}/versions", versions),
    Route("POST", BASE + "/{id}/runs", run),
    Route("GET", BASE + "/{id}/runs", ran),
    Route("GET", BASE + "/{id}/runs/{run_id}", status),
    Route("POST", BASE + "/{id}/runs/{run_id}/cancel", cancel),
)
