"""AresGen: documents, versions, commands (G-04 to G-06), and editing them live."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from hub.api.aresgen.live import AT_ONCE
from hub.knowledge.index import index_document
from tests.contract.asking import Contract, filled
from tests.fakes.model import says

pytestmark = pytest.mark.asyncio(loop_scope="module")
Json = dict[str, Any]
NOBODY = f"doc_{'0' * 26}"
TEXT = "# Bread\n\nBread is made of flour. It needs time. Time makes it good.\n\n## Flour\n\nOur flour is local."


async def patched(api: Contract, id: str, **sent: Any) -> Json:
    got = await api.call("PATCH", f"/v1/documents/{id}", sent)
    assert got.status == 200, got.body
    body: Json = got.body
    return body


@pytest.mark.row("G-04", "G-06")
async def test_a_document_and_its_versions(api: Contract) -> None:
    made = await api.good("G-04", sent={"content": TEXT})
    id = made["id"]
    assert id.startswith("doc_") and made["edit_token"].startswith("edt_") and made["title"] == "Bread"
    assert (made["version"], made["revision"], made["status"]) == (1, 1, "draft")
    changed = await patched(api, id, content="Shorter.", title="Loaf", base_revision=1)
    assert (changed["version"], changed["revision"], changed["content"]) == (2, 2, "Shorter.")
    got = await api.call("PATCH", f"/v1/documents/{id}", {"content": "Late.", "base_revision": 1})
    assert got.status == 409 and got.body["code"] == "stale_revision"
    assert got.body["details"]["content"] == "Shorter." and got.body["details"]["revision"] == 2
    assert (await patched(api, id, title="Loaf"))["version"] == 2, "nothing changed"
    first = await api.good("G-06", id, query={"limit": 1})
    assert [v["content"] for v in first["data"]] == [TEXT] and first["has_more"]
    rest = await api.good("G-06", id, query={"limit": 1, "cursor": first["next_cursor"]})
    assert [v["version"] for v in rest["data"]] == [2] and not rest["has_more"]
    assert (await api.call("GET", f"/v1/documents/{id}/versions/1")).body["content"] == TEXT
    assert (await api.call("GET", f"/v1/documents/{id}/versions/3")).status == 404
    for wrong in ({"limit": 101}, {"limit": 0}, {"cursor": "nonsense!"}):
        await api.refused("G-06", 400, id, query=wrong)
    await api.refused("G-06", 404, id, key=api.foreign)
    await api.refused("G-06", 404, NOBODY)
    published = (await api.call("POST", f"/v1/documents/{id}/publish")).body
    assert (published["status"], published["published_version"]) == ("published", 2) and published["published_at"]
    listed = (await api.call("GET", "/v1/documents?status=published")).body["data"]
    assert [d["id"] for d in listed] == [id] and "content" not in listed[0]
    assert (await api.call("DELETE", f"/v1/documents/{id}")).status == 204
    assert (await api.call("GET", f"/v1/documents/{id}")).status == 404


@pytest.mark.row("G-05")
async def test_commands_with_a_model(api: Contract) -> None:
    name = await api.gateway(baseAddress=f"{api.model.url}/v1", modelName="fake-1", apiKey="k-upstream")
    id = (await api.good("G-04", sent={"content": TEXT, "model": name}))["id"]
    api.model.default = says("Pão é bom.")
    got = await api.good("G-05", id, sent={
        "command": "translate", "selection": "Bread is made of flour.", "target_language": "Portuguese",
        "instructions": "Be informal."})
    assert (got["command"], got["output"], got["version"]) == ("translate", "Pão é bom.", 2)
    asked = api.model.calls[-1].body["messages"]
    assert "into Portuguese" in asked[0]["content"] and "Be informal." in asked[0]["content"]
    assert asked[1]["content"] == "<text>\nBread is made of flour.\n</text>"
    now = (await api.call("GET", f"/v1/documents/{id}")).body
    assert now["content"] == TEXT.replace("Bread is made of flour.", "Pão é bom.")
    for command in ("outline", "summarize"):
        before = now["content"]
        assert (await api.good("G-05", id, sent={"command": command}))["output"] == "Pão é bom."
        assert (await api.call("GET", f"/v1/documents/{id}")).body["content"] == before
    for command in ("expand", "rewrite"):
        await api.good("G-05", id, sent={"command": command, "selection": {"from": 0, "to": 7}})
    versions = (await api.good("G-06", id))["data"]
    assert [v["command"] for v in versions] == [None, "translate", "outline", "summarize", "expand", "rewrite"]
    assert versions[-1]["content"].startswith("Pão é bom.") and versions[2]["output"] == "Pão é bom."
    body = await api.refused("G-05", 422, id, sent={"command": "translate"}, said="target_language")
    assert body["details"] == [{"pointer": "/target_language", "message": body["detail"].rstrip(".")}]
    await api.refused("G-05", 422, id, sent={"command": "rewrite", "selection": "nowhere"}, said="selection")
    await api.refused("G-05", 422, id, sent={"command": "rewrite", "selection": {"from": 5, "to": 9999}})
    await api.refused("G-05", 400, id, sent={"command": "sing"}, said="command")
    await api.refused("G-05", 404, id, key=api.foreign, sent={"command": "outline"})
    await api.refused("G-05", 404, id, sent={"command": "outline", "model": "no such model"})


async def test_a_change_while_a_command_runs_is_not_lost(api: Contract) -> None:
    name = await api.gateway(baseAddress=f"{api.model.url}/v1", modelName="fake-1", apiKey="k-upstream")
    id = (await api.good("G-04", sent={"content": "Old.", "model": name}))["id"]

    async def act(request: Any, body: Json) -> Any:
        await patched(api, id, content="New.")
        return await says("Rewritten.")(request, body)

    api.model.default = act
    body = await api.refused("G-05", 409, id, sent={"command": "rewrite"})
    assert (body["code"], body["details"]["output"], body["details"]["content"]) == (
        "stale_revision", "Rewritten.", "New.")


async def test_commands_without_a_model(api: Contract) -> None:
    id = (await api.good("G-04", sent={"content": TEXT, "model": "@hub/extractive"}))["id"]
    assert (await api.good("G-05", id, sent={"command": "outline"}))["output"] == "- Bread\n  - Flour"
    said = (await api.good("G-05", id, sent={"command": "summarize"}))["output"]
    assert said in TEXT
    body = await api.refused("G-05", 422, id, sent={"command": "rewrite"}, said="needs a model")
    assert body["code"] == "needs_model"
    said = (await api.good("G-05", id, sent={"command": "cite"}))["output"]
    assert said.startswith(TEXT.rstrip()) and "There is no knowledge base to cite from" in said


async def test_citations_are_of_the_knowledge_base(api: Contract) -> None:
    base = (await api.good("A-44", sent={"collectionName": "Mill"}))["collectionId"]
    document = await api.good("A-53", base, sent={
        "name": "Flour guide", "contents": "Our flour comes from the local mill in the village.", "reference": "p. 4"})
    await index_document(api.hub.db, api.hub.embedder, document["documentId"])
    text = "Our flour comes from a mill in the village.\n\nWhales sing in the deep sea at night."
    id = (await api.good("G-04", sent={"content": text}))["id"]
    got = await api.good("G-05", id, sent={"command": "cite", "knowledge_base_id": base})
    assert got["output"] == text.replace("village.", "village. [1]") + "\n\nSources:\n\n1. Flour guide (p. 4)"
    await api.refused("G-05", 404, id, sent={"command": "cite", "knowledge_base_id": id_of(api)})
    other = (await api.good("G-04", sent={"content": "Whales sing in the deep sea at night."}))["id"]
    assert (await api.refused("G-05", 422, other, sent={"command": "cite"}))["code"] == "nothing_to_cite"


def id_of(api: Contract) -> str:
    return str(api.account)


class Pen:
    """A live editor."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def hear(self, *kinds: str) -> Json:
        """The next message, which must be of one of these types."""
        message: Json = await self.socket.receive_json(timeout=10)
        assert not kinds or message["type"] in kinds, message
        return message

    async def edit(self, base: int, *changes: tuple[int, int, str], **more: Any) -> None:
        pieces = [{"from": a, "to": b, "text": t} for a, b, t in changes]
        await self.socket.send_json({"type": "edit", "base": base, **({"changes": pieces} if pieces else {}), **more})


