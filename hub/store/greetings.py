"""Which integrations are to tell their networks what is shown before a first message."""

from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

# Whoever takes one up puts it off, longer each time: a process that dies, or a network that is away, leaves it to the next.
DUE = """
    with taken as (
        update integrations set greet_tries = greet_tries + 1,
            greet_at = case when greet_tries + 1 < $2 then now() + make_interval(secs => 30 * power(2, greet_tries)) end
        where id in (select i.id from integrations i where i.greet_at <= now() order by i.greet_at limit $1 for update skip locked)
        returning *)
    select to_jsonb(t) - 'secrets' - 'secret_hash' || jsonb_build_object('secrets', encode(t.secrets, 'base64')) as integration,
        t.greet_at, c.parameters, g.parameters as gateway
    from taken t join clients c on c.id = t.client_id left join gateways g on g.id = c.gateway_id
"""
# Something may have changed meanwhile: then it stays due.
DONE = """
    update integrations set greeted = $3, greet_at = case when greet_at = $4 then null else greet_at end where account_id = $1 and id = $2
"""
GIVEN_UP = "update integrations set greet_at = null where account_id = $1 and id = $2 and greet_at = $3"
FORGET = "update integrations set greeted = null where account_id = $1 and id = $2"

Json = dict[str, Any]


async def due(db: Call, limit: int, tries: int) -> list[Json]:
    """integration, greet_at, and the parameters of its client and gateway; nobody else has them for half a minute."""
    return [dict(r) for r in await db.fetch(DUE, limit, tries)]


async def done(db: Call, account: UUID, id: UUID, told: Json | None, taken_at: Any) -> None:
    await db.run(DONE, account, id, clean(told), taken_at)


async def give_up(db: Call, account: UUID, id: UUID, taken_at: Any) -> None:
    """It cannot be told; another change tries again."""
    await db.run(GIVEN_UP, account, id, taken_at)


async def forget(db: Call, account: UUID, id: UUID) -> None:
    """It is another bot or number now: nothing that is shown there was set from here."""
    await db.run(FORGET, account, id)
