"""Chatbots, and what is known of their conversations beside the sessions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

ADD = """
    insert into chatbots (id, account_id, name, instructions, model, knowledge_base_id, voice_id, client_id, embed_hash,
        embed_sealed)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing
"""
GET = """
    select id, account_id, name, instructions, model, knowledge_base_id, voice_id, client_id, embed_sealed, created_at,
        updated_at
    from chatbots where account_id = $1 and id = $2
"""
LIST = """
    select id, account_id, name, instructions, model, knowledge_base_id, voice_id, client_id, embed_sealed, created_at,
        updated_at
    from chatbots where account_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3
"""
EMBEDDED = "select id, account_id, client_id from chatbots where embed_hash = $1 and client_id is not null"
EDIT = """
    update chatbots set name = $3, instructions = $4, model = $5, knowledge_base_id = $6, voice_id = $7,
        updated_at = now()
    where account_id = $1 and id = $2
"""
ROTATE = "update chatbots set embed_hash = $3, embed_sealed = $4, updated_at = now() where account_id = $1 and id = $2"
LOCK = "select id from chatbots where account_id = $1 and id = $2 for update"
REMOVE_TALKS = """
    delete from sessions s using chatbot_talks t
    where s.account_id = $1 and t.account_id = $1 and t.chatbot_id = $2 and s.id = t.session_id
"""
REMOVE = "delete from chatbots where account_id = $1 and id = $2 returning client_id"
WEAR = "update clients set name = $3, gateway_id = $4, studio = $5, updated_at = now() where account_id = $1 and id = $2"
GATEWAY = "select gateway_id from clients where account_id = $1 and id = $2"
# A gateway that is the chatbot's own goes with it.
OWN = "update gateways set chatbot_id = $2 where account_id = $1 and id = $3"
DISOWN = "delete from gateways where account_id = $1 and chatbot_id = $2"

JOIN = """
    insert into chatbot_talks as t (session_id, account_id, chatbot_id, web)
    select $2, account_id, id, $4 from chatbots where account_id = $1 and id = $3 for key share
    on conflict (session_id) do update set web = t.web where t.chatbot_id = excluded.chatbot_id
"""
TALKS = """
    select t.session_id as id, s.name, s.kind, s.tag, s.user_id, s.settings, s.title, s.message_count,
        s.created_at, s.last_message_at, t.intent, t.escalated_at, t.escalation, t.csat, t.csat_comment
    from chatbot_talks t join sessions s on s.id = t.session_id
    where t.account_id = $1 and t.chatbot_id = $2 and s.message_count > 0 and ($3::uuid is null or t.session_id < $3)
        and ($4::timestamptz is null or s.created_at >= $4) and ($5::timestamptz is null or s.created_at < $5)
        and ($6::text is null or t.intent = $6) and ($7::boolean is null or (t.escalated_at is not null) = $7)
        and ($8::int is null or t.csat = $8) and ($9::int is null or t.csat >= $9)
    order by t.session_id desc limit $10
"""
TALK = """
    select t.session_id as id, s.name, s.kind, s.tag, s.user_id, s.settings, s.title, s.message_count,
        s.created_at, s.last_message_at, t.intent, t.escalated_at, t.escalation, t.csat, t.csat_comment
    from chatbot_talks t join sessions s on s.id = t.session_id
    where t.account_id = $1 and t.chatbot_id = $2 and t.session_id = $3
"""
INTENT = "update chatbot_talks set intent = $3 where account_id = $1 and session_id = $2"
ESCALATE = """
    update chatbot_talks set escalated_at = now(), escalation = $3
    where account_id = $1 and session_id = $2 and escalated_at is null
"""
CSAT = """
    update chatbot_talks set csat = $4, csat_comment = $5, csat_at = now()
    where account_id = $1 and chatbot_id = $2 and session_id = $3
"""
# Messages of the website's chat that nobody was told about; the row is held until they are.
UNSEEN = """
    select session_id, account_id, chatbot_id from chatbot_talks where unseen order by session_id limit $1
"""
HOLD = """
    select looked_position, intent from chatbot_talks where account_id = $1 and session_id = $2
    for update skip locked
"""
FRESH = """
    select id, role, content, position, created_at from messages
    where account_id = $1 and session_id = $2 and position > $3 and not hidden order by position limit $4
"""
LOOKED = """
    update chatbot_talks set looked_position = greatest(looked_position, $3), unseen = $4
    where account_id = $1 and session_id = $2
"""
STEP = """
    select m.id, m.content, m.created_at from messages a join messages m
        on m.session_id = a.session_id and m.position > a.position and m.role = 'assistant'
    where a.account_id = $1 and a.session_id = $2 and a.role = 'user' and a.content->>'step' = $3
        and not exists (select 1 from messages u where u.session_id = a.session_id and u.role = 'user'
            and u.position > a.position and u.position < m.position)
    order by m.position desc limit 1
"""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chatbot:
    """embed_sealed: the embed key. client_id: the chat client that its website's chat is."""

    id: UUID
    account_id: UUID
    name: str
    instructions: str
    model: str | None
    knowledge_base_id: UUID | None
    voice_id: UUID | None
    client_id: UUID | None
    embed_sealed: bytes
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Filters:
    """Of conversations; None: any."""

    begin: datetime | None = None
    end: datetime | None = None
    intent: str | None = None
    escalated: bool | None = None
    csat: int | None = None
    csat_min: int | None = None


