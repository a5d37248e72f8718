"""Times and rules in plain words: in English for the model to confirm, for operators in their language. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from cron_descriptor import FormatError, Options, get_description

from hub.tools.schedule.recurrence import Rule
from hub.tools.schedule.zones import offset_text
from hub.translations import DAYS, ENGLISH, MONTHS, Catalogue, counted, told

# As the library of cron's words calls the languages; its names of days and months are English in all of them.
LOCALES: Mapping[str, str] = MappingProxyType({ENGLISH: "en_US", "pt-BR": "pt_PT", "es": "es_ES"})
_NAMES = re.compile("|".join((*DAYS, *MONTHS)))


def at(moment: datetime, zone: str) -> str:
    """ "Thursday, 19 March 2026 at 09:00 (America/Sao_Paulo, UTC-03:00)"."""
    local = moment.astimezone(ZoneInfo(zone))
    return told(
        "%(weekday)s, %(day)s %(month)s %(year)s at %(time)s (%(zone)s)", weekday=DAYS[local.weekday()], day=local.day,
        month=MONTHS[local.month - 1], year=local.year, time=f"{local:%H:%M}",
        zone=f"{zone}, {offset_text(zone, moment)}",
    )


def short(moment: datetime, zone: str) -> str:
    """ "Thu 2026-03-19 09:00"."""
    return f"{moment.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M}"


def away(moment: datetime, now: datetime) -> str:
    """ "in 2 days and 3 hours"."""
    minutes = max(0, round((moment - now).total_seconds() / 60))
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [(days, "day"), (hours, "hour"), (rest if not days else 0, "minute")]
    said = [f"{n} {unit}{'s' if n != 1 else ''}" for n, unit in parts if n]
    return "in " + (" and ".join(said) or "less than a minute")


def rule(of: Rule, words: Catalogue | None = None) -> str:
    """ "At 09:00, only on Monday, only every 2 weeks from 2026-03-18 (America/Sao_Paulo)"."""
    said = _cron(of.cron, words)
    if of.every > 1:
        said += words.say(_every(of)) if words else _every(of)
    return f"{said} ({of.zone})"


def _cron(cron: str, words: Catalogue | None) -> str:
    options = Options()
    options.use_24hour_time_format = True
    options.locale_code = LOCALES[words.code if words else ENGLISH]
    try:
        said = str(get_description(cron, options))
    except FormatError:
        unread = told("By the cron expression %(cron)s", cron=cron)
        return words.say(unread) if words else unread
    return _NAMES.sub(lambda name: words.gettext(name[0]), said) if words else said


def _every(of: Rule) -> str:
    day = of.anchor.isoformat()
    if of.unit == "day":
        return counted(
            ", only every %(count)s day from %(day)s", ", only every %(count)s days from %(day)s", of.every, day=day
        )
    if of.unit == "week":
        return counted(
            ", only every %(count)s week from %(day)s", ", only every %(count)s weeks from %(day)s", of.every, day=day
        )
    return counted(
        ", only every %(count)s month from %(day)s", ", only every %(count)s months from %(day)s", of.every, day=day
    )
