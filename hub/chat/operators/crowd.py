"""Who else has a conversation open, and who is writing in it: told from page to page, and kept nowhere."""

import time
from dataclasses import dataclass
from uuid import UUID

from hub.accounts.operators import Operator
from hub.chat.news import of_account
from hub.chat.website.visitor_typing import VISITOR
from hub.domain import Json
from hub.live.events import Events

PRESENCE = "desk_presence"
LOOKS, TYPES, STOPS, LEFT = "looks", "types", "stops", "left"
# Seconds between two signs of life, for which one holds, and for which a key that was pressed does.
AGAIN, HOLDS, TYPED = 10.0, 32.0, 8.0


@dataclass(slots=True)
class Somebody:
    """until, types: up to when they count as here, and as writing."""

    name: str
    until: float
    types: float = 0.0


class Crowd:
    """Of one page that is open: the others at the same conversation, as they say themselves."""

    def __init__(self, events: Events, account: UUID, session: UUID | None, who: Operator) -> None:
        self._events = events
        self._account = account
        self._session = session
        self._who = who
        self._others: dict[str, Somebody] = {}
        self._said = 0.0
        self._asked = False
        self._visitor: tuple[float, str] = (0.0, "")

    async def here(self) -> None:
        """A sign of life, where the last one is old or somebody has just come."""
        if self._asked or time.monotonic() - self._said > AGAIN:
            await self.say(LOOKS, fresh=not self._said)

    async def say(self, what: str, fresh: bool = False) -> None:
        if self._session is None:
            return
        self._said, self._asked = time.monotonic(), False
        await tell(self._events, self._account, self._session, self._who, what, fresh)

    def hear(self, event: Json) -> bool:
        """Whether the page shows something else for it, or has to answer."""
        if event["type"] == VISITOR:
            return self._hear_visitor(event)
        who, now = str(event["who"]), time.monotonic()
        if str(self._session) not in event["sessions"] or who == str(self._who.id):
            return False
        before = self._shows(now)
        if event["what"] == LEFT:
            self._others.pop(who, None)
        else:
            one = self._others.setdefault(who, Somebody(str(event["name"]), 0.0))
            one.until = now + HOLDS
            one.types = {TYPES: now + TYPED, STOPS: 0.0}.get(event["what"], one.types)
        self._asked = self._asked or bool(event.get("fresh"))
        return self._asked or self._shows(now) != before

    def _hear_visitor(self, event: Json) -> bool:
        if str(self._session) not in event["sessions"]:
            return False
        until = time.monotonic() + TYPED if event["active"] else 0.0
        self._visitor = (until, str(event.get("text") or ""))
        return True

    def visitor(self) -> Json | None:
        """That the visitor writes, and what, where the business wants it seen."""
        until, text = self._visitor
        return {"text": text} if until > time.monotonic() else None

    def soon(self, longest: float) -> float:
        """Seconds until what is shown of the visitor is too old."""
        left = self._visitor[0] - time.monotonic()
        return min(longest, left + 0.1) if left > 0 else longest

    def _shows(self, now: float) -> list[tuple[str, bool]]:
        return sorted((one.name, one.types > now) for one in self._others.values() if one.until > now)

    def shown(self) -> list[tuple[str, bool]]:
        """Names, and whether they are writing."""
        return self._shows(time.monotonic())


async def tell(events: Events, account: UUID, session: UUID, who: Operator, what: str, fresh: bool = False) -> None:
    """fresh: whoever is there already is asked to say so."""
    told: Json = {"type": PRESENCE, "sessions": [str(session)], "who": str(who.id), "name": who.name}
    await events.publish(of_account(account), told | {"what": what, "fresh": fresh})