def live(api: Contract, made: Json, token: str | None = None) -> Any:
    return api.http.ws_connect(f"{api.url}/v1/documents/{made['id']}/live?token={token or made['edit_token']}")


async def test_editors_see_each_other_in_order_and_never_write_over(api: Contract) -> None:
    made = await api.good("G-04", sent={"content": "abc"})
    async with live(api, made) as one, live(api, made) as two:
        ana, bob = Pen(one), Pen(two)
        for pen in (ana, bob):
            state = await pen.hear("state")
            assert (state["revision"], state["content"]) == (1, "abc")
        await ana.edit(1, (3, 3, "d"), (0, 1, "A"), id="k1")
        accepted = await ana.hear("accepted")
        assert (accepted["revision"], accepted["id"]) == (2, "k1")
        seen = await bob.hear("changed")
        assert (seen["base"], seen["revision"]) == (1, 2)
        assert seen["changes"] == [{"from": 3, "to": 3, "text": "d"}, {"from": 0, "to": 1, "text": "A"}]
        await bob.edit(1, (0, 0, "late"))
        refused = await bob.hear("refused")
        assert (refused["code"], refused["state"]["content"], refused["state"]["revision"]) == (
            "stale_revision", "Abcd", 2)
        for n in range(5):
            await bob.edit(2 + n, (0, 0, str(n)))
            assert (await bob.hear("accepted"))["revision"] == 3 + n
        assert [(await ana.hear("changed"))["revision"] for _ in range(5)] == [3, 4, 5, 6, 7]
        # Over the API too, and what the API says comes to the editors.
        await patched(api, made["id"], content="whole")
        assert [(await p.hear("changed"))["content"] for p in (ana, bob)] == ["whole", "whole"]
        outside = '{"type": "edit", "base": 8, "changes": [{"from": 9, "to": 99, "text": ""}]}'
        for wrong in ("{", '{"type": "edit", "base": 8}', outside):
            await one.send_str(wrong)
            assert (await ana.hear("refused"))["message"]
        await ana.edit(8, title="Named")
        assert (await ana.hear("accepted"))["revision"] == 9
    versions = (await api.good("G-06", made["id"]))["data"]
    # One for each editor's run of changes, one for the API, one for the title.
    assert [v["content"] for v in versions] == ["abc", "Abcd", "43210Abcd", "whole", "whole"]
    assert versions[-1]["title"] == "Named"


