"""Deliveries: one row per provider call's worth of answer."""

from datetime import datetime
from typing import Any
from uuid import UUID

from hub.store import personal
from hub.store.db import Call, clean

SENT = "select sent($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
HOLD = "select hold_for_template($1, $2, $3, $4, $5, $6, $7)"
SENT_AGAIN = "select sent_again($1, $2, $3, $4, $5, $6)"
NEXT = "select next_part($1, $2, $3)"
FALL_BACK = "select fall_back($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
GO_ON = "select go_on($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
FAILED = """
    update outbox set failures = failures + 1 where id = $1 and attempt = $2 and state = 'sending' returning failures
"""
BODY = """
    update outbox set body = $3, failures = coalesce($4, failures) where id = $1 and attempt = $2 and state = 'sending'
"""
WHOSE = "select account_id, session_id from outbox where id = $1"
STOP = """
    update outbox set state = 'dead', code = $3, error = $4, closed_at = now()
    where session_id = $1 and state = 'queued' and id > $2 and not_before is distinct from 'infinity'
"""
PLACEHOLDER = "update outbox set placeholder = $3 where id = $1 and attempt = $2 and state = 'sending'"
LINK = """
    select to_jsonb(i) - 'secrets' - 'secret_hash' || jsonb_build_object('secrets', encode(i.secrets, 'base64'))
    from integrations i where i.id = $1
"""
ENQUEUE = """
    insert into outbox (key, account_id, session_id, message_id, part, integration_id, chat, body, sha, mode)
    select $1, s.account_id, s.id, $3, 0, s.integration_id, s.chat, $4, $5, $6 from sessions s
    where s.id = $2 and s.account_id = $7 and s.integration_id is not null
    returning id
"""
# What goes behind the words of a message, and away with them; nothing where they will not be said.
BEHIND = """
    insert into outbox (key, account_id, session_id, turn_id, message_id, part, integration_id, chat, body, sha, mode, created_at)
    select $1, o.account_id, o.session_id, o.turn_id, o.message_id,
        coalesce((select max(p.part) + 1 from outbox p where p.turn_id = o.turn_id), 1), o.integration_id, o.chat, $4, $5, $6, o.created_at
    from outbox o join sessions s on s.id = o.session_id and s.closed_at is null
    where o.message_id = $3 and o.session_id = $2 and o.account_id = $7
        and not exists (select 1 from outbox p where p.message_id = $3 and p.account_id = $7 and p.state in ('cancelled', 'dead'))
    order by o.id limit 1
    on conflict do nothing
    returning id
"""
LIST = """
    select o.key as id, o.session_id, o.turn_id, o.message_id, o.part, o.integration_id, i.channel, o.chat, o.body, o.mode, o.state,
           o.attempt, o.not_before, o.network_id, o.fate, o.code, o.error, o.resolution, o.created_at, o.closed_at, o.id as serial
    from outbox o left join integrations i on i.id = o.integration_id
    where o.account_id = $1 and ($2::text[] is null or o.state = any($2)) and ($3::uuid is null or o.session_id = $3)
      and ($4::bigint is null or o.id < $4) and ($5::uuid is null or o.key = $5)
    order by o.id desc limit $6
"""
ATTEMPTS = """
    select a.at, a.outcome, a.code, a.error, a.milliseconds, a.request, a.response from attempts a join outbox o on o.id = a.delivery_id
    where o.account_id = $1 and o.key = $2 order by a.at
"""
REPLAY = """
    update outbox set state = 'queued', attempt = 0, failures = 0, not_before = null, wire_deadline = null, closed_at = null,
        expires_at = now() + interval '24 hours', resolution = 'replayed', code = null, error = null
    where account_id = $1 and key = $2 and state in ('dead', 'unknown', 'cancelled')
    returning session_id
"""
REPLAY_ALL = """
    update outbox set state = 'queued', attempt = 0, failures = 0, not_before = null, wire_deadline = null, closed_at = null,
        expires_at = now() + interval '24 hours', resolution = 'replayed', code = null, error = null
    where id in (select o.id from outbox o where o.account_id = $1 and o.state in ('dead', 'unknown')
        and ($2::uuid[] is null or o.key = any($2)) and ($3::timestamptz is null or o.created_at >= $3)
        order by o.id limit 500)
    returning session_id
"""
RESOLVE = """
    update outbox set state = $3, resolution = $4, closed_at = now(), wire_deadline = null
    where account_id = $1 and key = $2 and state in ('dead', 'unknown', 'queued')
    returning session_id
"""
FAILED_WINDOW = """
    select o.id from outbox o where o.integration_id = $1 and o.state = 'dead' and o.code in ('131047', 'window_closed')
      and (o.network_id = any($2) or o.key::text = $3)
"""
FAILED_FILE = """
    select to_jsonb(o) from outbox o where o.integration_id = $1 and o.state = 'dead' and (o.body ? 'file' or o.body ? 'choices')
      and (o.network_id = any($2) or o.key::text = $3)
"""

