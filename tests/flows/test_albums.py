"""Files that follow one another: one album where the network shows albums, one by one in order elsewhere and when refused."""

import asyncio
import time
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hub import ids
from hub.chat.outbound import deliveries
from hub.store import files, inbox
from hub.store.db import Db
from tests.fakes.model import says
from tests.flows.picky import picture
from tests.flows.test_twins import Town, town  # noqa: F401 - the fixture

Json = dict[str, Any]
PNG = b"\x89PNG\r\n\x1a\n"
ALBUMS = "telegram"
BUSY = """
    select exists (select 1 from sessions where lease_until is not null)
        or exists (select 1 from outbox where state in ('queued', 'sending'))
"""


async def stored(one: Town, kind: str, n: int, size: int = 0) -> str:
    """Markdown of a file of the hub's own. size: of what is added to it."""
    mime, ending = {"png": ("image/png", "png"), "pdf": ("application/pdf", "pdf"), "mp4": ("video/mp4", "mp4")}[kind]
    raw = (PNG if kind == "png" else b"%PDF-1.4" if kind == "pdf" else b"\0\0\0\x18ftypmp42") + str(n).encode() + bytes(size)
    token = f"file-{kind}-{n}-{time.monotonic_ns()}"
    account = await one.hub.db.value("select account_id from clients limit 1")
    await files.add(
        one.hub.db, ids.uuid7(), account, None, None, token=token, name=f"{n}.{ending}", mime=mime, kind="image",
        sha256=b"x" * 32, content=raw, seconds=86400.0,
    )
    return f"![{n}]({one.hub.settings.address}/media/{token}/{n}.{ending})"


async def answer(one: Town, *files: str, before: str = "", after: str = "") -> None:
    one.model.plan.append(says("\n\n".join(t for t in (before, "\n".join(files), after) if t)))
    await one.say("Show me")


async def sent(one: Town, count: int) -> list[Json]:
    """So many messages on the phone, with nothing left to say: a turn under way may show its placeholder."""
    end = time.monotonic() + 60
    while len(found := await one.phone()) < count or await one.hub.db.value(BUSY):
        assert time.monotonic() < end, ([m["kind"] for m in found], await one.trouble())
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.2)
    found = await one.phone()
    assert len(found) == count, [(m["kind"], m["text"]) for m in found]
    return found


async def groups(one: Town) -> int:
    found = await one.ask("GET", f"{one.twins}/control/{one.network}/calls?limit=500&match=sendMediaGroup")
    return len(found["calls"])


def shown(found: list[Json]) -> list[str]:
    """What stands on the phone: the name of a file, or the words."""
    return [m["file"]["name"].partition(".")[0] if m["file"] else m["text"] for m in found]


async def test_pictures_of_one_answer(town: Town) -> None:  # noqa: F811
    """Twelve are ten and two; the order is that of the answer, and each is there once."""
    if town.network == "webhook":
        pytest.skip("a system of one's own gets each file by itself")
    made = [await stored(town, "png", n) for n in range(1, 13)]
    await answer(town, *made, before="Here they are:", after="That is all.")
    found = await sent(town, 14)
    assert [m["kind"] for m in found] == ["text", *["image"] * 12, "text"]
    assert await groups(town) == (2 if town.network == ALBUMS else 0)
    rows = await town.trouble()
    assert len(rows) == (4 if town.network == ALBUMS else 14) and {r["state"] for r in rows} == {"sent"}


@pytest.mark.parametrize("town", [ALBUMS], indirect=True)
async def test_only_what_fits_is_one_album(town: Town) -> None:  # noqa: F811
    kinds = ("png", "mp4", "pdf", "pdf", "png")
    await answer(town, *[await stored(town, kind, n) for n, kind in enumerate(kinds)])
    found = await sent(town, 5)
    assert [m["kind"] for m in found] == ["image", "video", "document", "document", "image"]
    assert await groups(town) == 2