async def test_what_was_published_stays_as_it_was(api: Contract) -> None:
    made = await api.good("G-04", sent={"content": "a"})
    async with live(api, made) as socket:
        pen = Pen(socket)
        await pen.hear("state")
        await pen.edit(1, (1, 1, "b"))
        assert (await pen.hear("accepted"))["version"] == 2
        published = await api.call("POST", f"/v1/documents/{made['id']}/publish")
        assert published.body["published_version"] == 2
        await pen.edit(2, (2, 2, "c"))
        assert (await pen.hear("accepted"))["version"] == 3
    assert [v["content"] for v in (await api.good("G-06", made["id"]))["data"]] == ["a", "ab", "abc"]


async def test_an_editor_who_missed_something_gets_the_whole(api: Contract) -> None:
    """The fan-out is only a bell: what it loses is read from the database."""
    made = await api.good("G-04", sent={"content": "abc"})
    async with live(api, made) as socket:
        pen = Pen(socket)
        await pen.hear("state")
        await api.hub.db.run("update writings set content = 'elsewhere', revision = 5 where title = 'abc'")
        state = await pen.hear("state")
        assert (state["revision"], state["content"]) == (5, "elsewhere")


async def test_edit_tokens(api: Contract) -> None:
    made, other = [await api.good("G-04", sent={"content": "abc"}) for _ in range(2)]
    hashed = "select count(*) from edit_tokens where hash = sha256($1)"
    assert await api.hub.db.value(hashed, made["edit_token"].encode()) == 1
    for document, token in ((made, "edt_wrong"), (other, made["edit_token"]), ({"id": NOBODY}, made["edit_token"])):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await live(api, document, token)
        assert refused.value.status == 401
    got = await api.call("GET", f"/v1/documents/{made['id']}/live?token={made['edit_token']}", key="")
    assert got.status == 400 and "WebSocket" in got.body["detail"]
    fresh = (await api.call("POST", f"/v1/documents/{made['id']}/edit-tokens")).body
    async with live(api, made, fresh["edit_token"]) as socket:
        await Pen(socket).hear("state")
        await api.call("DELETE", f"/v1/documents/{made['id']}")
        closed = await socket.receive(timeout=10)
        assert closed.data == 4404
    async with live(api, other) as socket:
        await Pen(socket).hear("state")
    await api.hub.db.run("update edit_tokens set expires_at = now()")
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await live(api, other)
    await api.call("DELETE", f"/v1/documents/{other['id']}/edit-tokens")
    assert await api.hub.db.value("select count(*) from edit_tokens where account_id = $1", api.account) == 0


