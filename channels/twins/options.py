"""What can be chosen about the twins, once, when they start."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

NETWORKS = ("telegram", "zapi", "evolution", "kapso", "cloud", "webhook")
# Any other credential works, so that a trial needs no configuration.
REFUSED = ("bad", "wrong", "nope", "unknown")


@dataclass(frozen=True, slots=True)
class Options:
    """How the twins behave; the defaults suit a person who tries the product.

    speed multiplies every wait (retries, statuses, presence): 0.01 makes tests fast.
    accounts names the only accepted ones: network -> account id -> its token or key.
    window is what Kapso does outside the 24 hours: "sync" (400), "async" (failed status) or "off".
    """

    host: str = "127.0.0.1"
    port: int = 8090
    base_url: str = ""  # how media addresses begin; empty: as the last caller addressed us
    networks: tuple[str, ...] = NETWORKS
    speed: float = 1.0
    accounts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    client_token: str = ""  # Z-API's account security token; empty: not activated
    https_only: bool = False  # Telegram refuses webhooks without https, as the real one does
    flood: bool = False  # Telegram's one message a second for each chat, Kapso's pair limit
    window: str = "sync"
    auto_read: bool = False  # people read at once, without the page being open
    echo_upsert: bool = False  # Evolution versions that show API sends as messages.upsert too
    evolution_version: str = "2.3.7"
    keep: int = 5000  # entries of each log, messages of each chat
    log_path: Path | None = None

    def known(self, network: str, account: str) -> bool:
        """Whether the account exists."""
        named = self.accounts.get(network)
        if named is not None:
            return account in named
        return bool(account) and not account.lower().startswith(REFUSED)

    def secret_ok(self, network: str, account: str, secret: str) -> bool:
        """Whether the token or key opens the account."""
        named = self.accounts.get(network)
        if named is not None:
            return named.get(account) == secret
        return bool(secret) and not secret.lower().startswith(REFUSED)
