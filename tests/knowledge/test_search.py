"""What is found: by meaning, by words, for whom."""

from uuid import UUID

import pytest

from hub.domain import Passage
from hub.errors import Invalid, NotFound
from hub.ids import uuid7
from hub.knowledge import collections, documents
from hub.knowledge.index import index_document
from hub.knowledge.rerank import split
from hub.knowledge.search import WHOLE, query, search, words
from hub.llm.embedder import Embedder
from hub.store.db import Db
from hub.store.documents import Given
from tests.knowledge.conftest import new_account
from tests.knowledge.sample import PASSAGES, QUESTIONS, UNRELATED


async def shelve(db: Db, embedder: Embedder, account: UUID, *given: Given) -> UUID:
    """A new collection with these documents, indexed."""
    collection = await collections.create(db, account, "c", None, None)
    for saved in await documents.save(db, account, collection, list(given)):
        await index_document(db, embedder, saved.id)
    return collection


async def test_questions_find_their_passages(db: Db, embedder: Embedder, account: UUID) -> None:
    collection = await shelve(db, embedder, account, *(Given(f"d{n}", text) for n, text in enumerate(PASSAGES)))

    async def ask(question: str, reranker: str, least: float = 0.01) -> list[Passage]:
        return await search(db, embedder, account, [collection], [question], 5, least, reranker)

    for reranker, first_of_20 in (("rrf", 19), ("none", 20), ("lexical", 15)):
        results = [(await ask(q, reranker), f"d{n}") for q, n in QUESTIONS]
        assert sum(r[0].name == name for r, name in results) >= first_of_20, reranker
        assert all(name in [p.name for p in r] for r, name in results), reranker
    matching = [next(p.score for p in await ask(q, "rrf") if p.name == f"d{n}") for q, n in QUESTIONS]
    assert min(matching) >= 0.4
    unrelated = [max([p.score for p in await ask(q, "rrf")], default=0.0) for q in UNRELATED]
    assert sorted(unrelated)[-3] <= 0.2
    assert max(unrelated) <= 0.4


async def test_words_help_where_meaning_does_not(db: Db, embedder: Embedder, account: UUID) -> None:
    parts = [Given(f"p{n}", f"Part XK-{n}42 of the machine is kept in hall {n}.") for n in range(30)]
    collection = await shelve(db, embedder, account, *parts)
    for reranker in ("rrf", "lexical"):
        found = await search(db, embedder, account, [collection], ["XK-1742"], 3, 0.1, reranker)
        assert found[0].name == "p17", reranker


@pytest.mark.parametrize(
    "typed",
    ["devolução", "DEVOLUCAO", "devoluções", "devolucoes", "o que é a devolução?", "refunding", "CANCELACION"],
)
async def test_accents_and_endings_do_not_matter(db: Db, embedder: Embedder, account: UUID, typed: str) -> None:
    collection = await shelve(
        db, embedder, account,
        Given("other", "Horário de atendimento da loja."),
        Given("right", "A devolução é grátis. Refunds are free. La cancelación es gratis."),
    )
    found = (await search(db, embedder, account, [collection], [typed], 1, 0.01, "lexical"))[0]
    meaning = {p.name: p.score for p in await search(db, embedder, account, [collection], [typed], 2, 0.01, "none")}
    assert found.name == "right"
    assert found.score > meaning.get("right", 0.0)


async def test_tenants_never_meet(db: Db, embedder: Embedder, account: UUID) -> None:
    other = await new_account(db)
    mine = await shelve(db, embedder, account, Given("a", PASSAGES[0]))
    theirs = await shelve(db, embedder, other, Given("a", PASSAGES[0]))
    assert len(await search(db, embedder, account, [mine, theirs], ["devolução"])) == 1
    assert await search(db, embedder, account, [theirs], ["devolução"]) == []
    with pytest.raises(NotFound):
        await query(db, embedder, account, [mine, theirs], ["devolução"])
    with pytest.raises(NotFound):
        await query(db, embedder, account, [uuid7()], ["devolução"])


async def test_only_the_asked_collections(db: Db, embedder: Embedder, account: UUID) -> None:
    one = await shelve(db, embedder, account, Given("one", PASSAGES[0]))
    two = await shelve(db, embedder, account, Given("two", f"{PASSAGES[0]} It holds for all shops."))
    assert [p.collection_id for p in await query(db, embedder, account, [two], ["devolução"])] == [two]
    assert {p.name for p in await query(db, embedder, account, [one, two], ["devolução"])} == {"one", "two"}


