"""The audit log: who did what to which object, each row chained to the one before it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

# A deed leaves one row, whoever writes it first; the row takes what is known of the deed when its transaction ends.
ADD = """
    insert into audit (account_id, actor_kind, actor_id, actor, action, object, detail, deed)
    values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict (account_id, deed) where deed is not null do nothing
"""
LIST = """
    select id, at, actor_kind, actor_id, actor, action, object, detail from audit
    where account_id = $1 and ($2::bigint is null or id < $2) and ($3::text is null or action like $3 || '%')
    order by id desc limit $4
"""
ACCOUNTS = "select id from accounts order by id"
HEAD = """
    select coalesce(h.seq, 0) as seq, coalesce(h.hash, '') as hash, coalesce(h.anchor_seq, 0) as anchor_seq,
        coalesce(h.anchor_hash, '') as anchor_hash
    from accounts a left join audit_heads h on h.account_id = a.id where a.id = $1
"""
LINKS = """
    select a.id, a.seq, a.hash, audit_hash(coalesce(lag(a.hash) over (order by a.seq), $3), a) as counted
    from (select * from audit where account_id = $1 and seq > $2 order by seq limit $4) a order by a.seq
"""
UNCHAINED = "select min(id) from audit where account_id = $1 and (seq is null or seq <= $2)"
TRIM = "select audit_trim(a.id, now() - make_interval(days => $2)) from accounts a where a.id = $1"
PAGE = 1000

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """count: whole rows. head: the hash of the newest. broken: the first row that is not as it was written, and why."""

    count: int
    head: str
    broken: str | None = None


async def add(
    db: Call, account: UUID, kind: str, actor_id: UUID | None, actor: str, action: str, object: str | None, detail: Json,
    deed: UUID | None = None,
) -> None:
    await db.run(ADD, account, kind, actor_id, clean(actor), action, clean(object), clean(detail), deed)


async def find(db: Call, account: UUID, before: int | None, action: str | None, limit: int) -> list[Json]:
    """Newest first; `action`: the beginning of its name."""
    return [dict(r) for r in await db.fetch(LIST, account, before, clean(action), limit)]


async def trim(db: Call, account: UUID, days: int) -> int:
    """Drop what is older, at least thirty days; how many rows that were. The chain holds from there on."""
    return int(await db.value(TRIM, account, days) or 0)


async def accounts(db: Call) -> list[UUID]:
    return [r["id"] for r in await db.fetch(ACCOUNTS)]


async def verify(db: Call, account: UUID) -> Verdict:
    """Count an account's chain again, from its oldest row."""
    head = await db.row(HEAD, account)
    assert head is not None
    seq, before, count = head["anchor_seq"], bytes(head["anchor_hash"]), 0
    loose = await db.value(UNCHAINED, account, seq)
    if loose is not None:
        return Verdict(count, before.hex(), f"row {loose} is not in the chain")
    while rows := await db.fetch(LINKS, account, seq, before, PAGE):
        for row in rows:
            if row["seq"] != seq + 1:
                return Verdict(count, before.hex(), f"row number {seq + 1} is missing before row {row['id']}")
            if row["hash"] != row["counted"]:
                return Verdict(count, before.hex(), f"row {row['id']} (number {row['seq']}) was changed")
            seq, before, count = row["seq"], bytes(row["hash"]), count + 1
        if seq > head["seq"]:
            head = await db.row(HEAD, account) or head  # written meanwhile
    if seq < head["seq"]:
        return Verdict(count, before.hex(), f"row number {seq + 1} is missing at the end")
    if seq == head["seq"] and before != bytes(head["hash"]):
        return Verdict(count, before.hex(), f"the chain's end is not the hash of row number {seq}")
    return Verdict(count, before.hex())
