"""Sums of what was said, which figures are made of; filled behind what happens."""

from hub.store.db import Db

FOLD = "select fold_talks()"
# Steps of one look, each a day or less: a database that comes from a version without sums has months to catch up with.
MOST = 20


async def fold(db: Db) -> int:
    """Sum up what is long enough ago, some steps at a time; how many of them were whole."""
    done = 0
    while done < MOST and await db.value(FOLD):
        done += 1
    return done