async def test_several_terms_count_by_the_nearest(db: Db, embedder: Embedder, account: UUID) -> None:
    collection = await shelve(db, embedder, account, *(Given(f"d{n}", text) for n, text in enumerate(PASSAGES)))
    found = await search(
        db, embedder, account, [collection], ["onde fica a loja?", "What is the capital of France?"], 2, 0.2, "none"
    )
    assert {p.name for p in found} == {"d6", "d15"}


async def test_a_long_document_gives_its_best_piece(db: Db, embedder: Embedder, account: UUID) -> None:
    text = "# Manual\n\n" + "\n\n".join(f"## Section {n}\n\n{passage} {passage}" for n, passage in enumerate(PASSAGES))
    assert len(text) > WHOLE
    collection = await shelve(db, embedder, account, Given("long", text), Given("short", "Aberto aos domingos? Não."))
    found = await search(db, embedder, account, [collection], ["What is the capital of France?"], 1)
    assert found[0].content.startswith("Manual\n\n## Section 15")
    names = [p.name for p in await search(db, embedder, account, [collection], ["loja"], 10, 0.01)]
    assert names.count("long") == 1


async def test_references_come_beside(db: Db, embedder: Embedder, account: UUID) -> None:
    collection = await shelve(
        db, embedder, account,
        Given("a", PASSAGES[0], "policy", metadata={"page": 1}), Given("b", "Anexo.", "policy"),
        Given("c", "Outro.", "x"),
    )
    elsewhere = await shelve(db, embedder, account, Given("d", "Anexo.", "policy"))
    asked = ([collection, elsewhere], ["prazo para devolver um produto"])
    found = (await search(db, embedder, account, *asked, references=True))[0]
    assert (found.name, found.metadata, [r.name for r in found.references]) == ("a", {"page": 1}, ["b"])
    assert (await search(db, embedder, account, *asked))[0].references == ()


async def test_unknown_rerankers_are_named(db: Db, embedder: Embedder, account: UUID) -> None:
    with pytest.raises(Invalid, match="best"):
        await search(db, embedder, account, [uuid7()], ["x"], reranker="best")


async def test_a_second_look_reads_sentence_by_sentence(db: Db, embedder: Embedder, account: UUID) -> None:
    about = "The museum shows ships. The garden has roses. The shop sells postcards and maps of the old town."
    pets = "Guests may bring a dog for a small fee a night."
    hidden = f"{about} {pets} The tower was built of brick in 1720. {about}"
    collection = await shelve(
        db, embedder, account, Given("hidden", hidden),
        Given("plain", "Our rooms have a bath and a view of the sea."),
    )
    asked = ["is my puppy allowed to stay with me?"]
    assert [p.name for p in await search(db, embedder, account, [collection], asked, 2, 0.01)] == ["plain", "hidden"]
    found = await search(db, embedder, account, [collection], asked, 2, 0.01, "smart")
    assert [p.name for p in found] == ["hidden", "plain"]
    assert pets in split(hidden)
    assert split("One sentence only") == []


NASTY = [
    "", " ", "'; drop table chunks; --", "& | ! ( ) : * \\", "a" * 5000, "\0\ud800", "日本語 العربية 🙂", "de a o",
    "<-> 'x'",
]


@pytest.mark.parametrize("reranker", ["rrf", "lexical", "none", "smart"])
async def test_any_text_can_be_asked(db: Db, embedder: Embedder, account: UUID, reranker: str) -> None:
    collection = await shelve(db, embedder, account, Given("a", PASSAGES[0]))
    for term in NASTY:
        await search(db, embedder, account, [collection], [term], 5, 0.01, reranker)
    await search(db, embedder, account, [collection], NASTY, 5, 0.01, reranker)
    assert await search(db, embedder, account, [], ["devolução"]) == []


def test_words() -> None:
    assert words(["XK-17 de u\u0301ltima"]) == ["xk", "17", "de", "última"]
    assert words(["Você não PAGOU a nota 7?", "a nota nao veio"]) == ["você", "não", "pagou", "nota", "7", "veio"]
