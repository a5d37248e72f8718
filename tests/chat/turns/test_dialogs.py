"""Conversations without a chat client: answered with their history, kept whole or not at all."""

import asyncio
from uuid import UUID

import pytest

from hub import ids
from hub.accounts.accounts import create_account
from hub.accounts.model_lookup import integrated
from hub.chat.turns import dialogs
from hub.chat.turns.dialogs import Question
from hub.config import Settings
from hub.errors import Conflict, HubError, NotFound
from hub.runtime import Hub, open_hub

pytestmark = pytest.mark.usefixtures("settings")


async def account(hub: Hub) -> UUID:
    return (await create_account(hub.db, "Aurora")).id


def question(mine: UUID, text: str, model: str = "@hub/extractive") -> Question:
    return Question(gateway=integrated(mine, model), said={"text": text})


async def test_question_and_answer_are_kept_and_read_again(settings: Settings) -> None:
    async with open_hub(settings) as hub:
        mine, user = await account(hub), ids.uuid7()
        fresh = await dialogs.entered(hub.db, mine, "ares", "ctx_1", user)
        first = await dialogs.exchange(hub, fresh, question(mine, "Good morning, who is there?"))
        kept = await dialogs.find(hub.db, mine, "ares", "ctx_1", user)
        assert kept.title == "Good morning, who is there?" and kept.message_count == 2
        second = await dialogs.exchange(hub, kept, question(mine, "And now?"))
        rows = await dialogs.messages(hub.db, kept)
        assert [(r["role"], r["content"]["text"]) for r in rows] == [
            ("user", "Good morning, who is there?"), ("assistant", first.answer.text),
            ("user", "And now?"), ("assistant", second.answer.text),
        ]
        assert (rows[0]["id"], rows[1]["id"]) == (first.said[0], first.replied[0])
        assert [r["content"]["text"] for r in await dialogs.messages(hub.db, kept, 1)] == [second.answer.text]


async def test_a_failed_exchange_leaves_nothing(settings: Settings) -> None:
    async with open_hub(settings) as hub:
        mine = await account(hub)
        fresh = await dialogs.entered(hub.db, mine, "thread", "t1")
        with pytest.raises(HubError):
            await dialogs.exchange(hub, fresh, question(mine, "Hello", "no such model"))
        assert await dialogs.listed(hub.db, mine, "thread") == []


async def test_two_first_messages_meet_in_one_conversation(settings: Settings) -> None:
    async with open_hub(settings) as hub:
        mine = await account(hub)
        both = [await dialogs.entered(hub.db, mine, "thread", "t1") for _ in range(2)]
        await asyncio.gather(*(dialogs.exchange(hub, d, question(mine, "Hello")) for d in both))
        (kept,) = await dialogs.listed(hub.db, mine, "thread")
        assert kept.message_count == 4


async def test_users_and_accounts_are_apart(settings: Settings) -> None:
    async with open_hub(settings) as hub:
        mine, other, ana, bob = await account(hub), await account(hub), ids.uuid7(), ids.uuid7()
        made = await dialogs.start(hub.db, mine, "ares", "c", user=ana, messages=[
            {"role": "user", "content": {"text": "a"}}, {"role": "assistant", "content": {"text": "b"}}])
        assert made.message_count == 2
        for account_id, kind, user in ((other, "ares", ana), (mine, "thread", ana), (mine, "ares", bob)):
            with pytest.raises(NotFound):
                await dialogs.find(hub.db, account_id, kind, "c", user)
        with pytest.raises(Conflict):
            await dialogs.start(hub.db, mine, "ares", "c", user=ana)
        # Another user may have one of the same name.
        theirs = await dialogs.start(hub.db, mine, "ares", "c", user=bob)
        assert theirs.id != made.id and await dialogs.messages(hub.db, theirs) == []
        assert (await dialogs.find(hub.db, mine, "ares", "c", ana)).id == made.id


async def test_a_deleted_conversation_takes_no_answer(settings: Settings) -> None:
    async with open_hub(settings) as hub:
        mine = await account(hub)
        made = await dialogs.start(hub.db, mine, "character", "c", title="Tea", settings={"llm_id": "x"})
        await dialogs.edit(hub.db, made, None, {"agent_id": "y"})
        changed = await dialogs.find(hub.db, mine, "character", "c")
        assert (changed.title, changed.settings) == (None, {"llm_id": "x", "agent_id": "y"})
        await dialogs.remove(hub, made)
        for gone in (dialogs.remove(hub, made), dialogs.add(hub.db, made, "user", {"text": "?"}),
                     dialogs.exchange(hub, made, question(mine, "Hello"))):
            with pytest.raises(NotFound):
                await gone
