"""Conversations chosen by a filter as rows: for tables, for files, whole however many there are."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from hub.accounts import tables
from hub.chat.clients.networks import NAMES
from hub.chat.clients.people_names import person
from hub.chat.operators import inbox
from hub.chat.website import transcript
from hub.chat.website.transcript_files import Talk
from hub.domain import Json
from hub.errors import Invalid
from hub.runtime import Hub
from hub.store import exports as rows
from hub.store.exports import Choice
from hub.translations import told

PAGE, WORDS = 200, 500
# All that an event leads to is looked through for each page of it: so these are larger.
BY_EVENT = 5000
STATES = MappingProxyType({
    "all": told("All"),
    "open": told("Open"),
    "waiting": told("Waiting"),
    "bot": told("With the bot"),
    "person": told("With a person"),
    "ended": told("Ended"),
})
EVENTS = MappingProxyType({
    "any": told("Something was said"),
    "asked": told("The contact wrote"),
    "people": told("A person answered"),
    "person": told("A person was asked for"),
    "model": told("... by the bot"),
    "words": told("... in words"),
    "rule": told("... by a rule"),
    "failed": told("An answer failed"),
    "disliked": told("An answer was rated bad"),
})
CONVERSATION = (
    "id", "person", "phone", "userName", "tag", "network", "chatClient", "bot", "title", "began", "lastMessage",
    "ended", "messages", "tokens", "cost", "heldBy", "personAskedBy", "rating",
)
MESSAGE = ("conversation", "person", "network", "id", "at", "from", "role", "source", "text", "attachments")


@dataclass(frozen=True, slots=True)
class Filter:
    """What is asked for, in days of a time zone, the last one included."""

    zone: ZoneInfo
    since: date | None = None
    until: date | None = None
    event: str = "any"
    state: str = "all"
    client: UUID | None = None
    gateway: UUID | None = None
    network: str | None = None
    label: UUID | None = None

    @property
    def choice(self) -> Choice:
        """Raise Invalid."""
        for name, value, known in (("event", self.event, EVENTS), ("state", self.state, STATES)):
            if value not in known:
                raise Invalid(f"{name} must be one of {', '.join(known)}.", field=name)
        if self.network and self.network != "web" and self.network not in NAMES:
            raise Invalid(f"network must be one of web, {', '.join(NAMES)}.", field="network")
        if self.since and self.until and self.until < self.since:
            raise Invalid("until must not be before since.", field="until")
        until = _begins(self.until, self.zone, "until", 1) if self.until else None
        return Choice(
            _begins(self.since, self.zone, "since") if self.since else None, until, self.event, self.client,
            self.gateway, self.network, self.state, self.label,
        )

    @property
    def told(self) -> Json:
        """As the audit log tells it: what is not asked for is left out."""
        asked = {
            "since": self.since, "until": self.until, "event": self.event, "state": self.state, "client": self.client,
            "gateway": self.gateway, "network": self.network, "label": self.label,
        }
        return {k: v for k, v in asked.items() if v not in (None, "any", "all")}


def _begins(day: date, zone: ZoneInfo, field: str, later: int = 0) -> datetime:
    if not 2000 <= day.year < 2100:
        raise Invalid(f"{field} must be a day from 2000 to 2099.", field=field)
    return datetime.combine(day + timedelta(days=later), time(), zone)


async def conversations(hub: Hub, account: UUID, chosen: Filter) -> AsyncIterator[list[Json]]:
    """All of them, a page at a time, with the fields of CONVERSATION."""
    async for found in _chosen(hub, account, chosen.choice):
        yield [row_of(r, chosen.zone) for r in found]


async def _chosen(hub: Hub, account: UUID, which: Choice) -> AsyncIterator[list[Json]]:
    before, most = None, PAGE if which.event in rows.USUAL else BY_EVENT
    while found := await rows.listed(hub.db, account, which, before, most):
        for start in range(0, len(found), PAGE):
            yield found[start : start + PAGE]
        if len(found) < most:
            break
        before = found[-1]["id"]


def row_of(r: Json, zone: ZoneInfo) -> Json:
    """What is told of a conversation, by the names of CONVERSATION. Pure."""
    tag = r["tag"] or ""
    told = (
        r["id"], person(r), f"+{r['phone']}" if r["phone"] else "", r["username"] or "",
        "" if tag.startswith("zp_") else tag, NAMES.get(r["channel"] or "", "Web"), r["client_name"],
        r["gateway_name"] or "", r["title"] or "", _moment(r["created_at"], zone), _moment(r["last_message_at"], zone),
        _moment(r["closed_at"], zone), r["message_count"], r["token_count"], round(r["cost"], 8), r["handler"] or "",
        r["asked_by"] or "", r["rating"] or "",
    )
    return dict(zip(CONVERSATION, told, strict=True))


async def messages(hub: Hub, account: UUID, chosen: Filter) -> AsyncIterator[list[Json]]:
    """All that was said in them within the time, a page at a time, with the fields of MESSAGE."""
    which = chosen.choice
    async for found in _chosen(hub, account, which):
        for one in found:
            after = 0
            while said := await rows.words(hub.db, account, one["id"], after, which.since, which.until, WORDS):
                yield [_line(one, r, chosen.zone, hub.settings.address) for r in said]
                after = said[-1]["position"]


def _line(one: Json, r: Json, zone: ZoneInfo, address: str) -> Json:
    said, name = transcript.shown(r, address), person(one)
    ours = r["content"].get("by") or one["gateway_name"] or one["client_name"]
    told = (
        one["id"], name, NAMES.get(one["channel"] or "", "Web"), r["id"], _moment(r["created_at"], zone),
        (r["content"].get("author") or name) if r["role"] == "user" else ours, r["role"], r["source"], said["text"],
        [a["url"] or a["name"] for a in said["attachments"]],
    )
    return dict(zip(MESSAGE, told, strict=True))


def _moment(at: datetime | None, zone: ZoneInfo) -> str:
    return at.astimezone(zone).isoformat(timespec="seconds") if at else ""


async def table(columns: Sequence[str], pages: AsyncIterator[list[Json]]) -> AsyncIterator[bytes]:
    """As CSV, for spreadsheets: with the mark by which they know UTF-8."""
    yield tables.MARK + tables.of([columns]).encode()
    async for page in pages:
        yield tables.of([r[c] for c in columns] for r in page).encode(errors="replace")


async def lines(columns: Sequence[str], pages: AsyncIterator[list[Json]]) -> AsyncIterator[bytes]:
    """As JSON, one a line."""
    async for page in pages:
        yield b"".join(orjson.dumps({c: r[c] for c in columns}, str, orjson.OPT_APPEND_NEWLINE) for r in page)


async def talk(hub: Hub, account: UUID, session: UUID, zone: ZoneInfo) -> Talk:
    """A conversation whose transcript people of the account keep. Raise NotFound."""
    one = await inbox.view(hub.db, account, session)
    desk, network = one["gateway_name"] or one["client_name"], NAMES.get(one["channel"] or "", "Web")
    return Talk(session, account, person(one), desk, network, one["created_at"], zone, named=True)
