"""The list of the inbox: which conversations, in which order, how many; by the address of the page."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from hub.accounts import contacts
from hub.accounts.desk import HERE
from hub.chat.operators import inbox as operator_inbox
from hub.chat.operators.groups import SORTS
from hub.chat.operators.triage import PRIORITIES
from hub.console.page_request import Visit
from hub.domain import Json
from hub.errors import Invalid
from hub.store import human_requests, inbox_views, people, said, triage
from hub.store import operator_inbox as rows
from hub.store.operator_inbox import Place
from hub.translations import told

# Of one page, of one beside an open conversation, and how many are counted.
PAGE, BESIDE, MOST = 30, 12, 100
# As the tabs are called; those without a count are only looked through.
TABS = (
    ("all", told("All")), ("mine", told("Mine")), ("team", told("My team")), ("unassigned", told("Unassigned")),
    ("waiting", told("Waiting")), ("asked", told("Asked for a person")), ("mentions", told("Mentions")),
    ("person", told("People")), ("bot", told("Bot")),
    ("snoozed", told("Snoozed")), ("closed", told("Closed")),
)
COUNTED = ("mine", "team", "unassigned", "waiting", "asked", "mentions", "snoozed")
FILTERS = ("label", "team", "assignee")


@dataclass(frozen=True, slots=True)
class Shown:
    """Which conversations are listed: what the address of the page says."""

    show: str = "all"
    words: str = ""
    after: Place | None = None
    filter: tuple[tuple[str, Any], ...] = ()
    sort: str = "newest"

    @classmethod
    def of(cls, asked: Callable[[str, str], str]) -> "Shown":
        """By the words of a query: `asked` gives one of them, or what stands for none. Raise Invalid."""
        show, sort = asked("show", "all"), asked("sort", "newest")
        if show not in operator_inbox.SHOWS:
            raise Invalid(f"show must be one of {', '.join(operator_inbox.SHOWS)}.", field="show")
        if sort not in SORTS:
            raise Invalid(f"sort must be one of {', '.join(SORTS)}.", field="sort")
        filter = filtered({n: asked(n, "") for n in (*FILTERS, "priority")})
        return cls(show, asked("q", "")[:100], place(asked("after", "")), filter, sort)

    @property
    def chosen(self) -> Json:
        """The filter as it is asked for and kept."""
        return dict(self.filter)

    @property
    def query(self) -> str:
        """The same list again."""
        kept = {"show": self.show if self.show != "all" else "", "q": self.words}
        kept |= {n: PRIORITIES[x] if n == "priority" else str(x) for n, x in self.filter}
        return urlencode({k: x for k, x in {**kept, "sort": self.sort if self.sort != "newest" else ""}.items() if x})

    @property
    def place(self) -> str:
        return written(self.after) if self.after else ""


def filtered(given: dict[str, str]) -> tuple[tuple[str, Any], ...]:
    """A filter of words. Raise Invalid."""
    found: list[tuple[str, Any]] = []
    for name, text in given.items():
        if not text:
            continue
        if name == "priority":
            if text not in PRIORITIES:
                raise Invalid(f"priority must be one of {', '.join(PRIORITIES)}.", field="priority")
            found.append((name, PRIORITIES.index(text)))
            continue
        try:
            found.append((name, str(UUID(text))))
        except ValueError:
            raise Invalid(f"{name} is not an id.", field=name) from None
    return tuple(found)


def place(text: str) -> Place | None:
    """A place in the list: time, id and priority. Raise Invalid."""
    if not text:
        return None
    at, _, rest = text.partition("~")
    id, _, level = rest.partition("~")
    try:
        return Place(datetime.fromisoformat(at).astimezone(UTC), UUID(id), min(3, max(0, int(level or 0))))
    except (ValueError, OverflowError):
        raise Invalid("after is none that a page gave; leave it out to start again.", field="after") from None


def written(where: Place) -> str:
    return f"{where.at.isoformat()}~{where.id}~{where.level}"


async def listed(v: Visit, shown: Shown, size: int = PAGE) -> Json:
    """What the list's template needs."""
    named = contacts.looked(shown.words)[1]
    person = await people.find(v.db, v.account, named) if named else None
    show = "any" if shown.words and shown.show == "all" else shown.show
    found = await rows.page(
        v.db, v.account, v.who.id, show, after=shown.after, words=shown.words or None, limit=size + 1,
        person=person, filter=shown.chosen, by_priority=shown.sort == "priority",
    )
    last = found[size - 1] if len(found) > size else None
    after = written(Place(last["at"], last["id"], last["priority"])) if last else ""
    spoken = await said.find(v.db, v.account, shown.words) if shown.words and not shown.after else []
    sealed = v.db.keys is not None
    return {"talks": found[:size], "after": after, "shown": shown, "spoken": spoken, "sealed": sealed}


async def views(v: Visit) -> list[Json]:
    """Those of whoever looks, each with the address that shows it."""
    found = await inbox_views.listed(v.db, v.account, v.who.id)
    return [one | {"query": _kept(one).query} for one in found]


def _kept(view: Json) -> Shown:
    known = {n: x for n, x in view["filter"].items() if n in (*FILTERS, "priority")}
    return Shown(view["filter"].get("show", "all"), "", None, tuple(known.items()), view["sort"])


async def counted(v: Visit, kept: list[Json]) -> Json:
    """How many conversations each tab and each view holds, in one statement."""
    lists: list[Json] = [{"name": show, "show": show, "filter": {}} for show in COUNTED]
    for one in kept:
        view = _kept(one)
        lists.append({"name": str(one["id"]), "show": view.show, "filter": view.chosen})
    return await rows.counts(v.db, v.account, v.who.id, lists, MOST)


async def beside(v: Visit) -> Json:
    """What the whole page of the inbox needs beside the list: tabs with their counts."""
    kept = await views(v)
    return {"tabs": TABS, "views": kept, "counts": await counted(v, kept)}


async def choices(v: Visit) -> Json:
    """What the forms of the desk offer."""
    return {
        **await triage.choices(v.db, v.account), "priorities": PRIORITIES,
        "colleagues": await human_requests.colleagues(v.db, v.account, HERE),
    }
