"""What a gateway's parameters refer to: addresses that may be called, objects of the same account."""

from uuid import UUID

from hub.accounts import addresses
from hub.accounts.parameters import GatewayParameters
from hub.errors import Invalid
from hub.guarded_http import Guard
from hub.store import gateways, skills
from hub.store.db import Call


async def check(
    db: Call, guard: Guard, account_id: UUID, parameters: GatewayParameters, before: GatewayParameters | None = None
) -> None:
    """Raise Invalid naming the parameter. before: what was there already is not looked at again."""
    for field, url in parameters.addresses():
        if url:
            addresses.check(guard, url, f"parameters.{field}")
    known = {c for _, c in before.collections()} if before else set()
    new = {c: field for field, c in reversed(parameters.collections()) if c not in known}
    foreign = await gateways.foreign_collection(db, account_id, list(new)) if new else None
    if foreign:
        raise _foreign(new[foreign], foreign, "collection")
    wanted = [s for s in parameters.skills if before is None or s not in before.skills]
    foreign = await skills.foreign(db, account_id, wanted) if wanted else None
    if foreign:
        raise _foreign("skills", foreign, "skill")


def _foreign(field: str, id: UUID, kind: str) -> Invalid:
    text = f"parameters.{field} names {id}, which is no {kind} of this account."
    return Invalid(text, field=f"parameters.{field}")
