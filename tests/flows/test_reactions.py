"""A reaction to an answer is what its reader thinks of it, on every network."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from hub.config import Settings
from tests.flows.rig import Rig, rig
from tests.flows.test_answers import COUNT, evolution, kapso, say, zapi

SENT = "select o.network_id from outbox o join integrations i on i.id = o.integration_id where i.channel = $1"
RATINGS = """
    select i.channel, h.detail->>'rating' as rating, m.role from happenings h join messages m on m.id = h.message_id
    join integrations i on i.id = h.integration_id where h.kind = 'feedback'
"""


@pytest.fixture
async def r(settings: Settings) -> AsyncIterator[Rig]:
    async with rig(settings, work=True) as one:
        yield one


def reaction(channel: str, emoji: str, of: str) -> dict[str, Any]:
    """The same person's as in what they said before."""
    if channel == "telegram":
        new = [{"type": "emoji", "emoji": emoji}] if emoji else []
        who = {"id": 700, "is_bot": False, "first_name": "Ana"}
        told = {"chat": {"id": 700, "type": "private"}, "message_id": int(of), "user": who, "date": 1}
        return {"update_id": next(COUNT), "message_reaction": {**told, "old_reaction": [], "new_reaction": new}}
    if channel == "zapi":
        return zapi("") | {"text": None, "reaction": {"value": emoji, "referencedMessage": {"messageId": of}}}
    if channel == "evolution":
        body = evolution("")
        body["data"]["message"] = {"reactionMessage": {"key": {"id": of}, "text": emoji}}
        body["data"]["messageType"] = "reactionMessage"
        return body
    body = kapso("")
    body["message"] |= {"type": "reaction", "reaction": {"emoji": emoji, "message_id": of}}
    return body


async def test_the_last_reaction_of_each_reader_counts(r: Rig) -> None:
    chats = {"telegram": "700", "zapi": "5511999990000", "evolution": "5511999990000", "kapso": "5511999990000"}
    for channel in chats:
        await say(r.w, channel, "hello #a1-1")
        await r.w.settle()
        answer = await r.db.value(SENT, channel)
        assert answer
        for emoji, wanted in (("🤷", None), ("👍🏽", "up"), ("👎", "down"), ("❤️", "up"), ("", None), ("👏", "up")):
            await say(r.w, channel, "", reaction(channel, emoji, answer))
            found = [dict(row) for row in await r.db.fetch(RATINGS) if row["channel"] == channel]
            told = [{"channel": channel, "rating": wanted, "role": "assistant"}] if wanted else []
            assert found == told, (channel, emoji)


async def test_a_reaction_to_what_nobody_answered_is_no_opinion(r: Rig) -> None:
    await say(r.w, "zapi", "hello #a1-1")
    await r.w.settle()
    await say(r.w, "zapi", "", reaction("zapi", "👍", "Z-NOBODY"))
    assert await r.db.fetch(RATINGS) == []
