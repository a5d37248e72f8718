"""A person is erased, or given out, whole: wherever their words are; and nobody else is touched."""

from collections.abc import AsyncIterator
from uuid import uuid4

import orjson
import pytest

from hub.accounts.accounts import create_account
from hub.accounts.keys import grant
from hub.api.http.idempotency import HEADER
from hub.chat.operators import erasure
from hub.config import Settings
from hub.store import people
from tests.api.alone import api, provider
from tests.api.chatting import PNG, Visitor, visiting
from tests.api.conftest import Api, Json
from tests.api.test_forgotten import CANARY, found, settle
from tests.fakes.model import says
from tests.outreach.street import ANA, Street, street

__all__ = ["api", "provider"]
BASE = "/api/v1"
ANA_WEB, BEA_WEB = "ana-7@example.com", "bea-8@example.com"
BEA = "5511999991111"


@pytest.fixture
async def s(settings: Settings) -> AsyncIterator[Street]:
    async with street(settings) as one:
        yield one


def as_api(s: Street) -> Api:
    hub = s.rig.w.hub
    return Api(hub, s.url, s.rig.w.account, s.key, "", "", s.http)


async def lives(me: Visitor, user: str, word: str) -> None:
    """Somebody leaves as much behind as they can: talk, files, memories, plans, logs, kept answers, a workspace."""
    api = me.api
    me.model.default = says(f"A picture of a {word}.")
    kept = (await me.upload(PNG, "image/png", f"{word}.png")).body
    parts = [{"type": "text", "text": f"See {word}"}, {"type": "file", "file": {"file_id": kept["id"]}}]
    assert (await me.call("POST", "/prompt", {"prompt": {"role": "user", "content": parts}})).status == 200
    answer = (await me.info())["messages"][-1]["message_id"]
    await me.call("POST", f"/messages/{answer}/feedback", {"rating": "up", "comment": f"Nice {word}"})
    await api.ok("POST", f"{BASE}/memories", {"externalUserId": user, "content": f"Likes the {word}"})
    to = {"externalUserId": user, "target": "WebChat", "targetIdentifier": "x"}
    hooks = f"{BASE}/web-chat-client/{me.client}/hook-schedules/recurring"
    sent = {**to, "cronExpression": "0 9 * * 1", "jobDescription": f"Ask about the {word}."}
    made = await api.call("POST", hooks, sent)
    if made.status != 200:
        sent |= {"target": "Telegram", "targetIdentifier": "700"}
        await api.ok("POST", hooks, sent)
    said = {"messages": [{"role": "user", "content": f"I am {word}"}], "model": me.gateway, "user": user}
    headers = {HEADER: f"k-{user}"}
    assert (await api.call("POST", "/v1/chat/completions", said, headers=headers)).status == 200
    kept = {"input": f"I am {word}", "model": me.gateway, "user": user}
    assert (await api.call("POST", "/v1/responses", kept)).status == 200
    user_id = {"X-Shell-User-Id": user}
    upload = await api.call("POST", f"{BASE}/shell/io/file?path=/{word}.txt", data=word.encode(), headers=user_id)
    assert upload.status == 200, upload.body


async def of_kind(api: Api, path: str, key: str | None = None) -> dict[str, list[Json]]:
    got = await api.call("GET", path, key=key)
    assert got.status == 200, got.body
    kinds: dict[str, list[Json]] = {}
    for line in str(got.body).splitlines():
        one = orjson.loads(line)
        kinds.setdefault(one["kind"], []).append(one["data"])
    return kinds


async def test_a_visitor_is_given_out_and_erased_and_another_stays(api: Api) -> None:
    other = f"other{CANARY}"
    looks: Json = {"inputModes": ["Image"]}
    async with (
        visiting(api, session={"tag": ANA_WEB}, **looks) as ana, visiting(api, session={"tag": BEA_WEB}, **looks) as bea
    ):
        await settle(api)
        await ana.set(enabledMultimodalFeatures=["Image"])
        await lives(ana, ANA_WEB, CANARY)
        await lives(bea, BEA_WEB, other[:5] + "swallowcanary")
        before = set(await found(api))
        wanted = {
            "messages.content", "inbox.body", "files.name", "happenings.detail", "memories.content",
            "conversations.messages", "idempotency.body, sealed", "responses.talk",
        }
        assert wanted <= before, wanted - before
        assert any("schedules" in p for p in before) and any(p.startswith("file ") for p in before)
        query = f"externalUserId={ANA_WEB}"
        given = await of_kind(api, f"{BASE}/contacts/export?{query}")
        kinds = {
            "conversation", "message", "file", "memory", "schedule", "log", "workspace_file", "feedback", "response",
        }
        assert kinds <= set(given)
        assert CANARY in str(given["message"]) and "swallow" not in str(given)
        done = await api.ok("DELETE", f"{BASE}/contacts?{query}")
        assert (done["conversations"], done["memories"], done["schedules"], done["workspaces"]) == (1, 1, 1, 1)
        assert done["answers"] >= 1 and done["logs"] >= 1 and done["files"] >= 1
        assert await found(api) == []
        # The other one has everything still.
        after = set(await found(api, "swallowcanary"))
        assert wanted - {"conversations.messages"} <= after
        theirs = await of_kind(api, f"{BASE}/contacts/export?externalUserId={BEA_WEB}")
        assert kinds <= set(theirs)
        assert await bea.said()
        assert (await api.call("DELETE", f"{BASE}/contacts?{query}")).status == 404
        assert (await api.call("GET", f"{BASE}/contacts/export?{query}")).status == 404
        rows = await api.hub.db.fetch("select object, detail from audit where action = 'contact.erased'")
        assert len(rows) == 1 and ANA_WEB not in str([dict(r) for r in rows])


