"""The audit log: every change by whoever, in the change's own transaction, chained, only ever added to."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import asyncpg
import pytest

from hub.accounts import audit as notes
from hub.accounts.accounts import create_account
from hub.accounts.audit import HUB
from hub.api.app import ROUTES
from hub.api.http.deeds import READS, TALKS, plain
from hub.api.http.operation import operation_of
from hub.config import Settings
from hub.store import audit, deeds, people
from hub.store.db import Db
from tests.api.alone import api, provider
from tests.api.conftest import Api
from tests.api.test_mcp import agent
from tests.console.town import fill
from tests.contract.town import BASE, TOKEN, Settlers, Town, _settled
from tests.fakes.model import says, serve
from tests.processes.command import hub

__all__ = ["api", "provider"]
Json = dict[str, Any]
SECRET = "canary-of-a-secret-0123456789"
# Nobody's key opens them: visitors, and signing in.
DOORS = {operation_of(r).name for r in ROUTES if operation_of(r).auth == "none"}


def wanted() -> set[str]:
    """Method and path of every route that changes something and is nobody's talk."""
    return {
        named(f"{r.method} {r.path}") for r in ROUTES
        if r.method not in READS and not r.alias and operation_of(r).name not in TALKS | DOORS
    }


def named(route: str) -> str:
    """Paths that are spelled in two ways are one."""
    return route.replace("/web-chat-clients", "/web-chat-client")


class Witness:
    """Does deeds, and looks whether each left its one row."""

    def __init__(self, api: Api, here: Settlers, key: UUID) -> None:
        self.api, self.here, self.key, self.seen = api, here, key, set[str]()

    async def rows(self) -> list[Any]:
        return await self.api.hub.db.fetch("select * from audit where account_id = $1 order by id", self.api.account)

    async def did(self, method: str, path: str, sent: Any = None, object: str | None = None, **more: Any) -> Any:
        """object: the id that must be named; else the one in the answer, under `id`."""
        before = await self.rows()
        got = await self.api.call(method, path, sent, **more)
        assert got.status < 300, (method, path, got.body)
        fresh = (await self.rows())[len(before):]
        assert len(fresh) == 1, (method, path, [dict(r) for r in fresh])
        [row] = fresh
        self.seen.add(named(row["detail"]["route"]))
        who = ("user", None) if more.get("key") else ("key", self.key)
        assert row["actor_kind"] == who[0] and (who[1] is None or row["actor_id"] == who[1])
        wanted = object or _id(got.body)
        if wanted is not None:
            assert row["object"] == plain(wanted), (method, path, row["object"], wanted)
        assert row["object"] is not None, (method, path)
        return got.body


def _id(body: Any) -> str | None:
    if not isinstance(body, dict):
        return None
    inner = body.get("data")
    found = inner if isinstance(inner, dict) else body
    names = ("id", "aiGatewayId", "collectionId", "documentId", "sessionId", "sourceId")
    return next((str(found[n]) for n in names if found.get(n)), None)


@pytest.fixture
async def witness(api: Api) -> Witness:
    here = await _settled(Town(api.hub, api.url, asyncio.get_running_loop(), api.http))
    account = await api.hub.db.row("select account_id, id from api_keys where tail = $1", here.key[-6:])
    assert account is not None
    mine = Api(api.hub, api.url, account["account_id"], here.key, api.public, api.foreign, api.http)
    return Witness(mine, here, account["id"])


async def test_each_mutating_route_of_every_family_leaves_exactly_one_row(witness: Witness) -> None:
    for part in (_aivax, _outreach, _knowledge, _ares, _aresgen, _characters, _ends):
        await part(witness)
    assert witness.seen == wanted()
    told = str([dict(r) for r in await witness.rows()])
    for secret in (SECRET, "1:contract", witness.here.key, "correct horse"):
        assert secret not in told
    verdict = await audit.verify(witness.api.hub.db, witness.api.account)
    assert verdict.broken is None and verdict.count == len(await witness.rows())


