"""The database is a second wall: who forgets to say whose rows are wanted sees none of anybody's."""

import asyncio
import re
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import asyncpg
import pytest
from aiohttp.test_utils import TestServer

from hub.accounts.accounts import create_account
from hub.api.app import ROUTES, build_app
from hub.api.http.operation import operation_of
from hub.chat.inbound.intake import Intake
from hub.console.guard import COOKIE
from hub.processes import doctor
from hub.sealing import digest
from hub.store import finding, said, scope, wall
from hub.store import operators as operator_rows
from hub.store.db import Db, open_db
from hub.store.migrate import migrate
from tests.api.alone import api, provider
from tests.api.conftest import Api
from tests.api.test_every_route import named
from tests.api.test_mcp import agent
from tests.conftest import cloned, owning
from tests.console.conftest import person
from tests.console.test_screens import SCREENS
from tests.console.town import fill
from tests.contract.town import Settlers, Town, _settled

__all__ = ["api", "provider"]
# Not of accounts: what the hub itself notes. The tenant's role has no right to them at all.
GLOBAL = {"migrations", "worker_beats", "drills", "personal_folders", "leader", "sign_in_waits", "talk_marks"}
TABLES = """
    select c.relname as name, c.relrowsecurity as raised, has_table_privilege('hub_tenant', c.oid, 'select') as seen,
        array(select p.polname || ' ' || p.polroles::regrole[]::text from pg_policy p
            where p.polrelid = c.oid order by 1)::text[] as rules
    from pg_class c where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
"""


async def test_every_table_has_a_policy_for_both_roles(db: Db) -> None:
    tables = await db.fetch(TABLES)
    assert len(tables) > 60
    behind = {t["name"] for t in tables if t["raised"]}
    assert {t["name"] for t in tables} - behind == GLOBAL
    for t in tables:
        if t["raised"]:
            assert t["rules"] == ["system {hub_system}", "tenant {hub_tenant}"], t["name"]
    assert {t["name"] for t in tables if not t["seen"]} == {
        "worker_beats", "leader", "drills", "sign_in_waits", "personal_folders", "talk_marks",
    }