@pytest.mark.parametrize("town", [ALBUMS], indirect=True)
async def test_what_is_too_large_together_goes_one_by_one(town: Town) -> None:  # noqa: F811
    """No process holds ten large files at once."""
    await answer(town, *[await stored(town, "mp4", n, 11 << 20) for n in range(2)])
    found = await sent(town, 2)
    assert ([m["kind"] for m in found], await groups(town)) == (["video"] * 2, 0)


@pytest.mark.parametrize("town", [ALBUMS], indirect=True)
async def test_what_takes_too_long_together_goes_one_by_one(town: Town) -> None:  # noqa: F811
    """Each may take as long as a send; all together may not take longer, or their sender would count as lost."""
    asked: list[str] = []

    async def slow(request: web.Request) -> web.Response:
        asked.append(request.path)
        if len(asked) <= 2:
            await asyncio.sleep(town.hub.settings.wire_seconds * 0.6)
        return web.Response(body=picture(), content_type="image/png")

    app = web.Application()
    app.router.add_get("/{name}", slow)
    async with TestServer(app) as server:
        place = str(server.make_url("")).rstrip("/")
        allowed = {"allowedMediaOrigins": [place]}
        await town.hub.db.run("update clients set parameters = parameters || $1", allowed)
        await answer(town, *[f"![{n}]({place}/{n}.png)" for n in range(2)])
        await sent(town, 2)
    assert (await groups(town), len(asked)) == (0, 4)


