"""What an account allows of messages that the contact did not just ask for, with its defaults."""

import re
from collections.abc import Callable
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from hub.pydantic_base import Defaults, Json, merged
from hub.store import accounts, people
from hub.store.db import Call, Db

_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


def _clock(value: str) -> str:
    if not _CLOCK.fullmatch(value):
        raise ValueError('must be a time of day such as "21:00"')
    return value


Clock = Annotated[str, Field(max_length=5), AfterValidator(_clock)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
Words = Annotated[list[Annotated[str, Field(min_length=1, max_length=60)]], Field(max_length=50)]


class QuietHours(Defaults):
    """On the contact's wall clock; may go over midnight."""

    enabled: bool = True
    start: Clock = "21:00"
    end: Clock = "08:00"
    action: Annotated[Literal["postpone", "refuse"], Field(description="postpone: to the end of the quiet hours.")] = (
        "postpone"
    )


class Pace(Defaults):
    """How fast one number may write to people unasked. 0: no limit."""

    per_minute: Annotated[Count, Field(description="Messages a minute.")] = 600
    per_day: Annotated[Count, Field(description="Messages a day (UTC).")] = 0
    warm_up_start: Annotated[Count, Field(description="Messages on a new number's first day; 0: no warm-up.")] = 0
    warm_up_growth: Annotated[float, Field(ge=1, le=10, description="Each further day so many times more.")] = 1.5


class Numbers(Defaults):
    """WhatsApp through Z-API and Evolution is watched more closely than an official account."""

    telegram: Pace = Pace()
    zapi: Pace = Pace(per_minute=30, warm_up_start=50)
    evolution: Pace = Pace(per_minute=30, warm_up_start=50)
    kapso: Pace = Pace()
    cloud: Pace = Pace()

    def of(self, channel: str) -> Pace:
        found = getattr(self, channel) if channel in type(self).model_fields else None
        return found if isinstance(found, Pace) else Pace(per_minute=0)


class Policy(Defaults):
    """For everything outbound that the contact did not just ask for. What a contact asked for (a reminder at a
    time of their choice) and what goes into a web chat passes quiet hours and caps; nothing passes an opt-out."""

    quiet_hours: QuietHours = QuietHours()
    per_day: Annotated[Count, Field(description="Messages to one person within 24 hours, over all bots; 0: any.")] = 5
    per_week: Annotated[Count, Field(description="Messages to one person within 7 days, over all bots; 0: any.")] = 20
    numbers: Numbers = Numbers()
    opt_out_words: Annotated[Words, Field(description="Beside the built-in ones (stop, parar, baja ...).")] = []
    opt_in_words: Annotated[Words, Field(description="Beside the built-in ones (start, voltar, volver ...).")] = []
    patience_hours: Annotated[int, Field(ge=1, le=720, description="What was put off longer is dropped.")] = 24


def read(stored: Json) -> Policy:
    """A stored policy; what is missing has its default."""
    return Policy.model_validate(stored)


async def load(db: Call, account: UUID) -> Policy:
    return read(await people.policy(db, account))


async def edit(db: Db, account: UUID, given: Json, seen: Callable[[Policy], None] | None = None) -> Policy:
    """Shallow merge: what is given replaces what is stored, whole. seen: raises when what it is given is not what the
    change was made from. Raise Invalid naming the field."""
    async with db.transaction() as tx:
        await accounts.get(tx, account, lock=True)
        if seen is not None:
            seen(await load(tx, account))
        new = merged(Policy, await people.policy(tx, account), given, "")
        await people.set_policy(tx, account, new.stored())
    return new
