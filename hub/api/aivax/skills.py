"""Skills (A-18..A-25)."""

from uuid import UUID

from aiohttp import web

from hub.accounts import skill_lines, skills
from hub.accounts.parameters import SkillOptions
from hub.api.aivax.schemas.knowledge import LineError
from hub.api.aivax.schemas.skills import (
    SkillCreated,
    SkillEdit,
    SkillId,
    SkillIn,
    SkillLine,
    SkillOut,
    SkillsImported,
)
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.jsonl_responses import download
from hub.api.http.operation import Route
from hub.api.http.uploads import streamed

TAG = "Skills"
MIB = 1 << 20
FILE = 64 * MIB


@endpoint(id="A-18", tag=TAG)
async def listing(request: web.Request) -> list[SkillLine]:
    """List the skills of the account, newest first."""
    return [
        SkillLine(
            id=s["id"], created_at=s["created_at"], slug=s["slug"], description=s["description"],
            allowed_tools_count=s["tools"],
        )
        for s in await skills.every(request.app[HUB].db, caller(request).account_id)
    ]


@endpoint(id="A-19", tag=TAG, limit=4 * MIB)
async def create(request: web.Request, body: SkillIn) -> SkillCreated:
    """Create a skill."""
    hub, account = request.app[HUB], caller(request).account_id
    id = await skills.add(
        hub.db, hub.sealer, hub.outbound.guard, account, body.slug, body.description, body.instructions, body.options
    )
    return SkillCreated(data=SkillId(id=id))


@endpoint(id="A-20", tag=TAG)
async def details(request: web.Request, skill_id: UUID) -> SkillOut:
    """Show a skill."""
    hub, who = request.app[HUB], caller(request)
    found = await skills.get(hub.db, hub.sealer, who.account_id, skill_id)
    return SkillOut(
        id=found.id,
        created_at=found.created_at,
        slug=found.slug,
        description=found.description,
        instructions=found.instructions,
        options=SkillOptions.model_validate(skills.shown(found, who.trusted)),
    )


@endpoint(id="A-21", tag=TAG, limit=4 * MIB, says="Skill updated successfully.")
async def edit(request: web.Request, skill_id: UUID, body: SkillEdit) -> None:
    """Change a skill; what is left out stays."""
    hub, account = request.app[HUB], caller(request).account_id
    changes = {name: getattr(body, name) for name in body.model_fields_set}
    await skills.edit(hub.db, hub.sealer, hub.outbound.guard, account, skill_id, changes)


@endpoint(id="A-22", tag=TAG, says="Skill deleted successfully.")
async def remove(request: web.Request, skill_id: UUID) -> None:
    """Delete a skill; gateways that name it go on without it."""
    await skills.remove(request.app[HUB].db, caller(request).account_id, skill_id)


@endpoint(id="A-23", tag=TAG, says="Skills cleared successfully.")
async def clear(request: web.Request) -> None:
    """Delete all skills of the account."""
    await skills.clear(request.app[HUB].db, caller(request).account_id)


@endpoint(id="A-24", tag=TAG, consumes="multipart/form-data", field="skills", errors=(413,))
async def load(request: web.Request) -> SkillsImported:
    """Import skills from a JSONL file.

    Multipart field `skills`, or the lines as the body. A line is `{"slug", "instructions",
    "description"?, "options"?}`, at most 1 MB. A slug that exists is updated, whatever its case; its
    options stay when the line has none.
    """
    hub, account = request.app[HUB], caller(request).account_id
    body = streamed(request, "skills", FILE)
    done = await skill_lines.load(hub.db, hub.sealer, hub.outbound.guard, account, body)
    return SkillsImported(
        enqueued=done.enqueued, skipped=done.skipped, errors=[LineError(line=n, error=e) for n, e in done.notes]
    )


@endpoint(id="A-25", tag=TAG, produces="application/jsonl")
async def export(request: web.Request) -> web.StreamResponse:
    """Export all skills as JSON lines, which can be imported again; header values are masked."""
    hub, who = request.app[HUB], caller(request)
    found = skill_lines.export(hub.db, hub.sealer, who.account_id, who.trusted)
    return await download(request, found, "export.jsonl")


BASE = "/api/v1/skills"
ROUTES = [
    Route("GET", BASE, listing),
    Route("POST", BASE, create),
    Route("DELETE", BASE + "/management/clear", clear),
    Route("POST", BASE + "/management/import", load),
    Route("GET", BASE + "/management/export.jsonl", export),
    Route("GET", BASE + "/{skill_id}", details),
    Route("PUT", BASE + "/{skill_id}", edit),
    Route("DELETE", BASE + "/{skill_id}", remove),
]
