"""Rows that the store's tests start from."""

from typing import Any
from uuid import UUID

from hub import ids
from hub.store.db import Db

Json = dict[str, Any]
# `session_queue` and `session_order` say the same as the conversations themselves, or a sweep or a list lies.
STRAYED = """
    (select session_id, account_id, lane, due_at from session_queue
     except select id, account_id, coalesce(integration_id, account_id), due_at from sessions where due_at is not null)
    union all
    (select id, account_id, coalesce(integration_id, account_id), due_at from sessions where due_at is not null
     except select session_id, account_id, lane, due_at from session_queue)
"""
MISPLACED = """
    with meant as (
        select id, account_id, last_message_at, coalesce(last_user_at = last_message_at, false) and due_at is null
            and closed_at is null and client_id is not null
        from sessions where last_message_at is not null)
    (select session_id, account_id, at, unanswered from session_order except select * from meant)
    union all (select * from meant except select session_id, account_id, at, unanswered from session_order)
"""


class Bench:
    """An account with one chat client on one network."""

    def __init__(self, db: Db, channel: str = "zapi", mode: str = "reconcile") -> None:
        self.db, self.channel, self.mode = db, channel, mode
        self.account, self.gateway, self.client, self.integration = (ids.uuid7() for _ in range(4))

    async def make(self) -> "Bench":
        await self.db.run("insert into accounts (id, name, salt) values ($1, 'a', 's')", self.account)
        await self.db.run(
            "insert into gateways (id, account_id, name, slug, parameters) values ($1, $2, 'g', $3, '{}')",
            self.gateway,
            self.account,
            str(self.gateway),
        )
        await self.db.run(
            "insert into clients (id, account_id, name, gateway_id) values ($1, $2, 'c', $3)",
            self.client,
            self.account,
            self.gateway,
        )
        await self.db.run(
            "insert into integrations (id, account_id, client_id, channel, secrets, secret_hash, mode)"
            " values ($1, $2, $3, $4, '\\x00', '\\x00', $5)",
            self.integration,
            self.account,
            self.client,
            self.channel,
            self.mode,
        )
        return self

    def item(self, text: str = "hi", ext: str | None = None, kind: str = "message", **more: Any) -> Json:
        id = ids.uuid7()
        return {
            "kind": kind,
            "account": str(self.account),
            "client": str(self.client),
            "integration": str(self.integration),
            "ext": ext or f"m:{id}",
            "id": str(id),
            "at": None,
            "ids": ["phone:5511"],
            "who": {"id": str(ids.uuid7()), "name": "Ana"},
            "chat": "5511",
            "new_session": str(ids.uuid7()),
            "tag": "t",
            "session_s": 3600,
            "body": {"text": text},
            "network_id": f"n-{id}",
            "sha": "x",
            "by": "contact",
            "debounce": 0,
            "max_wait": 60,
            "per_hour": 30,
            "max_messages": 300,
            "limit_text": "slow down",
            "blocked_text": "full",
            "command": None,
            "rule": None,
            **more,
        }


def answer(text: str = "hello") -> tuple[Json, list[Json], list[Json]]:
    """A turn with one message and one part."""
    message = ids.uuid7()
    turn: Json = {"id": str(ids.uuid7()), "outcome": "answered"}
    messages = [{"id": str(message), "role": "assistant", "source": "model", "content": {"text": text}}]
    return turn, messages, [part(text, message)]


def part(text: str, message: UUID, mode: str = "reconcile") -> Json:
    return {
        "key": str(ids.uuid7()),
        "message_id": str(message),
        "chat": "5511",
        "body": {"text": text},
        "mode": mode,
        "sha": f"sha-{text}",
    }


async def straight(db: Db) -> None:
    assert await db.fetch(STRAYED) == []
    assert await db.fetch(MISPLACED) == []