async def _aivax(w: Witness) -> None:
    k = w.here.known
    gateway = {"name": "B", "parameters": {"baseAddress": "@integrated", "modelName": "extractive", "apiKey": SECRET}}
    made = await w.did("POST", f"{BASE}/ai-gateways", gateway)
    await w.did("PATCH", f"{BASE}/ai-gateways/{made['aiGatewayId']}", {"name": "C"}, made["aiGatewayId"])
    for what in ("approve", "refuse"):
        tool = await w.api.hub.db.value(
            "insert into source_tools (id, account_id, url, source, name, proposed) values (gen_random_uuid(), $1,"
            " 'https://tools.example', 's', $2, '{\"description\": \"d\", \"schema\": {}}') returning id",
            w.api.account, what,
        )
        await w.did("POST", f"{BASE}/source-tools/{tool}/{what}", object=str(tool))
    client = await w.did("POST", f"{BASE}/web-chat-client", {"name": "Other"})
    one = f"{BASE}/web-chat-client/{client['id']}"
    await w.did("PUT", one, {"name": "Named"}, client["id"])
    await w.did("PUT", f"{one}/integrations", TOKEN, client["id"])
    session = await w.did("POST", f"{one}/sessions", {"tag": "bea", "expires": 7200})
    talk = f"{one}/sessions/{session['sessionId']}"
    await w.did("PATCH", talk, {"title": "About bread"}, session["sessionId"])
    await w.did("PUT", f"{talk}/handoff", {"active": True}, session["sessionId"])
    await w.did("POST", f"{talk}/messages", {"content": "Good morning"}, session["sessionId"])
    await w.did("DELETE", talk, object=session["sessionId"])
    await w.did("DELETE", f"{one}/integrations/Telegram")
    skill = await w.did("POST", f"{BASE}/skills", {"slug": "opening", "instructions": "Say hello."})
    id = skill["data"]["id"]
    await w.did("PUT", f"{BASE}/skills/{id}", {"instructions": "Say hello twice."}, id)
    await w.did("POST", f"{BASE}/skills/management/import", data=b'{"slug": "a", "instructions": "b"}\n')
    memory = await w.did("POST", f"{BASE}/memories", {"externalUserId": "bea", "content": "Likes rye."})
    await w.did("DELETE", f"{BASE}/memories?id={memory['id']}", object=memory["id"])
    user: Json = {"headers": {"X-Shell-User-Id": "bea"}}
    await w.did("POST", f"{BASE}/shell/io/directory?path=/notes", **user)
    await w.did("POST", f"{BASE}/shell/io/file?path=/notes/a.txt", data=b"hello", **user)
    await w.did("DELETE", f"{BASE}/shell/io/file?path=/notes/a.txt", **user)
    await w.did("DELETE", f"{BASE}/shell/io/directory?path=/notes", **user)
    await w.did("PUT", f"{BASE}/accounts", {"name": "Aurora", "parameters": {"allowConversationsLogging": True}})
    await w.did("POST", f"{BASE}/accounts/roll-salt")
    await w.did("POST", f"{BASE}/accounts/api-key", {"label": "second", "duration": 7})
    await w.did("PATCH", f"{BASE}/accounts/api-key/{k['api-key']}", {"limits": {"budget": {"day": 5}}}, k["api-key"])
    await w.did("DELETE", f"{BASE}/accounts/api-key/{k['api-key']}", object=k["api-key"])
    kept = await w.api.ok("POST", "/v1/responses", {"input": "Hi", "model": "@hub/extractive"})
    await w.did("DELETE", f"/v1/responses/{kept['id']}", object=kept["id"])
    sent = {"messages": [{"role": "user", "content": "Hi"}], "model": "@hub/extractive"}
    await w.api.ok("POST", "/v1/chat/completions", sent)
    [log] = await w.api.hub.db.fetch("select id from conversations where account_id = $1", w.api.account)
    await w.did("DELETE", f"{BASE}/conversation-logs/{log['id']}", object=str(log["id"]))


