"""Sessions of web chat clients (A-15 to A-17)."""

from uuid import uuid4

import pytest

from tests.contract.asking import Contract, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")
WHOLE: Json = {
    "extraContext": "A customer since 2019.", "tag": "customer-123", "expires": 3600.5,
    "contextLocation": "https://example.com/context", "metadata": {"plan": "gold"},
}


@pytest.mark.row("A-15", "A-16", "A-17")
async def test_a_session_with_every_field(api: Contract) -> None:
    id = await api.client()
    made = await api.good("A-15", id, sent=WHOLE)
    assert made["accessKey"].startswith("wky_") and made["talkUrl"] == f"https://hub.example/chat/{made['accessKey']}"
    assert await api.good("A-15", id, sent=WHOLE) == made  # a tag with a live session is that session
    [line] = await api.both_ways("A-16", id)
    said = {
        "id": made["sessionId"], "tagName": "customer-123", "contextPreview": "A customer since 2019.",
        "sessionKey": made["accessKey"], "lastMessage": None, "messageCount": 0, "tokenCount": 0,
    }
    assert {name: line[name] for name in said} == said
    await api.refused("A-17", 404, id, made["sessionId"], key=api.foreign)
    await api.good("A-17", id, made["sessionId"])
    await api.refused("A-17", 404, id, made["sessionId"])
    assert await api.good("A-16", id) == []


@pytest.mark.row("A-15", "A-16")
async def test_a_session_of_nothing(api: Contract) -> None:
    id = await api.client()
    first = await api.good("A-15", id, sent={})
    second = await api.good("A-15", id, sent={"extraContext": None, "tag": None, "metadata": None})
    assert first["sessionId"] != second["sessionId"]
    found = await api.both_ways("A-16", id)
    assert [s["tagName"] for s in found] == [s["contextPreview"] for s in found] == [None, None]


@pytest.mark.row("A-16")
async def test_the_filter(api: Contract) -> None:
    id = await api.client()
    made = await api.good("A-15", id, sent=WHOLE)
    await api.good("A-15", id, sent={"tag": "other"})
    for text in (made["accessKey"], "since 2019", "customer-1", made["sessionId"]):
        assert [s["id"] for s in await api.good("A-16", id, query={"filter": text})] == [made["sessionId"]], text
    assert await api.good("A-16", id, query={"filter": "nobody"}) == []


@pytest.mark.row("A-16")
async def test_what_was_said_is_counted(api: Contract) -> None:
    talk = await api.talk()
    await api.good("A-38", talk.key, sent={"prompt": "Hello"})
    [line] = await api.both_ways("A-16", talk.client)
    assert line["messageCount"] == 2 and line["tokenCount"] > 0 and line["lastMessage"]


async def test_what_a_session_may_not_be(api: Contract) -> None:
    id = await api.client()
    for field, value in {
        "expires": 0, "tag": 5, "metadata": {"a": 1}, "contextLocation": "nowhere", "extraContext": ["x"],
    }.items():
        await api.refused("A-15", 400, id, sent={field: value}, said=field)
    await api.refused("A-15", 400, id, sent={"expires": 7_776_001}, said="expires must be at most")
    await api.refused("A-15", 404, uuid4(), sent={})
    await api.refused("A-16", 404, id, key=api.foreign)
