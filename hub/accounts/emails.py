"""E-mail addresses that people sign in with: one way to write each, and none that only looks like another's."""

import re
import unicodedata

import idna

from hub.errors import Invalid
from hub.language.marks import fewer

LONGEST = 254
# Letters of one alphabet: two addresses that look alike are alike.
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


def email_address(text: str, field: str = "email") -> str:
    """The address as it is kept: its domain in small ASCII letters, other forms of Latin letters made plain.

    Raise Invalid for what is no address, and for signs that cannot be seen or look like others.
    """
    local, _, domain = unicodedata.normalize("NFKC", fewer(text.strip())).rpartition("@")
    try:
        host = "localhost" if domain.lower() == "localhost" else idna.encode(domain, uts46=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        host = ""
    found = f"{local}@{host}"
    named = "." in host.strip(".") or host == "localhost"
    if not named or host.endswith(".") or len(local) > 64 or len(found) > LONGEST or not _LOCAL.fullmatch(local):
        raise Invalid(f"{field} must be an e-mail address such as ana@example.com.", field=field)
    return found


def same_address(text: str) -> str:
    """What two ways to write one address have in common; of what is no address, something nobody has."""
    try:
        return email_address(text).lower()
    except Invalid:
        return "\x00"
