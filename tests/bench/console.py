"""What each screen of the console costs over an account with many conversations: bytes, requests, time."""

import gzip
import re
import time
from uuid import UUID

import aiohttp

from hub import ids
from hub.accounts import sign_in
from hub.accounts.accounts import create_account
from hub.runtime import Hub
from hub.store import operators
from tests.bench.load import at
from tests.bench.place import Place
from tests.bench.report import Pace, say, title

ASKED, WARM = 40, 5
MANY, FEW = 100_000, 20_000
SCREENS = (
    "", "/inbox", "/inbox?show=waiting", "/inbox?q=person 77", "/bots", "/channels", "/knowledge", "/schedules",
    "/schedules?view=month", "/campaigns", "/deliveries", "/deliveries?state=failed", "/insights?days=7", "/keys",
    "/team", "/audit", "/settings", "/search?q=person 9",
)
# Conversations over 90 days, three messages each, every third with a delivery, of which one in fifty failed.
FILL = """
    with link as (
        insert into integrations (id, account_id, client_id, channel, secrets, secret_hash, mode, state)
        values (gen_random_uuid(), $1, $2, 'telegram', '', '', 'reconcile', 'registered') returning id),
    people as materialized (
        select gen_random_uuid() as contact, gen_random_uuid() as session, g,
            now() - g * interval '90 days' / $3::int as at
        from generate_series(1, $3::int) g),
    contacts as (
        insert into contacts (id, account_id, integration_id, name, phone)
        select p.contact, $1, link.id, 'Person ' || p.g, '5511' || p.g from people p, link returning id),
    sessions as (
        insert into sessions (id, account_id, client_id, integration_id, contact_id, kind, tag, chat, title,
            message_count, last_user_at, last_message_at, closed_at, created_at)
        select p.session, $1, $2, link.id, p.contact, 'channel', 'p' || p.g, p.g::text, 'Question ' || p.g, 3,
            p.at - interval '1 minute' * (p.g % 4), p.at, case when p.g > 2000 then p.at end, p.at from people p, link),
    said as (
        insert into messages (id, account_id, session_id, role, source, content, created_at)
        select gen_random_uuid(), $1, p.session, case n when 2 then 'assistant' else 'user' end,
            case n when 2 then 'model' else 'contact' end,
            jsonb_build_object('text', 'Message ' || n || ' of ' || p.g), p.at
        from people p, generate_series(1, 3) n),
    turns as (
        insert into turns (id, account_id, session_id, from_seq, upto_seq, epoch, outcome, prompt_tokens, cost,
            created_at)
        select gen_random_uuid(), $1, p.session, 0, 1, 1, 'answered', 500, 0.001, p.at from people p)
    insert into outbox (key, account_id, session_id, integration_id, chat, body, sha, mode, state, created_at,
        closed_at)
    select gen_random_uuid(), $1, p.session, link.id, p.g::text, '{"text": "Hello"}', '', 'reconcile',
        case when p.g % 150 = 0 then 'dead' else 'sent' end, p.at, p.at from people p, link where p.g % 3 = 0
"""
CLIENT = "insert into clients (id, account_id, name) values ($2, $1, 'Large')"


async def measure(place: Place, pace: Pace) -> None:
    many = MANY if pace.runs > 1 else FEW
    title(f"11. Console over {many:,} conversations: first load (compressed), requests, time of the page")
    account, cookie, session = await _filled(place.hub, many)
    async with place.web(core=0) as (_, port), aiohttp.ClientSession(auto_decompress=False) as http:
        for screen in (*SCREENS, f"/inbox/{session}"):
            name = screen if str(session) not in screen else "/inbox/{id}"
            say(f"console{name}", await _screen(http, f"http://127.0.0.1:{port}", screen, cookie))
    await place.hub.db.run("delete from accounts where id = $1", account)
    await place.empty()


async def _screen(http: aiohttp.ClientSession, url: str, screen: str, cookie: str) -> str:
    headers = {"Cookie": f"hub_console={cookie}", "Accept-Encoding": "gzip"}
    times, page = [], b""
    for _ in range(ASKED + WARM):
        begun = time.monotonic()
        async with http.get(f"{url}/console{screen}", headers=headers) as got:
            page = await got.read()
            assert got.status == 200, screen
        times.append(time.monotonic() - begun)
    text = gzip.decompress(page).decode()
    files = set(re.findall(r'(?:src|href)="(/assets/[^"]+)"', text))
    size = len(page)
    for file in files:
        async with http.get(url + file, headers=headers) as got:
            size += len(await got.read())
    told = sorted(times[WARM:])
    requests = 1 + len(files) + text.count("hx-sse:connect")
    spent = f"p50 {at(told, 0.5) * 1000:.1f} ms, p95 {at(told, 0.95) * 1000:.1f} ms"
    return f"{size / 1000:.1f} kB, {requests} requests, {spent}"


async def _filled(hub: Hub, many: int) -> tuple[UUID, str, UUID]:
    """(account, cookie of its owner, its newest conversation)."""
    account, client, owner = (await create_account(hub.db, "Large")).id, ids.uuid7(), ids.uuid7()
    await hub.db.run(CLIENT, account, client)
    async with hub.db.pool.acquire() as con:
        await con.execute(FILL, account, client, many, timeout=300)
        await con.execute("set role none")
        await con.execute("vacuum analyze sessions, messages, contacts, outbox, turns", timeout=300)
        await con.execute("reset role")
        session: UUID = await con.fetchval(
            "select id from sessions where account_id = $1 order by last_message_at desc limit 1", account
        )
    await operators.add(hub.db, account, owner, "bench@example.com", "Bench", "owner")
    link = await sign_in.login_link(hub.db, owner)
    entry = await sign_in.log_in_by_link(hub.db, hub.limits, link, sign_in.Browser("bench"))
    return account, entry.token, session
