"""Embedders of accounts at work: their vectors of what is there are made step by step, and used once all are made.

The hub's own vectors are made of every piece in any case: they answer while an embedder is being filled, for pieces
that it has not seen yet, and whenever it does not answer.
"""

import asyncio
import logging
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from hub.errors import HubError
from hub.later import later
from hub.llm.elsewhere import Elsewhere, Place
from hub.llm.types import Failed
from hub.store import embedders
from hub.store.db import Db
from hub.store.embedders import Embedder
from hub.store.nearest import Theirs

if TYPE_CHECKING:
    import numpy as np
else:
    np = later("numpy")

log = logging.getLogger(__name__)

PIECES = 32  # of one request
LEASE = 90.0
IDLE = 5.0  # seconds between two looks at whether new pieces came
# The cosines of the hub's own that mean 0 and 1 (`hub.knowledge.search.SCALE`), and what pairs come to between them.
LOW, HIGH, PAIR = 0.12, 0.56, 0.73
STEEPEST = 3.0  # what tells nothing apart is not made to tell something
# Questions and what answers them: from these is told what an embedder's cosines mean.
PAIRS = (
    ("quanto custa a entrega?", "O frete para a capital sai por doze reais."),
    ("how do I get a refund?", "Money is given back within ten days after the goods were returned."),
    ("¿a qué hora abren los sábados?", "Los sábados atendemos de nueve a una."),
    ("posso levar meu cachorro?", "Animais de estimação são bem-vindos nas áreas externas."),
    ("which languages does the guide speak?", "Tours are led in English, German and Italian."),
    ("¿tienen estacionamiento?", "Hay lugar para veinte autos detrás del edificio."),
    ("o que fazer se esqueci a senha?", "Para criar outra senha, toque em Recuperar acesso."),
    ("is the soup vegetarian?", "None of our starters contains meat or fish."),
)


def place(one: Embedder) -> Place:
    return Place(one.id, one.account_id, one.address, one.model, one.dimension, one.secret)


async def theirs(db: Db, elsewhere: Elsewhere | None, account: UUID, terms: Sequence[str]) -> Theirs | None:
    """The terms as the account's own embedder sees them; None: it has none, or that one does not answer now."""
    one = await embedders.active(db, account) if elsewhere is not None else None
    if elsewhere is None or one is None or one.low is None or one.high is None:
        return None
    vectors = await elsewhere.questions(place(one), terms)
    if vectors is None or any(len(v) != one.width for v in vectors):
        log.warning("the embedder of account %s does not answer; its questions are answered by the hub's own", account)
        return None
    factor = min(STEEPEST, (HIGH - LOW) / max(one.high - one.low, 1e-6))
    return Theirs(one.id, vectors, LOW - factor * one.low, factor)


async def step(db: Db, elsewhere: Elsewhere, id: UUID) -> bool:
    """Make one step of an embedder; false when it has nothing to do now, or someone else has it.

    What fails is noted and tried again, later each time, and nobody else waits for it.
    """
    one = await embedders.claim(db, id, LEASE)
    if one is None:
        return False
    try:
        if one.state == "leaving":
            gone = await embedders.emptied(db, one)
            await embedders.freed(db, one)
            return not gone
        return await _step(db, elsewhere, one)
    except asyncio.CancelledError:
        await embedders.freed(db, one)
        raise
    except HubError as e:
        log.warning("embedder %s: %s", id, e)
        await embedders.failed(db, one, str(e))
        return False


async def _step(db: Db, elsewhere: Elsewhere, one: Embedder) -> bool:
    if one.width is None:
        width, low, high = await _measured(elsewhere, one)
        async with db.transaction() as inside:
            if await embedders.stepped(inside, one):
                await embedders.measured(inside, one, width, low, high)
        return True
    found = await embedders.following(db, one, PIECES)
    if found is None:
        async with db.transaction() as inside:
            if await embedders.stepped(inside, one, IDLE) and one.state == "filling":
                await embedders.activated(inside, one)
        return False
    collection, rows = found
    vectors = await elsewhere.vectors(place(one), [r["content"] for r in rows])
    if any(len(v) != one.width for v in vectors):
        raise Failed(f"The embedder's vectors had {one.width} numbers and have {len(vectors[0])} now; set it anew.")
    async with db.transaction() as inside:
        if await embedders.stepped(inside, one):
            await embedders.put(inside, one, collection, [r["id"] for r in rows], vectors)
    return True


async def _measured(elsewhere: Elsewhere, one: Embedder) -> tuple[int, float, float]:
    """How many numbers its vectors have, and which cosines mean 0 and 1."""
    made = await elsewhere.vectors(place(one), [t for pair in PAIRS for t in pair])
    asked, told = np.asarray(made[0::2]), np.asarray(made[1::2])
    near = asked @ told.T
    alone = [float(x) for n, row in enumerate(near) for m, x in enumerate(row) if n != m]
    low, pair = statistics.median(alone), statistics.median(float(x) for x in np.diag(near))
    return len(made[0]), low, low + max(pair - low, 0.0) / PAIR