async def _outreach(w: Witness) -> None:
    town = await fill(w.api.hub, w.api.account, 4)
    hooks = f"{BASE}/web-chat-client/{town['client']}/hook-schedules"
    to = {"externalUserId": "zp_telegram:1", "target": "Telegram", "targetIdentifier": "700"}
    at = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    once = await w.did("POST", f"{hooks}/schedules", {**to, "scheduledTime": at, "reason": "Ask."})
    await w.did("PATCH", f"{hooks}/schedules/{once['id']}", {"reason": "Ask again."}, once["id"])
    await w.did("POST", f"{hooks}/schedules/{once['id']}/run-now", object=once["id"])
    other = await w.did("POST", f"{hooks}/schedules", {**to, "scheduledTime": at, "reason": "Ask."})
    await w.did("DELETE", f"{hooks}/schedules/{other['id']}", object=other["id"])
    again = await w.did("POST", f"{hooks}/recurring", {**to, "cronExpression": "0 9 * * 1", "jobDescription": "Hi."})
    await w.did("PATCH", f"{hooks}/recurring/{again['id']}", {"jobDescription": "Hello."}, again["id"])
    await w.did("POST", f"{hooks}/recurring/{again['id']}/run-now", object=again["id"])
    await w.did("DELETE", f"{hooks}/recurring/{again['id']}", object=again["id"])
    await w.did("PUT", f"{BASE}/outreach/policy", {"perDay": 3})
    await w.did("PUT", f"{BASE}/inbox/settings", {"awayText": "Closed."})
    await _inbox(w, [str(s) for s in town["sessions"]])
    await w.did("PATCH", f"{BASE}/outreach/contacts/phone:5511900000003", {"optedOut": True})
    a, b = [str(await people.owner(w.api.hub.db, w.api.account, name)) for name in ("cleo", "dora")]
    await w.did("POST", f"{BASE}/contacts/{a}/join", {"contactId": b, "reason": "same voice"}, a)
    await w.did("POST", f"{BASE}/contacts/{a}/split", {}, a)
    await w.did("DELETE", f"{BASE}/contacts/{a}", object=a)
    await w.did("DELETE", f"{BASE}/contacts?externalUserId=dora", object=b)
    sent = {
        "webChatId": str(town["client"]), "name": "Opening", "target": "WhatsApp_ZApi", "message": {"text": "Hello"},
        "recipients": "phone\n5511900000001\n", "perMinute": 60,
    }
    ids = [(await w.did("POST", f"{BASE}/campaigns", sent))["id"] for _ in range(2)]
    for verb in ("start", "pause", "resume", "stop"):
        await w.did("POST", f"{BASE}/campaigns/{ids[0]}/{verb}", object=ids[0])
    await w.did("DELETE", f"{BASE}/campaigns/{ids[1]}", object=ids[1])
    parts = await w.api.hub.db.fetch("select key from outbox where account_id = $1 limit 2", w.api.account)
    await w.api.hub.db.run("update outbox set state = 'dead' where account_id = $1", w.api.account)
    first, second = [str(p["key"]) for p in parts]
    await w.did("POST", f"{BASE}/deliveries/{first}/replay", object=first)
    await w.did("POST", f"{BASE}/deliveries/{second}/resolve", {"as": "sent", "note": "seen"}, second)


async def _inbox(w: Witness, sessions: list[str]) -> None:
    inbox = f"{BASE}/inbox"
    for thing in ("teams", "labels"):
        made = await w.did("POST", f"{inbox}/{thing}", {"name": "Billing"})
        await w.did("PUT", f"{inbox}/{thing}/{made['id']}", {"name": "Bills"}, made["id"])
        if thing == "labels":
            sent = {"addLabels": [made["id"]], "priority": "high"}
            await w.did("PATCH", f"{inbox}/conversations/{sessions[0]}", sent, sessions[0])
            await w.did("POST", f"{inbox}/conversations/bulk", {"sessionIds": sessions[:2], "status": "closed"})
        await w.did("DELETE", f"{inbox}/{thing}/{made['id']}", object=made["id"])
    await _panel(w, inbox, sessions[0])
    reply = await w.did("POST", f"{inbox}/replies", {"shortcut": "hours", "text": "We open at nine."})
    one = f"{inbox}/replies/{reply['id']}"
    await w.did("PUT", one, {"text": "We open at ten."}, reply["id"])
    filed = await w.did("POST", f"{one}/files", data=_file(), object=reply["id"])
    await w.did("DELETE", f"{one}/files/{filed['files'][0]['id']}", object=filed["files"][0]["id"])
    await w.did("DELETE", one, object=reply["id"])


