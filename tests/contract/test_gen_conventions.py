"""AresGen: what holds for all of its endpoints: keys and roles, pages, problems, media types, the request log."""

import base64
import re
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest

from hub.accounts.keys import grant
from hub.api import aresgen, problems
from hub.api.http.operation import operation_of
from tests.contract.asking import Contract
from tests.contract.working import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
SETTINGS = {"region": "eu"}
Json = dict[str, Any]
ROUTES = [r for r in aresgen.ROUTES if operation_of(r).auth == "key"]
IDS = {"voices": "voc", "documents": "doc", "chatbots": "bot", "workflows": "wf", "webhooks": "whk", "runs": "run",
       "conversations": "conv", "threads": "thr"}
PAGES = [r.path for r in ROUTES if r.method == "GET" and "cursor" in str(operation_of(r).query and
                                                                         operation_of(r).query.model_fields)]  # type: ignore[union-attr]  # every one of them has a query


def filled(path: str) -> str:
    """Ids of the right form that nobody has."""
    def one(match: re.Match[str]) -> str:
        place = path[: match.start()].rstrip("/").rsplit("/", 1)[-1]
        return f"{IDS[place]}_{'0' * 26}" if place in IDS else "1" if place == "versions" else str(uuid4())

    return re.sub(r"\{\w+\}", one, path)


async def role(api: Contract, name: str) -> str:
    return await grant(api.hub.db, api.account, name, None, role=name)


async def test_a_viewer_reads_and_nothing_else(api: Contract) -> None:
    viewer = await role(api, "viewer")
    for route in ROUTES:
        got = await api.call(route.method, filled(route.path), key=viewer)
        if route.method == "GET":
            assert got.status in (200, 404), route
        else:
            assert (got.status, got.body["code"]) == (403, "role_too_low"), route
    assert (await api.call("GET", "/v1/workspace", key=viewer)).body["role"] == "viewer"
    await api.refused("G-01", 403, key=viewer, sent={"model": "@hub/extractive", "prompt": "x"})


async def test_keys_are_managed_by_owners_and_admins(api: Contract) -> None:
    made = {name: await role(api, name) for name in ("owner", "admin", "member")}
    listed = {k["label"]: k for k in (await api.call("GET", "/v1/api-keys")).body}
    assert {n: listed[n]["role"] for n in made} == {n: n for n in made}
    new = {"label": "x", "duration": -1}
    for who, wanted, status in (
        ("member", "viewer", 403), ("admin", "member", 200), ("admin", "owner", 403), ("owner", "owner", 200),
        ("admin", None, 200),
    ):
        sent = {**new, **({"role": wanted} if wanted else {})}
        got = await api.call("POST", "/api/v1/accounts/api-key", sent, key=made[who])
        assert got.status == status, (who, wanted)
    for who, whose, status in (("member", "member", 403), ("admin", "owner", 403), ("admin", "member", 201)):
        got = await api.call("POST", f"/v1/api-keys/{listed[whose]['id']}/rotate", key=made[who])
        assert got.status == status, (who, whose)
    got = await api.call("DELETE", f"/api/v1/accounts/api-key/{listed['owner']['id']}", key=made["admin"])
    assert got.status == 403
    got = await api.call("DELETE", f"/api/v1/accounts/api-key/{listed['admin']['id']}", key=made["member"])
    assert got.status == 403
    assert (await api.call("POST", f"/v1/api-keys/{listed['admin']['id']}/rotate", key=api.foreign)).status == 404


async def test_a_rotated_key_works_for_a_day(api: Contract) -> None:
    old = await role(api, "member")
    id = next(k["id"] for k in (await api.call("GET", "/v1/api-keys")).body if k["label"] == "member")
    got = await api.call("POST", f"/v1/api-keys/{id}/rotate")
    new = got.body["api_key"]
    assert got.status == 201 and new.startswith("sk-hub-") and got.body["old_id"] == id
    left = datetime.fromisoformat(got.body["old_expires_at"]) - datetime.now().astimezone()
    assert 86_000 < left.total_seconds() <= 86_400
    for key in (old, new):
        assert (await api.call("GET", "/v1/workspace", key=key)).body["role"] == "member"
    again = await api.call("POST", f"/v1/api-keys/{id}/rotate")
    assert (again.status, again.body["code"]) == (409, "key_rotated")
    await api.hub.db.run("update api_keys set expires_at = now() where id = $1::text::uuid", id)

    async def refused() -> bool:
        return (await api.call("GET", "/v1/workspace", key=old)).status == 401

    await until(refused)
    assert (await api.call("GET", "/v1/workspace", key=new)).status == 200
    log = await api.hub.db.fetch("select action from audit where account_id = $1", api.account)
    assert [r["action"] for r in log] == ["key.rotated"]


async def test_other_content_types(api: Contract) -> None:
    for route in ROUTES:
        operation = operation_of(route)
        if operation.body is not None:
            for kind in ("text/plain", "application/x-www-form-urlencoded", "application/xml"):
                got = await api.call(route.method, filled(route.path), data=b"{}", headers={"Content-Type": kind})
                assert (got.status, got.body["code"]) == (415, "unsupported_media"), (route, kind)
    charset = {"Content-Type": "application/json; charset=utf-8"}
    assert (await api.call("POST", "/v1/documents", data=b"{}", headers=charset)).status == 201


