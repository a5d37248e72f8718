"""Scans and recordings put into a collection: read step by step beside everything else, by OCR and by who hears."""

import asyncio
import io
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pypdfium2
import pytest
from PIL import Image

from hub.child_processes import Children
from hub.config import Settings
from hub.domain import Json
from hub.engine.media import hears_files, said_in
from hub.knowledge.index import index_document
from hub.knowledge.readings import spoken, step
from hub.store import readings
from tests.api.test_collections import BASE, Door, opened
from tests.api.test_files import PNG, send
from tests.fakes.model import FakeModel, serve
from tests.flows.processes import family, start
from tests.knowledge import papers

PORTUGUESE = """Condições gerais
Às gestantes é garantida a atenção preferencial.
Não aceitamos cheques; só cartão, Pix ou R$ 1.250,00
em dinheiro. Exceções: órgãos públicos e convênios."""
ENGLISH = """General terms
Pregnant women and elderly people are served first.
We do not accept cheques; pay by card or $1,250.00
in cash. The front desk is open until half past six."""
OGG = b"OggS\x00\x02 a voice"


def page(text: str) -> Image.Image:
    """A page as a scanner sees it, cut where nothing follows."""
    written = pypdfium2.PdfDocument(papers.pdf(text.replace("\n", "<br>") or "&nbsp;"))
    whole: Image.Image = written[0].render(scale=150 / 72).to_pil().convert("RGB")
    return whole.crop((0, 0, whole.width, 380))


def scan(*pages: Image.Image) -> bytes:
    made = io.BytesIO()
    pages[0].save(made, "PDF", save_all=True, append_images=pages[1:], resolution=150)
    return made.getvalue()


def png(image: Image.Image, kind: str = "PNG", **more: Any) -> bytes:
    made = io.BytesIO()
    image.save(made, kind, **more)
    return made.getvalue()


def recall(asked: str, read: str) -> float:
    one, other = (Counter(re.findall(r"\w+", t)) for t in (asked, read))
    return sum((one & other).values()) / sum(one.values())


@pytest.fixture
async def model() -> AsyncIterator[FakeModel]:
    async with serve() as one:
        yield one


@pytest.fixture
async def door(settings: Settings, model: FakeModel) -> AsyncIterator[Door]:
    async with opened(settings.changed(transcription_url=f"{model.url}/v1", transcription_price=0.02)) as one:
        yield one


async def read(door: Door, id: str, children: Children | None = None) -> bool:
    hub = door.hub

    async def hear(account: UUID, collection: UUID, name: str, mime: str, raw: bytes, seconds: float) -> Json:
        return await said_in(hub, account, await hears_files(hub, account, collection), name, mime, raw, seconds)

    await hub.db.run("update readings set ring_at = now() where document_id = $1", UUID(id))
    return await step(hub.db, children or Children(), hear, UUID(id))


async def put(door: Door, collection: str, name: str, raw: bytes) -> Json:
    status, body = await send(door, collection, (name, raw))
    assert status == 200, body
    [one] = body["files"]
    return dict(one)


async def shown(door: Door, collection: str, id: str) -> Json:
    return dict(await door.ok("GET", f"{BASE}/{collection}/documents/{id}"))


async def test_scanned_pages_are_read_among_those_that_are_written(door: Door) -> None:
    collection = await door.collection()
    book = papers.joined(papers.pdf("The first page is written."), scan(page(PORTUGUESE), page(ENGLISH)))
    one = await put(door, collection, "terms.pdf", book)
    id = one["documentId"]
    assert "2 pages" in one["notes"][-1]
    before = await shown(door, collection, id)
    assert (before["contents"].strip(), before["state"]) == ("The first page is written.", "Queued"), "found at once"
    while not await read(door, id):
        assert await door.hub.db.value("select upto from readings where document_id = $1", UUID(id)), "pages are kept"
    after = await shown(door, collection, id)
    first, second, third = after["contents"].split("\n\n", 1)[0], PORTUGUESE, ENGLISH
    assert first == "The first page is written."
    assert recall(second, after["contents"]) >= 0.9 and recall(third, after["contents"]) >= 0.9, after["contents"]
    for word in ("Condições", "Exceções", "órgãos", "convênios", "atenção", "Não"):
        assert word in after["contents"], after["contents"]
    assert after["state"] == "Queued" and any("Pages 2-3 were read by OCR" in n for n in after["notes"])
    assert await door.hub.db.value("select count(*) from readings where document_id = $1", UUID(id)) == 0
    await index_document(door.hub.db, door.hub.embedder, UUID(id))
    where = await door.hub.db.fetch("select location from chunks where document_id = $1 order by ordinal", UUID(id))
    assert where[0]["location"].startswith("page") and where[-1]["location"].endswith("3")


