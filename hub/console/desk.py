"""When people answer, and what is said while they do not."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from aiohttp import web

from hub.accounts import desk
from hub.accounts.desk import DAYS, Desk, Shift
from hub.accounts.operators import Deed
from hub.console.guard import act, look
from hub.console.page_request import Visit, mark
from hub.domain import Json
from hub.errors import Invalid
from hub.translations import DAYS as WEEK
from hub.translations import ENGLISH, Catalogue, Catalogues, told

PLACE = "/console/settings/people"
LINES = 21
_LINE = re.compile(r"([a-z ,-]+?)\s+(\d{1,2}:\d\d)\s*(?:-|–|to|a|as|ate|hasta)\s*(\d{1,2}:\d\d)")
PLAIN = Catalogues().of(ENGLISH)


async def show(v: Visit) -> web.StreamResponse:
    """GET /console/settings/people"""
    found = await desk.load(v.db, v.account)
    return await v.page(
        "desk.html", desk=found, hours=written(found.hours, v.words), version=mark(found.stored()),
        example=_example(v.words),
    )


async def save(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/settings/people"""
    f, before = v.form, (await desk.load(v.db, v.account)).stored()
    given: Json = {
        "hours": read(f.get("hours"), v.words), "calledText": f.get("calledText"), "awayText": f.get("awayText"),
        "targetMinutes": int(f.number("targetMinutes", 0, 1440) or 0),
        "warnMinutes": int(f.number("warnMinutes", 0, 1440) or 0), "routing": f.get("routing") or "none",
    }
    deed.changed(before, given)
    await desk.edit(v.db, v.account, given, lambda now: v.unchanged(Desk.stored(now)))
    return v.to(PLACE, "Saved.")


def read(text: str, words: Catalogue = PLAIN) -> list[Json]:
    """Hours as people write them, a line each: "mon-fri 09:00-18:00", in English or their language. Raise Invalid
    naming the line. Pure."""
    found, known = list[Json](), {**_short(PLAIN), **_short(words)}
    for n, line in enumerate(filter(None, (_letters(one) for one in text.splitlines())), 1):
        match = _LINE.fullmatch(line)
        days = _days(match[1], known) if match else []
        if match is None or not days or n > LINES:
            raise Invalid(told(
                'hours: line %(line)s is not understood; write days and times such as "%(example)s".', line=n,
                example=_example(words),
            ), field="hours")
        found.append({"days": days, "start": match[2].zfill(5), "end": match[3].zfill(5)})
    return found


def _letters(text: str) -> str:
    """In small letters without accents, and days of the week without what all of them end with in Portuguese."""
    plain = "".join(c for c in unicodedata.normalize("NFD", text.strip().lower()) if not unicodedata.combining(c))
    return plain.replace("-feira", "")


def _short(words: Catalogue) -> Mapping[str, str]:
    """Our names of days by their first letters in a language."""
    return {_letters(words.gettext(long)[:3]): day for long, day in zip(WEEK, DAYS, strict=True)}


def _example(words: Catalogue) -> str:
    return f"{words.gettext(WEEK[0])[:3].lower()}-{words.gettext(WEEK[4])[:3].lower()} 09:00-18:00"


def _days(text: str, known: Mapping[str, str]) -> list[str]:
    """Days and spans of days ("fri-mon" goes over Sunday); nothing where a word is no day."""
    found: list[str] = []
    for part in text.replace(",", " ").replace(" - ", "-").split():
        first, _, last = part.partition("-")
        if first[:3] not in known or (last or first)[:3] not in known:
            return []
        begin, end = DAYS.index(known[first[:3]]), DAYS.index(known[(last or first)[:3]])
        found += [DAYS[(begin + n) % 7] for n in range((end - begin) % 7 + 1)]
    return list(dict.fromkeys(found))


def written(hours: Sequence[Shift], words: Catalogue = PLAIN) -> str:
    """The same as it is read. Pure."""
    lines, short = [], {day: words.gettext(long)[:3].lower() for long, day in zip(WEEK, DAYS, strict=True)}
    for shift in hours:
        days = sorted(shift.days, key=DAYS.index)
        whole = len(days) > 2 and DAYS.index(days[-1]) - DAYS.index(days[0]) == len(days) - 1
        named = f"{short[days[0]]}-{short[days[-1]]}" if whole else ", ".join(short[day] for day in days)
        lines.append(f"{named} {shift.start}-{shift.end}")
    return "\n".join(lines)


def routes() -> list[web.RouteDef]:
    return [look(PLACE, show, "settings"), act(PLACE, "settings.people_changed", save)]
