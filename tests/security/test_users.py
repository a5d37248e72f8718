"""Users of ARES: tokens that die, registration that is closed, strangers who cost no more than they may."""

import asyncio
from typing import Any

import aiohttp
import pytest

from hub.config import Settings
from tests.api.alone import api, provider  # noqa: F401 - fixtures
from tests.api.conftest import Api, Provider, keys_of, serving
from tests.api.test_ares_users import ANA, AUTH, entered, opens, renewed


@pytest.mark.parametrize("how", ["logout", "reuse", "password", "removed"])
async def test_an_access_token_dies_with_its_sign_in(api: Api, how: str) -> None:  # noqa: F811
    made = await entered(api)
    other = await api.ok("POST", f"{AUTH}/login", ANA, key="")
    bystander = await entered(api, {**ANA, "email": "bob@example.com"})
    newest = (await renewed(api, made["refresh_token"])).body
    assert await opens(api, made["access_token"]) and await opens(api, newest["access_token"])
    path = f"/api/v1/ares/users/{made['user_id']}"
    if how == "logout":
        await api.ok("POST", f"{AUTH}/logout", {"refresh_token": newest["refresh_token"]}, key="")
    elif how == "reuse":
        assert (await renewed(api, made["refresh_token"])).status == 401
        rows = await api.hub.db.fetch("select action from audit where account_id = $1", api.account)
        assert "user.token_reused" in [r["action"] for r in rows] or rows == []
    elif how == "password":
        assert (await api.call("PATCH", path, {"password": "tulips in the rain"})).status == 204
    else:
        assert (await api.call("DELETE", path)).status == 204
    assert not await opens(api, made["access_token"]) and not await opens(api, newest["access_token"])
    assert await opens(api, other["access_token"]) == (how in ("logout", "reuse")), "another sign-in is another"
    assert await opens(api, bystander["access_token"])


async def test_a_token_of_another_sign_in_that_ended_is_not_revived(api: Api) -> None:  # noqa: F811
    made = await entered(api)
    await api.ok("POST", f"{AUTH}/logout", {"refresh_token": made["refresh_token"]}, key="")
    await api.ok("POST", f"{AUTH}/login", ANA, key="")
    assert not await opens(api, made["access_token"])


def test_registration_is_closed_unless_it_is_opened() -> None:
    assert Settings.model_fields["ares_registration"].default is False


async def test_registration_has_limits_of_its_own(settings: Settings, provider: Provider) -> None:  # noqa: F811
    async with serving(settings.changed(ares_registrations_per_day=2), provider) as (hub, url):
        async with aiohttp.ClientSession() as http:
            api = Api(hub, url, *await keys_of(hub), http)
            for n in range(2):
                await entered(api, {**ANA, "email": f"u{n}@example.com"})
            got = await api.call("POST", f"{AUTH}/register", {**ANA, "email": "u3@example.com"}, key="")
            assert got.status == 429 and "registered today" in got.said
            assert (await api.call("POST", "/api/v1/ares/users", {**ANA, "email": "u4@example.com"})).status == 201
            await api.ok("POST", f"{AUTH}/login", {**ANA, "email": "u0@example.com"}, key="")


async def test_one_network_registers_ten_in_ten_minutes(api: Api) -> None:  # noqa: F811
    async def one(n: int) -> int:
        return (await api.call("POST", f"{AUTH}/register", {**ANA, "email": f"u{n}@example.com"}, key="")).status

    found = [await one(n) for n in range(12)]
    assert found[:10] == [200] * 10 and found[-1] == 429


async def test_strangers_cost_no_more_than_they_may(settings: Settings, provider: Provider) -> None:  # noqa: F811
    """Two users, one of whom registered: the other one goes on."""
    async with serving(settings.changed(ares_registered_budget=0.01), provider) as (hub, url):
        async with aiohttp.ClientSession() as http:
            api = Api(hub, url, *await keys_of(hub), http)
            first = await hub.db.value("select id from accounts order by created_at, id limit 1")
            stranger = await entered(api)
            assert (await api.call("POST", "/api/v1/ares/users", {**ANA, "email": "known@example.com"})).status == 201
            known = await api.ok("POST", f"{AUTH}/login", {**ANA, "email": "known@example.com"}, key="")

            async def says(token: str) -> Any:
                return await api.call("POST", "/api/chat", {"message": "Hello"}, key=token)

            assert (await says(stranger["access_token"])).status == 200
            spent = await hub.db.fetch("select user_id from usage where user_id is not null")
            assert {str(r["user_id"]) for r in spent} <= {stranger["user_id"]}
            await hub.db.run(
                "insert into usage (account_id, user_id, sku, quantity, amount) values ($1, $2, 'inference', 1, 0.02)",
                first, stranger["user_id"],
            )
            got = await says(stranger["access_token"])
            assert got.status == 402 and "registered themselves" in got.said
            assert (await says(known["access_token"])).status == 200
            await hub.db.run("update usage set at = now() - interval '2 days'")
            assert (await says(stranger["access_token"])).status == 200


async def test_guesses_at_one_user_make_nobody_else_wait(api: Api) -> None:  # noqa: F811
    await entered(api)
    bob = {**ANA, "email": "bob@example.com"}
    assert (await api.call("POST", "/api/v1/ares/users", bob)).status == 201
    for n in range(9):
        got = await api.call("POST", f"{AUTH}/login", {**ANA, "password": f"wrong {n}"}, key="")
        assert got.status == 401
    await api.hub.db.run("update sign_in_waits set until = now() + interval '1 minute' where until > at")
    got = await api.call("POST", f"{AUTH}/login", ANA, key="")
    assert got.status == 429 and int(got.headers["Retry-After"]) > 0
    assert (await api.call("POST", f"{AUTH}/login", bob, key="")).status == 200
    rows = await api.hub.db.fetch("select detail from audit where action = 'user.sign_in_failed'")
    assert len(rows) == 9 and all(r["detail"] == {"from": "127.0.0.1"} for r in rows)


async def test_a_user_gets_in_where_they_were_before_whoever_guesses(api: Api) -> None:  # noqa: F811
    await entered(api)
    await api.ok("POST", f"{AUTH}/login", ANA, key="")
    await api.hub.db.run("update ares_devices set seen_at = now()")
    # Guesses from everywhere else have made the next stranger wait.
    await api.hub.db.run(
        "insert into sign_in_waits (key, failures, until, at)"
        " values (sha256('ares:user:ana@example.com'::bytea), 50, now() + interval '15 minutes', now())"
    )
    await api.ok("POST", f"{AUTH}/login", ANA, key="")
    await api.hub.db.run("delete from ares_devices")
    assert (await api.call("POST", f"{AUTH}/login", ANA, key="")).status == 429


async def test_signing_in_twice_at_once_makes_two_sign_ins(api: Api) -> None:  # noqa: F811
    await entered(api)
    both = await asyncio.gather(*(api.ok("POST", f"{AUTH}/login", ANA, key="") for _ in range(3)))
    assert all([await opens(api, b["access_token"]) for b in both])