async def _panel(w: Witness, inbox: str, session: str) -> None:
    """What is kept of a person, and what is planned to be said to them."""
    who = str(await people.owner(w.api.hub.db, w.api.account, "edna"))
    one = f"{BASE}/contacts/{who}"
    plan = await w.did("POST", f"{inbox}/fields", {"key": "plan", "name": "Plan"})
    await w.did("PUT", f"{inbox}/fields/{plan['id']}", {"bot": True}, plan["id"])
    await w.did("PUT", f"{one}/fields", {"values": {"plan": "gold"}}, who)
    await w.did("DELETE", f"{inbox}/fields/{plan['id']}", object=plan["id"])
    note = await w.did("POST", f"{one}/notes", {"text": "Calls in the morning."})
    await w.did("DELETE", f"{one}/notes/{note['id']}", object=note["id"])
    await w.did("PUT", f"{inbox}/card", {"url": "https://shop.example/card"})
    await w.did("DELETE", f"{inbox}/card")
    at = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    later = await w.did("POST", f"{inbox}/conversations/{session}/planned", {"content": "Hi", "at": at})
    where = f"{inbox}/conversations/{session}/planned/{later['id']}"
    await w.did("PUT", where, {"content": "Hello"}, later["id"])
    await w.did("DELETE", where, object=later["id"])


async def _knowledge(w: Witness) -> None:
    made = await w.did("POST", f"{BASE}/collections", {"collectionName": "Bread"})
    one = f"{BASE}/collections/{made['collectionId']}"
    await w.did("PUT", one, {"collectionName": "Loaves"}, made["collectionId"])
    document = await w.did("PUT", f"{one}/documents", {"name": "faq", "contents": "Nine."})
    lines = b'{"docid": "a", "text": "We bake."}\n{"docid": "b", "text": "We sell."}\n'
    await w.did("POST", f"{one}/documents", data=lines, object=made["collectionId"])
    await w.did("POST", f"{one}/documents/files", data=_file())
    await w.did("DELETE", f"{one}/documents/{document['documentId']}", object=document["documentId"])
    source = await w.did("POST", f"{one}/sources", {"address": "https://bread.example/"})
    await w.did("DELETE", f"{one}/sources/{source['sourceId']}", object=source["sourceId"])
    bread = {"address": "https://bread.example/v1", "model": "m"}
    await w.did("PUT", f"{BASE}/embedder", bread)
    await w.did("DELETE", f"{BASE}/embedder")
    for verb in ("vectors-only", "reset-only"):
        await w.did("DELETE", f"{one}/{verb}", object=made["collectionId"])
    await w.did("DELETE", one, object=made["collectionId"])


def _file() -> aiohttp.FormData:
    form = aiohttp.FormData()
    form.add_field("file", b"We open at nine.", filename="hours.txt", content_type="text/plain")
    return form


async def _ares(w: Witness) -> None:
    user = {"email": f"{uuid4()}@example.com", "password": "correct horse", "name": "Ana"}
    made = await w.did("POST", f"{BASE}/ares/users", user)
    await w.did("PATCH", f"{BASE}/ares/users/{made['id']}", {"name": "Anna"}, made["id"])
    await w.did("PUT", f"{BASE}/ares/agents/cook", {"gateway": await w.api.gateway(modelName="@hub/extractive")})
    await w.did("DELETE", f"{BASE}/ares/agents/cook", object="cook")
    await w.did("PUT", f"{BASE}/ares/settings", {"gateway": await w.api.gateway()})
    k, key = w.here.known, w.here.token
    await w.did("PUT", f"/api/conversations/{k['/api/conversations']}", {"title": "Mine"}, key=key)
    await w.did("DELETE", f"/api/memory/facts/{k['/api/memory/facts']}", key=key)
    [known] = (await w.api.ok("GET", "/api/memory", key=key))["preferences"]
    await w.did("DELETE", f"/api/memory/preferences/{known['category']}/{known['key']}", key=key)
    user_id = UUID(k["/api/v1/ares/users"])
    await w.api.hub.db.run(
        "insert into ares_facts (id, account_id, user_id, category, fact_key, fact_value, confidence)"
        " values ($1, $2, $3, 'a', 'b', 'c', 1)",
        uuid4(), w.api.account, user_id,
    )
    await w.did("DELETE", "/api/memory", key=key)
    await w.did("DELETE", f"/api/conversations/{k['/api/conversations']}", key=key)
    await w.did("DELETE", f"{BASE}/ares/users/{made['id']}", object=made["id"])


