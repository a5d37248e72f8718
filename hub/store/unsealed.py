"""What older versions of the hub stored open and is kept under seal now, some rows at a time."""

from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

SALTS = """
    select id, id as account_id, salt from accounts where salt <> '' and salt not like 'derived:%' and salt not like 'sealed:%'
    and id > $1 order by id limit $2
"""
SET_SALT = "update accounts set salt = $3 where id = $1 and salt = $2"
# Addresses with a query, and settings for a provider.
GATEWAYS = """
    select id, account_id, name, slug, parameters, secrets from gateways
    where id > $1 and (jsonb_typeof(parameters->'additionalSettings') = 'object'
        or parameters->>'baseAddress' like '%?%' or parameters->>'workerScriptSource' like '%?%'
        or jsonb_path_exists(parameters, '$.protocolFunctions[*].callbackUrl ? (@ like_regex "^http.*[?]" flag "i")')
        or jsonb_path_exists(parameters, '$.protocolFunctionSources[*] ? (@ like_regex "[?]")')
        or jsonb_path_exists(parameters, '$.mcpSources[*].url ? (@ like_regex "[?]")')
        or jsonb_path_exists(parameters, '$.systemInstructionsSources[*].url ? (@ like_regex "[?]")')
        or jsonb_path_exists(parameters, '$.fallbackModels[*].baseAddress ? (@ like_regex "[?]")'))
    order by id limit $2
"""
SET_GATEWAY = "update gateways set parameters = $3, secrets = $4 where id = $1 and parameters = $2"
SKILLS = """
    select id, account_id, slug, description, instructions, options, secrets, created_at from skills
    where id > $1 and jsonb_path_exists(options, '$.instructionSources[*].url ? (@ like_regex "[?]")') order by id limit $2
"""
SET_SKILL = "update skills set options = $3, secrets = $4 where id = $1 and options = $2"
WORKFLOWS = """
    select workflow_id as id, account_id, version, definition from workflow_versions
    where workflow_id > $1 and sealed is null and jsonb_path_exists(definition, '$.steps[*] ? (@.type == "http")')
    order by workflow_id, version limit $2
"""
SET_WORKFLOW = "update workflow_versions set definition = $3, sealed = $4 where workflow_id = $1 and version = $2 and sealed is null"
WEBHOOKS = "select id, account_id, url, secret from webhook_endpoints where id > $1 and url like '%?%' order by id limit $2"
SET_WEBHOOK = "update webhook_endpoints set url = $3, secret = $4 where id = $1 and url = $2"
SESSIONS = """
    select id, account_id, client_id, context_location from sessions
    where id > $1 and context_location like '%?%' order by id limit $2
"""
SET_SESSION = "update sessions set context_location = $3, context_sealed = $4 where id = $1 and context_location = $2"

Json = dict[str, Any]


async def salts(db: Call, after: UUID, limit: int) -> list[Json]:
    """Rows behind one, in the order of their ids; so for the others."""
    return [dict(r) for r in await db.fetch(SALTS, after, limit)]


async def gateways(db: Call, after: UUID, limit: int) -> list[Json]:
    return [dict(r) for r in await db.fetch(GATEWAYS, after, limit)]


async def skills(db: Call, after: UUID, limit: int) -> list[Json]:
    return [dict(r) for r in await db.fetch(SKILLS, after, limit)]


async def workflows(db: Call, after: UUID, limit: int) -> list[Json]:
    return [dict(r) for r in await db.fetch(WORKFLOWS, after, limit)]


async def webhooks(db: Call, after: UUID, limit: int) -> list[Json]:
    return [dict(r) for r in await db.fetch(WEBHOOKS, after, limit)]


async def sessions(db: Call, after: UUID, limit: int) -> list[Json]:
    return [dict(r) for r in await db.fetch(SESSIONS, after, limit)]


async def salt(db: Call, account: UUID, old: str, new: str) -> None:
    await db.run(SET_SALT, account, old, new)


async def gateway(db: Call, id: UUID, old: Json, parameters: Json, secrets: bytes | None) -> None:
    """Unless somebody has changed it meanwhile; so for the others."""
    await db.run(SET_GATEWAY, id, old, clean(parameters), secrets)


async def skill(db: Call, id: UUID, old: Json, options: Json, secrets: bytes | None) -> None:
    await db.run(SET_SKILL, id, old, clean(options), secrets)


async def workflow(db: Call, id: UUID, version: int, definition: Json, sealed: bytes | None) -> None:
    await db.run(SET_WORKFLOW, id, version, definition, sealed)


async def webhook(db: Call, id: UUID, old: str, url: str, secret: bytes) -> None:
    await db.run(SET_WEBHOOK, id, old, url, secret)


async def session(db: Call, id: UUID, old: str, place: str | None, sealed: bytes | None) -> None:
    await db.run(SET_SESSION, id, old, place, sealed)
