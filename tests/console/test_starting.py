"""The first run: one form to a bot that answers, samples to try and throw away, steps ticked by what was done."""

import re
from typing import Any
from uuid import UUID

import pytest

from hub.chat.clients import sessions
from hub.chat.clients.sessions import Wanted
from hub.chat.operators import samples
from hub.knowledge.index import index_document
from hub.language.abilities import asks_what_you_do
from tests.api.conftest import Api
from tests.conftest import owning
from tests.console.conftest import Desk, signed_in

TABLES = (
    "gateways", "clients", "collections", "documents", "chunks", "sessions", "messages", "turns", "people", "samples",
)

BREAKS = """
    create function broken() returns trigger language plpgsql as $$ begin
        if new.account_id = '{account}' then raise exception 'broken' using errcode = '23514'; end if;
        return new;
    end $$;
    create trigger broken before insert on {table} for each row execute function broken();
"""


async def said(api: Api, client: str, *questions: str) -> list[str]:
    opened = await sessions.open(api.hub, api.account, UUID(client), Wanted(None, None, None, None, 3600))
    at = f"/api/v1/public/chat-clients/{opened.access_key}/prompt"
    return [(await api.call("POST", at, {"prompt": q}, key="")).body["completionText"] for q in questions]


async def counts(api: Api) -> dict[str, Any]:
    return {
        t: await api.hub.db.value(f"select count(*) from {t} where account_id = $1", api.account) for t in TABLES
    }


async def test_a_sample_answers_and_is_thrown_away_with_all_it_made(desk: Desk, api: Api) -> None:
    before = await counts(api)
    page = await desk.done("/console/samples", trade="clinic", language="pt")
    client = page.path.rsplit("/", 1)[1]
    price, all_of_it = await said(api, client, "Quanto custa a primeira consulta?", "O que você pode fazer?")
    assert "250 reais" in price
    assert "- Quanto custa a primeira consulta?" in all_of_it and "Não encontrei" not in all_of_it
    home = (await desk.get("/console")).text
    assert 'class="yes"' not in home.split('class="steps"')[1].split("</ol>")[0]
    made = (await desk.get("/console/samples")).text
    [gone] = re.findall(r'action="(/console/samples/[^"]+/delete)"', made)
    other = await signed_in(api, "owner", None)
    await desk.done(gone)
    await other.http.close()
    assert await counts(api) == before
    assert (await desk.post(gone)).status == 404
    assert (await desk.post("/console/samples", trade="bank", language="pt")).status == 400


@pytest.mark.parametrize("at", ["clients", "samples", "documents"])
async def test_a_sample_is_made_whole_or_not_at_all(
    desk: Desk, api: Api, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """Whatever breaks on the way: no bot without a place, no documents without a bot."""
    before = await counts(api)
    # The database refuses the step as it would when it goes away in it.
    async with owning(api.hub.settings.database_url.get_secret_value()) as owner:
        await owner.pool.execute(BREAKS.format(table=at, account=api.account))
        try:
            assert (await desk.post("/console/samples", trade="clinic", language="pt")).status >= 400
            assert await counts(api) == before
        finally:
            await owner.pool.execute(f"drop trigger broken on {at}; drop function broken()")
    await desk.done("/console/samples", trade="clinic", language="pt")
    assert (await counts(api))["samples"] == before["samples"] + 1


async def test_what_of_a_sample_serves_something_else_stays(desk: Desk, api: Api) -> None:
    async def made() -> Any:
        await desk.done("/console/samples", trade="shop", language="en")
        newest = "select * from samples where account_id = $1 order by id desc limit 1"
        return dict(await api.hub.db.row(newest, api.account) or {})

    async def is_there(table: str, id: UUID) -> bool:
        return bool(await api.hub.db.value(f"select exists (select 1 from {table} where id = $1)", id))

    one, two = await made(), await made()
    place = await desk.done("/console/channels", name="My own", gateway=str(one["gateway_id"]))
    assert place.status == 200
    await api.hub.db.run(
        "insert into gateways (id, account_id, name, slug, parameters)"
        " values (gen_random_uuid(), $1, 'Mine', 'mine-of-samples', $2)",
        api.account, {"knowledgeCollections": [str(two["collection_id"])]},
    )
    page = await desk.done(f"/console/samples/{one['id']}/delete")
    assert "In use elsewhere, and kept: bot, documents." in page.said
    assert await is_there("gateways", one["gateway_id"]) and await is_there("collections", one["collection_id"])
    page = await desk.done(f"/console/samples/{two['id']}/delete")
    assert "kept: documents." in page.said
    assert await is_there("collections", two["collection_id"]) and not await is_there("gateways", two["gateway_id"])
    assert not await is_there("clients", one["client_id"]) and not await is_there("clients", two["client_id"])


@pytest.mark.parametrize("trade", samples.TRADES)
def test_every_trade_speaks_three_languages(trade: str) -> None:
    told = samples._text(trade)
    assert set(told) == set(samples.LANGUAGES)
    for one in told.values():
        assert one["name"] and one["instructions"] and one["hello"] and len(one["documents"]) > samples.OFFERED
        assert all(len(text) > 60 for text in one["documents"].values())


async def test_one_form_makes_a_bot_that_answers(desk: Desk, api: Api) -> None:
    assert "Do it in one step" in (await desk.get("/console")).text
    assert (await desk.post("/console/start", name="Bakery", text="")).status == 400
    text = "# Opening hours\n\nThe bakery opens at 06:30 every day."
    page = await desk.done("/console/start", name="Bakery", text=text)
    assert "Bakery is ready. 1 file taken in." in page.said
    for row in await api.hub.db.fetch("select id from documents where account_id = $1", api.account):
        await index_document(api.hub.db, api.hub.bulk, row["id"])
    [answer] = await said(api, page.path.rsplit("/", 1)[1], "When does the bakery open?")
    assert "06:30" in answer
    steps = (await desk.get("/console")).text.split('class="steps"')[1].split("</ol>")[0]
    assert re.findall(r'<li class="(\w*)">', steps) == ["yes", "yes", "yes", "", "yes"]


async def test_who_may_not_make_bots_makes_none(agent: Desk) -> None:
    assert (await agent.get("/console/start")).status == 403
    assert (await agent.post("/console/samples", trade="shop", language="en")).status == 403
    assert "Try it" not in (await agent.get("/console/samples")).text


@pytest.mark.parametrize("text", [
    "What can you do?", "what can I ask you", "help", "How can you help me?", "O que você pode fazer?", "Ajuda!",
    "Em que você pode me ajudar?", "¿Qué puedes hacer?", "¿En qué puedes ayudarme?", "o que posso perguntar?",
])
def test_what_may_be_asked_is_understood(text: str) -> None:
    assert asks_what_you_do(text)


@pytest.mark.parametrize("text", [
    "What can you do about my broken shoe?", "Can you help me with order 1042?", "What do you cost?", "menu", "",
    "O que você pode fazer com um sapato quebrado?", "Qué puedes decirme del envío", "help " * 40,
])
def test_a_question_about_a_thing_is_one(text: str) -> None:
    assert not asks_what_you_do(text)