async def _aresgen(w: Witness) -> None:
    k = w.here.known
    hook = await w.did("POST", "/v1/webhooks", {"url": "https://example.com/two", "events": ["*"]})
    document = await w.did("POST", "/v1/documents", {"content": "We open at nine."})
    one, id = f"/v1/documents/{document['id']}", document["id"]
    edited = await w.did("PATCH", one, {"content": "We open at ten.", "revision": document["revision"]}, id)
    assert edited
    await w.did("POST", f"{one}/publish", object=id)
    async with serve() as model:
        model.default = says("We open at nine, every day.")
        gateway = await w.api.gateway(baseAddress=model.url, modelName="fake-1")
        slug = (await w.api.ok("GET", f"{BASE}/ai-gateways/{gateway}"))["slug"]
        await w.did("POST", f"{one}/commands", {"command": "expand", "model": slug}, id)
    await w.did("POST", f"{one}/edit-tokens", object=id)
    await w.did("DELETE", f"{one}/edit-tokens", object=id)
    await w.did("DELETE", one, object=id)
    voice = await w.did("POST", "/v1/voices", {"name": "Oven", "sample": "We bake bread with care. " * 70})
    await w.did("PATCH", f"/v1/voices/{voice['id']}", {"name": "Stove"}, voice["id"])
    await w.did("DELETE", f"/v1/voices/{voice['id']}", object=voice["id"])
    bot = await w.did("POST", "/v1/chatbots", {"name": "Baker", "model": "@hub/extractive"})
    await w.did("PATCH", f"/v1/chatbots/{bot['id']}", {"name": "Miller"}, bot["id"])
    await w.did("POST", f"/v1/chatbots/{bot['id']}/embed-key", object=bot["id"])
    await w.did("DELETE", f"/v1/chatbots/{bot['id']}", object=bot["id"])
    talk = k["/v1/conversations"]
    await w.did("POST", f"/v1/chatbots/{k['/v1/chatbots']}/conversations/{talk}/csat", {"score": 5}, talk)
    await w.did("DELETE", f"/v1/chat/threads/{k['/v1/threads']}", object=k["/v1/threads"])
    step = {"id": "a", "type": "transform", "with": {"value": 1}}
    flow = await w.did("POST", "/v1/workflows", {"name": "x", "steps": [step]})
    await w.did("PUT", f"/v1/workflows/{flow['id']}", {"name": "y", "steps": [step]}, flow["id"])
    run = await w.did("POST", f"/v1/workflows/{flow['id']}/runs", {})
    await w.did("POST", f"/v1/workflows/{flow['id']}/runs/{run['id']}/cancel", object=run["id"])
    await w.did("DELETE", f"/v1/workflows/{flow['id']}", object=flow["id"])
    await w.did("POST", "/v1/webhooks/replay", {"types": ["chat.thread.deleted"]})
    await w.did("PATCH", f"/v1/webhooks/{hook['id']}", {"enabled": False}, hook["id"])
    await w.did("DELETE", f"/v1/webhooks/{hook['id']}", object=hook["id"])
    await w.api.ok("POST", f"{BASE}/accounts/api-key", {"label": "third", "duration": 7})
    keys = (await w.api.ok("GET", f"{BASE}/accounts/api-key"))["apiKeys"]
    [third] = [x["id"] for x in keys if x["label"] == "third"]
    await w.did("POST", f"/v1/api-keys/{third}/rotate", object=third)


async def _characters(w: Witness) -> None:
    models = {name: w.here.models[name] for name in ("llm_id", "sd_model_id")}
    agent = await w.did("POST", f"{BASE}/agents", {"name": "Rosa", **models})
    await w.did("PATCH", f"{BASE}/agents/{agent['id']}", {"name": "Rose"}, agent["id"])
    talk = await w.did("POST", f"{BASE}/conversations", {**models, "agent_id": agent["id"]})
    await w.did("PATCH", f"{BASE}/conversations/{talk['id']}", {"title": "Mine"}, talk["id"])
    await w.did("POST", f"{BASE}/images", {"prompt": "A tree", **models})
    await w.did("DELETE", f"{BASE}/conversations/{talk['id']}", object=talk["id"])
    await w.did("DELETE", f"{BASE}/agents/{agent['id']}", object=agent["id"])


