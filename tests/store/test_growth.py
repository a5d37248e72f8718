"""What has a time goes by age, goes with what it hangs on, or has a reason to stay."""

import ast
import inspect
import re

from hub.jobs.sweeps import KEPT, REPAIRS
from hub.store import turns
from hub.store.db import Db

TIMED = """
    select distinct c.table_name from information_schema.columns c
    join information_schema.tables t using (table_schema, table_name)
    where c.table_schema = 'public' and t.table_type = 'BASE TABLE' and c.data_type = 'timestamp with time zone'
"""
CASCADES = """
    select conrelid::regclass::text as child, confrelid::regclass::text as parent from pg_constraint
    where contype = 'f' and confdeltype = 'c' and conrelid <> confrelid
"""
REASONS = {
    "set up by people, who remove it": "accounts api_keys gateways clients integrations skills collections documents"
    " sources operators canned_replies ares_agents character_agents chatbots workflows webhook_endpoints voices"
    " writings schedules campaigns embedders teams labels inbox_views contact_fields contact_cards",
    "goes with what people set up": "canned_files operator_totp operator_identities operator_passkeys operator_presence"
    " samples template_lists"
    " writing_versions workflow_versions workflow_steps source_tools",
    "who an account knows, until they are erased": "ares_users people contacts identities joins ares_facts"
    " ares_preferences character_images contact_notes contact_values contact_origins consents",
    "an account's books, summed up over any time": "usage_days key_alerts key_spend",
    "one row for each thing there is": "integration_lags scheduled_users number_paces leader migrations talk_marks",
    "goes as it is worked off": "arrivals arrival_folders ares_lessons file_leftovers key_holds session_queue readings",
    "goes with its conversation": "session_order talk_quarters",
}
# Whatever nothing drops by its age.
STAYS = {table for tables in REASONS.values() for table in tables.split()}


async def test_whatever_has_a_time_ends_or_has_a_reason(db: Db) -> None:
    repairs = (*REPAIRS.values(), *(forget for _, forget in KEPT.values()), turns.leave)
    modules = {inspect.getmodule(repair) for repair in repairs}
    nodes = [n for m in modules if m for n in ast.walk(ast.parse(inspect.getsource(m)))]
    texts = [n.value for n in nodes if isinstance(n, ast.Constant)]
    # What an account keeps as long as it says.
    retained = str(await db.value("select pg_get_functiondef('retain(uuid, text, int, int)'::regprocedure)"))
    ends = {"audit"} | {t for text in (*texts, *retained.split(";")) for t in deleted(str(text))}
    hang = [(r["child"], r["parent"]) for r in await db.fetch(CASCADES)]
    for _ in range(5):
        # What people set up takes everything along: that is no end by age.
        ends |= {child for child, parent in hang if parent in ends - STAYS}
    timed = {r["table_name"] for r in await db.fetch(TIMED)}
    assert timed - ends - STAYS == set(), "a pruner, or a reason to stay"
    assert STAYS - timed == set(), "a reason for a table that there is not"


def deleted(text: str) -> set[str]:
    """Tables of which a statement drops what is old."""
    aged = "now()" in text or "_before" in text
    return set(re.findall(r"delete from (\w+)", text)) if aged else set()
