"""Whether a group message calls us: by our phone, by our LID, or by a number that nobody else has."""

import re
from collections.abc import Iterable
from dataclasses import replace

from channels import jid
from channels.inbound import Inbound

WRITTEN = re.compile(r"(?<![\w@])@\+?(\d{8,20})\b")
SHORTEST_LID = 14


def ids(addresses: Iterable[str | None]) -> tuple[str, ...]:
    """Contact ids of addresses, in their order."""
    found = (jid.ids(jid.lid(a), jid.phone(a)) for a in addresses if a)
    return tuple(dict.fromkeys(i for pair in found for i in pair))


def written(words: str) -> tuple[str, ...]:
    """Contact ids of the numbers that are called in a text."""
    found = WRITTEN.findall(words)
    return tuple(dict.fromkeys(f"lid:{n}" if len(n) >= SHORTEST_LID else f"phone:{n}" for n in found))


def called(item: Inbound, ours: Iterable[str]) -> Inbound:
    """The item with what our own ids say about it: who answers to us or names us means us."""
    if item.group is None or item.mentioned:
        return item
    meant = not {*item.named, *item.answers}.isdisjoint(ours)
    return replace(item, mentioned=True) if meant else item
