"""How well a search finds what answers a question, and how long it takes."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import log2
from pathlib import Path
from uuid import UUID

import orjson

from hub.accounts.accounts import create_account
from hub.knowledge import collections, documents
from hub.knowledge.index import index_document
from hub.knowledge.search import search
from hub.runtime import Hub
from hub.store.documents import Given
from tests.bench import shelves
from tests.bench.place import Place
from tests.bench.report import Pace, say, title

DATA = Path(__file__).parent / "data"
WAYS = {"none": "by meaning", "lexical": "by words", "rrf": "joined", "smart": "joined, looked at again"}
LANGUAGE = {"dc": "pt", "enf": "pt", "alice": "en", "moby": "en"}
RECALL, GAIN = 5, 10


@dataclass(frozen=True)
class Question:
    """`held`: not one of those that the way of joining was chosen on."""

    lang: str
    ask: str
    answers: frozenset[str]
    held: bool


@dataclass
class Score:
    """Sums over questions."""

    recall: float = 0.0
    gain: float = 0.0
    count: int = 0

    def add(self, found: Sequence[str], answers: frozenset[str]) -> None:
        hits = [name in answers for name in found]
        best = sum(1 / log2(n + 2) for n in range(min(len(answers), GAIN)))
        self.recall += sum(hits[:RECALL]) / min(len(answers), RECALL)
        self.gain += sum(1 / log2(n + 2) for n, hit in enumerate(hits[:GAIN]) if hit) / best
        self.count += 1

    @property
    def told(self) -> str:
        return f"{self.recall / self.count:.3f} {self.gain / self.count:.3f}" if self.count else "-"


@dataclass
class Table:
    """Scores by way, language and half."""

    cells: dict[tuple[str, str, bool], Score] = field(default_factory=dict)

    def at(self, way: str, lang: str, held: bool) -> Score:
        return self.cells.setdefault((way, lang, held), Score())

    def worse(self, langs: Sequence[str]) -> list[str]:
        """Where the joined order finds less than the better of meaning and words, on the questions held out."""
        found = []
        for lang in langs:
            joined, meaning, words = (self.at(way, lang, True) for way in ("rrf", "none", "lexical"))
            if joined.recall < max(meaning.recall, words.recall) or joined.gain < max(meaning.gain, words.gain):
                found.append(f"{lang}: joined {joined.told}, by meaning {meaning.told}, by words {words.told}")
        return found


async def measure(place: Place, pace: Pace) -> None:
    """All of it takes ten minutes, most of them to embed; in a quick run only the Portuguese half."""
    title(f"8. Search: recall@{RECALL} and nDCG@{GAIN} of labelled questions (see tests/bench/data)")
    hub, full = place.hub, pace.runs > 1
    langs = ("pt", "en") if full else ("pt",)
    asked = [q for q in questions() if q.lang in langs]
    account = (await create_account(hub.db, "Library")).id
    collection, seconds, count = await filled(hub, account, langs)
    say(f"{count:,} passages indexed", f"{seconds:.0f} s")
    table = Table()
    for way in WAYS:
        # A second look takes a second.
        chosen = [q for q in asked if q.held] if way == "smart" else asked
        spent = await ask(hub, account, collection, way, chosen, table)
        rows = [f"{lang} {table.at(way, lang, True).told} ({table.at(way, lang, False).told})" for lang in langs]
        say(WAYS[way], f"{'   '.join(rows)}   {spent * 1000:.0f} ms a question")
    say("", "in brackets: the questions that the way of joining was chosen on")
    worse = table.worse(langs)
    assert not worse, "Joined search finds less than one of its parts: " + "; ".join(worse)
    for size in (5_000, 50_000) if full else (5_000,):
        await shelves.measure(hub, size)


async def ask(
    hub: Hub, account: UUID, collection: UUID, way: str, asked: Sequence[Question], table: Table
) -> float:
    """Ask all questions one way; return the seconds of one."""
    begun = time.monotonic()
    for one in asked:
        found = await search(hub.db, hub.embedder, account, [collection], [one.ask], GAIN, -1.0, way)
        table.at(way, one.lang, one.held).add([p.name for p in found], one.answers)
    return (time.monotonic() - begun) / len(asked)


def questions() -> Iterator[Question]:
    places: dict[str, int] = {}
    for line in (DATA / "questions.jsonl").read_bytes().splitlines():
        row = orjson.loads(line)
        places[row["lang"]] = place = places.get(row["lang"], -1) + 1
        yield Question(row["lang"], row["ask"], frozenset(row["answers"]), place % 2 == 1)


async def filled(hub: Hub, account: UUID, langs: Sequence[str]) -> tuple[UUID, float, int]:
    """A collection of the passages, the seconds it took to index them, and how many they are."""
    collection = await collections.create(hub.db, account, "Library", None, None)
    read = [orjson.loads(line) for line in (DATA / "passages.jsonl").read_bytes().splitlines()]
    rows = [row for row in read if LANGUAGE[row["id"].split("-")[0]] in langs]
    begun = time.monotonic()
    for start in range(0, len(rows), 200):
        given = [Given(row["id"], row["text"]) for row in rows[start : start + 200]]
        for saved in await documents.save(hub.db, account, collection, given):
            await index_document(hub.db, hub.embedder, saved.id)
    return collection, time.monotonic() - begun, len(rows)