async def test_a_picture_of_text_is_read_and_one_of_none_says_so(door: Door) -> None:
    collection = await door.collection()
    sign = (await put(door, collection, "sign.png", png(page("Fechado aos domingos"))))["documentId"]
    blank = (await put(door, collection, "blank.jpg", png(page(""), "JPEG")))["documentId"]
    waiting = await shown(door, collection, sign)
    assert (waiting["state"], waiting["contents"]) == ("Queued", "") and "to be read" in waiting["notes"][0]
    assert await read(door, sign) and not await read(door, blank)
    there, none = await shown(door, collection, sign), await shown(door, collection, blank)
    assert there["contents"] == "Fechado aos domingos" and there["notes"] == ["It was read by OCR; words may be wrong."]
    assert none["state"] == "Failed" and "holds no text" in none["error"]


def bomb() -> bytes:
    """A PNG of 400 million pixels in some 50 kB."""
    return png(Image.new("1", (20_000, 20_000)))


def loop() -> bytes:
    """A TIFF that says it has more pages than are read."""
    pages = [Image.new("1", (8, 8)) for _ in range(502)]
    return png(pages[0], "TIFF", save_all=True, append_images=pages[1:])


@pytest.mark.parametrize(
    ("name", "made", "words"),
    [
        ("bomb.png", bomb, "has 20,000 by 20,000 pixels"),
        ("many.tiff", loop, "has 502 pages; at most 500 are read"),
        ("broken.png", lambda: PNG, "is damaged, or is no picture that can be read"),
        ("cut.png", lambda: png(page("x"))[:900], "is damaged, or is no picture that can be read"),
        ("empty.gif", lambda: b"", "is damaged, or is no picture that can be read"),
    ],
)
async def test_strange_pictures_fail_alone_and_say_why(door: Door, name: str, made: Any, words: str) -> None:
    collection = await door.collection()
    id = (await put(door, collection, name, made()))["documentId"]
    assert not await read(door, id)
    found = await shown(door, collection, id)
    assert found["state"] == "Failed" and words in found["error"], found
    assert await door.hub.db.value("select count(*) from readings where document_id = $1", UUID(id)) == 0


async def test_without_ocr_it_is_said_how_to_have_it(settings: Settings) -> None:
    async with opened(settings.changed(ocr=False)) as door:
        collection = await door.collection()
        status, body = await send(door, collection, ("a.png", PNG))
        assert status == 415 and "HUB_HELPER_MODEL" in body["error"] and "chathub[ocr]" in body["error"]
        status, body = await send(door, collection, ("scan.pdf", scan(page(ENGLISH))))
        assert status == 422 and "chathub[ocr]" in body["error"]
        status, body = await send(door, collection, ("talk.ogg", OGG))
        assert status == 415 and "transcriptionModel" in body["error"]


async def test_a_recording_is_written_down_with_its_times(door: Door, model: FakeModel) -> None:
    collection = await door.collection()
    model.spoken.append({"text": "Good morning. We open at nine.", "segments": [
        {"start": 0.0, "text": " Good morning."}, {"start": 3.5, "text": " We open"},
        {"start": 61.2, "text": " at nine."},
    ]})
    one = await put(door, collection, "talk.ogg", OGG)
    assert one["state"] == "Created" and "written down" in one["notes"][0]
    assert await read(door, one["documentId"])
    found = await shown(door, collection, one["documentId"])
    assert found["contents"] == "[0:00:00] Good morning. We open\n\n[0:01:01] at nine."
    assert "written down by a machine" in found["notes"][0]
    assert await door.hub.db.value(
        "select count(*) from usage u join collections c on c.account_id = u.account_id"
        " where c.id = $1 and sku = 'inference.transcription' and amount > 0", UUID(collection)
    ) == 1


async def test_a_recording_that_nobody_hears_is_tried_again_and_then_given_up(door: Door, model: FakeModel) -> None:
    collection = await door.collection()
    id = (await put(door, collection, "talk.mp3", b"ID3 a voice"))["documentId"]
    for n in range(5):
        assert not await read(door, id)
        state = await shown(door, collection, id)
        assert state["error"] and state["state"] == ("Queued" if n < 4 else "Failed"), (n, state)
    assert not await read(door, id), "it is given up"
    # The same file sent again is tried again.
    id = (await put(door, collection, "talk.mp3", b"ID3 a voice"))["documentId"]
    model.spoken.append("Now it is heard.")
    assert await read(door, id)
    assert (await shown(door, collection, id))["contents"] == "Now it is heard."


