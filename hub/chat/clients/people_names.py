"""What people are called wherever people read. Pure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from hub.chat.clients.networks import WHATSAPP

NETWORKS: Mapping[str, str] = MappingProxyType({
    "telegram": "Telegram", **dict.fromkeys(WHATSAPP, "WhatsApp"),
})


def person(row: Mapping[str, Any]) -> str:
    """What somebody is called: never by what they said, nor by a name that the hub has made up for a network."""
    tag = str(row.get("tag") or row.get("external_user") or "")
    named = next((str(row[n]) for n in ("contact_name", "said_name", "phone", "username") if row.get(n)), "")
    if named.isdigit() and named == str(row.get("phone") or ""):
        named = f"+{named}"
    if tag.startswith("preview-"):
        tag = "Preview"
    if not named and tag.startswith("zp_"):
        address = str(row.get("chat") or row.get("address") or tag.partition(":")[2].partition("@")[0])
        named = f"{NETWORKS.get(str(row.get('channel')), 'Visitor')} {address.partition('@')[0][-20:]}"
    return (named or tag or f"Visitor {str(row.get('id') or '')[-4:]}".strip())[:80]
