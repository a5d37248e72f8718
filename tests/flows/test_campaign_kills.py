"""Workers die while a campaign runs: it goes on, and nobody is messaged twice."""

import asyncio
import random
from collections import Counter

from hub.config import Settings
from hub.outreach import firing
from tests.fakes.model import says
from tests.outreach.street import street
from tests.outreach.test_campaigns import open_pace, runs, write


async def test_killed_and_resumed_nobody_is_messaged_twice(settings: Settings) -> None:
    """Workers die by kill -9 while 60 people are written to; every row ends, every phone has at most one."""
    async with street(settings.changed(lease_seconds=2, wire_seconds=1), work=False) as s:
        await open_pace(s)
        s.models(says("For you."))
        people = [{"phone": f"55119100000{n:02}"} for n in range(60)]
        made = await write(s, {"instruction": "Greet"}, people, perMinute=3000)
        await s.ok("POST", f"/api/v1/campaigns/{made['id']}/start")
        chance = random.Random(7)
        worker = s.rig.start()
        for _ in range(6):
            for _ in range(3):
                await firing.tick(s.rig.w.hub)
                await asyncio.sleep(chance.uniform(0.05, 0.3))
            worker.kill()
            worker = s.rig.start()
        await runs(s, made["id"])

        async def settled() -> bool:
            await s.rig.hurry()
            return bool(
                await s.db.value("select not exists (select 1 from outbox where state in ('queued', 'sending'))")
            )

        await s.rig.w.until(settled, 20)
        counts = Counter(m.chat for m in s.rig.net.shown)
        assert max(counts.values()) == 1
        states = Counter(r["state"] for r in await s.db.fetch("select state from outbox"))
        assert sum(states.values()) == 60 and set(states) <= {"sent", "unknown"} and len(counts) >= states["sent"] > 15
