"""Tools in the web chat: what the visitor sees of them, and what is kept."""

from typing import Any

import pytest

from tests.api.chatting import Visitor, text_of, visiting
from tests.api.conftest import Api
from tests.fakes.model import says

Json = dict[str, Any]
SAVE: Json = {
    "index": 0, "id": "c1", "type": "function",
    "function": {"name": "memory_save", "arguments": '{"memoryData": "Likes tea."}'},
}  # fmt: skip
REMEMBER: Json = {"sentinelOptions": {"enabledFunctions": ["Remember"]}}


def plan(me: Visitor) -> None:
    me.model.plan.extend([says("One moment.", tool_calls=[SAVE], finish="tool_calls"), says("Noted.")])


async def test_tools_run_and_the_visitor_reads_words_only(api: Api) -> None:
    async with visiting(api, session={"tag": "ana", "metadata": {"k": "v"}}) as me:
        await me.set(**REMEMBER)
        plan(me)
        found = await me.prompt("I like tea")
        assert found["completionText"] == "Noted." and found["toolCalls"] == []
        assert [m["role"] for m in found["createdMessages"]] == ["assistant", "tool", "assistant"]
        assert found["createdMessages"][0]["tool_calls"][0]["function"]["name"] == "memory_save"
        assert await me.said() == [("user", "I like tea"), ("assistant", "One moment."), ("assistant", "Noted.")]
        [memory] = await api.ok("GET", "/api/v1/memories")
        assert memory["externalUserId"] == "ana" and memory["content"] == "Likes tea."
        await me.prompt("And now?")
        roles = [m["role"] for m in me.asked if m["role"] != "system"]
        assert roles == ["user", "assistant", "tool", "assistant", "user"], "the model remembers what its tools said"
        assert "Likes tea." in str(me.asked[0]["content"])


@pytest.mark.parametrize("shows", [True, False])
async def test_the_stream_tells_of_tools_where_the_client_wants_it(api: Api, shows: bool) -> None:
    async with visiting(api, session={"tag": "ana"}, showToolCalls=shows) as me:
        await me.set(**REMEMBER)
        plan(me)
        got = await me.stream("I like tea")
        assert text_of(got) == "One moment.Noted."
        states = [c["servertool"]["state"] for c in got[:-1] if c.get("servertool")]
        assert states == (["Created", "Running", "Completed"] if shows else [])


async def test_a_trial_acts_but_is_not_remembered(api: Api) -> None:
    async with visiting(api, session={"tag": "ana"}) as me:
        await me.set(**REMEMBER)
        plan(me)
        found = await me.prompt("I like tea", commit=False)
        assert found["completionText"] == "Noted." and len(found["createdMessages"]) == 3
        assert await me.said() == [] and len(await api.ok("GET", "/api/v1/memories")) == 1


async def test_what_the_worker_stops_is_refused(api: Api) -> None:
    async with visiting(api) as me:
        await me.set(workerScriptSource="http://127.0.0.1:9/worker")
        got = await me.call("POST", "/prompt", {"prompt": "Hi"})
        assert (got.status, got.body["code"]) == (400, "worker_rejected") and me.model.calls == []
        assert await me.said() == [("user", "Hi")]
