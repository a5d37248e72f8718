"""The account's own embedder at the console: set, shown without its key, taken away."""

from tests.console.conftest import Desk, signed_in

PAGE = "/console/knowledge/embedder"
ADDRESS = "https://vectors.example/v1"


async def test_an_embedder_is_set_shown_and_removed(desk: Desk, agent: Desk) -> None:
    page = await desk.get(PAGE)
    assert page.status == 200 and "@hub/e5-small" in page.text
    done = await desk.done(PAGE, address=ADDRESS, model="vec-1", dimension="128", key="sk-very-secret-4321")
    assert "being filled" in done.text and ADDRESS in done.text
    assert "***4321" in done.text and "very-secret" not in done.text
    seen = await agent.get(PAGE)
    assert ADDRESS in seen.text and "***4321" not in seen.text and "Set it" not in seen.text
    assert (await agent.post(PAGE, address=ADDRESS, model="x")).status == 403
    kept = await desk.done(PAGE, address=ADDRESS + "/embeddings", model="vec-2", dimension="", key="")
    assert "vec-2" in kept.text and "vec-1" not in kept.text and "***4321" in kept.text
    for wrong in ({"address": "ftp://x", "model": "m"}, {"address": "https://other.example/v1", "model": "m"},
                  {"address": ADDRESS, "model": ""}, {"address": ADDRESS, "model": "m", "dimension": "1"}):
        assert (await desk.post(PAGE, **wrong)).status == 400, wrong
    gone = await desk.done(PAGE + "/delete")
    assert ADDRESS not in gone.text


async def test_another_accounts_embedder_is_not_shown(desk: Desk) -> None:
    await desk.done(PAGE, address=ADDRESS, model="vec-1")
    account = await desk.api.hub.db.value("select id from accounts where name = 'Boreal'")
    other = await signed_in(desk.api, account=account)
    assert "vec-1" not in (await other.get(PAGE)).text
    await other.http.close()
