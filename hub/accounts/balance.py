"""Whether an account may have what costs money."""

from uuid import UUID

from hub.config import Settings
from hub.errors import NotFound, PaymentRequired
from hub.runtime import Hub
from hub.store import accounts


def check(settings: Settings, balance: float) -> None:
    """Raise PaymentRequired where the operator bills and the balance is used up."""
    if settings.billing and balance <= 0:
        raise PaymentRequired


async def paying(hub: Hub, account: UUID) -> None:
    """The same for an account that is looked up, only where the operator bills."""
    if not hub.settings.billing:
        return
    found = await accounts.get(hub.db, account)
    if found is None:
        raise NotFound
    check(hub.settings, found.balance)