@pytest.mark.parametrize("town", [ALBUMS], indirect=True)
async def test_a_database_that_takes_long_is_not_left_in_the_middle_of_a_question(
    town: Town, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    left: list[str] = []
    public = files.public

    async def slow(db: Db, token: str) -> Any:
        try:
            await asyncio.sleep(town.hub.settings.wire_seconds * 0.55)
        except asyncio.CancelledError:
            left.append(token)
            raise
        return await public(db, token)

    with monkeypatch.context() as patched:
        patched.setattr(files, "public", slow)
        await answer(town, *[await stored(town, "png", n) for n in range(2)])
        await sent(town, 2)
    assert left == []


@pytest.mark.parametrize("town", [ALBUMS], indirect=True)
async def test_what_is_refused_goes_one_by_one(town: Town) -> None:  # noqa: F811
    """With a row and an outcome each, in order, before what comes behind them; one that is refused as well is its link."""
    made = [await stored(town, "png", n) for n in range(1, 4)]
    await town.control("faults", {"match": "sendMediaGroup", "error": "bad_album"})
    await answer(town, *made, after="That is all.")
    found = await sent(town, 4)
    assert [m["kind"] for m in found] == ["image"] * 3 + ["text"]
    rows = [dict(r) for r in await town.hub.db.fetch("select state, body->'file'->>'alt' as alt, network_id from outbox order by id")]
    assert sorted(r["alt"] for r in rows if r["state"] == "sent" and r["alt"]) == ["1", "2", "3"]
    assert [r["state"] for r in rows].count("dead") == 1, rows
    assert len({r["network_id"] for r in rows if r["state"] == "sent"}) == 4


@pytest.mark.parametrize("town", [ALBUMS], indirect=True)
async def test_one_of_them_that_is_refused_too_is_its_link(town: Town) -> None:  # noqa: F811
    made = [await stored(town, "png", n) for n in range(1, 4)]
    await town.control("faults", {"faults": [
        {"match": "sendMediaGroup", "error": "bad_album"}, {"match": "sendPhoto", "error": "too_long"},
    ]})
    await answer(town, *made)
    found = await sent(town, 3)
    assert [m["kind"] for m in found] == ["text", "image", "image"] and "/media/" in found[0]["text"]


@pytest.mark.parametrize("town", [ALBUMS], indirect=True)
async def test_a_lost_answer_leaves_the_whole_album_in_doubt(town: Town) -> None:  # noqa: F811
    """It is there once, nothing of it is sent again by itself, and what comes behind it goes on."""
    made = [await stored(town, "png", n) for n in range(1, 4)]
    await town.control("faults", {"match": "sendMediaGroup", "drop": "after"})
    await answer(town, *made, after="That is all.")
    found = await sent(town, 4)
    assert [m["kind"] for m in found] == ["image"] * 3 + ["text"]
    states = [r["state"] for r in await town.trouble()]
    assert states == ["unknown", "sent"] and await groups(town) == 1



@pytest.mark.parametrize("mode", ["placeholder_edit", "reconcile", "at_most_once"])
@pytest.mark.parametrize("town", [ALBUMS], indirect=True)
async def test_one_of_them_in_doubt_keeps_those_behind_it_from_nobody(town: Town, mode: str) -> None:  # noqa: F811
    """The answer to one that goes alone is lost: it is not sent again, and the others come, each once."""
    await town.hub.db.run("update integrations set mode = $1", mode)
    made = [await stored(town, "png", n) for n in range(1, 4)]
    await town.control("faults", {"faults": [
        {"match": "sendMediaGroup", "error": "bad_album"}, {"match": "sendPhoto", "drop": "after"},
    ]})
    await answer(town, *made, after="That is all.")
    found = await sent(town, 4)
    assert [m["kind"] for m in found] == ["image"] * 3 + ["text"]
    rows = [dict(r) for r in await town.hub.db.fetch("select state, body->'file'->>'alt' as alt, body ? 'rest' as rest from outbox")]
    assert sorted((r["state"], r["alt"]) for r in rows if r["alt"] and r["state"] != "dead") == [
        ("sent", "2"), ("sent", "3"), ("unknown", "1")]
    assert not any(r["rest"] for r in rows)


@pytest.mark.parametrize("town", [ALBUMS], indirect=True)
async def test_a_crash_between_them_loses_none_behind(town: Town) -> None:  # noqa: F811
    """Whoever sent the first of them is gone, in the mode in which nothing is sent twice."""
    await answer(town, await stored(town, "png", 1))
    await sent(town, 1)
    await town.hub.db.run("""
        update outbox set state = 'sending', mode = 'at_most_once', closed_at = null, wire_deadline = now() - interval '1 second',
            body = body || jsonb_build_object('rest', jsonb_build_array(body->'file', body->'file'))
    """)
    await sent(town, 3)
    assert [r["state"] for r in await town.hub.db.fetch("select state from outbox order by state")] == ["sent", "sent", "unknown"]


@pytest.mark.parametrize("how", ["sent", "dropped", "echo"])
@pytest.mark.parametrize("town", [ALBUMS], indirect=True)
async def test_who_settles_one_of_them_that_is_in_doubt_loses_none_behind(town: Town, how: str) -> None:  # noqa: F811
    """An operator, or what the network tells of it: the others go, each with a row of its own."""
    await answer(town, await stored(town, "png", 1))
    await sent(town, 1)
    async with asyncio.timeout(60):  # whatever its sender has still to say is said
        while await town.hub.db.value("select state from outbox where closed_at is not null") != "sent":
            await asyncio.sleep(0.05)
    await town.hub.db.run("""
        update outbox set state = 'unknown', closed_at = null, wire_deadline = now() + interval '1 hour', network_id = null,
            body = body || jsonb_build_object('rest', jsonb_build_array(body->'file', body->'file'))
    """)
    row = await town.hub.db.row("select account_id, key, session_id, integration_id from outbox")
    assert row is not None
    if how == "echo":
        item = {"kind": "own", "account": str(row["account_id"]), "integration": str(row["integration_id"]), "by": "api",
                "ext": "e1", "id": str(ids.uuid7()), "ids": ["tg:1"], "key": str(row["key"]), "network_id": "777", "body": {}}
        assert [s.outcome for s in await inbox.ingest(town.hub.db, [item])] == ["echo"]
        await town.hub.queue.send(row["session_id"], "e1")
    else:
        await deliveries.resolve(town.hub, row["account_id"], row["key"], how, "")
    await sent(town, 3)
    rows = await town.hub.db.fetch("select key, state, body ? 'rest' as rest, sha from outbox order by state, id")
    first = {"sent": "sent", "dropped": "cancelled", "echo": "sent"}[how]
    assert [r["state"] for r in rows] == sorted([first, "sent", "sent"]) and not any(r["rest"] for r in rows)
    assert [r["state"] for r in rows if r["key"] == row["key"]] == [first]
