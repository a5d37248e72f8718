"""Usage: what an answer consumed, one insert for all of its rows."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

ADD = """
    insert into usage
        (account_id, key_id, gateway_id, session_id, turn_id, sku, quantity, unit_price, amount, description)
    select $1, $2, $3, $4, $5, u.sku, u.quantity, u.unit_price, u.amount, u.description
    from jsonb_to_recordset($6) u(sku text, quantity numeric, unit_price numeric, amount numeric, description text)
"""


async def add(
    db: Call,
    account: UUID,
    rows: Sequence[dict[str, Any]],
    *,
    key: UUID | None = None,
    gateway: UUID | None = None,
    session: UUID | None = None,
    turn: UUID | None = None,
) -> None:
    """Write the rows of one answer (see hub.llm.prices.bill)."""
    if rows:
        await db.run(ADD, account, key, gateway, session, turn, clean(list(rows)))
