"""The log of inference requests: kept only where the account allows it, for 30 days."""

import logging
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import orjson

from hub.domain import Account, Caller, Json
from hub.engine.ask import Answer, Ask
from hub.engine.messages import shown
from hub.errors import HubError, NotFound
from hub.runtime import Hub
from hub.store import request_log
from hub.store.db import Db

log = logging.getLogger(__name__)

ALLOWED = "allowConversationsLogging"
PAGE = 100


async def answered(hub: Hub, who: Caller, ask: Ask, made: Answer, account: Account) -> None:
    if account.parameters.get(ALLOWED):
        row = _row(who, ask, made.model) | {
            "messages": [*ask.messages, *shown(made.messages)], "usage": made.billed, "tokens": made.usage.total,
        }
        await request_log.save(hub.db, account.id, row)


async def failed(hub: Hub, who: Caller, ask: Ask, e: HubError, account: Account) -> None:
    """A request that was refused, or that the model failed; the refusal matters more than its log."""
    if not account.parameters.get(ALLOWED):
        return
    try:
        ledger = ask.trace.ledger
        used = {"usage": ledger.billed(hub.models, ask.gateway), "tokens": ledger.usage.total}
        said = {"messages": [*ask.messages, *shown(ask.trace.made)], "error": f"{e.code}: {e}"}
        await request_log.save(hub.db, account.id, _row(who, ask, ask.trace.model) | used | said)
    except HubError as failure:
        log.error("a conversation of account %s was not logged: %s", account.id, failure)


def _row(who: Caller, ask: Ask, model: str | None) -> Json:
    return {
        "token": ask.conversation, "key": who.key_id, "gateway": ask.gateway.id if ask.gateway.slug else None,
        "origin": ask.origin, "model": model, "external_user": ask.external_user, "metadata": dict(ask.metadata),
        "messages": ask.messages, "usage": [], "tokens": 0, "error": None,
        "rules": dict(ask.trace.fired),
    }


async def forget(db: Db, account: UUID, ask: Ask) -> None:
    """The conversation of a question was deleted: so is its log."""
    await request_log.forget_token(db, account, ask.conversation or "")


async def get(db: Db, account: UUID, id: UUID) -> Json:
    found = await request_log.one(db, account, id)
    if found is None:
        raise NotFound
    return found


async def remove(db: Db, account: UUID, id: UUID) -> None:
    if not await request_log.remove(db, account, id):
        raise NotFound


async def export(db: Db, account: UUID, shaped: Callable[[Json], Any]) -> AsyncIterator[bytes]:
    """Every conversation as a JSON line, newest first."""
    before: UUID | None = None
    while rows := await request_log.export(db, account, before, PAGE):
        for row in rows:
            yield orjson.dumps(shaped(row), option=orjson.OPT_APPEND_NEWLINE)
        before = rows[-1]["id"]
