"""Conversations as files over the API, and a visitor's own."""

import io
from uuid import UUID

import orjson
from pypdf import PdfReader

from tests.api.chatting import visiting
from tests.api.conftest import Api
from tests.api.test_long_talks import fill

BASE = "/api/v1/inbox/conversations"
EXPORTED = """
    select action, object, detail, actor_kind from audit where account_id = $1 and action like '%.exported' order by id
"""


async def test_conversations_and_transcripts_over_the_api(api: Api) -> None:
    async with visiting(api, {"maxMessages": 0, "messagesPerHour": 0}) as me:
        await me.prompt("Are you open?")
        table = await api.call("GET", f"{BASE}/export.csv?rows=messages&event=asked")
        assert table.status == 200 and "Are you open?" in table.body and table.body.startswith("\ufeffconversation,")
        lines = await api.call("GET", f"{BASE}/export.jsonl")
        [one] = [orjson.loads(line) for line in lines.body.splitlines()]
        assert (one["id"], one["network"], one["messages"]) == (me.session, "Web", 2)
        whole = await api.call("GET", f"{BASE}/{me.session}/transcript.json?zone=Asia/Tokyo")
        assert [m["role"] for m in whole.body["messages"]] == ["user", "assistant"]
        assert whole.body["messages"][0]["at"].endswith("+09:00")
        text = await api.call("GET", f"{BASE}/{me.session}/transcript.txt")
        assert "Are you open?" in text.body
        rows = await api.hub.db.fetch(EXPORTED, api.account)
        assert [(r["action"], r["object"], r["detail"]) for r in rows] == [
            ("conversations.exported", None, {"format": "csv", "rows": "messages", "event": "asked"}),
            ("conversations.exported", None, {"format": "jsonl", "rows": "conversations"}),
            ("conversation.exported", me.session, {"format": "json"}),
            ("conversation.exported", me.session, {"format": "txt"}),
        ]
        assert {r["actor_kind"] for r in rows} == {"key"}
        for path in ("transcript.json", "transcript.txt", "transcript.pdf"):
            assert (await api.call("GET", f"{BASE}/{me.session}/{path}", key=api.foreign)).status == 404
            assert (await api.call("GET", f"{BASE}/{me.session}/{path}?zone=X")).status == 400
        assert (await api.call("GET", f"{BASE}/export.jsonl", key=api.foreign)).body == ""
        for wrong in ("event=x", "since=x", "network=fax", "since=2026-02-02&until=2026-02-01", "since=9999-12-31"):
            assert (await api.call("GET", f"{BASE}/export.csv?{wrong}")).status == 400, wrong
        # What was refused was not given out, and what somebody else asked for is in their log.
        assert len(await api.hub.db.fetch(EXPORTED, api.account)) == 4


async def test_what_is_kept_of_a_person_and_the_log_of_requests_are_not_given_out_in_silence(api: Api) -> None:
    async with visiting(api, {"maxMessages": 0, "messagesPerHour": 0}, {"tag": "ana"}) as me:
        await me.prompt("Are you open?")
        before = len(await api.hub.db.fetch(EXPORTED, api.account))
        given = await api.call("GET", "/api/v1/contacts/export?externalUserId=ana")
        assert given.status == 200 and "Are you open?" in given.body
        assert (await api.call("GET", "/api/v1/contacts/export?externalUserId=nobody")).status == 404
        assert (await api.call("GET", "/api/v1/conversation-logs/export.jsonl")).status == 200
        rows = (await api.hub.db.fetch(EXPORTED, api.account))[before:]
        assert [r["action"] for r in rows] == ["contact.exported", "conversation_logs.exported"]
        # The log cannot be made to forget anybody.
        assert "ana" not in str([dict(r) for r in rows])


async def test_a_visitor_keeps_their_conversation(api: Api) -> None:
    async with visiting(api, {"maxMessages": 0, "messagesPerHour": 0}) as me:
        await me.prompt("Hi <b>there</b>")
        at = f"/chat/{me.key}/transcript"
        page = await api.call("GET", at, key="", headers={"Accept-Language": "pt-BR"})
        assert "Hi &lt;b&gt;there" in page.body and "Imprimir" in page.body and "Hello from the model." in page.body
        assert "trusted-types" in page.headers["Content-Security-Policy"]
        kept = await api.call("GET", f"{at}?format=json&zone=America/Sao_Paulo", key="")
        assert [m["text"] for m in kept.body["messages"]] == ["Hi <b>there</b>", "Hello from the model."]
        async with api.http.get(f"{api.url}{at}?format=pdf") as got:
            text = PdfReader(io.BytesIO(await got.read())).pages[0].extract_text()
        assert "Hi <b>there</b>" in text and "Hello from the model." in text
        # What waits for its answer was said as well; who printed often waits.
        many = [(await api.call("GET", f"{at}?format=pdf", key="")).status for _ in range(4)]
        assert many[-1] == 429
        many = [(await api.call("GET", at, key="")).status for _ in range(20)]
        assert (many[0], many[-1]) == (200, 429)
        assert (await api.call("GET", f"{at}?format=txt", key="")).status == 200
        assert (await api.call("GET", f"{at}?format=doc", key="")).status == 400
        assert (await api.call("GET", f"/chat/{'x' * 20}/transcript?format=txt", key="")).status == 422
        await api.ok("DELETE", f"/api/v1/web-chat-client/{me.client}/sessions/{me.session}")
        assert (await api.call("GET", f"{at}?format=txt", key="")).status == 422


async def test_a_long_one_is_whole_and_its_page_says_what_it_leaves_out(api: Api) -> None:
    async with visiting(api, {"maxMessages": 0, "messagesPerHour": 0}) as me:
        await fill(api, me.session)
        text = await api.call("GET", f"/chat/{me.key}/transcript?format=txt", key="")
        assert text.body.count("message ") == 1100
        page = await api.call("GET", f"/chat/{me.key}/transcript", key="")
        assert "Only the newest" in page.body and "message 101<" in page.body and "message 100<" not in page.body
        assert UUID(me.session)