Json = dict[str, Any]


def on_the_wire(seconds: float) -> float:
    """How long a part may be on the wire before its sender counts as lost, of the limit of one call."""
    return seconds * 2 + 2


async def sent(
    db: Call,
    part: Json,
    me: str,
    state: str,
    wire: float,
    *,
    network_id: str | None = None,
    code: str | None = None,
    error: str | None = None,
    after: float = 0.0,
    hold: bool = False,
    trace: Json | None = None,
) -> Json | None:
    """Close one call of a part; return the session's next part, marked as being sent.

    state: sent, dead, unknown, or queued to be tried again `after` seconds; with `hold` it waits for
    the contact. trace: {milliseconds, request, response} of the call, without secrets.
    """
    found: Json | None = await db.value(
        SENT, part["id"], part["attempt"], me, state, network_id, code, clean(error), after, hold, wire, await traced(db, part, trace)
    )
    return found


async def sent_again(db: Call, part: Json, me: str, wire: float, network_id: str | None, trace: Json) -> Json | None:
    """As `sent` of a part that the network took, where nobody heard whether that was stored."""
    found: Json | None = await db.value(
        SENT_AGAIN, part["id"], part["attempt"], me, clean(network_id), wire, await traced(db, part, trace)
    )
    return found


async def traced(db: Call, part: Json, trace: Json | None) -> Json | None:
    """What was sent and said on the wire: the words are in it."""
    if trace is None or db.keys is None:
        return trace
    held = {k: trace[k] for k in ("request", "response") if trace.get(k)}
    return trace | await personal.body(db, part["account_id"], part["session_id"], held)


async def hold_for_template(
    db: Call, part_id: int, attempt: int | None, me: str, key: UUID, template: Json, error: str, wire: float
) -> Json | None:
    """Let a part wait for the contact; return the template's part to send now, if one is needed."""
    if db.keys is not None and (whose := await db.row(WHOSE, part_id)):
        template = await personal.body(db, whose["account_id"], whose["session_id"], template)
    found: Json | None = await db.value(HOLD, part_id, attempt, me, key, template, error, wire)
    return found


async def fall_back(
    db: Call, part: Json, attempt: int | None, me: str, copy: UUID, body: Json, sha: str, wire: float,
    *, code: str | None, error: str, trace: Json | None = None,
) -> Json | None:
    """Put another body in a part's place and keep a dead copy of what it was (see `fall_back` in SQL);
    return the session's next part, marked as being sent."""
    found: Json | None = await db.value(
        FALL_BACK, part["id"], attempt, me, copy, await personal.body(db, part["account_id"], part["session_id"], body), sha, code, clean(error), wire, trace
    )
    return found


