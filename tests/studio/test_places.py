"""What a worker takes up beside chats, and what it gives back."""

from uuid import uuid4

from hub import ids
from hub.accounts.accounts import create_account
from hub.config import Settings
from hub.jobs.runner import Runner
from hub.runtime import open_hub
from hub.store import workflow_runs
from hub.studio.aresgen.workflow import book


async def test_webhooks_and_runs_have_half_of_the_places_beside_chats(settings: Settings) -> None:
    async with open_hub(settings.changed(jobs=8)) as hub:
        runner = Runner(hub)
        for _ in range(5):
            runner.turn(uuid4())
        runner.hook(uuid4())
        runner.run(uuid4())
        assert runner.busy == 7, "chats leave places for others"
        await runner.drain(5)
        hub.leases.closing = False
        other = Runner(hub)
        for _ in range(5):
            other.run(uuid4())
            other.hook(uuid4())
        assert other.busy == 4, "and the others for chats"
        other.turn(uuid4())
        assert other.busy == 5
        await other.drain(5)


async def test_a_cancelled_run_that_parks_is_due_at_once(settings: Settings) -> None:
    async with open_hub(settings) as hub:
        account, workflow = (await create_account(hub.db, "Aurora")).id, ids.uuid7()
        value = {"name": "w", "steps": [{"id": "a", "type": "wait", "with": {"seconds": 3600}}]}
        await book.add(hub, account, workflow, value)
        for cancelled in (False, True):
            id = ids.uuid7()
            await book.start(hub, account, workflow, id, {}, None)
            claimed = await workflow_runs.claim(hub.db, id, "me", 30.0)
            assert claimed is not None
            if cancelled:
                await book.cancel(hub, account, workflow, id)
            await workflow_runs.release(hub.db, claimed, 3600.0)
            assert (id in await workflow_runs.due(hub.db, 10)) is cancelled
