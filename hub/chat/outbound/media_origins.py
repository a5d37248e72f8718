"""Which addresses in an answer are sent as files: a model writes them, and whoever fetches one tells its host.

The hub's own files, and those of the origins that a chat client allows: the hub fetches them itself, by its guarded
client, and sends bytes. No network is ever given an address to fetch; everything else stays a link. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from hub.chat.clients.styles import allows


@dataclass(frozen=True, slots=True)
class Origins:
    """own: the hub's address. allowed: origins that a chat client allows; None allows any to be asked for, which says
    nothing of whether it is sent."""

    own: str = ""
    allowed: Sequence[str] | None = None

    def takes(self, url: str) -> bool:
        """Whether a file's address is sent as a file."""
        return self.ours(url) or self.allowed is None or allows(list(self.allowed), _origin(url))

    def ours(self, url: str) -> bool:
        return bool(self.own) and url.startswith(f"{self.own}/media/")

    def marked(self, file: Mapping[str, Any]) -> dict[str, Any]:
        """The file of a part, with a mark when it may be fetched."""
        fetched = self.allowed is not None and not self.ours(str(file["url"]))
        return {**file, "allowed": True} if fetched else dict(file)


def of(address: str, parameters: Mapping[str, Any] | None) -> Origins:
    """Of a chat client with these parameters."""
    return Origins(address, tuple((parameters or {}).get("allowedMediaOrigins") or ()))


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    host = (parts.hostname or "").lower()
    return f"{parts.scheme}://{host}" + ("" if port is None or port == usual else f":{port}")
