"""Why a message was answered so tells when its documents were searched by their words alone."""

from typing import Any

from hub.chat.operators.why import explain
from hub.config import Settings
from hub.knowledge import collections, documents
from hub.knowledge.index import index_document
from hub.store.documents import Given
from tests.fakes.model import says
from tests.flows.rig import Rig, rig
from tests.flows.test_answers import telegram

SAID = "documents were searched by their words alone: the embedder failed or took too long"


async def broken() -> None:
    raise OSError("the model's file is missing")


async def asked(r: Rig, text: str) -> list[dict[str, Any]]:
    calls = len(r.model.calls)
    r.model.plan.append(says(f"About {text}"))
    await r.w.knock("telegram", telegram(text))
    await r.w.until(lambda: len(r.model.calls) == calls + 1)
    await r.w.settle()
    message = await r.db.value("select id from inbox order by received_at desc limit 1")
    steps: list[dict[str, Any]] = (await explain(r.w.hub.db, r.w.account, message))["steps"]
    return steps


async def test_why_tells_it(settings: Settings) -> None:
    async with rig(settings, work=True) as r:
        hub = r.w.hub
        shop = await collections.create(r.db, r.w.account, "Shop", None, None)
        [saved] = await documents.save(r.db, r.w.account, shop, [Given("hours", "We open at nine on Saturdays.")])
        await index_document(r.db, hub.embedder, saved.id)
        await r.db.run("update gateways set parameters = parameters || $1", {"knowledgeCollections": [str(shop)]})
        assert "search" not in [s["step"] for s in await asked(r, "When do you open on Saturdays?")]
        await hub.embedder.rest.tried([r.w.account], broken, 60)
        steps = await asked(r, "At what time do you open on Saturdays?")
        assert [s["text"] for s in steps if s["step"] == "search"] == [SAID]
        assert "We open at nine" in str(r.model.calls[-1].body["messages"])
        [turn] = [s for s in steps if s["step"] == "turn"]
        assert turn["passages"][0]["name"] == "hours"
