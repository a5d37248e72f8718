"""Conversations longer than one page of anything: the newest is what matters."""

from uuid import UUID

from tests.api.chatting import visiting
from tests.api.conftest import Api

COUNT = 1100
FILL = """
    insert into messages (id, account_id, session_id, role, source, content)
    select new_id(), s.account_id, s.id, case when n % 2 = 1 then 'user' else 'assistant' end,
        case when n % 2 = 1 then 'contact' else 'model' end, jsonb_build_object('text', 'message ' || n)
    from sessions s, generate_series(1, $2) n where s.id = $1 order by n
"""


async def fill(api: Api, session: str, count: int = COUNT) -> None:
    await api.hub.db.run(FILL, UUID(session), count)


async def test_the_newest_messages_are_shown_and_all_are_in_the_transcript(api: Api) -> None:
    async with visiting(api, {"maxMessages": 0, "messagesPerHour": 0}) as me:
        await fill(api, me.session)
        await me.prompt("The newest of all")
        said = [text for _, text in await me.said()]
        assert said[-2:] == ["The newest of all", "Hello from the model."]
        numbers = [int(t.split()[1]) for t in said[:-2]]
        assert numbers == list(range(COUNT - 500 + 3, COUNT + 1))
        page = await api.call("GET", f"/chat/{me.key}", key="")
        assert "The newest of all" in page.body and f"message {COUNT}" in page.body and "message 10<" not in page.body
        whole = (await me.call("GET", "/transcript.json")).body["messages"]
        assert len(whole) == COUNT + 2 and whole[0]["content"] == "message 1"
        assert whole[-1]["content"] == "Hello from the model."


async def test_a_page_that_was_away_gets_everything_it_missed(api: Api) -> None:
    """More than is read at once, without anything new happening."""
    async with visiting(api, {"maxMessages": 0, "messagesPerHour": 0}) as me:
        await fill(api, me.session)
        found = 0
        async with api.http.get(api.url + me.base + "/events?after=0") as got:
            while found < COUNT:
                line = await got.content.readline()
                found += line.startswith(b"event: message")
        assert found == COUNT
