"""Lists larger than one answer: nothing is cut without a sign, and the sign leads to everything."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from hub.api.app import ROUTES
from hub.api.http.operation import operation_of
from tests.api.conftest import Api, Json

COUNT = 1203
FILL = {
    "sessions": """
        insert into sessions (id, account_id, client_id, kind, tag, expires_at)
        select gen_random_uuid(), c.account_id, c.id, 'web', 'user-' || n, now() + interval '1 hour'
        from clients c, generate_series(1, $2) n where c.id = $1""",
    "schedules": """
        insert into schedules (id, account_id, client_id, kind, external_user, channel, address, instruction, next_at, scheduled_at,
            cron, zone)
        select gen_random_uuid(), c.account_id, c.id, case when n % 3 = 0 then 'recurring' else 'once' end, 'user-' || n, 'web', '',
            'Say hello', now() + interval '9 days', now() + interval '9 days', case when n % 3 = 0 then '0 9 * * *' end, 'UTC'
        from clients c, generate_series(1, $2) n where c.id = $1""",
    "documents": """
        insert into documents (id, account_id, collection_id, name, contents, sha256)
        select gen_random_uuid(), c.account_id, c.id, 'paper ' || n, 'words', ''
        from collections c, generate_series(1, $2) n where c.id = $1""",
    "memories": """
        insert into memories (id, account_id, external_user, format, content, embedding, words, expires_at)
        select gen_random_uuid(), a.id, 'ana', 'Text', 'fact ' || n, array_fill(0::real, array[384])::vector, '', now() + interval '1 day'
        from accounts a, generate_series(1, $2) n where a.id = $1""",
    "dialogs": """
        insert into sessions (id, account_id, kind, name, settings, updated_at, user_id)
        select gen_random_uuid(), a.id, $3, $3 || n, '{"llm_id": "x"}', now() - make_interval(secs => n / 5), $4
        from accounts a, generate_series(1, $2) n where a.id = $1""",
    "quarantine": """
        insert into quarantine (id, account_id, sha256, raw, reason) select gen_random_uuid(), a.id, '', 'x', 'no JSON'
        from accounts a, generate_series(1, $2) n where a.id = $1""",
    "tools": """
        insert into source_tools (id, account_id, url, source, name, left_out) select gen_random_uuid(), a.id, 'https://x.example',
            'x', 'tool ' || n, 'too long' from accounts a, generate_series(1, $2) n where a.id = $1""",
    "people": """
        with made as (insert into people (id, account_id, root_id) select i, a.id, i
            from accounts a, lateral (select gen_random_uuid() as i from generate_series(1, $2)) n where a.id = $1 returning id, account_id)
        insert into identities (account_id, key, value, source, person_id)
        select account_id, key, key, 'network', id from (
            select *, 'phone:551190000' || lpad((row_number() over ())::text, 4, '0') as key from made) m""",
    "recipients": """
        with made as (
            insert into campaigns (id, account_id, client_id, name, channel, message, per_minute)
            select gen_random_uuid(), c.account_id, c.id, 'sale', 'telegram', '{}', 60 from clients c where c.id = $1 returning *)
        insert into activations (id, account_id, client_id, campaign_id, place, fire_at, channel, address, state)
        select gen_random_uuid(), m.account_id, m.client_id, m.id, n, now(), 'telegram', n::text, 'waiting'
        from made m, generate_series(1, $2) n""",
    "agents": """
        insert into character_agents (id, account_id, name) select gen_random_uuid(), a.id, 'Bo ' || n
        from accounts a, generate_series(1, $2) n where a.id = $1""",
    "gateways": """
        insert into gateways (id, account_id, name, slug, parameters) select gen_random_uuid(), a.id, 'bot ' || n, 'bot:' || n,
            '{"modelName": "extractive", "baseAddress": "@integrated"}'
        from accounts a, generate_series(1, $2) n where a.id = $1""",
    "clients": """
        insert into clients (id, account_id, name, limits, parameters) select gen_random_uuid(), a.id, 'chat ' || n, '{}', '{}'
        from accounts a, generate_series(1, $2) n where a.id = $1""",
    "collections": """
        insert into collections (id, account_id, name) select gen_random_uuid(), a.id, 'shelf ' || n
        from accounts a, generate_series(1, $2) n where a.id = $1""",
    "api_keys": """
        insert into api_keys (id, account_id, hash, tail, label, kind) select gen_random_uuid(), a.id, decode(md5(n::text), 'hex'),
            'abcdef', 'key', 'private' from accounts a, generate_series(1, $2) n where a.id = $1""",
}
NEXT = re.compile(r'<([^>]+)>; rel="next"')


async def walk(api: Api, path: str, ids: Callable[[Any], list[str]], **more: Any) -> tuple[list[str], list[int], int]:
    """All ids by following Link, the totals told on the way, and the number of answers."""
    found, totals, answers = [], [], 0
    address: str | None = path
    while address:
        got = await api.call("GET", address.removeprefix(api.hub.settings.address), **more)
        assert got.status == 200, got.body
        answers += 1
        found += ids(got.body)
        totals.append(int(got.headers["X-Total-Count"]))
        link = NEXT.fullmatch(got.headers.get("Link", ""))
        address = link[1] if link else None
    return found, totals, answers


def plain(body: Any) -> list[str]:
    return [one["id"] for one in body]


def by(field: str) -> Callable[[Any], list[str]]:
    return lambda body: [str(one[field]) for one in body]


PLACES: dict[str, tuple[str, Callable[[Any], list[str]], Json]] = {
    "memories": ("/api/v1/memories", plain, {}),
    "quarantine": ("/api/v1/quarantine", plain, {}),
    "tools": ("/api/v1/source-tools", plain, {}),
    "people": ("/api/v1/outreach/contacts?optedOut=false", by("contact"), {}),
}


def both(body: Json) -> list[str]:
    return plain(body["schedules"]) + plain(body["recurringTasks"])


async def place(api: Api, what: str) -> tuple[str, Callable[[Any], list[str]], Json]:
    """The list of one kind, filled: its path, where its ids are, how it is asked."""
    db = api.hub.db
    if what in ("sessions", "schedules"):
        client = await api.client()
        await db.run(FILL[what], UUID(client), COUNT)
        if what == "sessions":
            return f"/api/v1/web-chat-client/{client}/sessions", plain, {}
        return f"/api/v1/web-chat-clients/{client}/hook-schedules", both, {}
    if what == "documents":
        made = await api.ok("POST", "/api/v1/collections", {"collectionName": "Shelf"})
        await db.run(FILL[what], UUID(made["collectionId"]), COUNT)
        return f"/api/v1/collections/{made['collectionId']}/documents", plain, {}
    if what == "ares":
        user = await api.ok(
            "POST", "/api/auth/register", {"email": "a@example.com", "password": "correct horse", "name": "Ana"}, key=""
        )
        row = await db.row("select id, account_id from ares_users")
        assert row is not None
        await db.run(FILL["dialogs"], row["account_id"], COUNT, "ares", row["id"])
        return "/api/conversations", plain, {"key": user["access_token"]}
    if what == "character":
        await db.run(FILL["dialogs"], api.account, COUNT, "character", None)
        return "/api/v1/conversations", plain, {}
    if what == "recipients":
        await db.run(FILL[what], UUID(await api.client()), COUNT)
        return f"/api/v1/campaigns/{await db.value('select id from campaigns')}/recipients", by("place"), {}
    await db.run(FILL[what], api.account, COUNT)
    return PLACES[what]


CUT = ("sessions", "schedules", "documents", "ares", "character", "recipients", *PLACES)


@pytest.mark.parametrize("what", CUT)
async def test_a_list_that_is_cut_says_so(api: Api, what: str) -> None:
    path, ids, how = await place(api, what)
    found, totals, answers = await walk(api, path, ids, **how)
    assert len(found) == len(set(found)) == COUNT
    assert set(totals) == {COUNT} and answers >= 2
    # A few at a time: the same ones; what fits needs no way on.
    few, totals, answers = await walk(api, f"{path}{'&' if '?' in path else '?'}limit=401", ids, **how)
    assert (sorted(few), answers) == (sorted(found), 3) and set(totals) == {COUNT}


@pytest.mark.parametrize(
    ("what", "path", "there"),
    [
        ("agents", "/api/v1/agents", 0),
        ("gateways", "/api/v1/ai-gateways", 0),
        ("clients", "/api/v1/web-chat-client", 0),
        ("collections", "/api/v1/collections", 0),
        ("api_keys", "/api/v1/accounts/api-key", 2),
    ],
)
async def test_other_lists_are_whole(api: Api, what: str, path: str, there: int) -> None:
    await api.hub.db.run(FILL[what], api.account, COUNT)
    got = await api.ok("GET", path)
    assert len(got["apiKeys"] if what == "api_keys" else got) == COUNT + there


def fields(model: Any) -> set[str]:
    return set(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else set()


def test_every_list_with_a_limit_tells_where_it_goes_on() -> None:
    """By the table of routes: in its headers, or with a place of the next page in what it answers."""
    mute = []
    for route in ROUTES:
        operation = operation_of(route)
        if route.method == "GET" and fields(operation.query) & {"limit", "page_size", "pageSize"} and not operation.pages:
            answer = operation.result._type if operation.result is not None else None
            if not fields(answer) & {"next_cursor", "pagination", "has_more", "links", "page"}:
                mute.append(f"{route.path}: {answer}")
    assert mute == []


async def test_what_is_spent_says_where_it_is_cut(api: Api) -> None:
    await api.hub.db.run(
        """insert into usage (account_id, sku, quantity, unit_price, amount, description, at)
        select $1, 'inference.chat_completions.in', 1, 1, 1, 'x', now() - make_interval(days => n)
        from generate_series(0, 6) n""", api.account,
    )

    def days(body: Any) -> list[str]:
        return [one["id"] for one in body]

    every = days(await api.ok("GET", "/api/v1/accounts/spend"))
    found, totals, answers = await walk(api, "/api/v1/accounts/spend?limit=3", days)
    assert (found, set(totals), answers, len(every)) == (every, {7}, 3, 7)
    table = await api.call("GET", "/api/v1/accounts/spend?limit=3&format=csv")
    assert table.headers["X-Total-Count"] == "7" and "skip=3" in table.headers["Link"]


async def test_a_short_list_needs_no_way_on(api: Api) -> None:
    client = await api.client()
    base = f"/api/v1/web-chat-client/{client}/sessions"
    for n in range(3):
        await api.ok("POST", base, {"tag": f"user-{n}"})
    got = await api.call("GET", base)
    assert got.headers["X-Total-Count"] == "3" and "Link" not in got.headers
    filtered = await api.call("GET", f"{base}?filter=USER-1&limit=1")
    assert filtered.headers["X-Total-Count"] == "1" and "Link" not in filtered.headers
    cut = await api.call("GET", f"{base}?filter=user-&limit=2")
    assert cut.headers["X-Total-Count"] == "3" and "filter=user-" in cut.headers["Link"]
    assert (await api.call("GET", f"{base}?limit=0")).status == 400
    assert (await api.call("GET", "/api/v1/conversations?before=nonsense")).status == 400


async def test_parts_of_ids_and_keys_are_found(api: Api) -> None:
    client = await api.client()
    base = f"/api/v1/web-chat-client/{client}/sessions"
    opened = [await api.ok("POST", base, {"tag": f"user-{n}"}) for n in range(5)]
    one = opened[2]
    key = one["accessKey"]
    for part in (
        key,
        key[:20],
        key[-8:],
        key[10:30],
        one["sessionId"],
        one["sessionId"][-12:],
        one["sessionId"].upper(),
    ):
        found = await api.ok("GET", f"{base}?filter={part}")
        assert [s["id"] for s in found] == [one["sessionId"]], part
    assert len(await api.ok("GET", f"{base}?filter=wky_{'x' * 20}")) == 0
    ids = [await api.gateway() for _ in range(2)]
    assert [g["id"] for g in await api.ok("GET", f"/api/v1/ai-gateways?filter={ids[1][-12:]}")] == [ids[1]]