async def _ends(w: Witness) -> None:
    k = w.here.known
    await w.did("DELETE", f"{BASE}/skills/{k['skills']}", object=k["skills"])
    await w.did("DELETE", f"{BASE}/skills/management/clear")
    await w.did("DELETE", f"{BASE}/web-chat-client/{k['web-chat-client']}", object=k["web-chat-client"])
    await w.did("DELETE", f"{BASE}/ai-gateways/{k['ai-gateways']}", object=k["ai-gateways"])


async def test_what_is_read_or_refused_leaves_nothing(witness: Witness) -> None:
    before, api = len(await witness.rows()), witness.api
    await api.ok("GET", f"{BASE}/ai-gateways")
    for method, path, sent in (
        ("POST", f"{BASE}/ai-gateways", {"name": ""}), ("DELETE", f"{BASE}/skills/{uuid4()}", None),
        ("PATCH", f"{BASE}/ai-gateways/{uuid4()}", {"name": "x"}),
    ):
        assert (await api.call(method, path, sent)).status in (400, 404)
    theirs = witness.here.known["ai-gateways"]
    assert (await api.call("DELETE", f"{BASE}/ai-gateways/{theirs}", key=api.foreign)).status == 404
    assert len(await witness.rows()) == before
    others = "select count(*) from audit where actor_kind = 'key' and account_id <> $1"
    assert await api.hub.db.value(others, api.account) == 0


async def _gateway_renamed(db: Db, account: UUID, name: str) -> None:
    await db.run("update gateways set name = $2 where account_id = $1", account, name)


async def test_a_change_that_is_rolled_back_leaves_nothing(witness: Witness) -> None:
    db, account = witness.api.hub.db, witness.api.account
    before = len(await witness.rows())
    with pytest.raises(RuntimeError), deeds.doing(notes.deed(account, HUB, "gateway.changed")):
        async with db.transaction() as tx:
            await tx.run("update gateways set name = 'x' where account_id = $1", account)
            assert await tx.value("select count(*) from audit where account_id = $1", account) == before + 1
            raise RuntimeError
    assert len(await witness.rows()) == before
    with deeds.doing(notes.deed(account, HUB, "gateway.changed")):
        await _gateway_renamed(db, account, "y")
        await _gateway_renamed(db, account, "z")
    [row] = (await witness.rows())[before:]
    assert (row["actor_kind"], row["action"], row["detail"]) == ("hub", "gateway.changed", {"changed": ["name"]})
    await _gateway_renamed(db, account, "after the deed")
    assert len(await witness.rows()) == before + 1


async def test_two_accounts_do_not_wait_for_each_other(witness: Witness) -> None:
    """A chain is locked by its account's commit alone, also within one account only for that moment."""
    served = witness.api.hub
    mine, theirs = witness.api.account, (await create_account(served.db, "Other")).id
    async with served.db.transaction() as tx:
        await notes.note(tx, mine, HUB, "a.held")
        await tx.run("set constraints all immediate")  # the chain's end is locked from here on
        await notes.note(served.db, theirs, HUB, "b.done")
    async with served.db.transaction() as tx:
        await notes.note(tx, mine, HUB, "c.open")
        await notes.note(served.db, mine, HUB, "d.done")  # overtakes what is not committed yet
    for account in (mine, theirs):
        verdict = await audit.verify(served.db, account)
        assert verdict.broken is None and verdict.count > 0
    last = await served.db.fetch("select action from audit where account_id = $1 order by seq", mine)
    assert [r["action"] for r in last][-3:] == ["a.held", "d.done", "c.open"]


async def test_many_at_once_make_one_chain(witness: Witness) -> None:
    served, account = witness.api.hub, witness.api.account
    before = (await audit.verify(served.db, account)).count
    await asyncio.gather(*(notes.note(served.db, account, HUB, f"x.n{n}") for n in range(40)))
    after = await audit.verify(served.db, account)
    assert (after.broken, after.count) == (None, before + 40)


TAMPERED = {
    "a changed word": "update audit set actor = 'nobody' where id = $1",
    "a changed detail": "update audit set detail = '{\"x\": 1}' where id = $1",
    "a changed time": "update audit set at = at + interval '1 second' where id = $1",
    "a removed row": "delete from audit where id = $1",
    "a row outside of the chain": "update audit set seq = null where id = $1",
    "another hash": "update audit set hash = sha256('x') where id = $1",
}


