"""Forms over HTTP: done once by their mark, refused when somebody else was faster, whom they write to."""

import asyncio
import re
from uuid import UUID, uuid4

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from hub.accounts.operators import doing
from hub.api.http.app_keys import HUB
from hub.console import sent_once
from hub.console.page_request import Form, Visit
from hub.errors import Invalid
from hub.knowledge import collections
from hub.store import form_posts
from hub.store.form_posts import Post
from tests.api.chatting import visiting
from tests.api.conftest import Api
from tests.console.conftest import HERE, Desk, signed_in
from tests.console.town import fill


async def send(desk: Desk, path: str, **fields: str) -> tuple[int, str]:
    csrf = (await desk.get("/console/settings")).csrf
    data = {"csrf": csrf, **fields}
    async with desk.http.post(desk.api.url + path, data=data, headers=HERE, allow_redirects=False) as got:
        return got.status, got.headers.get("Location", "") or await got.text()


async def test_the_same_form_twice_is_one_deed(desk: Desk, agent: Desk, api: Api) -> None:
    mark = uuid4().hex
    both = await asyncio.gather(*(send(desk, "/console/knowledge", name="Prices", once=mark) for _ in range(3)))
    assert {s for s, _ in both} == {303} and len({where for _, where in both}) == 1
    count = "select count(*) from collections"
    assert await api.hub.db.value(count) == 1
    # What was changed since, and what was sent without a mark, is another.
    await send(desk, "/console/knowledge", name="Hours", once=mark)
    for _ in range(2):
        await send(desk, "/console/knowledge", name="Loose")
    assert await api.hub.db.value(count) == 4
    # What was refused may be sent again; somebody else's mark is none of one's own.
    refused = [await send(desk, "/console/knowledge", name="", once=mark) for _ in range(2)]
    assert [s for s, _ in refused] == [400, 400]
    assert (await send(agent, "/console/knowledge", name="Prices", once=mark))[0] == 403
    assert await api.hub.db.value("select count(*) from form_posts") == 2
    await api.hub.db.run("update form_posts set created_at = now() - interval '2 days'")
    assert await form_posts.forget(api.hub.db) == 2


@pytest.mark.parametrize("written", [True, False])
async def test_who_died_over_a_form(desk: Desk, api: Api, written: bool) -> None:
    """The process that had it is gone: if the audit log has the deed it is done, else it is done now."""
    mark = uuid4().hex
    await send(desk, "/console/knowledge", name="Prices", once=mark)
    await api.hub.db.run("update form_posts set status = null, lease_until = now() - interval '1 second'")
    if not written:
        name = await api.hub.db.value("select name from form_posts")
        await api.hub.db.run("delete from form_posts")
        await form_posts.claim(api.hub.db, Post(api.account, desk.who.id, UUID(str(name))), -1.0)
        await api.hub.db.run("delete from collections")
        mark = uuid4().hex
    status, _ = await send(desk, "/console/knowledge", name="Prices", once=mark)
    assert status == (200 if written else 303)
    assert await api.hub.db.value("select count(*) from collections where account_id = $1", api.account) == 1


async def test_a_message_that_was_begun_goes_out_once(desk: Desk, api: Api) -> None:
    async with visiting(api) as me:
        await me.prompt("Hello")
        mark, here = uuid4().hex, f"/console/inbox/{me.session}/say"
        await send(desk, here, text="I am here.", once=mark)
        await api.hub.db.run("update form_posts set status = null, lease_until = now() - interval '1 second'")
        assert (await send(desk, here, text="I am here.", once=mark))[0] == 303
        await send(desk, here, text="I am here.", once=uuid4().hex)
        assert [t for _, t in await me.said()].count("I am here.") == 2
        assert await api.hub.db.value("select message_count from sessions") == len(await me.said())
        # The history of a conversation is looked for among the ids since it began.
        ids = [str(r["id"])[:2] for r in await api.hub.db.fetch("select id from messages where source = 'operator'")]
        assert ids == ["ff", "ff"]


@pytest.mark.parametrize("error", [RuntimeError, asyncio.CancelledError, Invalid])
async def test_what_broke_after_its_change_was_made_is_done(desk: Desk, api: Api, error: type[BaseException]) -> None:
    """Sent again it does nothing twice; only what was refused with words may be tried anew."""
    app = web.Application()
    app[HUB] = api.hub
    mark = uuid4().hex

    def visit() -> Visit:
        request = make_mocked_request("POST", "/console/knowledge", {"HX-Request": "true"}, app=app)
        return Visit(request, desk.who, "token", Form({"once": [mark]}))

    async def again(v: Visit) -> web.StreamResponse:
        async def work() -> web.StreamResponse:
            async with doing(v.db, v.who, "knowledge.made") as deed:
                deed.named(v.once)
                await collections.create(v.db, v.account, "Prices", None, None)
                raise error("broken")

        return await sent_once.answer(v, work, False)

    with pytest.raises(error):
        await again(visit())
    if error is Invalid:
        with pytest.raises(error):
            await again(visit())
    else:
        assert (await again(visit())).status == 200
    count = await api.hub.db.value("select count(*) from collections where account_id = $1", api.account)
    assert count == (2 if error is Invalid else 1)


