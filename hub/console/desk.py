"""When people answer, and what is said while they do not."""

import re
from collections.abc import Sequence

from aiohttp import web

from hub.accounts import desk
from hub.accounts.desk import DAYS, Desk, Shift
from hub.accounts.operators import Deed
from hub.console.guard import act, look
from hub.console.page_request import Visit, mark
from hub.domain import Json
from hub.errors import Invalid
from hub.translations import told

PLACE = "/console/settings/people"
LINES = 21
_LINE = re.compile(r"([a-z ,-]+?)\s+(\d{1,2}:\d\d)\s*(?:-|–|to)\s*(\d{1,2}:\d\d)")


async def show(v: Visit) -> web.StreamResponse:
    """GET /console/settings/people"""
    found = await desk.load(v.db, v.account)
    return await v.page("desk.html", desk=found, hours=written(found.hours), version=mark(found.stored()))


async def save(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/settings/people"""
    f, before = v.form, (await desk.load(v.db, v.account)).stored()
    given: Json = {
        "hours": read(f.get("hours")), "calledText": f.get("calledText"), "awayText": f.get("awayText"),
        "targetMinutes": int(f.number("targetMinutes", 0, 1440) or 0),
        "warnMinutes": int(f.number("warnMinutes", 0, 1440) or 0), "routing": f.get("routing") or "none",
    }
    deed.changed(before, given)
    await desk.edit(v.db, v.account, given, lambda now: v.unchanged(Desk.stored(now)))
    return v.to(PLACE, "Saved.")


def read(text: str) -> list[Json]:
    """Hours as people write them, a line each: "mon-fri 09:00-18:00". Raise Invalid naming the line. Pure."""
    found: list[Json] = []
    for n, line in enumerate(filter(None, (one.strip().lower() for one in text.splitlines())), 1):
        match = _LINE.fullmatch(line)
        days = _days(match[1]) if match else []
        if match is None or not days or n > LINES:
            raise Invalid(told(
                'hours: line %(line)s is not understood; write days and times such as "mon-fri 09:00-18:00".', line=n,
            ), field="hours")
        found.append({"days": days, "start": match[2].zfill(5), "end": match[3].zfill(5)})
    return found


def _days(text: str) -> list[str]:
    """Days and spans of days ("fri-mon" goes over Sunday); nothing where a word is no day."""
    found: list[str] = []
    for part in text.replace(",", " ").replace(" - ", "-").split():
        first, _, last = part.partition("-")
        if first[:3] not in DAYS or (last or first)[:3] not in DAYS:
            return []
        begin, end = DAYS.index(first[:3]), DAYS.index((last or first)[:3])
        found += [DAYS[(begin + n) % 7] for n in range((end - begin) % 7 + 1)]
    return list(dict.fromkeys(found))


def written(hours: Sequence[Shift]) -> str:
    """The same as it is read. Pure."""
    lines = []
    for shift in hours:
        days = sorted(shift.days, key=DAYS.index)
        whole = len(days) > 2 and DAYS.index(days[-1]) - DAYS.index(days[0]) == len(days) - 1
        lines.append(f"{f'{days[0]}-{days[-1]}' if whole else ', '.join(days)} {shift.start}-{shift.end}")
    return "\n".join(lines)


def routes() -> list[web.RouteDef]:
    return [look(PLACE, show, "settings"), act(PLACE, "settings.people_changed", save)]