async def test_a_withdrawn_token_ends_what_it_opened(api: Contract) -> None:
    made = await api.good("G-04", sent={"content": "abc"})
    path = f"/v1/documents/{made['id']}/edit-tokens"
    async with live(api, made) as socket:
        pen = Pen(socket)
        await pen.hear("state")
        assert (await api.call("DELETE", path)).status == 204
        fresh = (await api.call("POST", path)).body["edit_token"]
        async with live(api, made, fresh) as other:
            await Pen(other).hear("state")
            assert (await socket.receive(timeout=10)).data == 4401
            await other.send_json({"type": "edit", "base": 1, "content": "new"})
            assert (await Pen(other).hear("accepted"))["revision"] == 2


async def test_a_document_has_so_many_editors(api: Contract) -> None:
    made = await api.good("G-04", sent={"content": "abc"})
    async with AsyncExitStack() as stack:
        for _ in range(AT_ONCE):
            await Pen(await stack.enter_async_context(live(api, made))).hear("state")
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await live(api, made)
        assert refused.value.status == 429


async def test_a_page_of_large_versions_is_cut(api: Contract) -> None:
    made = await api.good("G-04", sent={"title": "Large"})
    for n in range(5):
        await patched(api, made["id"], content=str(n))
    large = "update writing_versions set content = repeat('x', 1200000) where account_id = $1 and title = 'Large'"
    await api.hub.db.run(large, api.account)
    seen: list[int] = []
    query: Json = {}
    for more in (True, False):
        got = await api.good("G-06", made["id"], query=query)
        assert got["has_more"] is more
        seen += [v["version"] for v in got["data"]]
        query = {"cursor": got["next_cursor"]}
    assert seen == [1, 2, 3, 4, 5, 6]


async def test_two_at_once_of_the_same_revision(api: Contract) -> None:
    made = await api.good("G-04", sent={"content": ""})
    path = filled("G-06", made["id"]).removesuffix("/versions")
    sent = [{"content": f"by {n}", "base_revision": 1} for n in range(8)]
    got = await asyncio.gather(*(api.call("PATCH", path, one) for one in sent))
    assert sorted(g.status for g in got) == [200] + [409] * 7
