"""The account and its API keys (A-61 to A-65)."""

from uuid import uuid4

import pytest

from tests.contract.asking import Contract, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")
GRANTED: Json = {"label": "My key", "duration": 30}


@pytest.mark.row("A-61", "A-62", "A-63")
async def test_the_account(api: Contract) -> None:
    parameters = {"allowConversationsLogging": True, "automaticJsonHealing": True}
    await api.both_ways("A-61", sent={"name": "New name", "parameters": parameters})
    found = await api.ok("GET", "/api/v1/accounts")
    assert (found["name"], found["parameters"]) == ("New name", parameters)
    salt = (await api.good("A-63"))["salt"]
    await api.good("A-62")
    assert (await api.good("A-63"))["salt"] not in ("", salt)
    await api.refused("A-61", 400, sent={"parameters": {"automaticJsonHealing": "sometimes"}},
                      said="parameters.automaticJsonHealing must be true or false")
    await api.refused("A-61", 400, sent={"name": ""}, said="name")
    await api.refused("A-61", 400, data=b"{", said="not valid JSON")


@pytest.mark.row("A-63", "A-64", "A-65")
async def test_keys(api: Contract) -> None:
    key = (await api.good("A-64", sent=GRANTED))["grantKey"]
    assert key.startswith("sk-")
    assert (await api.row("A-63", key=key)).status == 200
    forever = (await api.good("A-64", sent={"label": "Forever", "duration": -1}))["grantKey"]
    found = {k["label"]: k for k in (await api.good("A-63"))["apiKeys"]}
    assert found["My key"]["key"] == f"...{key[-6:]}" and key not in str(found)
    assert found["My key"]["expiresAt"] and found["Forever"]["expiresAt"] is None
    assert found["Forever"]["usedAt"] is None
    assert (await api.good("A-64", sent={**GRANTED, "label": "Web", "type": "public"}))["grantKey"].startswith("pk-")
    await api.good("A-65", found["Forever"]["id"])
    await api.refused("A-63", 401, key=forever)


@pytest.mark.row("A-63")
async def test_the_list_of_keys_both_ways(api: Contract) -> None:
    await api.both_ways("A-63")


async def test_what_a_key_may_not_be(api: Contract) -> None:
    for field, value in {"label": "", "duration": 0, "type": "secret"}.items():
        await api.refused("A-64", 400, sent={**GRANTED, field: value}, said=field)
    for field in GRANTED:
        sent = {k: v for k, v in GRANTED.items() if k != field}
        await api.refused("A-64", 400, sent=sent, said=f"{field} is missing")
    await api.refused("A-64", 400, sent={**GRANTED, "duration": 2**31}, said="duration")
    theirs = (await api.good("A-63", key=api.foreign))["apiKeys"][0]["id"]
    for id in (theirs, uuid4(), "no-uuid"):
        await api.refused("A-65", 400, id, said="not found or does not belong to the account")
