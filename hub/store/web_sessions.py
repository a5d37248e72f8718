"""Web sessions as their visitor's access key opens them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from hub.store import personal
from hub.store.db import Call, clean
from hub.store.turns import Claim

BY_KEY = """
    select s.id as session_id, s.account_id, s.client_id, s.tag, s.title, s.extra_context, s.metadata, s.message_count, s.created_at,
        s.expires_at, s.handoff_at is not null and (s.handoff_until is null or s.handoff_until > now()) as handoff,
        c.limits, c.parameters, c.gateway_id as gateway,
        g.parameters->>'modelName' as model, a.balance::float8 as balance
    from sessions s join clients c on c.id = s.client_id join accounts a on a.id = s.account_id left join gateways g on g.id = c.gateway_id
    where s.key_hash = $1 and s.closed_at is null and s.expires_at > now()
"""
OF_TURN = """
    select id, role, source, content, created_at from messages where account_id = $1 and turn_id = $2 and not hidden order by position
"""
HOUR_LEFT = (
    "select greatest(1, extract(epoch from hour_start + interval '1 hour' - now()))::float8 from sessions where id = $1"
)
LOOK = """
    select to_jsonb(s) - 'key_hash' - 'key_sealed' as session, s.last_seq as upto,
        (select coalesce(jsonb_agg(to_jsonb(h) order by h.position), '[]') from (
            select m.id, m.role, m.source, m.content, m.position from messages m
            where m.session_id = s.id and not m.hidden order by m.position desc limit $3) h) as history,
        (select to_jsonb(c) from clients c where c.id = s.client_id) as client,
        (select to_jsonb(g) - 'secrets' || jsonb_build_object('secrets', encode(g.secrets, 'base64'))
            from gateways g join clients c on c.gateway_id = g.id where c.id = s.client_id) as gateway,
        (select jsonb_build_object('id', a.id, 'balance', a.balance, 'parameters', a.parameters) from accounts a where a.id = s.account_id)
            as account
    from sessions s where s.id = $1 and s.account_id = $2
"""
FEEDBACK = """
    insert into happenings (account_id, client_id, session_id, message_id, kind, detail)
    select m.account_id, $4, m.session_id, m.id, 'feedback', $5 from messages m
    where m.id = $1 and m.session_id = $2 and m.account_id = $3 and m.role = 'assistant'
"""

DOOR = """
    select c.id as client_id, c.account_id, c.parameters, c.gateway_id is not null as open, a.salt
    from clients c join accounts a on a.id = c.account_id where c.id = $1
"""
WAYS = """
    select exists (select 1 from integrations where client_id = $1 and state = 'registered') as elsewhere,
        exists (select 1 from clients c join gateways g on g.id = c.gateway_id where c.id = $1
            and g.parameters->'sentinelOptions'->'enabledFunctions' ? 'AskForHuman') as person
"""
# What visitors say of themselves is marked; of the older of it as much goes as would be more than twenty.
DESCRIBE = """
    update sessions s set metadata = $3::jsonb || (
        select coalesce(jsonb_object_agg(k.key, k.value), '{}') from (
            select e.key, e.value, row_number() over (partition by e.key like 'anon:%' order by e.key) as n
            from jsonb_each(s.metadata) e where not $3 ? e.key) k
        where k.key not like 'anon:%'
            or k.n <= 20 - (select count(*) from jsonb_object_keys($3) given where given like 'anon:%'))
    where s.id = $1 and s.account_id = $2
"""
RENEW = """
    update sessions set expires_at = now() + make_interval(secs => $3)
    where id = $1 and account_id = $2 and closed_at is null and expires_at < now() + make_interval(secs => $3 / 2)
"""
WAITS = "select last_seq > done_seq from sessions where id = $1 and account_id = $2"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Door:
    """A chat client as a stranger finds it; `salt` proves who its account vouches for."""

    client_id: UUID
    account_id: UUID
    parameters: Json
    open: bool
    salt: str


@dataclass(frozen=True, slots=True)
class Visit:
    session_id: UUID
    account_id: UUID
    client_id: UUID
    tag: str | None
    title: str | None
    extra_context: str | None
    metadata: Json
    message_count: int
    created_at: datetime
    expires_at: datetime
    handoff: bool
    limits: Json
    parameters: Json
    gateway: UUID | None
    model: str | None
    balance: float


async def by_key(db: Call, key_hash: bytes) -> Visit | None:
    """The open session of an access key's hash, with its chat client."""
    row = await db.row(BY_KEY, key_hash)
    return Visit(**dict(row)) if row else None


async def door(db: Call, client: UUID) -> Door | None:
    """A chat client by its public id, whoever asks."""
    row = await db.row(DOOR, client)
    return Door(**dict(row)) if row else None


async def ways(db: Call, client: UUID) -> Json:
    """elsewhere: whether the chat client is on a network too, where a chat could go on. person: whether one may be asked
    for."""
    row = await db.row(WAYS, client)
    assert row is not None
    return dict(row)


async def describe(db: Call, account: UUID, session: UUID, metadata: Json) -> None:
    """Add to the session's metadata; at most 20 `anon:` fields remain, the new ones first."""
    await db.run(DESCRIBE, session, account, clean(metadata))


async def renew(db: Call, seen: Visit, seconds: float) -> bool:
    """Give a session its whole time again once half of it is over; whether that was so."""
    return await db.run(RENEW, seen.session_id, seen.account_id, seconds) == 1


async def waits(db: Call, seen: Visit) -> bool:
    """Whether something of the session is not answered yet."""
    return bool(await db.value(WAITS, seen.session_id, seen.account_id))


async def of_turn(db: Call, account: UUID, turn: UUID | None) -> list[Json]:
    return [dict(r) for r in await db.fetch(OF_TURN, account, turn)]


async def hour_left(db: Call, session: UUID) -> float:
    """Seconds until the hour's counter of a session starts again."""
    return float(await db.value(HOUR_LEFT, session) or 1)


async def look(db: Call, account: UUID, session: UUID, history: int) -> Claim | None:
    """What a turn would claim, without claiming it."""
    row = await db.row(LOOK, session, account, history)
    return Claim(**dict(row), poison=False, batch=[], integration=None, contact=None, files=[]) if row else None


async def feedback(db: Call, seen: Visit, message: UUID, detail: Json) -> bool:
    told = clean({k: v for k, v in detail.items() if k != "comment"})
    if detail.get("comment"):
        told["comment"] = await personal.whole(db, seen.account_id, f"session:{seen.session_id}", detail["comment"])
    return await db.run(FEEDBACK, message, seen.session_id, seen.account_id, seen.client_id, told) == 1
