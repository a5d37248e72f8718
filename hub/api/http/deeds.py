"""Which requests are deeds: those that change what an account has, told to the audit log in their operations' words."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from uuid import UUID

from aiohttp import web

from hub import ids
from hub.accounts import audit
from hub.accounts.audit import Actor
from hub.api.http.app_keys import CALLER, HUB, USER
from hub.api.http.operation import Operation
from hub.store import deeds

READS = ("GET", "HEAD")
# Talking is no change of what an account has: talks are kept as talks.
TALKS = frozenset({
    "completions_complete", "responses_create", "responses_cancel", "responses_count", "anthropic_create",
    "anthropic_count", "text_completions_create", "embeddings_embed", "media_speak", "media_transcribe", "media_draw",
    "media_moderate", "media_rank", "query_query", "ares_chat_chat", "ares_chat_stream",
    "aresgen_chatbots_message", "characters_models_complete", "characters_conversations_say",
})
VERBS: Mapping[str, str] = {
    "create": "created", "create_recurring": "created", "add": "created", "load": "imported", "edit": "changed",
    "edit_recurring": "changed", "edit_contact": "changed", "change": "changed", "put": "saved", "choose": "changed",
    "remove": "deleted", "drop": "deleted", "clear": "cleared", "reset": "emptied", "reindex": "reindexed",
    "cancel": "cancelled", "cancel_recurring": "cancelled", "start": "started", "pause": "paused", "resume": "resumed",
    "stop": "stopped", "join": "joined", "split": "split", "switch": "switched", "say": "said", "run_now": "run",
    "run_recurring_now": "run", "run": "run", "replay": "replayed", "resolve": "resolved", "roll_salt": "salt_rolled",
    "publish": "published", "command": "commanded", "grant": "token_given", "withdraw": "tokens_withdrawn",
    "rotate": "rotated", "csat": "rated", "revise": "changed", "forget": "forgotten", "forget_fact": "fact_forgotten",
    "upload": "saved", "remove_file": "file_deleted", "make_folder": "folder_made", "remove_folder": "folder_deleted",
    "forget_preference": "preference_forgotten", "erase": "erased", "erase_named": "erased",
}
# Where what they make is kept, if not in the table of that name.
TABLES: Mapping[str, str] = {
    "keys_create": "api_keys", "replies_create": "canned_replies", "fields_create": "contact_fields",
    "notes_create": "contact_notes", "planned_create": "planned_messages",
    "ares_agents_put": "ares_agents",
    "ares_agents_add": "ares_users",
    "ares_agents_choose": "ares_settings", "aresgen_documents_create": "writings",
    "aresgen_webhooks_create": "webhook_endpoints",
    "aresgen_workflows_run": "workflow_runs", "characters_conversations_create": "sessions",
    "characters_agents_create": "character_agents", "characters_images_create": "character_images",
}
# Whose object is the thing that is made, not what stands in the path.
RUN = "aresgen_workflows_run"
MAKES = ("create", "create_recurring", "add", "put")
# Variables of paths that say something of a person: the log cannot be made to forget it.
PERSONAL = ("contact", "key")
# Conversations that are known by their names alone.
NAMED = ("thr", "conv")
FAMILIES = ("ares_", "aresgen_", "characters_")


@contextmanager
def told(request: web.Request, operation: Operation) -> Iterator[None]:
    """While the request is answered, what it changes is its caller's deed."""
    found = None if request.method in READS or operation.name in TALKS else _who(request)
    if found is None:
        yield
        return
    account, actor = found
    verb = _split(operation.name)[1]
    values = [v for k, v in request.match_info.items() if k not in PERSONAL]
    # The names of their talks are the users' own.
    mine = USER in request and not _uuid(values[-1:])
    object = plain(values[-1]) if values and verb not in MAKES and operation.name != RUN and not mine else None
    route = request.match_info.route.resource
    detail = {"route": f"{request.method} {route.canonical}"} if route is not None else {}
    done = audit.deed(account, actor, action(operation.name), object, detail)
    done.table = TABLES.get(operation.name, _split(operation.name)[0])
    with deeds.doing(done):
        yield


def _uuid(values: list[str]) -> bool:
    try:
        return bool(UUID("".join(values)))
    except ValueError:
        return False


def plain(id: str) -> str:
    """The id as the database has it, however a family prints it (`doc_01JD...`)."""
    prefix, _, rest = id.partition("_")
    try:
        return str(ids.of_ulid(rest)) if rest and prefix not in NAMED else id
    except ValueError:
        return id


async def changed(request: web.Request, object: str) -> None:
    """Tell of a change that no row of the database shows: of files."""
    done = deeds.current()
    if done is not None:
        actor = Actor(done.kind, done.actor_id, done.actor)
        await audit.note(request.app[HUB].db, done.account, actor, done.action, object)


def action(name: str) -> str:
    """`gateway.created` of `gateways_create`."""
    thing, verb = _split(name)
    return f"{_one(thing)}.{VERBS.get(verb, verb)}"


def _one(things: str) -> str:
    """`delivery` of `deliveries`."""
    if things in ("settings", "files"):
        return things
    return f"{things[:-3]}y" if things.endswith("ies") else things.removesuffix("s")


def _split(name: str) -> tuple[str, str]:
    for family in FAMILIES:
        name = name.removeprefix(family)
    thing, _, verb = name.partition("_")
    return thing, verb


def _who(request: web.Request) -> tuple[UUID, Actor] | None:
    if USER in request:
        user = request[USER]
        return user.account_id, Actor("user", user.id, f"ARES user {user.id}")
    if CALLER in request:
        return request[CALLER].account_id, audit.of_caller(request[CALLER])
    return None
