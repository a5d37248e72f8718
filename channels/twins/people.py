"""The people who write: a few invented ones, and whoever a test names."""

import hashlib
import re
from dataclasses import dataclass, replace
from typing import Any

# (name, Telegram id, phone): the first is who the page shows first.
INVENTED = (
    ("Ana Souza", "700000001", "5511999990000"),
    ("Bruno Lima", "700000002", "5511999990001"),
    ("Carla Dias", "700000003", "5521999990002"),
    ("Davi Rocha", "700000004", "5531999990003"),
)
# A number without WhatsApp, to try refusals.
NOBODY = "5511900000000"


@dataclass(frozen=True, slots=True)
class Person:
    """Someone with a phone; `id` is the chat's key: a Telegram id or a phone's digits."""

    id: str
    name: str
    username: str = ""
    language: str = "pt-br"
    phone: str = ""
    lid: str = ""
    bsuid: str = ""
    exists: bool = True
    state: str = "active"  # active | blocked | deactivated

    @property
    def first(self) -> str:
        """Given name."""
        return self.name.split(" ", 1)[0]

    @property
    def last(self) -> str:
        """The rest of the name."""
        return self.name.partition(" ")[2]


@dataclass(frozen=True, slots=True)
class Group:
    """A group chat, by the network's own id."""

    id: str
    title: str


def person(network: str, key: str, name: str = "", **more: Any) -> Person:
    """A person with all identifiers that the network would give."""
    if network == "telegram":
        made = Person(key, name or f"Person {key[-4:]}")
        if name:
            made = replace(made, username=re.sub(r"\W+", "_", name.lower()) + "_twin")
        return replace(made, **more)
    number = int(hashlib.sha256(key.encode()).hexdigest(), 16)
    phone = "" if "@" in key or not key.isdigit() else key
    made = Person(
        key,
        name or f"Contact {key[-4:]}",
        phone=phone,
        lid=key if key.endswith("@lid") else f"181{number % 10**12:012d}@lid",
        bsuid=key if "." in key else f"BR.{number % 10**20:020d}",
        exists=key != NOBODY,
    )
    return replace(made, **more)


def invented(network: str) -> dict[str, Person]:
    """Who is there from the start."""
    found = {}
    for name, number, phone in INVENTED:
        key = number if network == "telegram" else phone
        found[key] = person(network, key, name)
    return found


def digits(address: str) -> str:
    """A phone number in any spelling as the key of its chat; other addresses stay."""
    bare = address.strip().removesuffix("@s.whatsapp.net").removesuffix("@c.us")
    only = re.sub(r"[\s()+-]", "", bare)
    return only if only.isdigit() else bare
