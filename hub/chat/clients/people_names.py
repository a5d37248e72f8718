"""What people are called wherever people read. Pure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from hub.chat.clients.networks import WHATSAPP
from hub.translations import told

NETWORKS: Mapping[str, str] = MappingProxyType({
    "telegram": "Telegram", **dict.fromkeys(WHATSAPP, "WhatsApp"),
})


def person(row: Mapping[str, Any]) -> str:
    """What somebody is called: never by what they said, nor by a name that the hub has made up for a network."""
    tag = str(row.get("tag") or row.get("external_user") or "")
    named = next((str(row[n]) for n in ("contact_name", "said_name", "phone", "username") if row.get(n)), "")
    if named.isdigit() and named == str(row.get("phone") or ""):
        named = f"+{named}"
    if not named and tag.startswith("zp_"):
        address = str(row.get("chat") or row.get("address") or tag.partition(":")[2].partition("@")[0])
        address = address.partition("@")[0][-20:]
        network = NETWORKS.get(str(row.get("channel")))
        named = f"{network} {address}" if network else told("Visitor %(tail)s", tail=address)
        return named[:80] if network else named
    if not named and tag.startswith("preview-"):
        return told("Preview")
    tail = str(row.get("id") or "")[-4:]
    unknown = told("Visitor %(tail)s", tail=tail) if tail else told("Visitor")
    return (named or tag)[:80] or unknown
