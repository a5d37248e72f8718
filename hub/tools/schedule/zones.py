"""The time zone of a person: what was said, the phone's area, the business's own, the language. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

from hub.later import later

if TYPE_CHECKING:
    import phonenumbers
    from phonenumbers import timezone
else:
    phonenumbers = later("phonenumbers")
    timezone = later("phonenumbers.timezone")


DEFAULT = "UTC"
# The zone most people of a country live in, where its mobile numbers do not tell the place.
_MAIN: Mapping[str, str] = {
    "AU": "Australia/Sydney", "BR": "America/Sao_Paulo", "CA": "America/Toronto", "CL": "America/Santiago",
    "CN": "Asia/Shanghai", "EC": "America/Guayaquil", "ES": "Europe/Madrid", "ID": "Asia/Jakarta",
    "KZ": "Asia/Almaty", "MX": "America/Mexico_City", "MY": "Asia/Kuala_Lumpur", "NZ": "Pacific/Auckland",
    "PT": "Europe/Lisbon", "RU": "Europe/Moscow", "UA": "Europe/Kyiv", "US": "America/New_York",
}
_BY_LANGUAGE: Mapping[str, str] = {
    "pt-br": "America/Sao_Paulo", "pt-pt": "Europe/Lisbon", "es-es": "Europe/Madrid", "es-mx": "America/Mexico_City",
    "es-ar": "America/Argentina/Buenos_Aires", "es-co": "America/Bogota", "es-cl": "America/Santiago",
    "es-pe": "America/Lima", "en-gb": "Europe/London", "en-ie": "Europe/Dublin",
}


def check(name: str) -> str:
    """The IANA name as it is written. Raise ValueError for any other."""
    found = _names().get(name.strip().casefold())
    if found is None:
        raise ValueError("must be an IANA time zone such as America/Sao_Paulo or Europe/Berlin")
    return found


@cache
def _names() -> Mapping[str, str]:
    left_out = ("Factory", "localtime", "posix", "right")
    return {n.casefold(): n for n in available_timezones() if not n.startswith(left_out)}


def zone_of(
    said: str | None = None, phone: str | None = None, client: str | None = None, language: str | None = None
) -> str:
    """said: chosen for this person. client: the chat client's own zone. UTC when nothing tells it."""
    if said:
        return said
    areas, country = _areas(phone)
    if len(areas) == 1:
        return areas[0]
    if client and (not areas or client in areas):
        return client
    if areas:
        main = _MAIN.get(country or "")
        return main if main in areas else areas[0]
    return client or _BY_LANGUAGE.get((language or "").replace("_", "-").casefold(), DEFAULT)


def _areas(phone: str | None) -> tuple[tuple[str, ...], str | None]:
    """Zones a number may be in and its country."""
    digits = "".join(c for c in phone or "" if c.isascii() and c.isdigit())
    if not 7 <= len(digits) <= 17:
        return (), None
    try:
        number = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return (), None
    country = phonenumbers.region_code_for_country_code(number.country_code or 0)
    found = tuple(z for z in timezone.time_zones_for_number(number) if z.casefold() in _names())
    if not found and country in _MAIN:
        return (_MAIN[country],), country
    return tuple(_modern(z) for z in found), country


def _modern(name: str) -> str:
    """The number tables keep some old names."""
    old = {"Asia/Katmandu": "Asia/Kathmandu", "America/Buenos_Aires": "America/Argentina/Buenos_Aires"}
    return old.get(name, name)


def offset_text(zone: str, at: datetime | None = None) -> str:
    """ "UTC-03:00": the zone's offset at a moment."""
    offset = (at or datetime.now(UTC)).astimezone(ZoneInfo(zone)).strftime("%z")
    return f"UTC{offset[:3]}:{offset[3:5]}"
