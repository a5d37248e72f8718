"""One form for a phone that can be written in two ways, to find people by. Never to send to: only the network knows
which way it takes. Pure.

Brazil's mobile phones have a ninth digit, which WhatsApp leaves out for many; Mexico's were called with a 1 behind the
country code, Argentina's are with a 9. The patterns and not the tables of `phonenumbers` decide: those lag behind newly
given numbers, and a number that is unknown to them must not make two people of one.
"""

import re
from collections.abc import Iterable

# Eight digits from 6 to 9 on are a mobile phone without its ninth digit; landlines begin with 2 to 5.
_BRAZIL = re.compile(r"(55[1-9][1-9])([6-9]\d{7})")
_MEXICO = re.compile(r"(52)1([2-9]\d{9})")
_ARGENTINA = re.compile(r"(54)9([1-9]\d{9})")
_TAG = re.compile(r"(zp_whatsapp:)([0-9]{5,17})(@.*)")
# The hub's own names of contacts, and what is in them: a number of Telegram lasts, a user name changes hands.
_NUMBER = re.compile(r"zp_telegram:(-?[0-9]+)@.*", re.DOTALL)
_USER_NAME = re.compile(r"zp_([a-z]+):([^@]*[^@0-9-][^@]*)(?:@(?:[0-9a-f]{12})?)?")
PHONE = "phone:"


def key(digits: str) -> str:
    """The form under which a phone (digits with the country code) is looked up."""
    if found := _BRAZIL.fullmatch(digits):
        return f"{found[1]}9{found[2]}"
    found = _MEXICO.fullmatch(digits) or _ARGENTINA.fullmatch(digits)
    return found[1] + found[2] if found else digits


def variants(digits: str) -> tuple[str, ...]:
    """All the ways in which the phone may be written, the given one first."""
    one = key(digits)
    others = [one]
    if re.fullmatch(r"55[1-9][1-9]9[6-9]\d{7}", one):
        others.append(one[:4] + one[5:])
    elif re.fullmatch(r"52[2-9]\d{9}", one):
        others.append(f"521{one[2:]}")
    elif re.fullmatch(r"54[1-9]\d{9}", one):
        others.append(f"549{one[2:]}")
    return tuple(dict.fromkeys((digits, *others)))


def named(id: str) -> str:
    """A name of a contact ("phone:553190000123", "lid:...") as it is looked up."""
    return PHONE + key(id.removeprefix(PHONE)) if id.startswith(PHONE) else id


def names(ids: Iterable[str]) -> list[str]:
    """Names as they are looked up, in their order; two ways to write one phone are one name."""
    return list(dict.fromkeys(named(id) for id in ids))


def spellings(ids: Iterable[str]) -> list[str]:
    """Names in all their ways."""
    each = ([PHONE + v for v in variants(id.removeprefix(PHONE))] if id.startswith(PHONE) else [id] for id in ids)
    return list(dict.fromkeys(name for ways in each for name in ways))


def users(external: str) -> list[str]:
    """An external user id in all its ways: the hub's own names of contacts on WhatsApp hold a phone."""
    found = _TAG.fullmatch(external)
    return [found[1] + v + found[3] for v in variants(found[2])] if found else [external]


def told(external: str) -> list[str]:
    """The name of a contact that an external user id tells, where it is one of the hub's own with a phone or a number
    of Telegram."""
    if found := _TAG.fullmatch(external):
        return [PHONE + found[2]]
    number = _NUMBER.fullmatch(external)
    return [f"tg:{number[1]}"] if number else []


def user_name(external: str) -> tuple[str, str, str] | None:
    """Network, user name and end of the chat client's id of one of the hub's own names that holds a user name."""
    found = _USER_NAME.fullmatch(external)
    return (found[1], found[2], external.partition("@")[2]) if found else None
