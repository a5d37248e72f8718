"""People as the policy knows them: opt-outs and zones, for operators."""

from typing import Any
from uuid import UUID

from hub.errors import Invalid
from hub.store import people
from hub.store.db import Call, Db
from hub.tools.schedule.book import zone_of

Json = dict[str, Any]
FORMS = ("phone", "tg", "lid", "bsuid", "user", "web")


def name_of(person: str) -> str:
    """ "phone:5511999990000", "tg:700000001", "user:ana" or another name of a contact. Raise Invalid."""
    kind, _, value = person.partition(":")
    if kind == "web":
        # As it was written when each chat client had its own visitors.
        kind, value = "user", value.partition(":")[2]
    if kind == "phone":
        value = "".join(c for c in value if c.isascii() and c.isdigit())
    if kind not in FORMS or not value or len(person) > 300:
        raise Invalid("The contact must be written like phone:5511999990000 or tg:700000001.", field="contact")
    return f"{kind}:{value}"


async def find(db: Call, account: UUID, person: str) -> UUID | None:
    """Whose name it is, however a phone is written. Raise Invalid for what is none."""
    name = name_of(person)
    return await (people.user(db, account, name[5:]) if name.startswith("user:") else people.find(db, account, [name]))


async def page(db: Call, account: UUID, opted_out: bool, after: str | None, limit: int) -> list[Json]:
    last = None
    if after:
        last = await find(db, account, after)
        known = await people.get(db, account, last) if last else None
        if known is None:
            raise Invalid("after is no contact of a page; leave it out to start again.", field="after")
        last = known["id"]
    return await people.page(db, account, opted_out, last, limit)


async def count(db: Call, account: UUID, opted_out: bool) -> int:
    return await people.count(db, account, opted_out)


async def edit(db: Db, account: UUID, person: str, *, opted_out: bool | None, zone: str | None, set_zone: bool) -> Json:
    """Opt a person out or in for the whole account, choose their zone (None: as the phone tells)."""
    name = name_of(person)
    chosen = zone_of(zone) if zone else None
    async with db.transaction() as tx:
        who = await find(tx, account, name) or (await people.ensure(tx, [(account, [name])], "operator"))[0]
        if opted_out is not None:
            await people.opt(tx, account, who, opted_out, "operator", None)
        if set_zone:
            await people.set_zone(tx, account, who, chosen)
        found = await people.get(tx, account, who)
    assert found is not None
    return found