VERSION = r'action="{}"[^>]*>(?:<input[^>]*>)*<input type="hidden" name="version" value="(\w+)"'
STALE = [
    ("/bots/{bot}", {"name": "X", "answers": "hub"}, "update gateways set name = 'Changed'"),
    ("/channels/{place}", {"name": "X"}, "update clients set name = 'Changed'"),
    ("/channels/{place}/networks/telegram", {"botToken": ""}, "update integrations set groups = 'all'"),
    ("/channels/{place}/networks/telegram", {"botToken": ""}, "update integrations set presence = 'none'"),
    ("/settings", {"name": "X"}, "update accounts set name = 'Changed'"),
    ("/settings/outreach", {"perDay": "7"}, ""),
]


@pytest.mark.parametrize(("path", "fields", "change"), STALE)
async def test_what_somebody_else_saved_meanwhile_stays(
    desk: Desk, api: Api, path: str, fields: dict[str, str], change: str
) -> None:
    town = await fill(api.hub, api.account, 4)
    path = "/console" + path.format(bot=town["gateway"], place=town["client"])
    page = (await desk.get(path.partition("/networks")[0].removesuffix("/outreach"))).text
    [version] = re.findall(VERSION.format(path), page)
    if change:
        await api.hub.db.run(change)
    else:
        assert (await send(desk, path, **{n: f"{v}0" for n, v in fields.items()}))[0] == 303
    before = await api.hub.db.value("select count(*) from audit")
    status, words = await send(desk, path, version=version, **fields)
    assert status == 409 and "Somebody else has changed this" in words
    assert await api.hub.db.value("select count(*) from audit") == before


AT_ONCE = [
    *{path: (path, fields) for path, fields, _ in STALE}.values(),
    ("/settings/me", {"name": "X", "email": "x@example.com"}),
]


@pytest.mark.parametrize(("path", "fields"), AT_ONCE)
async def test_of_two_saves_in_the_same_instant_one_is_told(
    desk: Desk, api: Api, path: str, fields: dict[str, str]
) -> None:
    """Two browsers opened the same form and send it together: the second does not undo the first."""
    town = await fill(api.hub, api.account, 4)
    path = "/console" + path.format(bot=town["gateway"], place=town["client"])
    page = (await desk.get(path.partition("/networks")[0].removesuffix("/outreach").removesuffix("/me"))).text
    [version] = re.findall(VERSION.format(path), page)
    if path.endswith("/me"):
        fields = {**fields, "email": desk.who.email}
    what = "botToken" if "networks" in path else "perDay" if "outreach" in path else "name"
    sent = [{**fields, what: f"{n}23:Abc" if what == "botToken" else str(n)} for n in range(3, 7)]
    found = await asyncio.gather(*(send(desk, path, version=version, **one) for one in sent))
    assert sorted(s for s, _ in found) == [303, 409, 409, 409]


async def test_prepared_replies_have_a_version(desk: Desk, agent: Desk, api: Api) -> None:
    page = (await desk.get("/console/replies")).text
    [empty] = re.findall(VERSION.format("/console/replies"), page)
    hours = {"shortcut": "hours", "version": empty}
    added = [send(who, "/console/replies", text=who.who.name, **hours) for who in (desk, agent)]
    assert sorted(s for s, _ in await asyncio.gather(*added)) == [303, 409]
    id = await api.hub.db.value("select id from canned_replies where account_id = $1", api.account)
    [version] = re.findall(VERSION.format(f"/console/replies/{id}"), (await agent.get("/console/replies")).text)
    new = {"shortcut": "open", "version": version}
    both = [send(who, f"/console/replies/{id}", text=who.who.name, **new) for who in (desk, agent)]
    assert sorted(s for s, _ in await asyncio.gather(*both)) == [303, 409]
    assert (await send(desk, "/console/replies", shortcut="shut", text="x"))[0] == 303
    other = await api.hub.db.value("select id from canned_replies where shortcut = 'shut'")
    assert (await send(desk, f"/console/replies/{other}", shortcut="Open", text="x"))[0] == 409
    assert (await send(desk, f"/console/replies/{uuid4()}", shortcut="x", text="x"))[0] == 404