async def test_somebody_on_whatsapp_is_erased_by_their_phone(s: Street) -> None:
    a = as_api(s)
    s.models(says(f"Hello {CANARY}."))
    await s.spoken(f"I am {CANARY}")
    await s.schedule(f"Remind them of the {CANARY}")
    assert {"messages.content", "inbox.body", "outbox.body", "schedules.instruction"} <= set(await found(a))
    s.models(says("Hello Bea."))
    await s.say("I am Bea", phone=BEA)
    await s.rig.w.settle()
    # Another account that knows the same phone.
    theirs = (await create_account(a.hub.db, "Boreal")).id
    stranger = await people.ensure(a.hub.db, [(theirs, [f"phone:{ANA}"])], "message")
    key = await grant(a.hub.db, theirs, "test", None)
    given = await of_kind(a, f"{BASE}/contacts/export?phone=%2B{ANA}")
    assert {"person", "identity", "contact", "conversation", "message", "schedule"} <= set(given)
    done = await s.ok("DELETE", f"{BASE}/contacts?phone=%2B55%2011%20{ANA[4:]}")
    assert done["contacts"] == 1 and done["conversations"] == 1 and done["schedules"] == 1
    assert await found(a) == [] and await found(a, ANA[4:]) == ["identities.key", "identities.value"]
    known = await a.hub.db.fetch("select account_id from identities where key = $1", f"phone:{ANA}")
    assert [r["account_id"] for r in known] == [theirs]
    assert await a.hub.db.value("select count(*) from people where id = $1", stranger[0]) == 1
    assert await a.hub.db.value("select count(*) from messages where content::text like '%Bea%'") >= 1
    assert (await a.call("DELETE", f"{BASE}/contacts/{stranger[0]}")).status == 404
    assert (await a.call("DELETE", f"{BASE}/contacts/{stranger[0]}", key=key)).status == 200


async def test_joined_people_go_together(s: Street) -> None:
    a = as_api(s)
    s.models(says("Hello."))
    await s.spoken(f"On WhatsApp {CANARY}")
    await s.spoken(f"On Telegram {CANARY}", "telegram")
    ids = [str(r["id"]) for r in await a.hub.db.fetch("select id from people order by id")]
    assert len(ids) == 2
    await s.ok("POST", f"{BASE}/contacts/{ids[0]}/join", {"contactId": ids[1]})
    given = await of_kind(a, f"{BASE}/contacts/{ids[1]}/export")
    assert len(given["conversation"]) == 2 and len(given["person"]) == 2
    done = await s.ok("DELETE", f"{BASE}/contacts/{ids[1]}")
    assert (done["contacts"], done["conversations"]) == (2, 2)
    assert await found(a) == [] and await a.hub.db.value("select count(*) from joins") == 0
    row = await a.hub.db.row("select object from audit where action = 'contact.erased'")
    assert row and row["object"] in ids


async def test_what_they_said_in_a_group_goes_and_the_group_stays(s: Street) -> None:
    a = as_api(s)
    await s.db.run("update integrations set groups = 'all'")
    s.models(says("Hello all."))
    group = {"isGroup": True, "phone": "120363-group", "chatName": "Class"}
    for n, (phone, text) in enumerate(((ANA, f"I am {CANARY}"), (BEA, "I am Bea"))):
        body = {
            "instanceId": "I1", "messageId": f"G{n}", "fromMe": False, "momment": 1767272401000, "status": "RECEIVED",
            "type": "ReceivedCallback", "text": {"message": text}, "participantPhone": phone, "waitingMessage": False,
            **group,
        }
        await s.rig.w.knock("zapi", body)
        await s.rig.w.settle()
    await people.ensure(a.hub.db, [(a.account, [f"phone:{ANA}"])], "message")
    assert "messages.content" in await found(a)
    done = await s.ok("DELETE", f"{BASE}/contacts?phone={ANA}")
    assert done["messages"] >= 1 and done["conversations"] == 0
    assert await found(a) == []
    assert await a.hub.db.value("select count(*) from messages where content::text like '%Bea%'") >= 1


