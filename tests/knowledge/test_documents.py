"""Documents: put, list, export and import, queue and remove."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import orjson
import pytest

from hub.errors import Invalid, NotFound
from hub.ids import uuid7
from hub.knowledge import collections, documents
from hub.knowledge.imports import LONGEST, import_lines
from hub.live.queue import Queue
from hub.llm.embedder import Embedder
from hub.store.db import Db
from hub.store.documents import Given
from tests.knowledge.conftest import new_account


@pytest.fixture
async def collection(db: Db, account: UUID) -> UUID:
    return await collections.create(db, account, "Shop", "What the shop sells", "faq, shop,faq")


async def stream(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def waiting(db: Db) -> int:
    return int(await db.value("select count(*) from documents where state = 'Queued'"))


async def test_collection_life(db: Db, queue: Queue, account: UUID, collection: UUID) -> None:
    found = await collections.get(db, account, collection)
    assert (found.name, found.context, found.tags, found.total) == ("Shop", "What the shop sells", ["faq", "shop"], 0)
    await documents.put(db, queue, account, collection, Given("a", "Text."))
    assert (await collections.every(db, account))[0].queued == 1
    await collections.edit(db, account, collection, {"collection_name": "Store"})
    kept = await collections.get(db, account, collection)
    assert (kept.name, kept.context, kept.tags) == ("Store", "What the shop sells", ["faq", "shop"])
    await collections.edit(db, account, collection, {"context": None, "tags": None})
    assert (await collections.get(db, account, collection)).tags == []
    assert await collections.reset(db, account, collection) == 1
    await collections.remove(db, account, collection)
    with pytest.raises(NotFound):
        await collections.get(db, account, collection)


async def test_foreign_collections_do_not_exist(db: Db, queue: Queue, collection: UUID) -> None:
    other = await new_account(db)
    for call in (
        collections.get(db, other, collection),
        collections.edit(db, other, collection, {"collection_name": "x"}),
        collections.remove(db, other, collection),
        collections.reindex(db, queue, other, collection),
        documents.put(db, queue, other, collection, Given("a", "b")),
        documents.every(db, other, collection),
        documents.export(db, other, collection),
        import_lines(db, queue, other, collection, stream(b'{"docid":"a","text":"b"}')),
    ):
        with pytest.raises(NotFound):
            await call


async def test_put_creates_modifies_or_leaves(db: Db, queue: Queue, account: UUID, collection: UUID) -> None:
    async def put(text: str, *tags: str) -> str:
        return (await documents.put(db, queue, account, collection, Given("faq", text, tags=tags))).outcome

    assert await put("One.") == "Created"
    assert await put("One.") == "Unchanged"
    assert await waiting(db) == 1
    assert await put("One.", "tag") == "Modified"
    assert await version(db) == 1
    assert await put("Two.", "tag") == "Modified"
    assert await version(db) == 2


async def version(db: Db) -> int:
    return int(await db.value("select version from documents"))


async def test_new_tags_do_not_index_again(
    db: Db, queue: Queue, embedder: Embedder, account: UUID, collection: UUID
) -> None:
    saved = await documents.put(db, queue, account, collection, Given("faq", "One."))
    await db.run("update documents set state = 'Indexed'")
    again = await documents.put(db, queue, account, collection, Given("faq", "One.", tags=("new",)))
    assert (again.id, again.queued) == (saved.id, False)
    assert (await documents.get(db, account, collection, saved.id)).state == "Indexed"


async def test_puts_at_the_same_moment_make_one_document(
    db: Db, queue: Queue, account: UUID, collection: UUID
) -> None:
    given = Given("faq", "One.")
    saved = await asyncio.gather(*(documents.put(db, queue, account, collection, given) for _ in range(12)))
    assert len({s.id for s in saved}) == 1
    assert sorted(s.outcome for s in saved) == ["Created"] + ["Unchanged"] * 11


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (Given(" ", "x"), "name"),
        (Given("n" * 257, "x"), "name"),
        (Given("n", " \n"), "contents"),
        (Given("n", "x", reference="r" * 65), "reference"),
        (Given("n", "x", tags=("t" * 65,)), "tags"),
        (Given("n", "x", metadata={"a": "x" * 20_000}), "metadata"),
        (Given("n", "x" * 1_000_001), "contents"),
    ],
)
async def test_what_does_not_fit_is_named(
    db: Db, queue: Queue, account: UUID, collection: UUID, given: Given, field: str
) -> None:
    with pytest.raises(Invalid) as e:
        await documents.put(db, queue, account, collection, given)
    assert e.value.field == field


async def test_unstorable_characters_are_replaced(db: Db, queue: Queue, account: UUID, collection: UUID) -> None:
    for _ in range(2):
        saved = await documents.put(db, queue, account, collection, Given("a\0\ud800", "b\0c"))
    assert saved.outcome == "Unchanged"
    assert (await documents.get(db, account, collection, saved.id)).contents == "b\ufffdc"


FILTERS = [
    ('-t "red one"', {"a", "b"}),
    ('-t "red one" -t blue', {"b"}),
    ("-r ref1", {"a"}),
    ('-c "100% _sure"', {"b"}),
    ("-c 100%_", set()),
    ("-n A", {"a"}),
    ("sure", {"b"}),
    ("", {"a", "b", "c"}),
]


@pytest.mark.parametrize(("text", "names"), FILTERS)
async def test_filters(db: Db, queue: Queue, account: UUID, collection: UUID, text: str, names: set[str]) -> None:
    for given in (
        Given("a", "First.", "ref1", ("red one",)),
        Given("b", "I am 100% _sure.", "ref2", ("red one", "blue")),
        Given("c", "Third."),
    ):
        await documents.put(db, queue, account, collection, given)
    assert {d.name for d in await documents.every(db, account, collection, filter=text)} == names


@pytest.mark.parametrize("text", ["-t", "-x y", '-c "open', "-i nonsense", "-n a -n b"])
async def test_bad_filters_are_explained(db: Db, account: UUID, collection: UUID, text: str) -> None:
    with pytest.raises(Invalid) as e:
        await documents.every(db, account, collection, filter=text)
    assert e.value.field == "filter"


async def test_order_state_and_id(db: Db, queue: Queue, account: UUID, collection: UUID) -> None:
    saved = [await documents.put(db, queue, account, collection, Given(n, n)) for n in "abc"]
    await db.run("update documents set state = 'Indexed', indexed_at = now() where name = 'b'")

    async def names(**query: str) -> str:
        return "".join(d.name for d in await documents.every(db, account, collection, **query))  # type: ignore[arg-type]  # a query of the test

    assert await names() == "cba"
    assert await names(order_by="created_at_asce") == await names(order_by="created_at_asc") == "abc"
    assert await names(order_by="indexed_at_desc") == "bca"
    assert await names(state="queued") == "ca"
    assert await names(state="indexed") == "b"
    assert await names(filter=f"-i {saved[0].id}") == "a"
    for bad in ({"order_by": "size"}, {"state": "new"}):
        with pytest.raises(Invalid):
            await names(**bad)


NAMES = (
    "plain", "../etc/passwd", "a b\tc", "line\nbreak", "ação/ç ñ", "\u0301combining", "日本語 العربية", "🙂",
    "'; drop --", '"quoted" \\ {"json": 1}', "-t tag", "%_%", "n" * 256, "a\u2028b",
)


async def test_an_export_imports_again(db: Db, queue: Queue, account: UUID, collection: UUID) -> None:
    tags = ("one", "two,three", "quatro ção")
    deep = [[{"a": [None, True, -1.5, 2**53]}]]
    large: dict[str, Any] = {"text": "ç" * 7000, "deep": deep, "ключ": "\U0001f600", "": {}}
    odd = [
        Given(
            name, f"Text {n}\nç\u2028\x01 {{}}", f"r{n} \u00e9" if n % 2 else None, tags[: n % 4],
            large if n % 3 else {},
        )
        for n, name in enumerate(NAMES)
    ]
    many = [Given(f"d{n:03}", f"Text {n}", metadata={"n": n}) for n in range(230)]
    longest = Given("longest", "\x01ç\U0001f600" * 333_333)
    for part in (odd, many[:115], many[115:], [longest]):
        await documents.save(db, account, collection, part)
    exported = [line async for line in await documents.export(db, account, collection)]
    assert len(exported) == len(NAMES) + 231
    read = {orjson.loads(line)["docid"]: orjson.loads(line) for line in exported}
    for given in odd:
        line = read[given.name]
        assert (line["text"], line.get("__ref")) == (given.contents, given.reference)
        assert (line.get("__tags", []), line.get("__meta", {})) == (list(given.tags), given.metadata)
    second = await collections.create(db, account, "Copy", None, None)
    result = await import_lines(db, queue, account, second, stream(*exported))
    assert (result.enqueued, result.skipped, result.errors) == (len(exported), 0, [])
    assert [line async for line in await documents.export(db, account, second)] == exported
    again = await import_lines(db, queue, account, second, stream(b"".join(exported)))
    assert (again.enqueued, again.skipped, again.reasons) == (0, len(exported), {"unchanged": len(exported)})


async def test_bad_lines_are_skipped_and_told(db: Db, queue: Queue, account: UUID, collection: UUID) -> None:
    good = orjson.dumps({"docid": "good", "text": "Text.", "__tags": ["a"], "__other": 1})
    body = b"\n".join([
        b"\xef\xbb\xbf" + good, b"", b"nonsense", b'{"docid":"a"}', b'{"docid":1,"text":"x"}',
        b'{"docid":"b","text":" "}', b'{"docid":"long","text":"' + b"x" * LONGEST + b'"}',
        b'{"docid":"r","text":"t","__ref":"' + b"r" * 65 + b'"}',
        b'{"docid":"m","text":"t","__meta":{"n":' + b"9" * 40 + b"}}", b'{"docid":"m","text":"t","__meta":[]}', b"[]",
        good, b'{"docid":"last","text":"Text."}',
    ])
    parts = [body[i : i + 70_000] for i in range(0, len(body), 70_000)]
    result = await import_lines(db, queue, account, collection, stream(*parts))
    assert (result.enqueued, result.skipped, result.lines) == (2, 10, 13)
    assert result.reasons == {"json": 2, "text": 2, "docid": 1, "long": 1, "__ref": 1, "__meta": 2, "repeated": 1}
    told = dict(result.errors)
    assert list(told) == [3, 4, 5, 6, 7, 8, 9, 10, 11]
    assert (told[4], told[5]) == ("text is missing; send it.", "docid must be text.")
    assert told[6] == "text must not be empty."
    assert "8 MB" in told[7] and "too large" in told[9] and "__meta" in told[10] and "object" in told[11]
    assert await waiting(db) == 2


async def test_counts() -> None:
    assert documents.counts("one two") == (7, 2, 2)


async def test_unknown_document(db: Db, account: UUID, collection: UUID) -> None:
    for call in (documents.get, documents.remove):
        with pytest.raises(NotFound):
            await call(db, account, collection, uuid7())
