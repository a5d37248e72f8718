"""Words find where the embedder fails or hangs: for whom it does, at once, and nobody else."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest

from hub.knowledge.search import search
from hub.llm.embedder import Embedder, Vector
from hub.store.db import Db
from hub.store.documents import Given
from tests.knowledge.conftest import new_account
from tests.knowledge.test_search import shelve

TEXTS = (
    Given("devolução", "A devolução de produtos é aceita em até sete dias."),
    Given("entrega", "A entrega na capital custa doze reais."),
    Given("horário", "Abrimos de segunda a sexta."),
)


class Ailing(Embedder):
    """For one account it fails or is never done; for the others it is well. asked: by the one."""

    def __init__(self, kind: str, account: UUID) -> None:
        super().__init__(patience=0.05 if kind == "stuck" else 60)
        self.kind, self.account, self.asked = kind, account, 0

    async def queries(self, texts: Sequence[str], account: UUID | None = None) -> list[Vector]:
        if account != self.account:
            return await super().queries(texts, account)
        self.asked += 1
        if self.kind == "stuck":
            await asyncio.Event().wait()
        raise RuntimeError("the model's file is damaged")


@pytest.mark.parametrize("kind", ["broken", "stuck"])
async def test_words_find_and_others_are_found_by_meaning(
    db: Db, embedder: Embedder, account: UUID, kind: str
) -> None:
    mine = await shelve(db, embedder, account, *TEXTS)
    other = await new_account(db)
    theirs = await shelve(db, embedder, other, *TEXTS)
    ailing, told = Ailing(kind, account), list[str]()
    try:
        for reranker in ("rrf", "none", "lexical", "smart"):
            found = await search(
                db, ailing, account, [mine], ["qual o prazo da devolução?"], reranker=reranker,
                worded=lambda: told.append("words"),
            )
            assert [p.name for p in found][:1] == ["devolução"] and found[0].score > 0.2, reranker
        assert len(told) == 4 and ailing.asked == 1
        ailing.rest.patience = 60
        again = await search(
            db, ailing, other, [theirs], ["Posso trocar o que comprei?"], 5, 0.01,
            worded=lambda: told.append("others"),
        )
        assert again and again[0].name == "devolução" and "others" not in told
        assert not await search(db, ailing, account, [theirs], ["devolução"])
    finally:
        await ailing.close()


