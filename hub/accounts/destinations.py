"""A stored secret goes where it was given for and nowhere else.

Where scheme, host or port of an address changes, the secrets beside it must be given anew: otherwise whoever may
change an address could have a secret sent to them that they may not see.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from hub.accounts.value_types import MASK, mask
from hub.errors import Invalid

PORTS = {"http": 80, "https": 443}
# Searches in collections of the account, called nowhere.
INTERNAL = "aivax://"
Json = dict[str, Any]


def destination(url: str | None) -> str:
    """Scheme, host and port, written in one way; what is no address stands for itself."""
    parts = urlsplit(url or "")
    if not parts.hostname:
        return (url or "").strip().lower()
    try:
        port = parts.port or PORTS.get(parts.scheme.lower(), 0)
    except ValueError:  # a template of a workflow
        return f"{parts.scheme}://{parts.netloc}".lower()
    return f"{parts.scheme.lower()}://{parts.hostname.rstrip('.')}:{port}"


def moved(old: str | None, new: str | None) -> bool:
    """Whether a secret that belongs to one address may not go to the other. Pure."""
    return destination(old) != destination(new)


def wanted(field: str, address: str) -> Invalid:
    """What is said where an address moves and its secret does not come along."""
    text = f"{field} must be sent with {address}: a stored secret is never sent to another scheme, host or port."
    return Invalid(text, field=field)


def not_a_value(field: str) -> Invalid:
    return Invalid(f"{field} is a mask that stands for nothing here; send the whole value.", field=field)


class Entry(NamedTuple):
    """Something that is called: its name, its address, its headers."""

    name: str
    url: str
    headers: Mapping[str, str]


def bare(url: str) -> str:
    """An address without its query, which may hold a token."""
    return url if url.startswith(INTERNAL) else url.partition("?")[0]


def unqueried(url: str) -> str:
    """An address as it is shown to those who may not see secrets."""
    return url if bare(url) == url else f"{bare(url)}?{MASK}"


def queried(url: str, field: str, known: Iterable[str]) -> str:
    """An address whose query comes back as its mask has the one that it had. Raise Invalid for a mask of another."""
    if not url.endswith(f"?{MASK}"):
        return url
    same = [one for one in known if unqueried(one) == url]
    if not same:
        raise not_a_value(field)
    return same[0]


def masked(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Headers as they are shown."""
    return {name: mask(value) or "" for name, value in (headers or {}).items()}


def unmasked(entry: Entry, known: Iterable[Entry]) -> tuple[dict[str, str], list[str]]:
    """The headers with the values that masks stand for, and the names of those that stand for nothing.

    A mask stands for the value that an entry of the same destination has, first of all the one of the same name.
    """
    near = [one for one in known if not moved(one.url, entry.url)]
    near.sort(key=lambda one: one.name != entry.name)
    found: dict[str, str] = {}
    lost: list[str] = []
    for name, value in entry.headers.items():
        if not value.startswith(MASK):
            found[name] = value
            continue
        same = [v for one in near for n, v in one.headers.items() if n.lower() == name.lower() and mask(v) == value]
        if same:
            found[name] = same[0]
        else:
            lost.append(name)
    return found, lost
