"""Indexes on tables that have grown. An ordinary `create index` holds up whoever writes for as long as it takes, which may
be minutes: it is left out of its migration, owed by it, and built beside the writers when the migration has been committed.
"""

import hashlib
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg

from hub.store.db import Call

log = logging.getLogger(__name__)

LOCK = 0x6875625F6F776564
# A table of so many bytes is read in a moment.
GROWN = 64 << 20
# Bytes of a name that PostgreSQL keeps.
LONGEST = 63
# What migrations before it make is made there: those of their indexes were renamed, altered and dropped later on.
SINCE = 225
# As an index is written that may be owed: named, not unique, a statement of its own that begins its line.
PLAIN = re.compile(r"^create index (\w+) on (\w+)\b[^;]*;", re.M)
CHANGED = re.compile(r"\b(?:drop|alter) index (?:if exists )?(\w+)", re.I)
HAS_GROWN = """
    select count(*) > 0 and coalesce(sum(pg_relation_size(c.oid)), 0) >= $2 from pg_class c
    where c.oid = to_regclass($1) or c.oid in (select inhrelid from pg_inherits where inhparent = to_regclass($1))
"""
OWED = "select name, unnest(owed) as made from migrations where owed <> '{}' order by name"
# Before the first `hub migrate` of a release that has this, there is no such column.
COUNT = "select coalesce(sum(jsonb_array_length(coalesce(to_jsonb(m)->'owed', '[]'))), 0)::int from migrations m"
PAID = "update migrations set owed = array_remove(owed, $2) where name = $1"
VALID = "select indisvalid from pg_index where indexrelid = to_regclass($1)"
# A partition that was made once the index stood for the whole has got its own, under a name of PostgreSQL's.
PARTS = """
    select c.relkind = 'p' as cut, array(select p.relname::text from pg_inherits i join pg_class p on p.oid = i.inhrelid
        where i.inhparent = c.oid and not exists (select 1 from pg_index x join pg_inherits h on h.inhrelid = x.indexrelid
            where x.indrelid = p.oid and h.inhparent = to_regclass($2)) order by 1) as parts
    from pg_class c where c.oid = to_regclass($1)
"""

JOINED = "select inhrelid::regclass::text as own from pg_inherits where inhparent = to_regclass($1) limit 1"


async def many(db: Call) -> int:
    """How many are still to be built."""
    return int(await db.value(COUNT))


async def left_out(con: Any, file: Path, text: str, all_of_them: Sequence[Path]) -> tuple[str, list[str]]:
    """The text of a migration as it is run now, and the statements that it owes."""
    if int(file.name[:4]) < SINCE:
        return text, []
    # One that a later migration drops or alters must be there by then.
    needed = {name for one in all_of_them if one.name >= file.name for name in CHANGED.findall(one.read_text())}
    owed = list[str]()
    for found in PLAIN.finditer(text):
        if found[1] not in needed and await con.fetchval(HAS_GROWN, found[2], GROWN):
            owed.append(found[0])
    for statement in owed:
        text = text.replace(statement, "select 1;")  # asyncpg knows no text without a statement
    return text, owed


async def build(con: Any) -> None:
    """Build what is owed, while everybody goes on writing. What fails stays owed: the next one tries again."""
    # Whoever waited for a lock here would be waited for by the index.
    if not await con.fetchval("select pg_try_advisory_lock($1)", LOCK):
        return
    try:
        await con.execute("set statement_timeout = 0")
        for row in await con.fetch(OWED):
            try:
                await _built(con, row["made"])
            except asyncpg.PostgresError as e:
                log.warning("an index is not built yet, run `hub migrate` again: %s (%s)", row["made"], e)
            else:
                await con.execute(PAID, row["name"], row["made"])
    finally:
        await con.execute("select pg_advisory_unlock($1)", LOCK)


async def _built(con: Any, statement: str) -> None:
    found = PLAIN.match(statement)
    assert found is not None, statement
    name, table = found.groups()
    on = await con.fetchrow(PARTS, table, name)
    if on is None or await con.fetchval(VALID, name):
        return
    begins, beside = f"create index {name} on {table}", "create index concurrently {} on {}"
    if not on["cut"]:
        await _gone(con, name)
        await con.execute(statement.replace(begins, beside.format(name, table), 1))
        return
    # Of a table in partitions: of each by itself, and joined. The whole is valid when the last one is.
    if await con.fetchval(VALID, name) is None:
        await con.execute(statement.replace(begins, f"create index {name} on only {table}", 1))
    for part in on["parts"]:
        try:
            own = quoted(of_part(part, name))
            await _of_part(con, name, own, statement.replace(begins, beside.format(own, quoted(part)), 1))
        except asyncpg.UndefinedTableError:
            if await con.fetchval("select to_regclass($1) is not null", quoted(part)):
                raise
    if not await con.fetchval(VALID, name):
        # The last that had none was dropped: PostgreSQL looks whether it is whole when one is joined, be it once more.
        for row in await con.fetch(JOINED, name):
            await con.execute(f"alter index {name} attach partition {row['own']}")


async def _of_part(con: Any, name: str, own: str, statement: str) -> None:
    if not await con.fetchval(VALID, own):
        await _gone(con, own)
        await con.execute(statement)
    await con.execute(f"alter index {name} attach partition {own}")


async def _gone(con: Any, name: str) -> None:
    """What an attempt left that did not come to its end. name: as it stands in a statement."""
    if await con.fetchval(VALID, name) is False:
        await con.execute(f"drop index concurrently {name}")


def of_part(part: str, name: str) -> str:
    """What an index of a partition is called: within PostgreSQL's bounds, and never as that of another one. Pure."""
    whole = f"{part}_{name}"
    if len(whole.encode()) <= LONGEST:
        return whole
    mark = hashlib.blake2s(whole.encode(), digest_size=4).hexdigest()
    return f"{mark}_{whole.encode()[len(mark) + 1 - LONGEST :].decode(errors='ignore')}"


def quoted(name: str) -> str:
    """A name in a statement, whatever it is made of. Pure."""
    return '"' + name.replace('"', '""') + '"'