async def test_pages(api: Contract) -> None:
    assert len(PAGES) >= 9
    for path in PAGES:
        for limit in (101, 0, "x"):
            got = await api.call("GET", f"{filled(path)}?limit={limit}")
            assert got.status == 400 and "limit" in got.body["detail"], path
        got = await api.call("GET", f"{filled(path)}?cursor=nothing-of-ours")
        assert got.status in (400, 404), path
    made = [(await api.good("G-04", sent={"title": f"d{n}"}))["id"] for n in range(23)]
    seen: list[str] = []
    cursor, sizes = None, []
    while True:
        query = f"?cursor={cursor}" if cursor else ""
        body = (await api.call("GET", "/v1/documents" + query)).body
        sizes.append(len(body["data"]))
        seen += [d["id"] for d in body["data"]]
        cursor = body["next_cursor"]
        assert body["has_more"] is (cursor is not None)
        if cursor is None:
            break
    assert sizes == [20, 3] and seen == made[::-1]
    assert len((await api.call("GET", "/v1/documents?limit=100")).body["data"]) == 23


async def test_problems_have_a_page(api: Contract) -> None:
    body = await api.refused("G-02", 404, f"thr_{'0' * 26}")
    assert body["type"] == "https://hub.example/problems/not_found" and body["title"] == "Not Found"
    assert body["instance"] == f"/v1/chat/threads/thr_{'0' * 26}" and body["error"]["type"] == "not_found_error"
    for code, words in problems.known().items():
        page = await api.call("GET", f"/problems/{code}", key="")
        assert page.status == 200 and words.split("`")[0][:20] in page.body.replace("&#39;", "'"), code
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    for code in ("<script>", "A", "x" * 61):
        assert (await api.call("GET", f"/problems/{code}", key="")).status == 404


async def test_the_region_and_the_rate_are_told(api: Contract) -> None:
    got = await api.call("GET", "/v1/workspace")
    assert got.body["region"] == "eu" and got.headers["X-Region"] == "eu" and got.body["id"].startswith("ws_")
    assert got.headers["X-RateLimit-Limit"] == "600"
    before = int(got.headers["X-RateLimit-Remaining"])
    kept = await api.row("G-01", sent={"model": "@hub/extractive", "prompt": "Hi", "store": True})
    assert int(kept.headers["X-RateLimit-Remaining"]) == before - 1, "kept completions are requests of AresGen"
    plain = await api.row("G-01", sent={"model": "@hub/extractive", "prompt": "Hi"})
    assert int(plain.headers["X-RateLimit-Remaining"]) == before - 2, "and so are plain ones"
    refused = await api.row("G-01", sent={"model": "nothing", "prompt": "Hi"})
    assert refused.status == 404 and int(refused.headers["X-RateLimit-Remaining"]) == before - 3


async def test_the_log_of_requests(api: Contract) -> None:
    headers = {"User-Agent": "curl/8.5 tests"}
    await api.call("GET", "/v1/voices?limit=5", headers=headers)
    await api.call("POST", "/v1/voices", {"name": ""}, headers=headers)
    await api.call("GET", "/api/v1/collections", headers=headers)
    await api.call("GET", "/v1/voices", key=api.foreign)

    async def written() -> list[Json]:
        rows: list[Json] = (await api.call("GET", "/v1/request-log")).body["data"]
        return [r for r in rows if r["user_agent"] == headers["User-Agent"]] if len(rows) >= 3 else []

    rows = await until(written)
    assert [(r["method"], r["path"], r["status"]) for r in rows] == [
        ("GET", "/api/v1/collections", 200), ("POST", "/v1/voices", 400), ("GET", "/v1/voices", 200)]
    one = rows[0]
    mine = [k["id"] for k in (await api.call("GET", "/v1/api-keys")).body if k["type"] == "private"]
    assert [one["key_id"]] == mine and one["ip"] == "127.0.0.1" and one["ms"] >= 0 and one["at"].endswith("Z")
    first = (await api.call("GET", "/v1/request-log?limit=1&status=400")).body
    assert [r["status"] for r in first["data"]] == [400]
    assert (await api.call("GET", f"/v1/request-log?key_id={uuid4()}")).body["data"] == []
    assert (await api.call("GET", "/v1/request-log?to=2020-01-01T00:00:00Z")).body["data"] == []
    pages = (await api.call("GET", "/v1/request-log?limit=2")).body
    more = (await api.call("GET", f"/v1/request-log?limit=2&cursor={pages['next_cursor']}")).body
    assert pages["has_more"] and more["data"] and more["data"][0] not in pages["data"]
    far = base64.urlsafe_b64encode(b"\xff" * 16).decode().rstrip("=")
    assert (await api.call("GET", f"/v1/request-log?cursor={far}")).status == 200


async def test_times_in_any_form_of_rfc_3339(api: Contract) -> None:
    bot = (await api.good("G-10", sent={"name": "b", "model": "@hub/extractive"}))["id"]
    await api.good("G-11", bot, sent={"message": "Hi"})
    day = "2020-01-01"
    for time in (f"{day}T00:00:00Z", f"{day}T00:00:00.123+05:30", f"{day} 00:00:00-03:00", f"{day}T00:00:00"):
        assert len((await api.good("G-12", bot, query={"from": time}))["data"]) == 1
    made = await api.good("G-04", sent={})
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", made["created_at"])
