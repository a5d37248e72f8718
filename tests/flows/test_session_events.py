"""What happens in conversations is told to webhooks: all of it, once, in order, and to nobody else."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import orjson
import pytest

from hub import ids
from hub.chat.clients import sessions
from hub.chat.clients.sessions import Wanted
from hub.chat.operators import handoff
from hub.chat.website import transcript
from hub.config import Settings
from hub.sealing import digest
from hub.store import web_sessions, webhook_facts
from hub.studio import outgoing_webhooks, session_events
from hub.task_groups import end
from tests.contract.working import Elsewhere, elsewhere, until
from tests.flows.net import Net, net
from tests.flows.test_answers import BODIES, say
from tests.flows.world import World, world

Json = dict[str, Any]


@pytest.fixture
async def provider() -> AsyncIterator[Net]:
    async with net() as one:
        yield one


@pytest.fixture
async def w(settings: Settings, provider: Net) -> AsyncIterator[World]:
    async with world(settings, provider) as one:
        yield one


@pytest.fixture
async def hook() -> AsyncIterator[Elsewhere]:
    async with elsewhere() as one:
        yield one


async def subscribed(w: World, url: str, *events: str, account: UUID | None = None) -> str:
    return await outgoing_webhooks.add(w.hub, account or w.account, ids.uuid7(), url, events, "")


def told(hook: Elsewhere) -> list[Json]:
    return [orjson.loads(c.body) for c in hook.calls]


async def types(hook: Elsewhere, count: int) -> list[str]:
    async def enough() -> bool:
        return len(hook.calls) >= count

    await until(enough)
    return [e["type"] for e in told(hook)]


async def a_session(w: World) -> UUID:
    found: UUID = await w.hub.db.value("select id from sessions where client_id = $1 limit 1", w.client)
    return found


@pytest.mark.parametrize("channel", list(BODIES))
async def test_a_conversation_is_told(w: World, hook: Elsewhere, channel: str) -> None:
    secret = await subscribed(w, hook.url, "*")
    async with elsewhere() as stranger:
        other = ids.uuid7()
        await w.hub.db.run("insert into accounts (id, name, salt) values ($1, 'b', 's')", other)
        await subscribed(w, stranger.url, "*", account=other)
        await say(w, channel, "Hello!")
        assert await types(hook, 3) == ["contact.joined", "session.message.received", "session.message.answered"]
        assert stranger.calls == []
    joined, received, answered = (e["data"] for e in told(hook))
    assert received["text"] == "Hello!" and received["source"] == "contact" and received["network"] == channel
    assert received["contact"] == joined["contact"] and joined["contact"]["id"]
    assert answered["text"] and answered["source"] != "contact" and answered["session_id"] == received["session_id"]
    assert received["chat_client_id"] == str(w.client) and received["chat_client"] == "c"
    assert received["external_user_id"] is None, "none of the hub's own names"
    for call in hook.calls:
        signed = f"{call.headers['Aresgen-Timestamp']}.{call.body.decode()}".encode()
        assert hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() == call.headers["Aresgen-Signature"]


async def test_what_a_person_does_is_told(w: World, hook: Elsewhere) -> None:
    await say(w, "zapi", "Hello!")
    await w.settle()
    session = await a_session(w)
    operator = ids.uuid7()
    await w.hub.db.run(
        "insert into operators (id, account_id, name, email, role) values ($1, $2, 'Rita', 'rita@a.example', 'agent')",
        operator, w.account,
    )
    await subscribed(w, hook.url, "session.*")
    await handoff.switch(w.hub, w.account, w.client, session, True, by=operator, name="Rita")
    await handoff.say(w.hub, w.account, w.client, session, "I am a person.")
    await handoff.switch(w.hub, w.account, w.client, session, False)
    await w.hub.db.run("update sessions set apologised_seq = last_seq where id = $1", session)
    await w.hub.db.run(
        "update outbox set state = 'dead', code = 'refused', error = 'No.' where id = (select max(id) from outbox)"
    )
    await w.hub.db.run("update sessions set closed_at = now() where id = $1", session)
    assert await types(hook, 6) == [
        "session.taken_over", "session.message.answered", "session.handed_back", "session.answer.failed",
        "session.message.failed", "session.closed",
    ]
    taken, said, _, _, failed, closed = (e["data"] for e in told(hook))
    assert (taken["operator"], said["text"], said["source"]) == ("Rita", "I am a person.", "operator")
    assert failed["code"] == "refused" and failed["error"] == "No." and failed["message_id"] == said["message_id"]
    assert {d["session_id"] for d in (taken, failed, closed)} == {str(session)}


async def test_a_rating_is_told_with_its_words(w: World, hook: Elsewhere) -> None:
    await subscribed(w, hook.url, "session.rated")
    wanted = Wanted(tag="ana", extra_context=None, context_location=None, metadata=None, seconds=86400.0)
    opened = await sessions.open(w.hub, w.account, w.client, wanted)
    visit = await web_sessions.by_key(w.hub.db, digest(opened.access_key))
    assert visit is not None
    message = ids.uuid7()
    await w.hub.db.run(
        "insert into messages (id, account_id, session_id, role, source, content)"
        " values ($1, $2, $3, 'assistant', 'model', '{\"text\": \"Hi\"}')", message, w.account, visit.session_id,
    )
    await transcript.rate(w.hub, visit, message, "up", "Good!")
    await types(hook, 1)
    data = told(hook)[0]["data"]
    assert (data["rating"], data["comment"], data["message_id"]) == ("up", "Good!", str(message))
    assert (data["network"], data["external_user_id"], data["contact"]) == ("web", "ana", None)


async def test_what_nobody_wants_is_not_noted(w: World, hook: Elsewhere) -> None:
    await subscribed(w, hook.url, "document.*", "session.closed")
    await say(w, "kapso", "Hello!")
    await w.settle()
    assert await w.hub.db.value("select count(*) from webhook_facts") == 0
    assert await w.hub.db.value("select count(*) from webhook_events") == 0


async def test_a_broken_endpoint_holds_up_no_other(w: World, hook: Elsewhere) -> None:
    async with elsewhere() as broken:
        broken.plan.extend([(500, {}, 0.0)] * 20)
        await subscribed(w, broken.url, "*")
        await subscribed(w, hook.url, "*")
        for n in range(3):
            await say(w, "zapi", f"Message {n}", BODIES["zapi"](f"Message {n}") | {"messageId": f"M{n}"})
        await types(hook, 5)
        texts = [e["data"]["text"] for e in told(hook) if e["type"] == "session.message.received"]
    assert texts == [f"Message {n}" for n in range(3)]
    assert len(broken.calls) >= 1


async def test_what_is_deleted_is_not_told(w: World, hook: Elsewhere) -> None:
    """Deleted before it was told of, and after: no copy stays."""
    await subscribed(w, hook.url, "session.message.*")
    await say(w, "zapi", "My secret is canary-1")
    await types(hook, 2)
    assert await w.hub.db.value("select count(*) from webhook_events where data::text like '%canary%'") == 1
    await end(w.tasks)
    session = await a_session(w)
    await say(w, "zapi", "canary-2", BODIES["zapi"]("canary-2") | {"messageId": "other"})
    assert await w.hub.db.value("select count(*) from webhook_facts") == 1
    await w.hub.db.run("delete from sessions where id = $1", session)
    assert await session_events.tell(w.hub) == 1
    assert await w.hub.db.value("select count(*) from webhook_facts") == 0
    assert await w.hub.db.value("select count(*) from webhook_events") == 0


async def test_what_began_earlier_is_told_earlier(w: World, hook: Elsewhere) -> None:
    """A fact of a transaction that is not through yet keeps later ones waiting, not lost."""
    await end(w.tasks)
    await subscribed(w, hook.url, "*")
    async with w.hub.db.transaction() as slow:
        await slow.run(
            "insert into campaigns (id, account_id, client_id, name, channel, message, per_minute, state)"
            " values ($1, $2, $3, 'First', 'zapi', '{}', 1, 'running')", ids.uuid7(), w.account, w.client,
        )
        await slow.run("update campaigns set state = 'done'")
        await say(w, "zapi", "Hello!")
        assert await session_events.tell(w.hub) == 0
    assert await session_events.tell(w.hub) == 3
    rows = await w.hub.db.fetch("select type, data from webhook_events order by place")
    assert [r["type"] for r in rows] == ["campaign.completed", "contact.joined", "session.message.received"]
    assert rows[0]["data"]["name"] == "First"


async def test_what_is_sealed_is_told_and_lies_sealed(settings: Settings, provider: Net, hook: Elsewhere) -> None:
    """With personal keys no event holds a word that can be read without them."""
    sealed = settings.changed(personal_keys=str(settings.home / "people"))
    async with world(sealed, provider) as w:
        await subscribed(w, hook.url, "session.message.*")
        await say(w, "zapi", "canary-3")
        await types(hook, 2)
        assert told(hook)[0]["data"]["text"] == "canary-3"
        assert await w.hub.db.value("select count(*) from webhook_events where data::text like '%canary%'") == 0
        assert await w.hub.db.value("select count(*) from webhook_events where data::text like '%sealed.1.%'") == 2


async def test_one_account_keeps_no_other_waiting(w: World, hook: Elsewhere) -> None:
    """Neither one that has much to be told nor one whose facts cannot be read."""
    await end(w.tasks)
    crowded, broken = ids.uuid7(), ids.uuid7()
    for one in (crowded, broken):
        await w.hub.db.run("insert into accounts (id, name, salt) values ($1, 'b', 's')", one)
    noted = "insert into webhook_facts (account_id, type, object) select $1, $2, $3 from generate_series(1, $4)"
    await w.hub.db.run(noted, broken, "session.message.received", "no id", 1)
    await w.hub.db.run(noted, crowded, "contact.joined", str(ids.uuid7()), 6000)
    await subscribed(w, hook.url, "session.message.received")
    await say(w, "zapi", "Hello!")
    assert set(await webhook_facts.waiting(w.hub.db, 10)) == {crowded, broken, w.account}
    assert await session_events.tell(w.hub) == session_events.ROUNDS * session_events.AT_ONCE + 1
    assert await w.hub.db.value("select count(*) from webhook_events where account_id = $1", w.account) == 1
    await w.hub.db.run("update webhook_facts set at = now() - interval '8 days' where account_id = $1", broken)
    assert await webhook_facts.forget(w.hub.db) == 1


async def test_what_is_not_known_yet_has_not_failed(w: World, hook: Elsewhere) -> None:
    """A part that was cut off is asked for first: one that turns out to be there is never told of, one given up is."""
    await end(w.tasks)
    await say(w, "zapi", "Hello!")
    session = await a_session(w)
    await subscribed(w, hook.url, "session.message.failed")
    parts = await w.hub.db.fetch(
        "insert into outbox (key, account_id, session_id, integration_id, chat, body, sha, mode, state)"
        " select gen_random_uuid(), account_id, id, integration_id, chat, '{}', '', 'reconcile', 'sending'"
        " from sessions, generate_series(1, 4) where id = $1 returning id", session,
    )
    there, lost, gone, again = (p["id"] for p in parts)
    await w.hub.db.run("update outbox set state = 'unknown' where id = any($1)", [there, lost, gone])
    assert await w.hub.db.value("select count(*) from webhook_facts") == 0
    await w.hub.db.run("update outbox set state = 'sent', closed_at = now() where id = $1", there)
    unconfirmed = "update outbox set state = 'unknown', code = 'unconfirmed', closed_at = now() where id = $1"
    await w.hub.db.run(unconfirmed, lost)
    await w.hub.db.run("update outbox set state = 'dead', code = 'expired', closed_at = now() where id = $1", gone)
    await w.hub.db.run("update outbox set state = 'dead', closed_at = now() where id = $1", again)
    await w.hub.db.run("update outbox set state = 'queued', closed_at = null where id = $1", again)
    assert await session_events.tell(w.hub) == 3
    rows = await w.hub.db.fetch("select data from webhook_events order by place")
    assert [(r["data"]["state"], r["data"]["code"]) for r in rows] == [("unknown", "unconfirmed"), ("dead", "expired")]


async def test_what_was_waiting_in_a_backup_is_told_by_the_server_it_was_brought_to(w: World, hook: Elsewhere) -> None:
    """Transactions there begin anew: what is noted under a later one is no less through."""
    await end(w.tasks)
    await subscribed(w, hook.url, "session.message.received")
    await say(w, "zapi", "Before")
    far = "update webhook_facts set tx = ((pg_current_xact_id()::text::bigint + 1000000)::text)::xid8"
    await w.hub.db.run(far)
    await say(w, "zapi", "After", BODIES["zapi"]("After") | {"messageId": "other"})
    assert await session_events.tell(w.hub) == 2
    assert await w.hub.db.value("select count(*) from webhook_events") == 2


async def test_a_damaged_key_holds_up_no_other_conversation_s_events(
    settings: Settings, provider: Net, hook: Elsewhere
) -> None:
    async with world(settings.changed(personal_keys=str(settings.home / "people")), provider) as w:
        await end(w.tasks)
        await subscribed(w, hook.url, "session.message.received")
        await say(w, "zapi", "Hello!")
        keys, session = w.hub.db.keys, await a_session(w)
        assert keys is not None
        name = keys.named(w.account, f"session:{session}")
        path = keys.folder / name[:2] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"no key")
        await say(w, "telegram", "Hello!")
        assert await session_events.tell(w.hub) == 2
        assert await w.hub.db.value("select count(*) from webhook_events") == 1