async def add(
    db: Call, account: UUID, id: UUID, given: Json, client: UUID, embed: tuple[bytes, bytes]
) -> bool:
    """given: name, instructions, model, knowledge_base_id, voice_id. embed: (hash, sealed). False when there is one
    of this id."""
    added = await db.run(
        ADD, id, account, clean(given["name"]), clean(given["instructions"]), clean(given["model"]),
        given["knowledge_base_id"], given["voice_id"], client, *embed,
    )
    return added == 1


async def get(db: Call, account: UUID, id: UUID) -> Chatbot | None:
    row = await db.row(GET, account, id)
    return Chatbot(**dict(row)) if row else None


async def listed(db: Call, account: UUID, before: UUID | None, limit: int) -> list[Json]:
    return [dict(r) for r in await db.fetch(LIST, account, before, limit)]


async def embedded(db: Call, embed_hash: bytes) -> Json | None:
    """Whose an embed key is."""
    row = await db.row(EMBEDDED, embed_hash)
    return dict(row) if row else None


async def edit(db: Call, bot: Chatbot) -> bool:
    found = await db.run(
        EDIT, bot.account_id, bot.id, clean(bot.name), clean(bot.instructions), clean(bot.model),
        bot.knowledge_base_id, bot.voice_id,
    )
    return found == 1


async def rotate(db: Call, account: UUID, id: UUID, embed: tuple[bytes, bytes]) -> bool:
    return await db.run(ROTATE, account, id, *embed) == 1


async def remove(db: Call, account: UUID, id: UUID) -> tuple[bool, UUID | None]:
    """With its conversations: whether there was one, and the chat client behind it. Inside a transaction."""
    # Conversations before the chatbot, as who answers in one locks them; then those that were stored meanwhile.
    await db.run(REMOVE_TALKS, account, id)
    await db.row(LOCK, account, id)
    await db.run(REMOVE_TALKS, account, id)
    row = await db.row(REMOVE, account, id)
    return (True, row["client_id"]) if row else (False, None)


async def wear(
    db: Call, account: UUID, client: UUID, name: str, gateway: UUID, studio: Json
) -> None:
    """What the chat client behind a chatbot is made of."""
    await db.run(WEAR, account, client, clean(name), gateway, clean(studio))


async def gateway(db: Call, account: UUID, client: UUID) -> UUID | None:
    found: UUID | None = await db.value(GATEWAY, account, client)
    return found


async def own(db: Call, account: UUID, bot: UUID, gateway: UUID) -> None:
    """A gateway is this chatbot's own; it is stored in the same transaction."""
    await db.run(OWN, account, bot, gateway)


async def disown(db: Call, account: UUID, bot: UUID) -> None:
    """Remove the gateways that are its own."""
    await db.run(DISOWN, account, bot)


async def join(db: Call, account: UUID, session: UUID, bot: UUID, web: bool = False) -> bool:
    """A session is a conversation of this chatbot. web: of its chat on a website. False: it is gone."""
    return await db.run(JOIN, account, session, bot, web) == 1


async def talks(db: Call, account: UUID, bot: UUID, before: UUID | None, f: Filters, limit: int) -> list[Json]:
    """Conversations in which something was said, newest first."""
    found = await db.fetch(
        TALKS, account, bot, before, f.begin, f.end, clean(f.intent), f.escalated, f.csat, f.csat_min, limit
    )
    return [dict(r) for r in found]


async def talk(db: Call, account: UUID, bot: UUID, session: UUID) -> Json | None:
    row = await db.row(TALK, account, bot, session)
    return dict(row) if row else None


async def set_intent(db: Call, account: UUID, session: UUID, intent: str) -> None:
    await db.run(INTENT, account, session, clean(intent))


async def escalate(db: Call, account: UUID, session: UUID, why: str) -> bool:
    """False when it was escalated before."""
    return await db.run(ESCALATE, account, session, clean(why)) == 1


async def rate(db: Call, account: UUID, bot: UUID, session: UUID, score: int, comment: str | None) -> bool:
    return await db.run(CSAT, account, bot, session, score, clean(comment)) == 1


async def unseen(db: Call, limit: int) -> list[Json]:
    return [dict(r) for r in await db.fetch(UNSEEN, limit)]


async def hold(db: Call, account: UUID, session: UUID) -> Json | None:
    """Until the transaction ends nobody else tells of this conversation; None: somebody does."""
    row = await db.row(HOLD, account, session)
    return dict(row) if row else None


async def fresh(db: Call, account: UUID, session: UUID, after: int, limit: int) -> list[Json]:
    return [dict(r) for r in await db.fetch(FRESH, account, session, after, limit)]


async def looked(db: Call, account: UUID, session: UUID, position: int, more: bool) -> None:
    """Messages until there were told about. more: there are others behind them."""
    await db.run(LOOKED, account, session, position, more)


async def step(db: Call, account: UUID, session: UUID, name: str) -> Json | None:
    """The answer to what a workflow's step said before it was interrupted."""
    row = await db.row(STEP, account, session, name)
    return dict(row) if row else None
