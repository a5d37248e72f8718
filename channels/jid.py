"""WhatsApp addresses: phones, LIDs, groups and channels, in all the ways networks write them."""

import re
from collections.abc import Iterable

PHONE = re.compile(r"\+?[\d\s().-]+")
OLD_GROUP = re.compile(r"\d{6,}-\d{9,}")  # creator's phone and creation time
PERSONS = frozenset({"", "s.whatsapp.net", "c.us", "hosted"})
LIDS = frozenset({"lid", "hosted.lid"})


def split(address: str | None) -> tuple[str, str]:
    """User and server; the device in "5511…:12@s.whatsapp.net" is dropped."""
    user, _, server = (address or "").strip().partition("@")
    return user.partition(":")[0], server.lower()


def phone(address: str | None) -> str | None:
    """The digits of a phone number, or None when the address is anything else."""
    user, server = split(address)
    if server not in PERSONS or not PHONE.fullmatch(user) or OLD_GROUP.fullmatch(user):
        return None
    digits = re.sub(r"[^0-9]", "", user)
    return digits if 5 <= len(digits) <= 17 else None


def lid(address: str | None) -> str | None:
    """The number of a LID, WhatsApp's stable id of a person who may hide the phone."""
    user, server = split(address)
    return user if server in LIDS and user.isascii() and user.isdigit() else None


def kind(address: str | None) -> str:
    """person, group, newsletter or broadcast."""
    user, server = split(address)
    if server == "g.us" or user.endswith("-group") or OLD_GROUP.fullmatch(user):
        return "group"
    if server == "newsletter":
        return "newsletter"
    if server == "broadcast" or user.endswith("-broadcast"):
        return "broadcast"
    return "person"


def pick(addresses: Iterable[str | None]) -> tuple[str | None, str | None]:
    """The first LID and the first phone among several addresses of one person."""
    known = [a for a in addresses if a]
    found_lid = next((f for a in known if (f := lid(a))), None)
    return found_lid, next((f for a in known if (f := phone(a))), None)


def ids(found_lid: str | None, found_phone: str | None) -> tuple[str, ...]:
    """Contact ids; the LID first, since a phone number can pass to someone else."""
    named = (("lid", found_lid), ("phone", found_phone))
    return tuple(f"{name}:{value}" for name, value in named if value)