async def test_webhooks_and_the_embedder_are_not_saved_over(desk: Desk, api: Api) -> None:
    await send(desk, "/console/webhooks", url="http://127.0.0.1:9/hook", events="session.*")
    id = await api.hub.db.value("select id from webhook_endpoints where account_id = $1", api.account)
    here = f"/console/webhooks/{id}"
    [version] = re.findall(VERSION.format(here), (await desk.get(here)).text)
    new = {"url": "http://127.0.0.1:9/hook", "events": "*", "version": version}
    sent = [send(desk, here, description=str(n), **new) for n in range(3)]
    assert sorted(s for s, _ in await asyncio.gather(*sent)) == [303, 409, 409]
    here = "/console/knowledge/embedder"
    [version] = re.findall(VERSION.format(here), (await desk.get(here)).text)
    set_to = [send(desk, here, address="http://127.0.0.1:9/v1", model=f"m-{n}", version=version) for n in range(3)]
    assert sorted(s for s, _ in await asyncio.gather(*set_to)) == [303, 409, 409]


async def test_roles_and_keys_are_not_saved_over(desk: Desk, api: Api) -> None:
    other = await signed_in(api, "agent")
    page = (await desk.get("/console/team")).text
    [version] = re.findall(VERSION.format(f"/console/team/{other.who.id}/role"), page)
    await api.hub.db.run("update operators set role = 'viewer' where id = $1", other.who.id)
    assert (await send(desk, f"/console/team/{other.who.id}/role", role="admin", version=version))[0] == 409
    await other.http.close()
    await send(desk, "/console/keys", label="Shop", kind="private", days="")
    id = await api.hub.db.value("select id from api_keys where label = 'Shop'")
    [version] = re.findall(r'name="version" value="(\w+)"', (await desk.get(f"/console/keys/{id}")).text)
    await api.hub.db.run("update api_keys set label = 'Till' where id = $1", id)
    assert (await send(desk, f"/console/keys/{id}", label="Door", version=version))[0] == 409
    assert (await send(desk, f"/console/keys/{id}", label="Door"))[0] == 303


async def test_a_refusal_names_the_field_as_people_do(desk: Desk, api: Api) -> None:
    part = await desk.part("/console/bots", name="X", answers="model", baseAddress="ftp://x", modelName="m")
    assert part.status == 400 and 'data-field="baseAddress"' in part.text and "baseAddress " not in part.said
    part = await desk.part("/console/bots", name="X", answers="hub", results="101")
    assert 'data-field="results"' in part.text
    whole = await desk.post("/console/bots", name="X", answers="model", baseAddress="ftp://x", modelName="m")
    assert "Base address" in whole.text and "baseAddress" not in whole.text
    here = {**HERE, "HX-Request": "true", "HX-Current-URL": f"{api.url}/console/settings?x=1"}
    async with aiohttp.ClientSession() as nobody, nobody.post(f"{api.url}/console/settings", headers=here) as got:
        assert got.status == 401 and "HX-Redirect" not in got.headers
        assert "next=%2Fconsole%2Fsettings%3Fx%3D1" in await got.text()


async def test_a_campaign_asks_with_the_true_number(desk: Desk, api: Api) -> None:
    town = await fill(api.hub, api.account, 4)
    people = "phone,name\n5519900000001,Ana\n5519900000002,Bo\n5519900000002,Bo\nnonsense,X"
    made = await desk.done(
        "/console/campaigns", client=str(town["client"]), name="News", channel="zapi", kind="text",
        text="Hello {name}", perMinute="60", recipients=people,
    )
    assert "Write to 2 people of 4 on the list?" in made.text
    await api.hub.db.run("update activations set names = array['phone:5519900000009'] where address like '%0002'")
    assert "Write to 2 people" in (await desk.get(made.path)).text


async def test_a_message_is_planned_by_choosing_a_person(desk: Desk, api: Api) -> None:
    town = await fill(api.hub, api.account, 4)
    found = await desk.get("/console/schedules/people?who=mei")
    [session] = re.findall(r'name="person" value="([0-9a-f-]+)"', found.text)
    assert "Mei Lin" in found.text and UUID(session) in town["sessions"]
    assert "Nobody of that name" in (await desk.get("/console/schedules/people?who=zzzz")).text
    page = await desk.done("/console/schedules", person=session, when="tomorrow at 9", instruction="Remind them.")
    assert "Mei Lin" in page.text and "zp_" not in page.text
    refused = await desk.part("/console/schedules", when="tomorrow at 9", instruction="Remind them.")
    assert refused.status == 400 and 'data-field="who"' in refused.text
    nobody = await desk.post("/console/schedules", person=str(uuid4()), when="tomorrow at 9", instruction="x")
    assert nobody.status == 404
    assert "checked" in (await desk.get(f"/console/schedules?view=list&person={session}")).text
    for screen in ("", "/inbox", "/schedules", "/schedules?view=month", "/schedules?view=list", f"/inbox/{session}"):
        assert "zp_" not in (await desk.get(f"/console{screen}")).text, screen
