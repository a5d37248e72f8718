"""What an account can do better: questions without a good answer, documents that nothing is answered from, why people
are called, when most write, and what a conversation costs."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hub.accounts import mails
from hub.accounts.operators import LEAST, ROLES
from hub.chat.operators import letters
from hub.chat.operators.letters import Line, Page
from hub.domain import Json
from hub.errors import HubError
from hub.language.courtesies import courtesy
from hub.language.words import terms
from hub.runtime import Hub
from hub.store import dashboard
from hub.store import insights as rows
from hub.store.db import Call
from hub.translations import counted, swapped, told

log = logging.getLogger(__name__)
# Answers that are looked at; poor ones, documents and reasons of them; groups that are told; talks of one.
ANSWERS, POOR, UNUSED, REASONS, GROUPS, LINKED = 5000, 1000, 200, 500, 40, 20
ALIKE = 0.5
WHYS = ("failed", "disliked", "unfounded")
MAILS, NAMED = 20, 5
# Who called a person, as a mail says it.
CALLED = {"model": told("the bot"), "words": told("the contact's words"), "rule": told("a rule")}


@dataclass
class Group:
    """Questions that ask for the same. talks: where they were asked, the newest first, each once."""

    question: str
    topic: frozenset[str]
    count: int = 0
    why: dict[str, int] = field(default_factory=dict)
    talks: list[str] = field(default_factory=list)
    at: datetime | None = None


def grouped(poor: Sequence[Json]) -> list[Group]:
    """The largest groups first; greetings and thanks are no questions. Pure."""
    found: list[Group] = []
    for one in poor:
        text = " ".join(str((one["question"] or {}).get("text") or "").split())
        topic = frozenset(terms(text[:500]))
        if not topic or courtesy(text) is not None:
            continue
        group = next((g for g in found if len(g.topic & topic) >= ALIKE * len(g.topic | topic)), None)
        if group is None:
            found.append(group := Group(text[:200], topic, at=one["at"]))
        group.count += 1
        group.why[one["why"]] = group.why.get(one["why"], 0) + 1
        if (talk := str(one["session_id"])) not in group.talks:
            group.talks.append(talk)
    return sorted(found, key=lambda g: -g.count)


async def load(db: Call, account: UUID, since: datetime, until: datetime, zone: str) -> Json:
    """All of them."""
    poor = await rows.poor(db, account, since, until, ANSWERS, POOR)
    groups = await asyncio.to_thread(grouped, poor)
    reasons = await rows.reasons(db, account, since, until, REASONS)
    unused = await rows.unused(db, account, since, until, ANSWERS, UNUSED + 1)
    return {
        "groups": [
            {"question": g.question, "count": g.count, "why": g.why, "talks": g.talks[:LINKED], "at": str(g.at)}
            for g in groups[:GROUPS]
        ],
        "poor": len(poor), "more_groups": max(0, len(groups) - GROUPS), "poor_cut": len(poor) == POOR,
        "called": await rows.called(db, account, since, until),
        "reasons": [
            {"by": r["asked_by"], "text": str((r["reason"] or {}).get("text") or ""), "session": str(r["session_id"])}
            for r in reasons
        ],
        "unused": [
            {"id": str(d["id"]), "name": d["name"], "collection": str(d["collection_id"]), "in": d["collection"]}
            for d in unused[:UNUSED] if d["answers"]
        ],
        "unused_cut": len(unused) > UNUSED,
        "by": await rows.by(db, account, since, until) | {"label": await rows.by_label(db, account, since, until)},
        "hours": await rows.hours(db, account, since, until, zone),
    }


async def weekly(hub: Hub) -> None:
    """A mail about the week to everybody who wants one, on Monday morning: one by one, so that what fails of one is
    tried again for them alone."""
    for _ in range(MAILS):
        if hub.leases.closing or not mails.possible(hub.settings):
            return
        found = await rows.weekly(hub.db, 1)
        if not found:
            return
        await _told(hub, found[0])


async def _told(hub: Hub, one: Json) -> None:
    account, operator = one["account_id"], one["id"]
    try:
        off = letters.off(hub, "week", account, operator)
        written = await letter(
            hub, account, datetime.now(UTC), one["zone"], one["language"], priced(one["role"]), off=off
        )
        await mails.send(hub.settings, one["email"], written)
    except mails.Refused as e:
        log.warning("the week of account %s is not told: %s", account, e)
    except HubError as e:
        log.warning("the week of account %s was not told: %s", account, e)
        await rows.again(hub.db, account, operator)
    except BaseException:
        await rows.again(hub.db, account, operator)
        raise


def priced(role: str) -> bool:
    """Whether somebody of a role sees what is spent."""
    return ROLES.index(role) >= ROLES.index(LEAST["cost"])


async def letter(
    hub: Hub, account: UUID, until: datetime, zone: str, language: str | None = None, cost: bool = True, off: str = ""
) -> mails.Letter:
    """The week before a moment. cost: for somebody who sees what is spent."""
    since = until - timedelta(days=7)
    now, found = await dashboard.span(hub.db, account, since, until), await load(hub.db, account, since, until, zone)
    words = hub.catalogues.of(language)
    say, count, contained = words.say, now["conversations"], now["contained"]
    spent = "$" + swapped(f"{sum(r['cost'] for r in found['by']['network']):,.2f}", words.code)
    lines = [
        Line(say(counted(
            "%(count)s conversation, %(contained)s of them without a person; %(cost)s.",
            "%(count)s conversations, %(contained)s of them without a person; %(cost)s.", count, contained=contained,
            cost=spent,
        ) if cost else counted(
            "%(count)s conversation, %(contained)s of them without a person.",
            "%(count)s conversations, %(contained)s of them without a person.", count, contained=contained,
        ))),
        *(Line(say(counted(
            "A person was called once (%(by)s); not answered: %(unanswered)s.",
            "A person was called %(count)s times (%(by)s); not answered: %(unanswered)s.", c["count"],
            by=CALLED[c["asked_by"]], unanswered=c["unanswered"],
        ))) for c in found["called"]),
    ]
    if found["groups"]:
        lines.append(Line(say("Questions without a good answer") + ":", under=True))
        lines += [Line(f"- {g['count']} x {mails.line(g['question'])}") for g in found["groups"][:NAMED]]
    if found["unused"]:
        names = ", ".join(d["name"] for d in found["unused"][:NAMED])
        lines.append(Line(say(told("Documents that nothing was answered from: %(names)s", names=names))))
    at = f"{hub.settings.address}/console"
    button = words.gettext("All of it"), f"{at}/insights/actions?days=7"
    foot = [
        Line(words.gettext("When you are told, and when not"), f"{at}/settings/notices"),
        Line(words.gettext("Get no more of these mails"), off),
    ]
    subject = say(counted("Your week: %(count)s conversation", "Your week: %(count)s conversations", count))
    return letters.written(subject, letters.plain(lines, button, foot), Page(lines, button, foot), off, words)