async def test_what_is_no_recording_or_too_large_is_refused_at_once(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    collection = await door.collection()
    status, body = await send(door, collection, ("a.ogg", b"MZ this is a program"))
    assert status == 422 and "is no recording" in body["error"]
    monkeypatch.setattr("hub.knowledge.files.LARGEST", 1 << 10)
    status, body = await send(door, collection, ("a.mp3", b"ID3" + bytes(1 << 10)))
    assert status == 422 and "of a recording; split it" in body["error"]


async def test_a_document_that_is_changed_or_removed_takes_nothing_of_it(door: Door, model: FakeModel) -> None:
    collection = await door.collection()
    model.spoken.extend(["From the recording."] * 2)
    changed = (await put(door, collection, "one.mp3", b"ID3 one"))["documentId"]
    removed = (await put(door, collection, "two.mp3", b"ID3 two"))["documentId"]
    await door.ok("PUT", f"{BASE}/{collection}/documents", {"name": "one.mp3", "contents": "Typed by hand."})
    await door.ok("DELETE", f"{BASE}/{collection}/documents/{removed}")
    assert not await read(door, changed) and not await read(door, removed)
    assert (await shown(door, collection, changed))["contents"] == "Typed by hand."
    assert await door.hub.db.value("select count(*) from readings where collection_id = $1", UUID(collection)) == 0
    model.spoken.clear()


async def test_an_account_with_many_files_does_not_hold_up_another(door: Door) -> None:
    mine = [await door.collection() for _ in range(2)]
    for n in range(4):
        await put(door, mine[0], f"{n}.mp3", b"ID3")
    await put(door, mine[1], "5.mp3", b"ID3")
    theirs = replace(door, key=door.foreign)
    await put(theirs, await theirs.collection(), "6.mp3", b"ID3")
    db = door.hub.db
    order = []
    for _ in range(4):
        due = await readings.due(db, ("audio",), [], 8)
        one = await readings.claim(db, due[0], 60.0)
        assert one is not None
        order.append((one.account_id, one.collection_id))
        async with db.transaction() as inside:
            assert await readings.held(inside, one)
            await readings.failed(inside, one, "x", True)
    assert len({a for a, _ in order[:2]}) == 2, "each account in its turn"
    assert {c for _, c in order if str(c) in mine} == {UUID(c) for c in mine}, "and each collection of one"


async def until(condition: Callable[[], Awaitable[Any]], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < end, "it does not come"
        await asyncio.sleep(0.1)


async def test_a_worker_reads_what_waits_and_another_goes_on_where_it_was_killed(door: Door, model: FakeModel) -> None:
    """A recording is being heard and a page waits when the worker is killed; the next one has both."""
    collection, db = await door.collection(), door.hub.db
    model.deaf = asyncio.Event()
    talk = (await put(door, collection, "talk.ogg", OGG))["documentId"]

    async def read_whole(id: str, words: str) -> bool:
        return words in (await shown(door, collection, id))["contents"]

    async def heard() -> bool:
        return bool(model.recordings)

    with family() as children:
        children.append(start("worker", door.hub.settings))
        await until(heard)
        children[0].kill()
        row = await db.row("select attempts, leased_until > now() from readings where document_id = $1", UUID(talk))
        assert row is not None and tuple(row) == (1, True), "the try counts, and nobody else has it meanwhile"
        assert (await shown(door, collection, talk))["state"] == "Queued"
        sign = (await put(door, collection, "sign.png", png(page("Fechado aos domingos"))))["documentId"]
        await db.run("update readings set leased_until = now() where document_id = $1", UUID(talk))
        model.spoken.append("We open at nine.")
        model.deaf.set()
        children.append(start("worker", door.hub.settings))
        await until(lambda: read_whole(talk, "We open at nine."))
        await until(lambda: read_whole(sign, "Fechado aos domingos"))
    assert len(model.recordings) == 2 and await db.value("select count(*) from readings") == 0
    assert await db.value("select count(*) from documents where collection_id = $1", UUID(collection)) == 2


async def test_a_file_whose_rest_was_forgotten_is_read_when_it_is_sent_again(door: Door) -> None:
    """Whoever stored the written pages died before the others were noted; what is being read is not begun anew."""
    collection, db = await door.collection(), door.hub.db
    book = papers.joined(papers.pdf("The first page is written."), scan(page(ENGLISH)))
    id = UUID((await put(door, collection, "terms.pdf", book))["documentId"])
    await db.run("delete from readings where document_id = $1", id)
    assert (await put(door, collection, "terms.pdf", book))["state"] == "Unchanged"
    await db.run("update readings set upto = 1 where document_id = $1", id)
    assert (await put(door, collection, "terms.pdf", book))["state"] == "Unchanged"
    assert await db.value("select upto from readings where document_id = $1", id) == 1


def test_times_that_make_no_sense_are_left_out() -> None:
    odd: list[Any] = [{"start": "x", "text": "a"}, {"text": "b"}, None, {"start": 1e400, "text": "c"}]
    told = {"text": "All of it.", "segments": odd}
    assert spoken(told) == "All of it."
    assert spoken({"text": " x "}) == "x" and spoken({}) == ""
