"""Memories (A-40 to A-42)."""

from uuid import uuid4

import pytest

from tests.contract.asking import Contract, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")
EVENT: Json = {"title": "Dentist", "startsAt": "2199-03-01T14:30"}


async def kept(api: Contract, user: str = "customer-123", **more: object) -> str:
    sent = {"externalUserId": user, **(more or {"content": "Likes tea."})}
    return str((await api.ok("POST", "/api/v1/memories", sent))["id"])


@pytest.mark.row("A-40", "A-42")
async def test_memories(api: Contract) -> None:
    text, event = await kept(api), await kept(api, "bob", format="DateReminder", reminder=EVENT)
    assert [m["id"] for m in await api.both_ways("A-40")] == [event, text]
    found = await api.both_ways("A-42", text)
    said = {"id": text, "externalUserId": "customer-123", "content": "Likes tea.", "format": "Text"}
    assert {name: found[name] for name in said} == said
    assert (await api.both_ways("A-42", event))["format"] == "DateReminder"
    for query in ({"filter": text}, {"filter": "tea"}, {"filter": "customer"}, {"format": "Text"}):
        assert [m["id"] for m in await api.both_ways("A-40", query=query)] == [text], query
    await api.refused("A-40", 400, query={"format": "Picture"}, said="format")
    await api.refused("A-42", 404, uuid4())
    await api.refused("A-42", 404, text, key=api.foreign)


@pytest.mark.row("A-41")
async def test_deletions(api: Contract) -> None:
    one, event = await kept(api), await kept(api, format="DateReminder", reminder=EVENT)
    assert await api.good("A-41", query={"id": one}) == {
        "message": "Memories deleted successfully.", "removedCount": 1, "externalUserId": "customer-123",
        "format": "Text",
    }
    await kept(api), await kept(api)
    by_user = {"externalUserId": "customer-123", "format": "Text"}
    assert (await api.both_ways("A-41", query={**by_user, "externalUserId": "nobody"}))["removedCount"] == 0
    assert await api.good("A-41", query=by_user) == {
        "message": "Memories deleted successfully.", "removedCount": 2, **by_user,
    }
    assert [m["id"] for m in await api.good("A-40")] == [event]
    for query in ({}, {"id": event, **by_user}, {"externalUserId": "x"}, {**by_user, "format": "Picture"}, {"id": "x"}):
        await api.refused("A-41", 400, query=query)
    await api.refused("A-41", 404, query={"id": str(uuid4())})
    await api.refused("A-41", 404, query={"id": event}, key=api.foreign)
