"""How somebody of the team is told of what waits for a person while they do not look; and the telling itself."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Annotated, Literal
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, Field

from hub.accounts import mails, web_push
from hub.accounts.desk import Clock
from hub.accounts.operators import Operator
from hub.chat.clients.networks import NAMES
from hub.chat.clients.people_names import person
from hub.domain import Json
from hub.errors import HubError, NotFound
from hub.pydantic_base import Defaults, merged
from hub.runtime import Hub
from hub.store import notices as rows
from hub.store import scope
from hub.store.db import Call, Db
from hub.tools.schedule.zones import check
from hub.translations import Catalogue, counted, moment, told

log = logging.getLogger(__name__)
# Failures in a row after which a browser is told no more; calls of one account at once.
MOST, AT_ONCE = 30, 4
# Seconds after which what is left of one telling is not begun any more; a service that was not asked has not failed.
LONGEST = 60.0
LISTED = 20


class Notices(Defaults):
    """How one person is told. push: in the browsers that asked for it. mail: after how many minutes without a look."""

    push: bool = True
    mail: Annotated[int, Field(ge=0, le=1440, description="0: never.")] = 0
    of: Annotated[
        Literal["mine", "open", "all"], Field(description="open: one's own, and those that nobody has.")
    ] = "open"
    quiet_start: Clock | Literal[""] = ""
    quiet_end: Clock | Literal[""] = ""
    zone: Annotated[str, Field(max_length=60), AfterValidator(check)] = "UTC"
    weekly: Annotated[bool, Field(description="A mail about the week, on Monday at eight.")] = False


async def load(db: Call, who: Operator) -> Notices:
    """Raise NotFound."""
    found = await rows.of(db, who.account_id, who.id)
    if found is None:
        raise NotFound
    return Notices.model_validate(found)


async def edit(db: Db, who: Operator, given: Json, seen: Callable[[Notices], None]) -> Notices:
    """seen: raises when what it is given is not what the change was made from. Raise Invalid."""
    async with db.transaction() as tx:
        now = await load(tx, who)
        seen(now)
        new = merged(Notices, now.stored(), given, "")
        await rows.set_of(tx, who.account_id, who.id, new.stored())
    return new


async def push(hub: Hub, account: UUID, waiting: Sequence[Json]) -> None:
    """Tell the browsers of those who are to know: each once, whatever becomes of it."""
    scope.enter(account)
    browsers = await rows.browsers(hub.db, account, list({w["operator_id"] for w in waiting}))
    by_operator = defaultdict[UUID, list[Json]](list)
    for one in browsers:
        by_operator[one["operator_id"]].append(one)
    said = [(w, of_waiting(w, hub.catalogues.of(w["language"]))) for w in waiting]
    await _all(hub, account, [(b, text) for w, text in said for b in by_operator[w["operator_id"]]])


async def visitors(hub: Hub, account: UUID, browsers: Sequence[Json]) -> None:
    """Tell visitors that somebody has answered them."""
    scope.enter(account)
    await _all(hub, account, [(b, {"tag": str(b["session_id"])}) for b in browsers])


async def _all(hub: Hub, account: UUID, told: Sequence[tuple[Json, Json]]) -> None:
    places, until = asyncio.Semaphore(AT_ONCE), time.monotonic() + LONGEST
    hung = set[str]()  # services that did not answer: nothing more is asked of them now

    async def one(browser: Json, said: Json) -> None:
        async with places:
            service = urlsplit(browser["endpoint"]).netloc
            if service in hung:
                await rows.failed(hub.db, account, browser["id"], MOST)
            elif time.monotonic() < until and not await _tell(hub, account, browser, said):
                hung.add(service)

    async with asyncio.TaskGroup() as tasks:
        for browser, said in told:
            tasks.create_task(one(browser, said))


async def _tell(hub: Hub, account: UUID, browser: Json, said: Json) -> bool:
    """False where the service did not even answer."""
    answered = True
    try:
        done = await web_push.send(hub, browser["endpoint"], browser["p256dh"], browser["auth"], said)
    except HubError as e:
        log.info("a browser of account %s was not told: %s", account, e)
        done, answered = None, False
    if done is False:
        await rows.gone(hub.db, account, browser["id"])
    elif done is None:
        await rows.failed(hub.db, account, browser["id"], MOST)
    else:
        await rows.heard(hub.db, account, browser["id"])
    return answered


def of_waiting(w: Json, words: Catalogue) -> Json:
    """What a notification says of a conversation: never what was said in it. Pure."""
    network = NAMES.get(w["channel"] or "", "Web")
    return {
        "title": person(w), "body": words.say(told("Waits for an answer · %(network)s", network=network)),
        "url": f"/console/inbox/{w['session_id']}", "tag": str(w["session_id"]),
    }


async def mail(hub: Hub, account: UUID, waiting: Sequence[Json]) -> None:
    """One mail to each of those who are to know. Where it cannot be sent, it is tried again."""
    scope.enter(account)
    by_operator = defaultdict[UUID, list[Json]](list)
    for one in waiting:
        by_operator[one["operator_id"]].append(one)
    for operator, mine in by_operator.items():
        try:
            words = hub.catalogues.of(mine[0]["language"])
            await mails.send(hub.settings, mine[0]["email"], *letter(mine, hub.settings.address, words))
        except HubError as e:
            log.warning("a mail to an operator of account %s was not sent: %s", account, e)
            await rows.release(hub.db, account, operator, "mail", [w["session_id"] for w in mine])


def letter(waiting: Sequence[Json], address: str, words: Catalogue) -> tuple[str, str]:
    """Subject and text of a mail about what waits. Pure."""
    count, lines = len(waiting), list[str]()
    for w in waiting[:LISTED]:
        since = told("%(name)s, since %(time)s UTC", name=person(w), time=moment(w["at"], words))
        lines.append(f"{words.say(since)}\n{address}{of_waiting(w, words)['url']}")
    if count > LISTED:
        rest = f"{address}/console/inbox?show=waiting"
        lines.append(words.say(told("... and %(count)s more: %(address)s", count=count - LISTED, address=rest)))
    one = told("%(name)s waits for an answer", name=person(waiting[0]))
    many = counted("%(count)s person waits for an answer", "%(count)s people wait for an answer", count)
    subject = words.say(one if count == 1 else many)
    where = f"{address}/console/settings/notices"
    foot = words.say(told("When you are told, and when not: %(address)s", address=where))
    return subject, "\n\n".join([*lines, foot]) + "\n"
