"""A system of the customer's own tells of changes, by whom where it says so."""

import time
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from channels.base import Hook, Link
from channels.webhook import SIGNATURE, STAMP, sign
from hub.chat.inbound.intake import items_of
from hub.config import Settings
from hub.runtime import Hub, open_hub
from hub.store import arrivals, inbox
from tests.store.rows import Bench

Json = dict[str, Any]
SECRET = "webhook-secret-0001"


@pytest.fixture
async def hub(settings: Settings) -> AsyncIterator[Hub]:
    async with open_hub(settings) as one:
        yield one


async def told(hub: Hub, *calls: Json) -> list[Any]:
    """What is stored of messages after these calls."""
    bench = await Bench(hub.db, "webhook").make()
    row = await arrivals.endpoint(hub.db, bench.integration)
    assert row is not None
    for call in calls:
        body, stamp = orjson.dumps({"chat": "c1"} | call), str(int(time.time()))
        hook = Hook({SIGNATURE: sign(SECRET, stamp, body), STAMP: stamp}, body)
        arrived = hub.channels["webhook"].receive(Link("l", {"secret": SECRET}, "s", ""), hook)
        await inbox.ingest(hub.db, await items_of(hub.db, row, arrived, 60))
    rows = await hub.db.fetch("select i.body from inbox i join sessions s on s.id = i.session_id"
                              " where s.integration_id = $1 order by i.seq", bench.integration)
    return [r["body"].get("text") for r in rows]


@pytest.mark.parametrize(("author", "by", "heard"), [
    ("ana", None, True), ("ana", "ana", True), (None, None, True), (None, "ana", True), ("ana", "bea", False),
])
async def test_a_change_counts_unless_it_is_told_of_somebody_else(
    hub: Hub, author: str | None, by: str | None, heard: bool
) -> None:
    said: Json = {"text": "I pay 100", "from": author}
    changed: Json = {"id": "e1", "type": "edit", "of": "m1", "text": "I pay 200", "from": by}
    taken_back: Json = {"id": "d1", "type": "delete", "of": "m2", "from": by}
    found = await told(hub, said | {"id": "m1"}, said | {"id": "m2"}, changed, taken_back)
    assert found == (["I pay 200", ""] if heard else ["I pay 100", "I pay 100"])