async def test_recipients_quarantine_and_users_of_ares(api: Api) -> None:
    db, mail = api.hub.db, f"{CANARY}@example.com"
    user = {"email": mail, "password": "correct horse", "name": CANARY}
    assert (await api.call("POST", f"{BASE}/ares/users", user)).status == 201
    await db.run(
        "insert into quarantine (id, account_id, sha256, raw, reason) values ($1, $2, '', $3, 'x')",
        uuid4(), api.account, orjson.dumps({"from": ANA, "text": CANARY}),
    )
    client = await api.client()
    campaign = uuid4()
    await db.run(
        "insert into campaigns (id, account_id, client_id, name, channel, message, per_minute, state, size)"
        " values ($1, $2, $3, 'x', 'zapi', '{}', 60, 'draft', 2)", campaign, api.account, client,
    )
    for phone, word in ((ANA, CANARY), (BEA, "bea")):
        await db.run(
            "insert into activations (id, account_id, client_id, campaign_id, fire_at, channel, address, names,"
            " variables) values ($1, $2, $3, $4, now(), 'zapi', $5, array[$5], jsonb_build_object('name', $6::text))",
            uuid4(), api.account, client, campaign, f"phone:{phone}", word,
        )
    done = await api.ok("DELETE", f"{BASE}/contacts?phone={ANA}")
    assert (done["activations"], done["quarantine"]) == (1, 1)
    assert await found(api) and (await api.ok("DELETE", f"{BASE}/contacts?email={mail}"))["users"] == 1
    assert await found(api) == []
    assert await db.value("select count(*) from activations") == 1


@pytest.mark.parametrize("query", ["", "?phone=55119&email=a@b", "?externalUserId="])
async def test_it_must_be_said_who(api: Api, query: str) -> None:
    assert (await api.call("DELETE", f"{BASE}/contacts{query}")).status == 400
    assert (await api.call("GET", f"{BASE}/contacts/export{query}")).status == 400


async def test_each_kind_is_kept_for_as_long_as_the_account_says(api: Api) -> None:
    async with visiting(api, session={"tag": ANA_WEB}, inputModes=["Image"]) as me, visiting(api) as fresh:
        await settle(api)
        await lives(me, ANA_WEB, CANARY)
        await fresh.call("POST", "/prompt", {"prompt": "Hello"})
        db = api.hub.db
        other = (await create_account(db, "Other")).id
        for table, column in (
            ("messages", "created_at"), ("inbox", "received_at"), ("turns", "created_at"), ("files", "created_at"),
        ):
            await db.run(f"update {table} set {column} = now() - interval '40 days' where session_id = $1", me.session)
        for table, column in (
            ("memories", "updated_at"), ("conversations", "updated_at"), ("happenings", "at"),
            ("webhook_events", "created_at"), ("responses", "created_at"),
        ):
            await db.run(f"update {table} set {column} = now() - interval '40 days'")
        await db.run("update sessions set last_message_at = now() - interval '40 days' where id = $1", me.session)
        await db.run(
            "insert into memories (id, account_id, external_user, format, content, embedding, words, updated_at,"
            " expires_at) select gen_random_uuid(), $1, 'x', format, content, embedding, words, updated_at, expires_at"
            " from memories", other,
        )
        assert await erasure.retention(api.hub) == 0  # nobody said anything
        days = {"conversations": 30, "memories": 30, "logs": 30, "events": 30, "files": 30}
        await api.ok("PUT", f"{BASE}/accounts", {"parameters": {"retentionDays": {**days, "memories": 50}}})
        assert (await api.ok("GET", f"{BASE}/accounts"))["parameters"]["retentionDays"]["memories"] == 50
        assert await erasure.retention(api.hub) > 0
        left = {p for p in await found(api) if not p.startswith(("Valkey", "file", "schedules"))}
        assert {p.split(".")[0] for p in left} <= {"memories", "idempotency"}, left
        assert await fresh.said()
        assert await erasure.retention(api.hub) == 0  # once a day
        await db.run("delete from retention_runs")
        await api.ok("PUT", f"{BASE}/accounts", {"parameters": {"retentionDays": {"memories": 30}}})
        assert await erasure.retention(api.hub) == 1
        assert await db.value("select count(*) from memories where account_id = $1", other) == 1
        row = await db.row("select detail, actor_kind from audit where action = 'retention.applied' order by id desc")
        assert row and (row["actor_kind"], row["detail"]) == ("hub", {"memories": 1})
        short = {"parameters": {"retentionDays": {"audit": 5}}}
        assert (await api.call("PUT", f"{BASE}/accounts", short)).status == 400