@pytest.mark.parametrize("what", TAMPERED)
async def test_the_chain_shows(db: Db, owner: Db, what: str) -> None:
    account, other = (await create_account(db, "A")).id, (await create_account(db, "B")).id
    for n in range(5):
        for one in (account, other):
            await notes.note(db, one, HUB, f"x.n{n}")
    ids = [r["id"] for r in await db.fetch("select id from audit where account_id = $1 order by seq", account)]
    await owner.run(TAMPERED[what], ids[2])
    found = await audit.verify(db, account)
    assert found.broken is not None and str(ids[3 if "removed" in what else 2]) in found.broken
    assert (await audit.verify(db, other)) == audit.Verdict(5, (await audit.verify(db, other)).head)


async def test_a_missing_end_shows(db: Db, owner: Db) -> None:
    account = (await create_account(db, "A")).id
    for n in range(3):
        await notes.note(db, account, HUB, f"x.n{n}")
    await owner.run("delete from audit where seq = 3")
    assert "at the end" in ((await audit.verify(db, account)).broken or "")


async def test_what_is_dropped_for_its_age_leaves_an_anchor(db: Db, owner: Db) -> None:
    account, other = (await create_account(db, "A")).id, (await create_account(db, "B")).id
    for one in (account, other):
        for n in range(4):
            await notes.note(db, one, HUB, f"x.n{n}")
    # They were written long ago: the chain is made for that time.
    await owner.run("update audit set at = at - interval '90 days' where seq <= 2")
    await owner.run("update audit a set hash = audit_hash('', a) where seq = 1")
    for seq in (2, 3, 4):
        await owner.run(
            "update audit a set hash = audit_hash(b.hash, a) from audit b"
            " where b.account_id = a.account_id and b.seq = a.seq - 1 and a.seq = $1", seq,
        )
    await owner.run(
        "update audit_heads h set hash = a.hash from audit a where a.account_id = h.account_id and a.seq = 4"
    )
    assert await audit.trim(db, account, 60) == 2
    assert await audit.trim(db, account, 60) == 0
    assert (await audit.verify(db, account)).count == 2 and (await audit.verify(db, account)).broken is None
    assert (await audit.verify(db, other)).count == 4
    await notes.note(db, account, HUB, "x.after")
    assert (await audit.verify(db, account)).count == 3
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await audit.trim(db, account, 5)


async def test_every_table_of_accounts_is_watched(db: Db) -> None:
    left_out = {
        "audit", "audit_heads", "usage", "requests", "idempotency", "chunks", "webhook_events", "ares_tokens",
        "vectors", "embedder_shelves", "readings",
    }
    tables = await db.fetch(
        "select c.relname as name,"
        " exists (select 1 from pg_trigger g where g.tgrelid = c.oid and g.tgname = 'audited') as watched"
        " from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'account_id'"
        " where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace"
    )
    assert {t["name"] for t in tables if not t["watched"]} == left_out


async def test_the_command_says_the_first_broken_row(settings: Settings, db: Db, owner: Db) -> None:
    account = (await create_account(db, "A")).id
    for n in range(3):
        await notes.note(db, account, HUB, f"x.n{n}")
    given = {
        "HUB_DATABASE_URL": settings.database_url.get_secret_value(),
        "HUB_REDIS_URL": settings.redis_url.get_secret_value(), "HUB_HOME": str(settings.home),
    }
    whole = await asyncio.to_thread(hub, "audit", "verify", **given)
    assert whole.returncode == 0 and f"account {account}: 3 rows" in whole.stdout, whole.stderr
    broken = await owner.value("update audit set action = 'x.other' where seq = 2 returning id")
    found = await asyncio.to_thread(hub, "audit", "verify", **given)
    assert found.returncode == 1 and f"BROKEN: row {broken} (number 2) was changed" in found.stdout


async def test_an_agent_over_mcp_is_named(api: Api) -> None:
    gateway = await api.gateway(modelName="@hub/extractive")
    async with agent(api) as client:
        [tool] = [t for t in (await client.list_tools()).tools if t.name.startswith("ask_")]
        await client.call_tool(tool.name, {"message": "Hello"})
    row = await api.hub.db.row("select * from audit where action = 'mcp.asked'")
    assert row and row["object"] == gateway and "over MCP" in row["actor"]
