"""Insights that lead to an action: what was asked in vain, documents nobody needs, why people are called."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from hub.accounts.accounts import create_account
from hub.chat.operators import findings
from hub.store import labels
from tests.api.conftest import Api
from tests.console.conftest import Desk
from tests.console.town import fill

TURN = """
    insert into turns (id, account_id, session_id, from_seq, upto_seq, epoch, outcome, passages, cost, created_at)
    values ($1, $2, $3, $4, $4, 0, $5, $6, $7, $8)
"""
SAID = """
    insert into messages (id, account_id, session_id, role, source, content, turn_id, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8)
"""
NO_TURNS = "delete from turns where account_id = $1"


async def asked(
    api: Api, session: UUID, question: str, outcome: str = "answered", passages: Any = (), rating: str | None = None
) -> None:
    """A question and its answer, now."""
    turn, answer, db, at = uuid4(), uuid4(), api.hub.db, datetime.now(UTC) - timedelta(seconds=30)
    seq = await db.value("select coalesce(max(upto_seq), 0) + 1 from turns where session_id = $1", session)
    await db.run(TURN, turn, api.account, session, seq, outcome, list(passages), 0.25, at)
    await db.run(SAID, uuid4(), api.account, session, "user", "contact", {"text": question}, None, at)
    await db.run(SAID, answer, api.account, session, "assistant", "model", {"text": "Well ..."}, turn, at)
    if rating:
        await db.run(
            "insert into happenings (account_id, session_id, message_id, kind, detail)"
            " values ($1, $2, $3, 'feedback', $4)",
            api.account, session, answer, {"rating": rating},
        )


async def test_questions_without_a_good_answer_are_grouped_and_lead_to_their_conversations(
    desk: Desk, api: Api
) -> None:
    town = await fill(api.hub, api.account, 4)
    first, second, third, fourth = town["sessions"]
    await api.hub.db.run(NO_TURNS, api.account)
    [gateway] = await api.hub.db.fetch("select id from gateways where account_id = $1", api.account)
    await api.hub.db.run(
        "update gateways set parameters = parameters || jsonb_build_object('knowledgeCollections', '[\"x\"]'::jsonb)"
        " where id = $1", gateway["id"],
    )
    used = {"id": str(uuid4()), "name": "Prices", "score": 0.9, "said": ["Nine reais."]}
    await asked(api, first, "Do you deliver orchids to Campinas?")
    await asked(api, second, "do you deliver ORCHIDS in Campinas", passages=[{"id": used["id"], "name": "Prices"}])
    await asked(api, third, "What is the parking like?", outcome="failed")
    await asked(api, fourth, "Are dogs welcome?", passages=[used], rating="down")
    await asked(api, fourth, "What does it cost?", passages=[used])
    await asked(api, fourth, "Good morning!")
    page = await desk.get("/console/insights/actions?days=7")
    assert page.status == 200
    part = page.text.split('id="questions"')[1].split("</ul>")[0]
    told = re.findall(r"<b>(\d+)</b> × ([^<]+?)(?: <span|</summary)", part)
    orchids = "do you deliver ORCHIDS in Campinas"
    assert told[0] == ("2", orchids)
    assert {q for _, q in told} == {orchids, "What is the parking like?", "Are dogs welcome?"}
    assert f"/console/inbox/{first}" in part and f"/console/inbox/{second}" in part
    rows = list(csv.reader(io.StringIO((await desk.get("/console/insights/actions.csv?days=7")).text)))
    assert rows[1][:2] == [orchids, "2"] and len(rows) == 4


async def labelled(api: Api, sessions: list[UUID]) -> tuple[UUID, UUID]:
    """All have the one, every second the other too."""
    found = uuid4(), uuid4()
    for id, name in zip(found, ("Delivery", "Praise"), strict=True):
        await api.hub.db.run("insert into labels (id, account_id, name, colour) values ($1, $2, $3, 'blue')", id,
                             api.account, name)
        for session in sessions[:: 1 if name == "Delivery" else 2]:
            await labels.put_on(api.hub.db, api.account, session, [id])
    return found


async def test_figures_by_label(desk: Desk, api: Api) -> None:
    town = await fill(api.hub, api.account, 4)
    assert "By label" in (await desk.get("/console/insights/actions?days=30")).text
    table = "/console/insights/actions.csv?days=30&of=label"
    assert len((await desk.get(table)).text.splitlines()) == 1, "no labels, no figures"
    _, praise = await labelled(api, town["sessions"][:3])
    other = (await create_account(api.hub.db, "Boreal")).id
    theirs = (await fill(api.hub, other, 2))["sessions"][0]
    await api.hub.db.run("insert into session_labels (session_id, label_id, account_id) values ($1, $2, $3)", theirs,
                         praise, other)
    rows = list(csv.DictReader(io.StringIO((await desk.get(table)).text)))
    assert [(r["name"], r["conversations"]) for r in rows] == [("Delivery", "3"), ("Praise", "2"), ("", "1")]
    asked_for = f"since=&label={praise}"
    page = (await desk.get(f"/console/conversations?{asked_for}")).text
    assert "<p>2, those" in page and f'value="{praise}" selected' in page
    file = await desk.get(f"/console/conversations/file?format=csv&{asked_for}")
    assert file.status == 200, file.text
    found = {r["id"] for r in csv.DictReader(io.StringIO(file.text.lstrip("\ufeff")))}
    assert found == {str(town["sessions"][n]) for n in (0, 2)}
    assert (await desk.get("/console/conversations?label=x")).status == 400


@pytest.mark.parametrize("places", [49, 51])
async def test_a_table_that_was_cut_says_so(desk: Desk, api: Api, places: int) -> None:
    town = await fill(api.hub, api.account, places)
    await api.hub.db.run(NO_TURNS, api.account)
    for session in town["sessions"]:
        await api.hub.db.run("update sessions set client_id = $2 where id = $1", session, UUID(await api.client()))
        await asked(api, session, "Are dogs welcome?")
    page = await desk.get("/console/insights/actions?days=7")
    assert page.text.count("The 50 with the most conversations.") == (1 if places > 50 else 0), "of places alone"


async def test_each_number_opens_the_conversations_behind_it(desk: Desk, api: Api) -> None:
    town = await fill(api.hub, api.account, 12, by=desk.who.id)
    await api.hub.db.run(
        "insert into human_requests (session_id, account_id, state, asked_by, reason)"
        " values ($1, $2, 'answered', 'model', $3)", town["sessions"][3], api.account, {"text": "Wants a refund"},
    )
    await asked(api, town["sessions"][2], "Broken?", outcome="failed")
    await labelled(api, town["sessions"])
    page = await desk.get("/console/insights/actions?days=30")
    links = re.findall(r'<a href="(/console/conversations\?[^"]+)">([\d,]+)</a>', page.text)
    assert len(links) > 6 and "Wants a refund" in page.text
    assert sum("&amp;label=" in link for link, _ in links) > 3
    for link, number in links:
        found = await desk.get(link.replace("&amp;", "&"))
        assert found.status == 200 and f"<p>{number}, those" in found.text, link
    tiles = re.findall(r'<a href="(/console/conversations\?[^"]+)" class="tile"><small>Conversations</small><b>(\d+)<',
                       (await desk.get("/console/insights?days=30")).text)
    [(link, number)] = tiles
    assert f"<p>{number}, those" in (await desk.get(link.replace("&amp;", "&"))).text


async def test_documents_that_nothing_was_answered_from(desk: Desk, api: Api) -> None:
    town = await fill(api.hub, api.account, 2)
    ids = [uuid4(), uuid4()]
    collection = uuid4()
    db = api.hub.db
    await db.run("insert into collections (id, account_id, name) values ($1, $2, 'Shop')", collection, api.account)
    for id, name in zip(ids, ("Prices", "Old menu"), strict=True):
        await db.run(
            "insert into documents (id, account_id, collection_id, name, contents, sha256, state, indexed_version)"
            " values ($1, $2, $3, $4, 'x', '', 'Indexed', 1)", id, api.account, collection, name,
        )
    passages = [{"id": str(ids[0]), "name": "Prices", "said": ["Nine."]}, {"id": str(ids[1]), "name": "Old menu"}]
    await asked(api, town["sessions"][0], "What does it cost?", passages=passages)
    page = await desk.get("/console/insights/actions?days=7")
    assert "Old menu" in page.text and ">Prices<" not in page.text
    table = (await desk.get("/console/insights/actions.csv?days=7&of=documents")).text
    assert "Old menu,Shop" in table and "Prices" not in table


@pytest.mark.parametrize("of", ["called", "hours", "client", "bot", "network", "label"])
async def test_all_of_it_is_a_table_too(desk: Desk, api: Api, of: str) -> None:
    await labelled(api, (await fill(api.hub, api.account, 8))["sessions"])
    got = await desk.get(f"/console/insights/actions.csv?days=30&of={of}")
    assert got.status == 200 and len(got.text.splitlines()) > 1
    assert (await desk.get("/console/insights/actions.csv?of=x")).status == 400
    assert (await desk.get("/console/insights/actions?days=8")).status == 400


async def test_the_week_in_a_mail(desk: Desk, api: Api) -> None:
    town = await fill(api.hub, api.account, 4)
    await asked(api, town["sessions"][0], "Is the moon made of cheese?", outcome="failed")
    told = await findings.letter(api.hub, api.account, datetime.now(UTC), "America/Sao_Paulo")
    assert re.fullmatch(r"Your week: \d+ conversations", told.subject)
    for said in (told.text, told.html):
        assert "- 1 x Is the moon made of cheese?" in said and "/console/insights/actions?days=7" in said
