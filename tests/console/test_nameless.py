"""A visitor of the website whom nobody has named is a person too, from when something is first kept of them."""

from uuid import UUID, uuid4

import orjson

from tests.api.conftest import Api
from tests.console.conftest import Desk
from tests.console.test_person_panel import CARD, FIELDS, shop
from tests.console.town import fill

WEB = """
    update sessions set tag = $2, person_id = null, contact_id = null, integration_id = null, kind = 'web',
        metadata = $3, closed_at = case when $4 then now() end where id = $1
"""


async def visits(api: Api, *tags: str | None, **said: str) -> list[UUID]:
    """Conversations of visitors of one website, each under the name that their browser was given; the last one open."""
    sessions = (await fill(api.hub, api.account, len(tags)))["sessions"]
    found: list[UUID] = sessions[: len(tags)]
    for n, (id, tag) in enumerate(zip(found, tags, strict=True)):
        await api.hub.db.run(WEB, id, tag, said, n < len(tags) - 1)
    client = await api.hub.db.value("select client_id from sessions where id = $1", found[0])
    await api.hub.db.run("update sessions set client_id = $2 where id = any($1)", found, client)
    return found


async def person(api: Api, session: UUID) -> UUID | None:
    found: UUID | None = await api.hub.db.value("select person_id from sessions where id = $1", session)
    return found


async def test_fields_and_notes_of_a_visitor_without_a_name(desk: Desk, api: Api) -> None:
    await api.ok("POST", FIELDS, {"key": "plan", "name": "Plan"})
    tag = f"anon:x:{uuid4().hex}"
    first, again, other, bare = await visits(api, tag, tag, f"anon:x:{uuid4().hex}", None)
    for one in (first, again, other, bare):
        page = (await desk.get(f"/console/inbox/{one}")).text
        assert 'name="field-plan"' in page and await person(api, one) is None, "nobody is made by being looked at"
    version = (await desk.get(f"/console/inbox/{first}")).text.split('name="version" value="')[1][:32]
    await desk.done(f"/console/inbox/{first}/fields", **{"field-plan": "gold", "version": version})
    await desk.done(f"/console/inbox/{first}/person-note", about="Likes tulips")
    for one, knows in ((first, True), (again, True), (other, False), (bare, False)):
        page = (await desk.get(f"/console/inbox/{one}")).text
        assert ("gold" in page, "Likes tulips" in page) == (knows, knows), one
    await desk.done(f"/console/inbox/{again}/fields", **{"field-plan": "basic"})
    assert await person(api, first) == await person(api, again) is not None
    await desk.done(f"/console/inbox/{bare}/fields", **{"field-plan": "silver"})
    assert await person(api, bare) not in (None, await person(api, first)) and await person(api, other) is None
    values = await api.ok("GET", f"/api/v1/contacts/{await person(api, first)}/fields")
    assert values["values"] == {"plan": "basic"}
    assert (await desk.post(f"/console/inbox/{uuid4()}/fields", **{"field-plan": "x"})).status == 404


async def test_the_card_of_a_visitor_without_a_name(desk: Desk, api: Api) -> None:
    [session] = await visits(api, f"anon:x:{uuid4().hex}")
    async with shop(CARD) as server:
        await api.ok("PUT", "/api/v1/inbox/card", {"url": server.url})
        assert "Card of your server" in (await desk.get(f"/console/inbox/{session}")).text
        shown = (await desk.get(f"/console/inbox/{session}/card", **{"HX-Request": "true"})).text
        assert "Orders &lt;b&gt;" in shown
        told = orjson.loads(server.bodies[0])
        assert (told["contactId"], told["sessionId"]) == (str(await person(api, session)), str(session))
        assert told["identities"] == []


async def test_who_left_an_address_is_erased_with_what_was_kept_of_them(desk: Desk, api: Api) -> None:
    await api.ok("POST", FIELDS, {"key": "plan", "name": "Plan"})
    [hers] = await visits(api, f"anon:x:{uuid4().hex}", **{"anon:email": "Vera@example.com"})
    [his] = await visits(api, f"anon:x:{uuid4().hex}", **{"anon:email": "bo@example.com"})
    for one in (hers, his):
        await desk.done(f"/console/inbox/{one}/fields", **{"field-plan": "gold"})
    vera, bo = await person(api, hers), await person(api, his)
    given = await api.ok("DELETE", "/api/v1/contacts?email=vera@example.com")
    assert given["conversations"] == 1
    left = "select count(*) from {} where {} = $1"
    for table, column, gone, stays in (
        ("sessions", "id", hers, his), ("people", "id", vera, bo), ("contact_values", "person_id", vera, bo),
    ):
        counts = [await api.hub.db.value(left.format(table, column), one) for one in (gone, stays)]
        assert counts == [0, 1], table


async def test_what_was_kept_of_a_visitor_goes_with_their_last_conversation(desk: Desk, api: Api) -> None:
    await api.ok("POST", FIELDS, {"key": "plan", "name": "Plan"})
    tag = f"anon:x:{uuid4().hex}"
    first, again = await visits(api, tag, tag)
    for one in (first, again):
        await desk.done(f"/console/inbox/{one}/fields", **{"field-plan": "gold"})
    who = await person(api, first)
    kept = "select count(*) from people p join contact_values v on v.person_id = p.id where p.id = $1"
    for one, left in ((first, 1), (again, 0)):
        await api.hub.db.run("delete from sessions where id = $1", one)
        assert await api.hub.db.value(kept, who) == left
