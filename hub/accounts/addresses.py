"""Addresses that customers give, looked at before they are stored.

What counts is the check when a connection is opened; this one only says early, and to the right
person, what would be refused later.
"""

import ipaddress
from urllib.parse import urlsplit

from hub.errors import Invalid
from hub.guarded_http import Guard


def check(guard: Guard, url: str, field: str) -> None:
    """Raise Invalid naming the field for an address that could never be reached."""
    try:
        guard.check(url)
    except Invalid as e:
        raise Invalid(f"{field}: {e}", field=field) from None
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if guard.names(host, parts.port or (443 if parts.scheme == "https" else 80)):
        return
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return
    if not guard.permits(address):
        raise Invalid(
            f"{field} is a private address; the operator can allow it with HUB_OUTBOUND_ALLOW.", field=field
        )