@pytest.mark.parametrize("role", [wall.TENANT, wall.SYSTEM])
async def test_a_role_of_the_application_owns_nothing_and_may_not_change_tables(db: Db, dsn: str, role: str) -> None:
    assert await db.value("select count(*) from pg_class where relowner = $1::regrole", role) == 0
    rights = "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles where rolname = $1"
    who = await db.row(rights, role)
    assert who and not any(who)
    con: Any = await asyncpg.connect(dsn, server_settings={"role": role})
    try:
        for sql in (
            "create table x (y int)", "drop table accounts", "alter table accounts disable row level security",
            "truncate accounts", "drop policy tenant on accounts", "alter table accounts add x int",
            "create function f() returns int language sql as 'select 1'",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await con.execute(sql)
    finally:
        await con.close()


@pytest.mark.parametrize("sql", [
    "update audit set actor = 'x'", "delete from audit", "truncate audit", "update audit_heads set seq = 0",
    "delete from audit_heads", "insert into audit_heads (account_id) select id from accounts",
    "alter table audit disable trigger all", "delete from migrations",
])
async def test_the_audit_log_is_only_added_to(db: Db, sql: str) -> None:
    await create_account(db, "A")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await db.run(sql)


async def test_an_account_sees_its_own_rows_and_nobody_sees_any(db: Db) -> None:
    mine, theirs = (await create_account(db, "A")).id, (await create_account(db, "B")).id
    for account in (mine, theirs):
        await db.run("insert into collections (id, account_id, name) values ($1, $2, 'c')", uuid4(), account)
    assert db.walled and await db.value("select count(*) from collections") == 2
    with scope.request(itself=False):
        assert await db.value("select count(*) from collections") == 0
        assert await db.value("select count(*) from accounts") == 0
        scope.enter(mine)
        assert [r["account_id"] for r in await db.fetch("select * from collections")] == [mine]
        assert await db.run("update collections set name = 'x'") == 1
        assert await db.run("delete from accounts where id = $1", theirs) == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await db.run("insert into collections (id, account_id, name) values ($1, $2, 'c')", uuid4(), theirs)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await db.run("update collections set account_id = $1", theirs)
        async with db.transaction() as tx:
            assert await tx.value("select count(*) from collections") == 1
        with scope.itself():
            assert await db.value("select count(*) from collections") == 2


async def test_a_connection_that_served_one_account_serves_the_next_as_itself(dsn: str) -> None:
    """One connection for all, many at once: nobody is answered with another's rows."""
    async with open_db(dsn, size=2) as db:
        accounts = [(await create_account(db, f"n{n}")).id for n in range(6)]

        async def look(account: UUID) -> list[UUID]:
            with scope.request(itself=False):
                scope.enter(account)
                return [r["id"] for _ in range(5) for r in await db.fetch("select id from accounts")]

        found = await asyncio.gather(*(look(a) for a in accounts))
        assert found == [[a] * 5 for a in accounts]


async def test_what_a_request_sets_going_for_all_is_the_hubs_own(db: Db) -> None:
    with scope.request(itself=False):
        scope.enter(await create_account_as_hub(db))
        assert scope.whose() is not None
        with scope.itself():
            assert scope.whose() is None
            assert await asyncio.create_task(_whose()) is None
        assert await asyncio.create_task(_whose()) is not None
    assert scope.whose() is None


async def create_account_as_hub(db: Db) -> UUID:
    with scope.itself():
        return (await create_account(db, "A")).id


async def _whose() -> str | None:
    return scope.whose()


class Unnamed(Db):
    """A database whose connections never name an account: as if a door forgot to."""

    async def _acquire(self) -> tuple[str | None, Any, Any]:
        whose, pool, con = await super()._acquire()
        return (None if whose is None else scope.NOBODY), pool, con


def of(here: Settlers, path: str) -> str:
    """The path with what the account really has in it."""
    given = dict.fromkeys(("name", "key", "token", "category"), "x")
    known = here.path(path, given)
    for name, value in known.items():
        path = path.replace("{" + name + "}", value)
    return filled_rest(path)


def filled_rest(path: str) -> str:
    return path if "{" not in path else path.split("{")[0] + str(uuid4()) + filled_rest(path.split("}", 1)[1])


async def everything(db: Db, account: UUID) -> dict[str, str]:
    """What the account has, table by table; what is only noted of requests is left out."""
    tables = await db.fetch(TABLES)
    noted = {"accounts", "requests", "usage", "idempotency", "happenings", "conversations", *GLOBAL}
    owned = await db.fetch("select table_name from information_schema.columns where column_name = 'account_id'")
    names = {t["name"] for t in tables} & {r["table_name"] for r in owned} - noted
    return {
        name: await db.value(f"select count(*) || ' ' || md5(coalesce(string_agg(t::text, ',' order by t::text), ''))"
                             f" from {name} t where account_id = $1", account)
        for name in sorted(names)
    }


async def test_every_route_without_the_accounts_name_sees_nothing(api: Api) -> None:
    """Each route is asked for what is there, by who may: the wall shows none of it, and nothing is changed."""
    here = await _settled(Town(api.hub, api.url, asyncio.get_running_loop(), api.http))
    account = await api.hub.db.value("select account_id from api_keys where tail = $1", here.key[-6:])
    await fill(api.hub, account, 4)
    await api.hub.db.run("update api_keys set used_at = now()")  # looking a key up is the hub's own, and noted there
    before = await everything(api.hub.db, account)
    assert sum(not v.startswith("0 ") for v in before.values()) > 30
    blind = replace(api.hub, db=Unnamed(api.hub.db.pool, 5.0, api.hub.db.tenants))
    intake = Intake(blind.db, blind.queue)
    async with TestServer(build_app(blind, intake)) as server:
        seen = replace(api, hub=blind, url=str(server.make_url("")).rstrip("/"))
        asked = [0, 0]
        for route in ROUTES:
            operation = operation_of(route)
            if operation.auth not in ("key", "public", "user"):
                continue
            sent: Any = {"json": {}} if route.method in ("POST", "PUT", "PATCH") else {}
            path, key = of(here, route.path), here.token if operation.auth == "user" else here.key
            got = await seen.call(route.method, path, key=key, headers={"X-Shell-User-Id": "ana"}, **sent)
            asked[route.method != "GET"] += 1
            assert not told(got.body, here, path), (named(route), got.body)
            if route.method == "GET":
                assert got.status in (200, 400, 404, 500, 503), (named(route), got.status)
        assert asked[0] > 60 and asked[1] > 90
    await intake.close()
    assert await everything(api.hub.db, account) == before


async def test_the_console_and_agents_without_the_accounts_name_see_nothing(api: Api) -> None:
    await fill(api.hub, api.account, 4)
    await api.gateway(modelName="@hub/extractive")
    await api.ok("POST", "/api/v1/collections", {"collectionName": "Canarywords"})
    blind = replace(api.hub, db=Unnamed(api.hub.db.pool, 5.0, api.hub.db.tenants))
    intake = Intake(blind.db, blind.queue)
    who, _ = await person(api)
    token = "t" * 40
    await operator_rows.open_session(api.hub.db, digest(token), who.id, 3600.0, False)
    pages = [p for p in SCREENS if "?" not in p]
    async with TestServer(build_app(blind, intake)) as server, aiohttp.ClientSession(cookies={COOKIE: token}) as http:
        url = str(server.make_url("")).rstrip("/")
        for page in pages:
            shown = [await text(http, address + "/console" + page) for address in (api.url, url)]
            for word in ("Shop bot", "Canarywords", "bouquet", "Mei Lin"):
                assert word not in shown[1], (page, word)
        seen = replace(api, hub=blind, url=url)
        async with agent(seen) as client:
            assert (await client.list_tools()).tools == []
        async with agent(api) as client:
            assert len((await client.list_tools()).tools) >= 2
    await intake.close()


async def text(http: aiohttp.ClientSession, url: str) -> str:
    async with http.get(url, allow_redirects=False) as got:
        return await got.text()


STATES = [(False, True, "warn"), (True, True, "warn"), (True, False, "ok")]


@pytest.mark.parametrize(("walled", "owner", "state"), STATES)
async def test_the_doctor_says_how_accounts_are_kept_apart(
    api: Api, dsn: str, walled: bool, owner: bool, state: str
) -> None:
    """Without the wall, with it over the owner's own sign-in, and as it should be."""
    name = f"plain{uuid4().hex[:8]}"
    await migrate(dsn, name)
    async with open_db(dsn if owner else dsn.replace("postgresql://postgres@", f"postgresql://{name}@"), size=2) as db:
        found = await doctor._wall(replace(api.hub, db=db if walled else Db(db.pool, 5.0)))
    assert found.state == state and bool(found.mend) is (state == "warn")
    async with owning(dsn) as admin:
        await admin.run(f"drop role {name}")


def told(body: Any, here: Settlers, asked: str = "") -> list[str]:
    """What of the account an answer tells that was not in the question."""
    text = str(body)
    words = [v for k, v in here.known.items() if len(v) > 12 and k != "/api/v1/ares/users"]  # the token tells that one
    marks = (*words, "canarywords", "Likes tea", "We open at nine", "Say good morning")
    return [w for w in marks if w in text and w not in asked]


async def test_the_same_routes_with_it_see_what_is_there(api: Api) -> None:
    """The question above can be answered otherwise."""
    here = await _settled(Town(api.hub, api.url, asyncio.get_running_loop(), api.http))
    mine = replace(api, key=here.key)
    shown = 0
    for route in ROUTES:
        operation = operation_of(route)
        if operation.auth in ("key", "public", "user") and route.method == "GET":
            key = here.token if operation.auth == "user" else here.key
            got = await mine.call("GET", of(here, route.path), key=key, headers={"X-Shell-User-Id": "ana"})
            shown += got.status == 200 and bool(told(got.body, here))
    assert shown > 25


async def test_what_was_said_is_found_by_its_account_alone_with_and_without_a_wall(db: Db) -> None:
    """The function looks over the wall; where there is none, it finds all the same."""
    mine, theirs = (await create_account(db, "A")).id, (await create_account(db, "B")).id
    for account in (mine, theirs):
        client, session = uuid4(), uuid4()
        await db.run("insert into clients (id, account_id, name) values ($1, $2, 'c')", client, account)
        await db.run(
            "insert into sessions (id, account_id, client_id, kind) values ($1, $2, $3, 'web')",
            session, account, client,
        )
        await db.run(
            "insert into messages (id, account_id, session_id, role, source, content)"
            " values (gen_random_uuid(), $1, $2, 'user', 'contact', $3)",
            account, session, {"text": f"greenhouse {account}"},
        )
    plain = Db(db.pool, 5.0)  # as where no roles could be made
    assert [r["text"] for r in await said.find(plain, mine, "greenhouse")] == [f"greenhouse {mine}"]
    with scope.request(itself=False):
        assert await said.find(db, mine, "greenhouse") == []
        scope.enter(mine)
        assert [r["text"] for r in await said.find(db, mine, "greenhouse")] == [f"greenhouse {mine}"]
        assert await said.find(db, theirs, "greenhouse") == []
        # Nor by the function alone.
        assert await db.fetch("select * from said($1, array['greenhouse'], 'greenhouse', 10)", theirs) == []


async def test_whoever_may_not_make_roles_gets_no_wall_and_all_else(servers: Any) -> None:
    """As before there were roles: whoever signs in owns the tables, and `hub doctor` says so."""
    async with cloned(servers[0]) as dsn:
        name = f"plain{uuid4().hex[:8]}"
        con: Any = await asyncpg.connect(dsn)
        try:
            await con.execute(f"create role {name} login")
            await con.execute(f"grant connect on database {dsn.split('/')[3].split('?')[0]} to {name}")
            await con.execute(f"grant usage on schema public to {name}")
            await con.execute(f"grant select on all tables in schema public to {name}")
            plain = dsn.replace("postgresql://postgres@", f"postgresql://{name}@")
            async with open_db(plain, size=2) as db:
                assert not db.walled
            # Who is let in by the roles stands behind the wall, though nothing is theirs.
            await migrate(dsn, name)
            async with open_db(plain, size=2) as db:
                assert db.walled and await db.value("select current_user") == wall.SYSTEM
                other: Any = await asyncpg.connect(plain)
                try:
                    with pytest.raises(asyncpg.InsufficientPrivilegeError):
                        await other.execute("delete from accounts")
                finally:
                    await other.close()
        finally:
            await con.execute(f"drop owned by {name}; drop role {name}")
            await con.close()


async def test_indexes_of_hot_tables_are_used_behind_the_wall(db: Db) -> None:
    """What is asked by a session or an account goes by the same index as without the wall."""
    account = (await create_account(db, "A")).id
    collection, document = uuid4(), uuid4()
    await db.run("insert into collections (id, account_id, name) values ($1, $2, 'c')", collection, account)
    questions = (
        "select * from messages where account_id = $1 and session_id = $2 order by position desc limit 50",
        "select * from sessions where account_id = $1 and id = $2",
        "select * from sessions where account_id = $1 and client_id = $2 order by id desc limit 20",
        "select * from outbox where account_id = $1 and session_id = $2 and state in ('queued', 'sending', 'unknown')",
        "select * from people where account_id = $1 and id = $2",
        "select * from documents where account_id = $1 and collection_id = $2 order by id limit 50",
        "select * from happenings where account_id = $1 and session_id = $2",
    )

    async def used(sql: str) -> list[str]:
        async with db.transaction() as tx:
            await tx.run("set local enable_seqscan = off")
            plan = str(await tx.value(f"explain (format json) {sql}", account, document))
        assert "Seq Scan" not in plan, (sql, plan)
        return re.findall(r"'Index Name': '(\w+)'", plan)

    for sql in questions:
        without = await used(sql)
        with scope.request(itself=False):
            scope.enter(account)
            assert await used(sql) == without != [], sql


class Watched(Db):
    """Notes for whom each connection was asked."""

    seen: list[str | None]

    async def _acquire(self) -> tuple[str | None, Any, Any]:
        got = await super()._acquire()
        self.seen.append(got[0])
        return got


async def test_words_are_searched_by_their_index(db: Db) -> None:
    """What compares words may tell of them, so that it is not asked before the wall: the search is the hub's own."""
    account = (await create_account(db, "A")).id
    watched = Watched(db.pool, 5.0, db.tenants)
    watched.seen = []
    with scope.request(itself=False):
        scope.enter(account)
        await finding.search(
            watched, account, [uuid4()], [[0.1] * 384], ["word"], [""], ["en"],
            finding.Wanted(3, 0.0, "rrf", (0.0, 1.0), 0.1, 0.1, 100),
        )
        await watched.value("select 1")
    assert len(watched.seen) > 1 and watched.seen == [None] * (len(watched.seen) - 1) + [str(account)]
