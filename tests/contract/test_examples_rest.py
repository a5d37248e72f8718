"""Operations whose answers no other test reads as a whole, asked once so that the examples have them."""

import pytest

from tests.contract.asking import Contract

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_what_is_only_looked_at(api: Contract) -> None:
    await api.ok("PUT", "/api/v1/inbox/settings", {"hours": [{"days": ["mon"], "start": "09:00", "end": "18:00"}]})
    for path in ("/api/v1/inbox/settings", "/api/v1/inbox/available", "/api/v1/outreach/policy"):
        assert isinstance(await api.ok("GET", path), dict)


async def test_logs_of_conversations(api: Contract) -> None:
    await api.ok("PUT", "/api/v1/accounts", {"name": "Aurora", "parameters": {"allowConversationsLogging": True}})
    gateway = await api.modelled(apiKey="k")
    sent = {"model": gateway, "messages": [{"role": "user", "content": "Do you have roses?"}]}
    assert (await api.call("POST", "/v1/chat/completions", sent)).status == 200
    [line] = (await api.ok("GET", "/api/v1/conversation-logs"))["items"]
    assert (await api.ok("GET", f"/api/v1/conversation-logs/{line['id']}"))["id"] == line["id"]
    assert (await api.call("GET", "/api/v1/conversation-logs/export.jsonl")).status == 200


async def test_what_a_studio_shows(api: Contract) -> None:
    step = {"id": "a", "type": "transform", "with": {"value": 1}}
    for path, body in (
        ("/v1/chatbots", {"name": "Baker", "model": "@hub/extractive"}),
        ("/v1/workflows", {"name": "w", "steps": [step]}),
    ):
        made = (await api.call("POST", path, body)).body
        shown = await api.ok("GET", f"{path}/{made['id']}")
        assert (shown["id"], shown["name"]) == (made["id"], body["name"])
