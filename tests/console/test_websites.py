"""Websites of a collection at the console: added, read, told of, read again, removed."""

from hub.knowledge.sources import step
from tests.api.test_sources import Site, page, site  # noqa: F401 - fixture
from tests.console.conftest import Desk, signed_in


async def crawl(desk: Desk) -> None:
    while await step(desk.api.hub):
        await desk.api.hub.db.run("update sources set due_at = now() where state = 'fetching'")


async def test_a_website_is_added_read_told_of_and_removed(desk: Desk, agent: Desk, site: Site) -> None:  # noqa: F811
    site.pages = {
        "/": page("Home", "/a", "/gone", "/private"), "/a": page("A"), "/private": page("P"),
        "/robots.txt": "User-agent: *\nDisallow: /private\n",
    }
    made = await desk.post("/console/knowledge", name="Help")
    base = made.headers["Location"] + "/websites"
    assert base in (await desk.get(made.headers["Location"])).text
    for wrong in ({"address": "nonsense"}, {"address": site.url, "depth": "9"}, {"address": site.url, "hours": "-1"}):
        assert (await desk.post(base, **wrong)).status == 400, wrong
    added = await desk.done(base, address=site.url, depth="1", pages="50", hours="12")
    assert site.url in added.text and "being read" in added.text and "every 12 h" in added.text
    await crawl(desk)
    shown = await agent.get(base)
    assert "2 read, 1 not read" in shown.text and "status 404" in shown.text
    assert f"{site.url}/gone" in shown.text and "Read it now" not in shown.text
    assert "hx-get" not in (await agent.get(base + "/list")).text, "what is read is not asked for again"
    source = await desk.api.hub.db.value("select id from sources")
    for verb in ("refresh", "delete"):
        assert (await agent.post(f"{base}/{source}/{verb}")).status == 403
    site.pages["/gone"] = page("Back")
    again = await desk.done(f"{base}/{source}/refresh")
    assert "being read" in again.text and "hx-get" in again.text
    await crawl(desk)
    assert "3 read;" in (await desk.get(base)).text
    gone = await desk.done(f"{base}/{source}/delete")
    assert site.url not in gone.text and await desk.api.hub.db.value("select count(*) from documents") == 0


async def test_what_a_site_is_called_is_text_and_another_accounts_is_not_there(desk: Desk) -> None:
    made = await desk.post("/console/knowledge", name="<i>Help</i>")
    base = made.headers["Location"] + "/websites"
    await desk.done(base, address="https://a.example/?q=<script>alert(1)</script>")
    text = (await desk.get(base)).text
    assert "<script>alert" not in text and "<i>Help" not in text and "a.example" in text
    account = await desk.api.hub.db.value("select id from accounts where name = 'Boreal'")
    other = await signed_in(desk.api, account=account)
    assert (await other.get(base)).status == 404 and (await other.get(base + "/list")).status == 404
    source = await desk.api.hub.db.value("select id from sources")
    for verb in ("refresh", "delete"):
        assert (await other.post(f"{base}/{source}/{verb}")).status == 404
    await other.http.close()
