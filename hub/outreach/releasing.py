"""Campaigns let their recipients go, at their own pace."""

from datetime import datetime, timedelta

from hub.store import campaigns
from hub.store.db import Db

AT_ONCE = 500


async def release(db: Db) -> int:
    """Recipients whose turn has come become due; how many."""
    freed = 0
    async with db.transaction() as tx:
        for row in await campaigns.due(tx):
            count, next_at = portion(row["per_minute"], row["next_at"], row["now"])
            went = await campaigns.release(tx, row["id"], count)
            freed += went
            await campaigns.pace(tx, row["id"], next_at)
            if went < count:
                await campaigns.finish(tx, row["id"])
    return freed


def portion(per_minute: int, next_at: datetime, now: datetime) -> tuple[int, datetime]:
    """How many go now and when the next may. Time lost while nothing ran is not made up for."""
    step = timedelta(seconds=60 / per_minute)
    most = max(1, min(AT_ONCE, round(per_minute / 30)))
    count = min(most, int((now - next_at) / step) + 1)
    return count, max(next_at + step * count, now)
