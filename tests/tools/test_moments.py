"""Times and repetitions as people say them, in three languages."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from hub.tools.schedule import zones
from hub.tools.schedule.moments import moment
from hub.tools.schedule.repeats import rule
from hub.tools.schedule.tokens import Unclear

SP = ZoneInfo("America/Sao_Paulo")
NOW = datetime(2026, 3, 18, 17, 0, tzinfo=UTC)  # Wednesday, 14:00 in São Paulo

SAID = [
    ("pt", "amanhã às 9", "03-19 09:00"),
    ("pt", "amanhã às nove e meia", "03-19 09:30"),
    ("pt", "amanhã 9h30", "03-19 09:30"),
    ("pt", "hoje às 18:30", "03-18 18:30"),
    ("pt", "sexta às 10h", "03-20 10:00"),
    ("pt", "quarta às 15h", "03-18 15:00"),
    ("pt", "quarta às 9h", "03-25 09:00"),
    ("pt", "próxima segunda às 9", "03-23 09:00"),
    ("pt", "sexta-feira que vem às 10", "03-20 10:00"),
    ("pt", "depois de amanhã ao meio-dia", "03-20 12:00"),
    ("pt", "daqui a 2 horas", "03-18 16:00"),
    ("pt", "daqui a meia hora", "03-18 14:30"),
    ("pt", "em uma hora e meia", "03-18 15:30"),
    ("pt", "25/12 às 10h", "12-25 10:00"),
    ("pt", "25 de dezembro às 10h", "12-25 10:00"),
    ("pt", "no dia 31 às 8", "03-31 08:00"),
    ("pt", "amanhã de manhã", "03-19 09:00"),
    ("pt", "amanhã às 3 da tarde", "03-19 15:00"),
    ("pt", "hoje às 8 da noite", "03-18 20:00"),
    ("pt", "daqui a 3 dias às 9", "03-21 09:00"),
    ("pt", "às 9 horas de amanhã", "03-19 09:00"),
    ("en", "tomorrow at nine", "03-19 09:00"),
    ("en", "tomorrow at 9am", "03-19 09:00"),
    ("en", "next Monday at 3pm", "03-23 15:00"),
    ("en", "in two hours", "03-18 16:00"),
    ("en", "in 1 hour and 15 minutes", "03-18 15:15"),
    ("en", "Friday at noon", "03-20 12:00"),
    ("en", "December 25th at 10 a.m.", "12-25 10:00"),
    ("en", "tonight at 8", "03-18 20:00"),
    ("en", "half past nine tomorrow", "03-19 09:30"),
    ("en", "the day after tomorrow at 10:00", "03-20 10:00"),
    ("en", "9am", "03-19 09:00"),
    ("en", "next week at 9", "03-25 09:00"),
    ("en", "2026-03-21T15:00", "03-21 15:00"),
    ("en", "2026-03-21 15:00", "03-21 15:00"),
    ("en", "2026-03-21T15:00:00Z", "03-21 12:00"),
    ("en", "Saturday 21 March 2026 at 9:00", "03-21 09:00"),
    ("es", "mañana a las 9", "03-19 09:00"),
    ("es", "mañana por la mañana", "03-19 09:00"),
    ("es", "pasado mañana a las 10", "03-20 10:00"),
    ("es", "el viernes a las 3 de la tarde", "03-20 15:00"),
    ("es", "dentro de dos horas", "03-18 16:00"),
    ("es", "el lunes que viene a las 9", "03-23 09:00"),
    ("es", "mañana a las once", "03-19 11:00"),
    ("es", "a las nueve y media de la noche", "03-18 21:30"),
    ("es", "el 5 de abril a las 8", "04-05 08:00"),
]
REFUSED = [
    ("tomorrow", "no time of day"),
    ("yesterday at 9", "'yesterday'"),
    ("tomorrow at 25:00", "25:00"),
    ("03/04 at 9", "two days"),
    ("31 February at 9", "no day 31"),
    ("Monday 21 March 2026 at 9", "is no monday"),
    ("2026-03-01T09:00", "has passed"),
    ("2040-01-01T09:00", "five years"),
    ("tomorrow at 9 at 10", "two times"),
    ("sometime soon", "'sometime'"),
    ("", "write a date"),
    ("tomorrow at 9; drop table", "'9;'"),
    ("2026-03-21", "no time of day"),
    ("99999999999999999 at 9", "write a date"),
]
RULES = [
    ("0 9 * * 1", "0 9 * * 1", 1),
    ("todo dia às 9", "0 9 * * *", 1),
    ("cada día a las 9", "0 9 * * *", 1),
    ("every morning", "0 9 * * *", 1),
    ("dias úteis às 8", "0 8 * * 1-5", 1),
    ("de segunda a sexta às 8", "0 8 * * 1,2,3,4,5", 1),
    ("de lunes a viernes a las 8", "0 8 * * 1,2,3,4,5", 1),
    ("toda segunda e quinta às 9h", "0 9 * * 1,4", 1),
    ("todos los lunes a las 9", "0 9 * * 1", 1),
    ("toda sexta à tarde", "0 15 * * 5", 1),
    ("every second Monday at 9", "0 9 * * 1", 2),
    ("every other Monday at 9", "0 9 * * 1", 2),
    ("segunda sim, segunda não às 9", "0 9 * * 1", 2),
    ("a cada duas semanas na segunda às 9", "0 9 * * 1", 2),
    ("cada dos semanas el lunes a las 10", "0 10 * * 1", 2),
    ("cada dos semanas a las 9", "0 9 * * 3", 2),
    ("every 3 days at 9", "0 9 * * *", 3),
    ("every 2 hours", "0 */2 * * *", 1),
    ("a cada 15 minutos", "*/15 * * * *", 1),
    ("on the 5th of every month at 9", "0 9 5 * *", 1),
    ("todo dia 5 às 8", "0 8 5 * *", 1),
    ("el día 5 de cada mes a las 8", "0 8 5 * *", 1),
    ("último dia do mês às 18h", "0 18 L * *", 1),
    ("first Monday of the month at 9", "0 9 * * 1#1", 1),
    ("segunda segunda do mês às 9", "0 9 * * 1#2", 1),
    ("primer lunes del mes a las 9", "0 9 * * 1#1", 1),
    ("last Friday of the month at 17:00", "0 17 * * 5L", 1),
    ("every year on 25 December at 9", "0 9 25 12 *", 1),
    ("every 3 months on the 1st at 9", "0 9 1 * *", 3),
]
NO_RULES = [
    "every Monday",
    "every 7 hours",
    "blah",
    "0 9 31 2 *",
    "60 * * * *",
    "every day 5 of week at 9",
    "every 400 weeks at 9",
    "",
    "every Monday 5 at 9",
    "on the 45th of every month at 9",
]


@pytest.mark.parametrize(("language", "text", "wanted"), SAID, ids=[s[1] for s in SAID])
def test_a_moment_is_understood(language: str, text: str, wanted: str) -> None:
    at = moment(text, "America/Sao_Paulo", NOW, language=language)
    assert at.tzinfo == UTC and f"{at.astimezone(SP):%m-%d %H:%M}" == wanted and at.astimezone(SP).year == 2026


@pytest.mark.parametrize(("text", "words"), REFUSED, ids=[r[0] for r in REFUSED])
def test_what_is_not_clear_is_refused_and_never_guessed(text: str, words: str) -> None:
    with pytest.raises(Unclear) as refused:
        moment(text, "America/Sao_Paulo", NOW, language="en")
    assert words in str(refused.value)


@pytest.mark.parametrize(("text", "cron", "every"), RULES, ids=[r[0] for r in RULES])
def test_a_repetition_is_understood(text: str, cron: str, every: int) -> None:
    found = rule(text, "America/Sao_Paulo", NOW)
    assert (found.cron, found.every) == (cron, every) and found.zone == "America/Sao_Paulo"


@pytest.mark.parametrize("text", NO_RULES)
def test_a_repetition_that_is_not_clear_is_refused(text: str) -> None:
    with pytest.raises(Unclear):
        rule(text, "America/Sao_Paulo", NOW)


def test_a_time_in_the_gap_is_the_end_of_it() -> None:
    now = datetime(2026, 3, 27, tzinfo=UTC)
    assert moment("Sunday at 2:30", "Europe/Berlin", now) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    # Two hours are two hours, whatever the clocks do.
    night = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    assert moment("in 2 hours", "Europe/Berlin", night) == datetime(2026, 3, 29, 2, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "zone"),
    [
        ({"phone": "5511999990000"}, "America/Sao_Paulo"),
        ({"phone": "+55 (92) 99999-0000"}, "America/Manaus"),
        ({"phone": "13105550123"}, "America/Los_Angeles"),
        ({"phone": "351912345678"}, "Europe/Lisbon"),
        ({"phone": "61412345678", "client": "Australia/Perth"}, "Australia/Perth"),
        ({"phone": "61412345678"}, "Australia/Sydney"),
        ({"phone": "4915112345678", "client": "America/New_York"}, "Europe/Berlin"),
        ({"phone": "5500"}, "UTC"),
        ({}, "UTC"),
        ({"client": "Europe/Berlin"}, "Europe/Berlin"),
        ({"language": "pt-BR"}, "America/Sao_Paulo"),
        ({"said": "Asia/Tokyo", "phone": "5511999990000"}, "Asia/Tokyo"),
        ({"phone": "9779841000000"}, "Asia/Kathmandu"),
    ],
)
def test_the_zone_of_a_person(given: dict[str, str], zone: str) -> None:
    assert zones.zone_of(**given) == zone


def test_a_zone_is_checked() -> None:
    assert zones.check("america/sao_paulo") == "America/Sao_Paulo"
    for bad in ("Mars/Base", "", "localtime", "../etc/passwd", "UTC+3"):
        with pytest.raises(ValueError, match="IANA"):
            zones.check(bad)
