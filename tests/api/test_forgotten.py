"""What is deleted is gone: no table, no key of Valkey and no file of the hub's home holds a word of it."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from hub.api.http.idempotency import HEADER, PLACE
from hub.sealing import Sealer
from tests.api.alone import api, provider
from tests.api.chatting import PNG, Visitor, visiting
from tests.api.conftest import Answer, Api, Json
from tests.fakes.model import says

__all__ = ["api", "provider"]

CANARY = "zebrafinchcanary"
COLUMNS = """
    select table_name, array_agg(column_name::text order by ordinal_position) as columns from information_schema.columns
    where table_schema = 'public' and data_type in ('text', 'jsonb', 'bytea', 'ARRAY', 'character varying', 'USER-DEFINED', 'tsvector')
        and table_name in (select table_name from information_schema.tables where table_type = 'BASE TABLE' and table_schema = 'public')
    group by table_name
"""

# Every table, and what takes the words of a person out of it.
CASCADE = "goes with its session, document, voice or chatbot (a foreign key)"
TRIGGER = "forget_copies or forget_conversation of 0025"
OWN = "has a deletion of its own: it outlives the conversation on purpose, as documented"
NONE = "holds what a business wrote or what was counted, no words of a person"
BRIEF = "holds answers to requests that name no person, for a day at most"
FOLDED = "becomes the conversation within moments, for which an erasure waits"
PLACES = {
    "arrivals": FOLDED, "arrival_folders": NONE, "integration_lags": NONE,
    "sessions": "the conversation itself", "inbox": CASCADE, "messages": CASCADE, "outbox": CASCADE, "attempts": CASCADE,
    "turns": CASCADE, "turn_steps": CASCADE, "files": CASCADE, "file_pieces": CASCADE, "session_notes": CASCADE, "session_reads": CASCADE,
    "chatbot_talks": CASCADE, "ares_lessons": CASCADE, "writings": "the document itself", "writing_versions": CASCADE,
    "edit_tokens": CASCADE, "workflow_runs": CASCADE, "workflow_steps": CASCADE, "webhook_deliveries": CASCADE,
    "webhook_events": TRIGGER, "session_queue": TRIGGER, "session_order": TRIGGER, "talk_quarters": TRIGGER, "idempotency": TRIGGER, "conversations": TRIGGER, "happenings": TRIGGER,
    "memories": OWN, "schedules": OWN, "activations": OWN, "ares_facts": OWN, "ares_preferences": OWN, "people": OWN,
    "identities": OWN, "joins": OWN, "continuations": CASCADE,
    "contacts": OWN, "contact_ids": OWN, "scheduled_users": OWN, "campaigns": OWN, "character_images": OWN,
    "character_agents": OWN, "quarantine": OWN, "ares_users": OWN, "documents": OWN, "chunks": OWN, "voices": OWN,
    "inbox_dedupe": NONE, "usage": NONE, "usage_days": NONE, "talk_marks": NONE, "audit": NONE, "audit_heads": NONE, "retention_runs": NONE, "requests": NONE, "worker_beats": NONE, "leader": NONE,
    "accounts": NONE, "api_keys": NONE, "gateways": NONE, "clients": NONE, "integrations": NONE, "collections": NONE,
    "skills": NONE, "number_paces": NONE, "ares_tokens": NONE, "ares_settings": NONE, "ares_agents": NONE,
    "chatbots": NONE, "workflows": NONE, "workflow_versions": NONE, "webhook_endpoints": NONE, "webhook_facts": NONE, "operators": NONE,
    "operator_sessions": NONE, "operator_links": NONE, "canned_replies": NONE, "canned_files": NONE, "migrations": NONE,
    "source_tools": NONE, "sources": NONE, "source_pages": NONE, "embedders": NONE, "embedder_shelves": NONE, "vectors": CASCADE, "readings": CASCADE, "sign_in_waits": NONE, "operator_devices": NONE, "operator_totp": NONE,
    "operator_recovery_codes": NONE, "operator_passkeys": NONE, "operator_pending": NONE, "operator_identities": NONE,
    "ares_devices": NONE, "drills": NONE, "answer_cache": BRIEF, "key_spend": NONE, "key_holds": NONE, "key_alerts": NONE,
    "file_leftovers": NONE, "personal_folders": NONE, "left_placeholders": CASCADE, "stray_placeholders": CASCADE, "form_posts": NONE, "human_requests": CASCADE, "operator_presence": NONE,
    "session_labels": CASCADE, "operator_notices": CASCADE, "teams": NONE, "team_members": NONE, "labels": NONE, "inbox_views": NONE,
    "responses": "the response itself", "template_lists": NONE, "push_subscriptions": CASCADE, "notices": CASCADE, "samples": NONE,
    "contact_fields": NONE, "contact_cards": NONE, "contact_values": OWN, "contact_notes": OWN, "consents": OWN,
    "contact_origins": OWN, "planned_messages": CASCADE,
}


async def found(api: Api, word: str = CANARY) -> list[str]:
    """Where the word stands: tables with their columns, sealed answers, keys of Valkey, files."""
    tables = " union all ".join(_looked(r["table_name"], r["columns"], word) for r in await api.hub.db.fetch(COLUMNS))
    places = [row["place"] for row in await api.hub.db.fetch(tables)]
    kept = await api.hub.db.fetch("select id, body from idempotency where body is not null")
    sealed = [r for r in kept if word in opened(api.hub.sealer, r["id"], bytes(r["body"]))]
    places += ["idempotency.body, sealed"] * bool(sealed)
    keys = [key async for key in api.hub.redis.scan_iter("*")]
    places += [f"Valkey {key.decode()}" for key in keys if word.encode() in key + await value(api, key)]
    home = api.hub.settings.home
    places += [f"file {p}" for p in home.rglob("*") if p.is_file() and word.encode() in Path(p).read_bytes()]
    return places


def _looked(table: str, columns: list[str], word: str) -> str:
    """All columns of a table at once, and all tables in one statement: a statement for each costs more than to look."""
    hex = word.encode().hex()
    where = [
        f"case when bool_or({c}::text ilike '%{word}%' or {c}::text like '%{hex}%') then '{table}.{c}' end" for c in columns
    ]
    return f"select unnest(array_remove(array[{', '.join(where)}], null)) as place from {table}"


def opened(sealer: Sealer, id: UUID, body: bytes) -> str:
    return sealer.open(PLACE, id, body)


async def value(api: Api, key: bytes) -> bytes:
    redis: Any = api.hub.redis
    kind = (await redis.type(key)).decode()
    read = {
        "string": lambda: redis.get(key), "hash": lambda: redis.hgetall(key), "set": lambda: redis.smembers(key),
        "list": lambda: redis.lrange(key, 0, -1), "zset": lambda: redis.zrange(key, 0, -1),
        "stream": lambda: redis.xrange(key),
    }
    got = await read[kind]() if kind in read else b""
    return got if isinstance(got, bytes) else repr(got).encode()


async def settle(api: Api) -> None:
    """Everything that is kept beside is kept."""
    await api.ok("PUT", "/api/v1/accounts", {"name": "Aurora", "parameters": {"allowConversationsLogging": True}})
    made = await api.call("POST", "/v1/webhooks", {"url": "http://127.0.0.1:9/hook", "events": ["*"]})
    assert made.status == 201, made.body


async def completion(me: Visitor, key: str, **sent: Any) -> Answer:
    said = {"messages": [{"role": "user", "content": f"I am {CANARY}"}], "model": me.gateway, "store": True, **sent}
    return await me.api.call("POST", "/v1/chat/completions", said, headers={HEADER: key})


async def test_a_thread(api: Api) -> None:
    async with visiting(api) as me:
        await settle(api)
        me.model.default = says(f"Hello {CANARY}.")
        thread = (await completion(me, "k1")).body["thread_id"]
        await completion(me, "k2", thread_id=thread, store=None)
        streamed = await completion(me, "k3", thread_id=thread, stream=True)
        assert streamed.status == 200 and CANARY in str(streamed.body)
        other = (await completion(me, "k4")).body["thread_id"]
        before = await found(api)
        wanted = {"messages.content", "webhook_events.data", "conversations.messages", "idempotency.body, sealed"}
        assert wanted <= set(before)
        # One is deleted, then nothing of it is told again; the other stays as it was.
        assert (await api.call("DELETE", f"/v1/chat/threads/{thread}")).status == 204
        told = await api.call("POST", "/v1/webhooks/replay", {"types": ["chat.message.created"]})
        assert (told.status, told.body) == (202, {"queued": 2})
        rest = await api.hub.db.fetch("select data->>'thread_id' as thread from webhook_events where type like '%created'")
        assert {r["thread"] for r in rest} == {other}
        for key, sent in (("k1", {}), ("k2", {"thread_id": thread, "store": None})):
            again = await completion(me, key, **sent)
            assert (again.status, again.body["code"]) == (410, "answer_deleted")
        assert (await completion(me, "k4")).body["thread_id"] == other
        assert (await api.call("DELETE", f"/v1/chat/threads/{other}")).status == 204
        assert await found(api) == []
        deleted = await api.hub.db.fetch("select data from webhook_events")
        assert {r["data"]["thread_id"] for r in deleted} == {thread, other}


async def test_a_response(api: Api) -> None:
    async with visiting(api) as me:
        await settle(api)
        me.model.default = says(f"Hello {CANARY}.")

        async def asked(key: str, **sent: Any) -> Answer:
            said = {"input": f"I am {CANARY}", "model": me.gateway, **sent}
            return await api.call("POST", "/v1/responses", said, headers={HEADER: key})

        first = (await asked("k1")).body["id"]
        streamed = await asked("k2", previous_response_id=first, stream=True)
        second = streamed.events()[-1]["response"]["id"]
        before = await found(api)
        assert {"responses.talk", "responses.input", "conversations.messages", "idempotency.body, sealed"} <= set(before)
        for name in (first, second):
            assert (await api.call("DELETE", f"/v1/responses/{name}")).status == 200
        for key, more in (("k1", {}), ("k2", {"previous_response_id": first, "stream": True})):
            again = await asked(key, **more)
            assert (again.status, again.body["code"]) == (410, "answer_deleted")
        assert await found(api) == []


async def test_a_thread_that_goes_while_it_is_answered(api: Api) -> None:
    async with visiting(api) as me:
        await settle(api)
        thread = (await completion(me, "k1")).body["thread_id"]

        async def meanwhile(request: Any, body: Json) -> Any:
            assert (await api.call("DELETE", f"/v1/chat/threads/{thread}")).status == 204
            return await says(f"Hello {CANARY}.")(request, body)

        me.model.plan.append(meanwhile)
        got = await completion(me, "k2", thread_id=thread, store=None)
        assert got.status == 404
        assert await found(api) == []


async def _say_everything(me: Visitor) -> None:
    """A conversation that leaves as much behind as it can."""
    await me.set(enabledMultimodalFeatures=["Image"])
    me.model.default = says(f"A picture of a {CANARY}.")
    kept = (await me.upload(PNG, "image/png", f"{CANARY}.png")).body
    parts = [{"type": "text", "text": f"See {CANARY}"}, {"type": "file", "file": {"file_id": kept["id"]}}]
    got = await me.call("POST", "/prompt", {"prompt": {"role": "user", "content": parts}})
    assert got.status == 200, got.body
    answer = (await me.info())["messages"][-1]["message_id"]
    await me.call("POST", f"/messages/{answer}/feedback", {"rating": "up", "comment": f"Nice {CANARY}"})
    await me.api.ok("PATCH", f"/api/v1/web-chat-client/{me.client}/sessions/{me.session}", {"title": CANARY})


async def _session(me: Visitor) -> None:
    await me.api.ok("DELETE", f"/api/v1/web-chat-client/{me.client}/sessions/{me.session}")


async def _client(me: Visitor) -> None:
    await me.api.ok("DELETE", f"/api/v1/web-chat-client/{me.client}")


@pytest.mark.parametrize("delete", [_session, _client])
async def test_a_web_session(api: Api, delete: Callable[[Visitor], Awaitable[None]]) -> None:
    async with visiting(api, inputModes=["Image"]) as me, visiting(api, inputModes=["Image"]) as other:
        await settle(api)
        await _say_everything(me)
        before = await found(api)
        assert {"messages.content", "inbox.body", "files.name", "happenings.detail"} <= set(before)
        assert any(p.startswith("Valkey") for p in before)
        await _say_everything(other)
        await delete(me)
        assert await other.said() and (await found(api)) != []
        await delete(other)
        assert await found(api) == []
        # What was counted stays counted.
        assert await api.hub.db.value("select count(*) from happenings where kind = 'feedback'") == 2


async def test_conversations_of_the_other_families(api: Api) -> None:
    async with visiting(api) as me:
        await settle(api)
        me.model.default = says(f"Hello {CANARY}.")
        bot = await api.call("POST", "/v1/chatbots", {"name": "Bo", "instructions": "Help.", "model": me.gateway})
        assert bot.status == 201, bot.body
        sent = {"message": f"I am {CANARY}"}
        for key in ("a", "b"):
            got = await api.call("POST", f"/v1/chatbots/{bot.body['id']}/messages", sent, headers={HEADER: key})
            assert got.status == 200, got.body
            talk = got.body["conversation_id"]
        await api.call(
            "POST", f"/v1/chatbots/{bot.body['id']}/conversations/{talk}/csat", {"score": 5, "comment": CANARY}
        )
        assert {"webhook_events.data", "chatbot_talks.csat_comment"} <= set(await found(api))
        assert (await api.call("DELETE", f"/v1/chatbots/{bot.body['id']}")).status == 204
        assert await found(api) == []
        again = await api.call("POST", f"/v1/chatbots/{bot.body['id']}/messages", sent, headers={HEADER: "a"})
        assert again.status == 410


async def test_conversations_of_users_and_with_characters(api: Api) -> None:
    async with visiting(api) as me:
        await settle(api)
        me.model.default = says(f"Hello {CANARY}.")
        user = {"email": "ana@example.com", "password": "correct horse", "name": "Ana"}
        assert (await api.call("POST", "/api/v1/ares/users", user)).status == 201
        token = (await api.ok("POST", "/api/auth/login", user, key=""))["access_token"]
        said = {"message": f"I am {CANARY}", "agent_type": "hr", "context_id": "mine"}
        await api.ok("POST", "/api/chat", said, key=token)
        llm = next(m["id"] for m in await api.ok("GET", "/api/v1/models?type=llm") if m["name"] == "Shop bot")
        past = [{"role": "user", "content": f"I was {CANARY}"}]
        talk = (await api.call("POST", "/api/v1/conversations", {"llm_id": llm, "messages": past})).body["id"]
        got = await api.call("POST", f"/api/v1/conversations/{talk}/messages", {"content": f"I am {CANARY}"})
        assert got.status == 201 and "messages.content" in await found(api)
        assert (await api.call("DELETE", f"/api/v1/conversations/{talk}")).status == 204
        assert (await api.call("DELETE", "/api/conversations/mine", key=token)).status == 204
        assert await found(api) == []


async def test_a_document(api: Api) -> None:
    await settle(api)
    sent = {"title": f"On the {CANARY}", "content": f"The {CANARY} sings."}
    made = await api.call("POST", "/v1/documents", sent, headers={HEADER: "d1"})
    assert made.status == 201, made.body
    path = f"/v1/documents/{made.body['id']}"
    edited = {"content": f"The {CANARY} sings again.", "revision": made.body["revision"]}
    assert (await api.call("PATCH", path, edited, headers={HEADER: "d2"})).status == 200
    assert {"writings.content", "webhook_events.data", "idempotency.body, sealed"} <= set(await found(api))
    assert (await api.call("DELETE", path)).status == 204
    assert await found(api) == []
    again = await api.call("POST", "/v1/documents", sent, headers={HEADER: "d1"})
    assert again.status == 410


async def test_every_table_says_what_takes_a_persons_words_out_of_it(api: Api) -> None:
    tables = await api.hub.db.fetch(
        "select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'"
    )
    assert {r["table_name"] for r in tables} == set(PLACES)
    # What is said to go with something has a foreign key that takes it along.
    keys = await api.hub.db.fetch(
        "select distinct conrelid::regclass::text as table_name from pg_constraint where contype = 'f' and confdeltype = 'c'"
    )
    assert {t for t, how in PLACES.items() if how == CASCADE} <= {r["table_name"] for r in keys}


async def test_the_search_finds_what_there_is(api: Api) -> None:
    """A canary that nobody could find would prove nothing."""
    # A word of its own: Valkey is that of other tests too, which must find nothing of theirs.
    word = f"canary{uuid4().hex}"
    await api.hub.cache.put_in(api.account, str(uuid4()), "x", {"said": word}, 60.0)
    await api.hub.redis.set("plain", orjson.dumps([word]), ex=60)
    place = api.hub.settings.home / "note.txt"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(word)
    await api.ok("POST", "/api/v1/memories", {"externalUserId": "ana", "content": f"Likes the {word}"})
    places = await found(api, word)
    assert "memories.content" in places and f"file {place}" in places
    assert sum(p.startswith("Valkey") for p in places) == 2
