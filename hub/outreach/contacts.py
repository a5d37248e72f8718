"""People as the policy knows them: opt-outs and zones, for operators."""

from typing import Any
from uuid import UUID

from hub.errors import Invalid
from hub.store import people
from hub.store.db import Call, Db
from hub.tools.schedule.book import zone_of

Json = dict[str, Any]
FORMS = ("phone:", "tg:", "lid:", "bsuid:", "web:")


def check(person: str) -> str:
    """ "phone:5511999990000", "tg:700000001" or another id of a contact. Raise Invalid."""
    kind, _, value = person.partition(":")
    if f"{kind}:" not in FORMS or not value or len(person) > 300:
        raise Invalid("The contact must be written like phone:5511999990000 or tg:700000001.", field="contact")
    return "phone:" + "".join(c for c in value if c.isdigit()) if kind == "phone" else person


async def page(db: Call, account: UUID, opted_out: bool, after: str | None, limit: int) -> list[Json]:
    return await people.page(db, account, opted_out, after, limit)


async def edit(db: Db, account: UUID, person: str, *, opted_out: bool | None, zone: str | None, set_zone: bool) -> Json:
    """Opt a person out or in for the whole account, choose their zone (None: as the phone tells)."""
    person = check(person)
    chosen = zone_of(zone) if zone else None
    async with db.transaction() as tx:
        if opted_out is not None:
            await people.opt(tx, account, person, opted_out, "operator", None)
        if set_zone:
            await people.set_zone(tx, account, person, chosen)
        found = await people.get(tx, account, person)
    nothing: Json = {"zone": None, "opted_out_at": None, "opted_out_by": None, "opted_out_words": None}
    return found or nothing | {"person": person}
