"""What an operator writes now and the hub sends later.

The row is closed in the transaction that writes the message, whose id comes of the row's, so that nothing is said twice
or not at all, whoever dies in between. It goes into the conversation's outbox like everything else that is said there.
"""

import logging
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hub import ids
from hub.chat.news import of_account, tell
from hub.chat.operators import handoff, inbox
from hub.errors import Conflict, HubError, Invalid, NotFound
from hub.runtime import Hub
from hub.store import handoffs, planned, triage
from hub.store.db import Call, Db
from hub.tools.schedule import words
from hub.translations import told

log = logging.getLogger(__name__)

Json = dict[str, Any]
# Of one conversation; the longest wait; seconds that a try has, and how many there are.
MOST, LONGEST, SECONDS, TRIES = 50, timedelta(days=366), 30.0, 5
AT_ONCE = 200  # of one tick
NONE = told("No such planned message.")
OVER = told("This was sent, cancelled or could not be sent; plan another one.")
WHY = {
    "ended": told("the conversation had ended"), "network": told("the network of the conversation was removed"),
    "window": told("the contact had not written within 24 hours; only a template reaches them"),
    "trouble": told("it failed again and again; the log says why"),
}
NOT_OPEN = told(
    "By then the contact's 24 hours are over. Unless they write before, it will not be sent, and you will be told."
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be said, and when. zone: in whose words the time is shown."""

    text: str
    at: datetime
    zone: str = "UTC"
    files: Sequence[Json] = ()

    def checked(self, now: datetime) -> "Plan":
        """Raise Invalid."""
        if self.at.tzinfo is None:
            raise Invalid("at must say its time zone, such as 2026-12-01T09:00:00-03:00.", field="at")
        if not now < self.at <= now + LONGEST:
            raise Invalid("at must be a moment within the next year.", field="at")
        return replace(self, at=self.at.astimezone(UTC))

    def body(self, by: str) -> Json:
        return {"text": self.text, "by": by} | ({"attachments": list(self.files)} if self.files else {})


async def add(
    hub: Hub, account: UUID, session: UUID, plan: Plan, operator: UUID | None, author: str, id: UUID | None = None
) -> UUID:
    """id: made where it was written, so that it is planned once. Raise NotFound, Invalid, Conflict."""
    wanted = plan.checked(datetime.now(UTC))
    await handoff.sayable(hub, account, None, session, plan.text, len(plan.files))
    made = id or ids.uuid7()
    async with hub.db.transaction() as tx:
        # Counted one after the other; and the same request that came twice at once is one.
        await planned.hold(tx, account, session)
        if await planned.one(tx, account, session, made) is not None:
            return made
        if await planned.count(tx, account, session) >= MOST:
            raise Conflict(f"{MOST} messages are planned in this conversation already.")
        row = {
            "operator_id": operator, "author": author, "content": wanted.body(author), "at": wanted.at,
            "zone": wanted.zone,
        }
        if not await planned.add(tx, account, session, made, row):
            raise NotFound("No such session.")
    await _news(hub, account, session)
    return made


async def change(
    hub: Hub, account: UUID, session: UUID, id: UUID, text: str | None, at: datetime | None, zone: str | None,
    seen: Callable[[Json], None] | None = None,
) -> None:
    """What is None stays. seen: raises when what it is given is not what the change was made from. Raise NotFound,
    Invalid, Conflict when it is over."""
    await handoff.sayable(hub, account, None, session, "-" if text is None else text, 0)
    async with hub.db.transaction() as tx:
        row = await planned.lock(tx, account, session, id)
        if row is None:
            raise NotFound(NONE)
        if row["state"] != "planned":
            raise Conflict(OVER)
        if seen is not None:
            seen(row)
        now, files = row["content"], row["content"].get("attachments", ())
        plan = Plan(now["text"] if text is None else text, at or row["at"], zone or row["zone"], files)
        if at is not None:
            plan = plan.checked(datetime.now(UTC))
        await planned.edit(tx, account, session, id, now | {"text": plan.text}, plan.at, plan.zone)
    await _news(hub, account, session)


async def cancel(hub: Hub, account: UUID, session: UUID, id: UUID) -> Json:
    """What it was to say. Also: what could not be sent is not shown any more. Raise NotFound, Conflict when it was
    sent."""
    content = await planned.remove(hub.db, account, session, id)
    if content is None:
        if await planned.one(hub.db, account, session, id) is not None:
            raise Conflict("It was sent or cancelled already.")
        raise NotFound(NONE)
    await _news(hub, account, session)
    return content


async def listed(db: Db, account: UUID, session: UUID, one: Json) -> list[Json]:
    """As a conversation shows them: told, when; why, where it was not sent; warning, where it will not be as it is.
    one: the conversation, of `inbox.view`."""
    return [shown(r, one["window"]) for r in await planned.listed(db, account, session)]


def shown(row: Json, window: Json | None) -> Json:
    """A row in words. Pure."""
    shut = row["state"] == "planned" and window is not None and (window["until"] is None or window["until"] < row["at"])
    why = WHY.get(row["reason"] or "")
    return row | {"told": words.at(row["at"], row["zone"]), "why": why, "warning": NOT_OPEN if shut else None}


async def fire(hub: Hub, most: int = AT_ONCE) -> int:
    """Send what is due, whoever else does so too; how many were looked at. One after the other: what fails keeps nobody
    else's waiting for longer than until the next tick. By turns of one an account, so that whoever has a crowd at one
    minute comes beside the others, beginning with anybody. most: schedules are looked at in between."""
    looked, accounts = 0, await planned.accounts(hub.db)
    random.shuffle(accounts)
    lanes = deque(accounts)
    while looked < most and lanes:
        row = await planned.take(hub.db, lanes[0], SECONDS)
        if row is None:
            lanes.popleft()
            continue
        lanes.rotate(-1)
        looked += 1
        hub.reached("P1")
        try:
            await _fired(hub, row)
        except HubError as e:
            log.warning("planned message %s: %s", row["id"], e)
        except Exception:  # one that breaks must not keep those of others waiting
            log.exception("planned message %s", row["id"])
    return looked


async def _fired(hub: Hub, row: Json) -> None:
    account, session, id = row["account_id"], row["session_id"], row["id"]
    message = said_as(id, row["created_at"])
    async with hub.db.transaction() as tx:
        found = await planned.lock(tx, account, session, id)
        if found is None or found["state"] != "planned" or found["early"]:
            return
        where, body = await handoffs.where(tx, account, None, session), found["content"]
        reason = "trouble" if row["tries"] > TRIES else await _refused(tx, account, session, where)
        parts: list[Json] = []
        if reason is None and where is not None:
            parts = await handoff.parts_of(hub, where, body, message)
            await handoff.keep(tx, account, session, message, body, parts)
            hub.reached("P2")
        await planned.close(tx, account, id, "failed" if reason else "sent", reason)
        if reason and found["operator_id"]:
            await triage.mention(tx, account, session, [found["operator_id"]])
    if parts:
        await hub.queue.send(session, f"o:{message}")
    if reason:
        await _news(hub, account, session)
    else:
        await tell(hub.events, account, session, {"type": "message", "messages": [str(message)]})


def said_as(id: UUID, planned_at: datetime) -> UUID:
    """The message's id. Those of messages are in the order of time, by which a conversation's are found (see
    `messages_since`), or of no time at all; what a caller gave may be any."""
    return id if id.bytes[0] == ids.TIMELESS or ids.made_at(id, planned_at) else ids.timeless(id.bytes)


async def _refused(db: Call, account: UUID, session: UUID, where: Json | None) -> str | None:
    if where is None:
        return "ended"
    if where["kind"] == "channel" and not where["channel"]:
        return "network"
    window = (await inbox.view(db, account, session))["window"]
    return "window" if window is not None and not window["open"] else None


async def _news(hub: Hub, account: UUID, session: UUID) -> None:
    """Operators see it; to the visitor it is nothing."""
    await hub.events.publish(of_account(account), {"type": "planned", "sessions": [str(session)]})
