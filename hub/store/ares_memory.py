"""What the ARES agents have learned about a user, and what is still to be learned."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hub.store.db import Call, Transaction, clean

PREFERENCES = """
    select category, key, value, confidence from ares_preferences where account_id = $1 and user_id = $2
    order by confidence desc, updated_at desc, category, key
"""
FACTS = """
    select id, user_id, category, fact_key, fact_value, confidence, created_at, updated_at from ares_facts
    where account_id = $1 and user_id = $2 order by confidence desc, updated_at desc, id
"""
# What is less sure than this takes the place of nothing that is surer.
SURE = 0.8
PREFER = """
    insert into ares_preferences (account_id, user_id, category, key, value, confidence)
    select $1, $2, p->>'category', p->>'key', p->>'value', (p->>'confidence')::float8 from jsonb_array_elements($3) p
    on conflict (user_id, category, key) do update
        set value = excluded.value, confidence = excluded.confidence, updated_at = now()
        where excluded.confidence >= least(ares_preferences.confidence, $4)
"""
KNOW = """
    insert into ares_facts (id, account_id, user_id, category, fact_key, fact_value, confidence)
    select (f->>'id')::uuid, $1, $2, f->>'category', f->>'key', f->>'value', (f->>'confidence')::float8
    from jsonb_array_elements($3) f
    on conflict (user_id, category, fact_key) do update
        set fact_value = excluded.fact_value, confidence = excluded.confidence, updated_at = now()
        where excluded.confidence >= least(ares_facts.confidence, $4)
"""
SPARE_PREFERENCES = """
    delete from ares_preferences where account_id = $1 and user_id = $2 and (category, key) in (
        select category, key from ares_preferences where account_id = $1 and user_id = $2
        order by updated_at desc, confidence desc offset $3)
"""
SPARE_FACTS = """
    delete from ares_facts where account_id = $1 and user_id = $2 and id in (
        select id from ares_facts where account_id = $1 and user_id = $2
        order by updated_at desc, confidence desc offset $3)
"""
FORGET_PREFERENCE = """
    delete from ares_preferences where account_id = $1 and user_id = $2 and category = $3 and key = $4
"""
FORGET_FACT = "delete from ares_facts where account_id = $1 and user_id = $2 and id = $3"
FORGET_LESSONS = "delete from ares_lessons where account_id = $1 and user_id = $2"
FORGET_PREFERENCES = "delete from ares_preferences where account_id = $1 and user_id = $2"
FORGET_FACTS = "delete from ares_facts where account_id = $1 and user_id = $2"
LESSON = "insert into ares_lessons (id, account_id, user_id, session_id, gateway_id) values ($1, $2, $3, $4, $5)"
# A lesson that is taken is due again later: whoever took it may be killed. Of a message that moderation
# withheld there is nothing to be learned.
TAKE = """
    with due as (
        select id from ares_lessons where due_at <= now() order by due_at limit $1 for update skip locked)
    update ares_lessons l set tries = tries + 1, due_at = now() + make_interval(secs => $2 * 2 ^ least(l.tries, 6))
    from due, messages m
    where l.id = due.id and m.id = l.id
    returning l.id, l.account_id, l.user_id, l.session_id, l.gateway_id, l.tries,
        case when m.content ? 'withheld' then '""'::jsonb else m.content->'text' end as said,
        (select a.content->'text' from messages a where a.session_id = l.session_id and a.position > m.position
            and a.role = 'assistant' order by a.position limit 1) as replied
"""
LEARNED = "delete from ares_lessons where account_id = $1 and id = $2"

Json = dict[str, Any]


async def preferences(db: Call, account: UUID, user: UUID) -> list[Json]:
    """The surest first."""
    return [dict(r) for r in await db.fetch(PREFERENCES, account, user)]


async def facts(db: Call, account: UUID, user: UUID) -> list[Json]:
    """The surest first."""
    return [dict(r) for r in await db.fetch(FACTS, account, user)]


async def know(
    t: Transaction, account: UUID, user: UUID, preferences: Sequence[Json], facts: Sequence[Json], most: int
) -> None:
    """Keep {category, key, value, confidence} (facts with an id too); of each kind at most so many, the newest."""
    if preferences:
        await t.run(PREFER, account, user, clean(list(preferences)), SURE)
        await t.run(SPARE_PREFERENCES, account, user, most)
    if facts:
        await t.run(KNOW, account, user, clean(list(facts)), SURE)
        await t.run(SPARE_FACTS, account, user, most)


async def forget_preference(db: Call, account: UUID, user: UUID, category: str, key: str) -> bool:
    return await db.run(FORGET_PREFERENCE, account, user, clean(category), clean(key)) == 1


async def forget_fact(db: Call, account: UUID, user: UUID, id: UUID) -> bool:
    return await db.run(FORGET_FACT, account, user, id) == 1


async def forget(t: Transaction, account: UUID, user: UUID) -> None:
    """Everything, and what would still have been learned. The lessons first: whoever learns now holds one."""
    await t.run(FORGET_LESSONS, account, user)
    await t.run(FORGET_PREFERENCES, account, user)
    await t.run(FORGET_FACTS, account, user)


async def lesson(db: Call, account: UUID, user: UUID, session: UUID, message: UUID, gateway: UUID | None) -> None:
    """There is something to learn from a message."""
    await db.run(LESSON, message, account, user, session, gateway)


async def take(db: Call, limit: int, seconds: float) -> list[Json]:
    """Lessons for whoever asks; nobody else gets them for so many seconds (longer after every try)."""
    return [dict(r) for r in await db.fetch(TAKE, limit, seconds)]


async def learned(db: Call, account: UUID, id: UUID) -> bool:
    """Whether the lesson was still there."""
    return await db.run(LEARNED, account, id) == 1
