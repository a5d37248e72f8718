"""Times and rules in plain English, for the model to confirm and for operators to read. Pure."""

from datetime import datetime
from zoneinfo import ZoneInfo

from cron_descriptor import FormatError, Options, get_description

from hub.tools.schedule.recurrence import Rule
from hub.tools.schedule.zones import offset_text


def at(moment: datetime, zone: str) -> str:
    """ "Thursday, 19 March 2026 at 09:00 (America/Sao_Paulo, UTC-03:00)"."""
    local = moment.astimezone(ZoneInfo(zone))
    return f"{local:%A}, {local.day} {local:%B %Y} at {local:%H:%M} ({zone}, {offset_text(zone, moment)})"


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


def rule(of: Rule) -> str:
    """ "At 09:00, only on Monday, every 2 weeks from 2026-03-18 (America/Sao_Paulo)"."""
    options = Options()
    options.use_24hour_time_format = True
    try:
        said = get_description(of.cron, options)
    except FormatError:
        said = f"By the cron expression {of.cron}"
    if of.every > 1:
        said += f", only every {of.every} {of.unit}s from {of.anchor.isoformat()}"
    return f"{said} ({of.zone})"
