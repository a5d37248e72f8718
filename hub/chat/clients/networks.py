"""What the hub knows of networks beside their adapters: names, what is asked for, what is secret.

The four documented ones are written down here; every other says it of itself (`channels.base.Described`).
"""

from collections.abc import Mapping
from types import MappingProxyType

from channels.base import Described, Setting
from channels.registry import described

NAMES: Mapping[str, str] = {
    "telegram": "Telegram", "zapi": "Z-API", "evolution": "Evolution", "kapso": "Kapso",
    **{one.name: one.title for one in described()},
}
# Documented name of an integration to the name of its network.
TYPES: Mapping[str, str] = {
    "Zapi": "zapi", "Telegram": "telegram", "EvolutionApi": "evolution", "Kapso": "kapso",
    **{one.kind: one.name for one in described()},
}
OTHERS: Mapping[str, type[Described]] = MappingProxyType({one.name: one for one in described()})


def _named(asks: tuple[Setting, ...], what: str) -> tuple[str, ...]:
    return tuple(s.name for s in asks if getattr(s, what))


SECRETS: Mapping[str, tuple[str, ...]] = {
    "telegram": ("botToken",), "zapi": ("instanceToken", "clientToken"), "evolution": ("apiKey",),
    "kapso": ("apiKey", "webhookSecretKey"),
    **{one.name: _named(one.asks, "secret") for one in described()},
}
# What names the account at the network: with another one, the old webhook is somebody else's.
IDENTITY: Mapping[str, tuple[str, ...]] = {
    "telegram": ("botToken",), "zapi": ("instanceId",), "evolution": ("endpointUrl", "instanceName"),
    "kapso": ("phoneNumberId",),
    **{one.name: _named(one.asks, "identity") for one in described()},
}
# Where a tap on what is shown before a first message comes as its words.
OPENED = frozenset(one.name for one in described() if getattr(one, "opens", False))
# Whose people are known by their phones.
WHATSAPP = frozenset({"zapi", "evolution", "kapso", "cloud"})
# Where nobody may be written to 24 hours after their last message but with a template.
WINDOWED = frozenset({"kapso", *(one.name for one in described() if one.window)})
