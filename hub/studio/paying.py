"""Whether an account can pay for what it asks."""

from uuid import UUID

from hub.errors import NotFound, PaymentRequired
from hub.runtime import Hub
from hub.store import accounts


async def solvent(hub: Hub, account: UUID) -> None:
    """Raise PaymentRequired when the balance is used up and HUB_BILLING is on."""
    if not hub.settings.billing:
        return
    found = await accounts.get(hub.db, account)
    if found is None:
        raise NotFound
    if found.balance <= 0:
        raise PaymentRequired