async def go_on(
    db: Call, part: Json, me: str, state: str, key: UUID, gone: Json, following: Json, wire: float,
    *, network_id: str | None, code: str | None, error: str | None, trace: Json | None = None,
) -> Json | None:
    """A part of several has its outcome (state: sent or dead), and the next of them takes its place under another key;
    return the session's next part, marked as being sent."""
    whose = part["account_id"], part["session_id"]
    found: Json | None = await db.value(
        GO_ON, part["id"], part["attempt"], me, state, network_id, code, clean(error), key,
        await personal.body(db, *whose, gone), await personal.body(db, *whose, following), wire, await traced(db, part, trace)
    )
    return found


async def failed(db: Call, part: Json) -> int:
    """Count a failure of the part on the wire; how many there are in a row by now."""
    return int(await db.value(FAILED, part["id"], part["attempt"]) or 0)


async def change(db: Call, part: Json, body: Json, failures: int | None = None) -> None:
    """Change how the part on the wire is to be sent when it is tried again."""
    await db.run(BODY, part["id"], part["attempt"], await personal.body(db, part["account_id"], part["session_id"], body), failures)


async def stop(db: Call, part: Json, code: str | None, error: str) -> None:
    """What waits behind a part will not go either."""
    await db.run(STOP, UUID(part["session_id"]), part["id"], code, clean(error))


async def claim(db: Call, session: UUID, me: str, wire: float) -> Json | None:
    """The first sendable part of a session, marked as being sent."""
    found: Json | None = await db.value(NEXT, session, me, wire)
    return found


async def placeholder(db: Call, part: Json, message_id: str) -> bool:
    return await db.run(PLACEHOLDER, part["id"], part["attempt"], message_id) == 1


async def integration(db: Call, id: UUID) -> Json | None:
    found: Json | None = await db.value(LINK, id)
    return found


async def enqueue(
    db: Call, account: UUID, session: UUID, key: UUID, message: UUID, body: Json, sha: str, mode: str
) -> bool:
    """Queue one part for a channel session outside a turn (operator, schedule)."""
    return bool(await db.value(ENQUEUE, key, session, message, await personal.body(db, account, session, body), sha, mode, account))


async def behind(
    db: Call, account: UUID, session: UUID, key: UUID, message: UUID, body: Json, sha: str, mode: str
) -> bool:
    """Queue one part more of a message that a turn said. False where a person has the word, or the words were refused."""
    sealed = await personal.body(db, account, session, body)
    return bool(await db.value(BEHIND, key, session, message, sealed, sha, mode, account))


async def list_(
    db: Call,
    account: UUID,
    states: list[str] | None,
    session: UUID | None,
    before: int | None,
    key: UUID | None,
    limit: int,
) -> list[Json]:
    return [dict(r) for r in await db.fetch(LIST, account, states, session, before, key, limit)]


async def attempts(db: Call, account: UUID, key: UUID) -> list[Json]:
    return [dict(r) for r in await db.fetch(ATTEMPTS, account, key)]


async def replay(db: Call, account: UUID, key: UUID) -> UUID | None:
    """Queue a dead or unknown part again; the session to ring, or None."""
    found: UUID | None = await db.value(REPLAY, account, key)
    return found


async def replay_all(db: Call, account: UUID, keys: list[UUID] | None, since: datetime | None) -> list[UUID]:
    """Queue up to 500 dead or unknown parts again, the oldest first: the session of each."""
    return [r["session_id"] for r in await db.fetch(REPLAY_ALL, account, keys, since)]


async def resolve(db: Call, account: UUID, key: UUID, state: str, words: str) -> UUID | None:
    found: UUID | None = await db.value(RESOLVE, account, key, state, clean(words))
    return found


async def failed_by_window(db: Call, integration_id: UUID, network_ids: list[str], callback: str | None) -> list[int]:
    """Parts that WhatsApp refused afterwards because its 24 hour window was closed."""
    return [r["id"] for r in await db.fetch(FAILED_WINDOW, integration_id, network_ids, callback)]


async def failed_files(db: Call, integration_id: UUID, network_ids: list[str], callback: str | None) -> list[Json]:
    """Parts with a file that a network took and refused afterwards."""
    rows = await db.fetch(FAILED_FILE, integration_id, network_ids, callback)
    return [r["to_jsonb"] for r in rows]
