"""Filtered search finds the nearest, and reads one tenant's rows only."""

import math
import random
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from hub.ids import uuid7
from hub.store import chunks, finding
from hub.store.db import Db
from hub.store.finding import SEARCH, Wanted
from tests.knowledge.conftest import new_account

MINE, OTHERS = 400, 12_000
FILL = """
    with made as (
        select g,
            l2_normalize((select array_agg(random() - 0.5 + i * g * 0) from generate_series(1, 384) i)::vector) as v,
            md5(g::text) || ' common word number ' || (g % 50) as text
        from generate_series(1, $3::int) g),
    shelf as (insert into collections (id, account_id, name) values ($2, $1, 'c') returning id),
    docs as (
        insert into documents (id, account_id, collection_id, name, contents, sha256, state)
        select gen_random_uuid(), $1, shelf.id, 'd' || g, text, sha256(('d' || g)::bytea), 'Indexed' from made, shelf
        returning id, name, contents)
    insert into chunks (account_id, collection_id, document_id, ordinal, content, embedding, words)
    select $1, $2, docs.id, 0, docs.contents, v, to_tsvector('english', docs.contents)
    from docs join made on docs.name = 'd' || made.g
"""
GIVEN = """
    with given as (select v, row_number() over () as n from unnest($3::text[]) v),
    shelf as (insert into collections (id, account_id, name) values ($2, $1, 'c') returning id),
    docs as (
        insert into documents (id, account_id, collection_id, name, contents, sha256, state)
        select gen_random_uuid(), $1, shelf.id, 'd' || n, 'Text.', sha256(('d' || n)::bytea), 'Indexed'
        from given, shelf
        returning id, name)
    insert into chunks (account_id, collection_id, document_id, ordinal, content, embedding, words)
    select $1, $2, docs.id, 0, 'Text.', v::vector, to_tsvector('Text.')
    from docs join given on docs.name = 'd' || given.n
"""
EXACT = """
    select document_id from chunks where account_id = $1 and collection_id = $2
    order by embedding <=> $3::text::vector limit 10
"""


@pytest.fixture
async def filled(db: Db, owner: Db) -> tuple[UUID, UUID]:
    """One tenant with a little, another with much; the one's account and collection."""
    account, other, collection = await new_account(db), await new_account(db), uuid7()
    for _ in range(0, OTHERS, 3000):
        await db.run(FILL, other, uuid7(), 3000)
    await db.run(FILL, account, collection, MINE)
    await owner.run("analyze")
    return account, collection


def vector(seed: int) -> list[float]:
    dice = random.Random(seed)
    raw = [dice.gauss(0, 1) for _ in range(384)]
    size = math.sqrt(sum(x * x for x in raw))
    return [x / size for x in raw]


async def test_recall_and_plan(db: Db, filled: tuple[UUID, UUID]) -> None:
    account, collection = filled
    hits = 0
    for seed in range(20):
        asked = vector(seed)
        rows = await finding.search(
            db, account, [collection], [asked], [], [], ["en"], Wanted(10, -1.0, "none", (0.0, 1.0), 0.3, 0.25, 0)
        )
        exact = await db.fetch(EXACT, account, collection, chunks.vector_text(asked))
        hits += len({r["id"] for r in rows} & {r["document_id"] for r in exact})
    assert hits / 200 >= 0.98
    question = [chunks.vector_text(vector(1))], ["common", "7"]
    args: tuple[Any, ...] = (
        account, [collection], *question, 10, 0.1, "rrf", 0.1, 0.5, 0.3, 0.25, 2000, ["en"], 1, 0, ["", ""], 0.8, 0,
    )
    args += ([], [], None, [], 0.0, 1.0, [])
    plan = await db.value(f"explain (format json, analyze) {SEARCH}", *args)
    scans = [n for n in nodes(plan) if n.get("Relation Name") == "chunks"]
    assert scans
    assert not [n for n in scans if n["Node Type"] == "Seq Scan"]
    most = max(n.get("Actual Rows", 0) + n.get("Rows Removed by Filter", 0) for n in scans)
    assert most <= MINE


async def test_the_nearest_by_signs_hold_the_nearest(db: Db) -> None:
    """Vectors that, like those of texts, fill few of their directions; too many for all to be compared whole."""
    account, collection, dice = await new_account(db), uuid7(), np.random.default_rng(3)
    directions = dice.normal(size=(48, 384))
    made = dice.normal(size=(3000, 48)) @ directions
    made += dice.normal(size=made.shape) * 2
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    await db.run(GIVEN, account, collection, [chunks.vector_text(v) for v in made.tolist()])
    hits = 0
    for _ in range(20):
        asked = (dice.normal(size=48) @ directions).tolist()
        rows = await finding.search(
            db, account, [collection], [asked], [], [], ["en"], Wanted(10, -100.0, "none", (0.0, 1.0), 0.3, 0.25, 0)
        )
        exact = await db.fetch(EXACT, account, collection, chunks.vector_text(asked))
        hits += len({r["id"] for r in rows} & {r["document_id"] for r in exact})
    assert hits / 200 >= 0.98


def nodes(plan: Any) -> list[dict[str, Any]]:
    if isinstance(plan, list):
        return [n for p in plan for n in nodes(p)]
    if not isinstance(plan, dict):
        return []
    return ([plan] if "Node Type" in plan else []) + [n for v in plan.values() for n in nodes(v)]
