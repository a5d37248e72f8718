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
from hub.accounts.operators import Operator, doing
from hub.chat.clients.networks import NAMES
from hub.chat.clients.people_names import person
from hub.chat.operators import letters
from hub.chat.operators.letters import Line, Page
from hub.domain import Json
from hub.errors import HubError, NotFound, TooMany
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
# Letters of a name in a notification, which has to be small.
NAMED = 80


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


async def end(hub: Hub, kind: str, who: Operator) -> None:
    """Mails of a kind come no more; said again, it changes nothing."""
    name, value = letters.ENDED[kind]
    before = (await load(hub.db, who)).stored()
    if before.get(name, value) != value:
        async with doing(hub.db, who, "self.notices_changed", str(who.id)) as deed:
            deed.changed(before, {name: value})
            await edit(hub.db, who, {name: value}, lambda _: None)


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
    # Services that did not answer, and those that want to be left alone, which is no fault of a browser: they are asked
    # nothing more now.
    hung, crowded = set[str](), set[str]()

    async def one(browser: Json, said: Json) -> None:
        async with places:
            service = urlsplit(browser["endpoint"]).netloc
            if service in crowded:
                return
            if service in hung:
                await rows.failed(hub.db, account, browser["id"], MOST)
            elif time.monotonic() < until:
                try:
                    if not await _tell(hub, account, browser, said):
                        hung.add(service)
                except TooMany as e:
                    log.info("browsers of account %s are told less: %s", account, e)
                    crowded.add(service)

    async with asyncio.TaskGroup() as tasks:
        for browser, said in told:
            tasks.create_task(one(browser, said))


async def _tell(hub: Hub, account: UUID, browser: Json, said: Json) -> bool:
    """False where the service did not even answer."""
    answered = True
    try:
        done = await web_push.send(hub, browser["endpoint"], browser["p256dh"], browser["auth"], said)
    except TooMany:
        raise
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
    body = words.say(told("Waits for an answer · %(network)s", network=network))
    return {
        "title": mails.line(person(w))[:NAMED], "body": body,
        "url": f"/console/inbox/{w['session_id']}", "tag": str(w["session_id"]),
    }


async def mail(hub: Hub, account: UUID, waiting: Sequence[Json]) -> None:
    """One mail to each of those who are to know. Where it cannot be sent, it is tried again."""
    scope.enter(account)
    by_operator = defaultdict[UUID, list[Json]](list)
    for one in waiting:
        by_operator[one["operator_id"]].append(one)
    for operator, mine in by_operator.items():
        words, off = hub.catalogues.of(mine[0]["language"]), letters.off(hub, "waiting", account, operator)
        try:
            await mails.send(hub.settings, mine[0]["email"], letter(mine, hub.settings.address, words, off))
        except mails.Refused as e:
            log.warning("a mail to an operator of account %s is not tried again: %s", account, e)
        except HubError as e:
            log.warning("a mail to an operator of account %s was not sent: %s", account, e)
            await rows.release(hub.db, account, operator, "mail", [w["session_id"] for w in mine])


def letter(waiting: Sequence[Json], address: str, words: Catalogue, off: str) -> mails.Letter:
    """A mail about what waits, in the words and by the clock of whoever is told. Pure."""
    count, lines, zone = len(waiting), list[Line](), letters.zone(waiting[0]["zone"])
    for w in waiting[:LISTED]:
        since = told("since %(time)s", time=moment(w["at"].astimezone(zone), words))
        network = NAMES.get(w["channel"] or "", "Web")
        place = f"{address}{of_waiting(w, words)['url']}"
        lines.append(Line(mails.line(person(w)), place, f"{words.say(since)} · {network}"))
    if count > LISTED:
        lines.append(Line(words.say(told("... and %(count)s more", count=count - LISTED))))
    inbox, where = f"{address}/console/inbox?show=waiting", f"{address}/console/settings/notices"
    one = told("%(name)s waits for an answer", name=person(waiting[0]))
    many = counted("%(count)s person waits for an answer", "%(count)s people wait for an answer", count)
    subject = words.say(one if count == 1 else many)
    button = words.gettext("Open the inbox"), inbox if count > 1 else lines[0].url
    foot = [
        Line(words.say(told("Times are those of %(zone)s.", zone=zone.key))),
        Line(words.gettext("When you are told, and when not"), where),
        Line(words.gettext("Get no more of these mails"), off),
    ]
    return letters.written(subject, letters.plain(lines, button, foot), Page(lines, button, foot), off, words)
