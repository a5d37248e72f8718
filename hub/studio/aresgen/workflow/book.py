"""Workflows as they are kept: made, changed by a new version, started, cancelled."""

from typing import Any
from uuid import UUID

from hub import ids
from hub.errors import Conflict, NotFound
from hub.live.queue import Bell
from hub.runtime import Hub
from hub.store import workflow_runs, workflows
from hub.store.db import Call
from hub.studio.aresgen.workflow import secrets
from hub.studio.aresgen.workflow.definition import Definition, checked, inputs_of

Json = dict[str, Any]


async def add(hub: Hub, account: UUID, id: UUID, value: Any) -> None:
    """A workflow of this id, once. Raise Unprocessable for a definition that cannot be run."""
    found = checked(value)
    stored, sealed = secrets.split(hub.sealer, id, secrets.complete(value, None))
    async with hub.db.transaction() as tx:
        await workflows.add(tx, account, id, found.name, stored, sealed)


async def revise(hub: Hub, account: UUID, id: UUID, value: Any) -> tuple[int, Definition]:
    """A new version; runs that are under way go on with theirs. Raise NotFound, Unprocessable, Invalid for a mask of
    what goes elsewhere."""
    before = await get(hub, account, id)
    found = checked(value)
    stored, sealed = secrets.split(hub.sealer, id, secrets.complete(value, before["definition"]))
    async with hub.db.transaction() as tx:
        version = await workflows.revise(tx, account, id, found.name, stored, sealed)
        if version is None:
            raise NotFound
    return version, found


async def get(hub: Hub, account: UUID, id: UUID, version: int | None = None) -> Json:
    """With its definition opened. Raise NotFound."""
    found = await workflows.get(hub.db, account, id, version)
    if found is None:
        raise NotFound
    return opened(hub, id, found)


async def versions(hub: Hub, account: UUID, id: UUID, after: int | None, limit: int) -> list[Json]:
    """Oldest first, their definitions opened."""
    return [opened(hub, id, row) for row in await workflows.versions(hub.db, account, id, after, limit)]


def opened(hub: Hub, id: UUID, row: Json) -> Json:
    found = {k: v for k, v in row.items() if k != "sealed"}
    return found | {"definition": secrets.joined(hub.sealer, id, row["definition"], row["sealed"])}


async def remove(hub: Hub, account: UUID, id: UUID) -> None:
    """With its runs; those under way are stopped at their next step."""
    if not await workflows.remove(hub.db, account, id):
        raise NotFound


async def start(
    hub: Hub, account: UUID, id: UUID, run: UUID, given: Json, key: UUID | None, version: int | None = None
) -> Json:
    """Queue a run of this id, once, of a version, by default the newest. Raise NotFound, Unprocessable for inputs
    that do not fit."""
    found = await get(hub, account, id, version)
    definition = Definition.model_validate(found["definition"])
    inputs = inputs_of(definition, given)
    steps = [{"name": s.id, "place": n, "type": s.type} for n, s in enumerate(definition.steps)]
    async with hub.db.transaction() as tx:
        await workflow_runs.add(tx, account, run, id, version or found["version"], key, inputs, steps)
        queued = await show(tx, account, id, run)
    await ring(hub, run)
    return queued


async def ring(hub: Hub, run: UUID) -> None:
    """Say that a run can go on; a bell that is lost costs one sweep."""
    await hub.queue.ring([Bell("run", (str(run),), f"r:{run}:{ids.uuid7()}")])


async def show(db: Call, account: UUID, id: UUID, run: UUID) -> Json:
    """A run with its steps. Raise NotFound."""
    found = await workflow_runs.get(db, account, id, run)
    if found is None:
        raise NotFound
    return found | {"steps": await workflow_runs.steps(db, account, run)}


async def cancel(hub: Hub, account: UUID, id: UUID, run: UUID) -> Json:
    """Stop a run; what runs is broken off, what is done stays. Raise NotFound, Conflict when it has ended."""
    await show(hub.db, account, id, run)
    if not await workflow_runs.cancel(hub.db, account, id, run):
        raise Conflict("The run has ended already.", code="run_ended")
    await ring(hub, run)
    return await show(hub.db, account, id, run)
