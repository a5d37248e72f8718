"""The audit log: who did what to which object, each row chained to the one before it."""

from collections.abc import Collection, Sequence
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
    where account_id = $1 and ($2::bigint is null or id < $2) and ($3::text[] is null or action like any ($3))
    order by id desc limit $4
"""
# Things of an account by their ids: what each is, what it is called now, and what its page needs beside the id.
NAMED = """
    select 'bot' as kind, id, name, null::uuid as "of" from gateways where account_id = $1 and id = any ($2)
    union all select 'channel', id, name, null from clients where account_id = $1 and id = any ($2)
    union all select 'network', id, channel, client_id from integrations where account_id = $1 and id = any ($2)
    union all select 'knowledge', id, name, null from collections where account_id = $1 and id = any ($2)
    union all select 'document', id, name, collection_id from documents where account_id = $1 and id = any ($2)
    union all select 'website', id, address, collection_id from sources where account_id = $1 and id = any ($2)
    union all select 'campaign', id, name, null from campaigns where account_id = $1 and id = any ($2)
    union all select 'schedule', id, null, null from schedules where account_id = $1 and id = any ($2)
    union all select 'key', id, label, null from api_keys where account_id = $1 and id = any ($2)
    union all select 'team', id, name, null from operators where account_id = $1 and id = any ($2)
    union all select 'webhook', id, url, null from webhook_endpoints where account_id = $1 and id = any ($2)
    union all select 'group', id, name, null from teams where account_id = $1 and id = any ($2)
    union all select 'label', id, name, null from labels where account_id = $1 and id = any ($2)
    union all select 'reply', id, '/' || shortcut, null from canned_replies where account_id = $1 and id = any ($2)
    union all select 'field', id, name, null from contact_fields where account_id = $1 and id = any ($2)
    union all select 'delivery', key, null, session_id from outbox where account_id = $1 and key = any ($2)
    union all select 'user', id, name, null from ares_users where account_id = $1 and id = any ($2)
    union all select 'document of the API', id, title, null from writings where account_id = $1 and id = any ($2)
    union all select 'voice', id, name, null from voices where account_id = $1 and id = any ($2)
    union all select 'chatbot', id, name, null from chatbots where account_id = $1 and id = any ($2)
    union all select 'workflow', id, name, null from workflows where account_id = $1 and id = any ($2)
    union all select 'agent', id, name, null from character_agents where account_id = $1 and id = any ($2)
    union all select 'account', id, name, null from accounts where id = $1 and id = any ($2)
    union all select 'tool', id, name, null from source_tools where account_id = $1 and id = any ($2)
    union all select 'view', id, name, null from inbox_views where account_id = $1 and id = any ($2)
    union all select 'said later', id, null, session_id from planned_messages where account_id = $1 and id = any ($2)
    union all select 'note', id, null, session_id from session_notes where account_id = $1 and id = any ($2)
    union all select 'note on a person', id, null, null from contact_notes where account_id = $1 and id = any ($2)
    union all select 'sample', id, null, client_id from samples where account_id = $1 and id = any ($2)
    union all select 'skill', id, null, null from skills where account_id = $1 and id = any ($2)
    union all select 'memory', id, null, null from memories where account_id = $1 and id = any ($2)
    union all select 'run', id, null, null from workflow_runs where account_id = $1 and id = any ($2)
    union all select 'answer', id, null, null from responses where account_id = $1 and id = any ($2)
    union all select 'picture', id, null, null from character_images where account_id = $1 and id = any ($2)
    union all select 'embedder', id, address, null from embedders where account_id = $1 and id = any ($2)
"""
# People, who are called by a rule of their own (hub/chat/clients/people_names.py).
PEOPLE = """
    select s.id, s.id as session_id, k.name as contact_name, k.phone, k.username, s.tag, s.chat, i.channel
    from sessions s left join contacts k on k.id = s.contact_id left join integrations i on i.id = s.integration_id
    where s.account_id = $1 and s.id = any ($2)
    union all
    select k.id, null, k.name, k.phone, k.username, null, null, i.channel
    from contacts k left join integrations i on i.id = k.integration_id where k.account_id = $1 and k.id = any ($2)
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


async def find(
    db: Call, account: UUID, before: int | None, action: str | Sequence[str] | None, limit: int
) -> list[Json]:
    """Newest first; `action`: the beginning of its name, or several."""
    begins = [action] if isinstance(action, str) else action
    asked = [clean(one).replace("_", r"\_") + "%" for one in begins] if begins else None
    return [dict(r) for r in await db.fetch(LIST, account, before, asked, limit)]


async def named(db: Call, account: UUID, ids: Collection[UUID]) -> list[Json]:
    """What there is of the account under these ids: `kind`, `id`, `name`, and `of`, within which it stands."""
    return [dict(r) for r in await db.fetch(NAMED, account, list(ids))]


async def people(db: Call, account: UUID, ids: Collection[UUID]) -> list[Json]:
    """Whose conversations and contacts these are; `session_id` is that of the conversation."""
    return [dict(r) for r in await db.fetch(PEOPLE, account, list(ids))]


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
