"""Whether an account may have what costs money."""

from hub.accounts import accounts
from hub.config import Settings
from hub.domain import Caller, User
from hub.errors import PaymentRequired
from hub.runtime import Hub


def check(settings: Settings, balance: float) -> None:
    """Raise PaymentRequired where the operator bills and the balance is used up."""
    if settings.billing and balance <= 0:
        raise PaymentRequired


async def paying(hub: Hub, who: Caller | User) -> None:
    """The same for the caller's account, which is looked up only where the operator bills."""
    if hub.settings.billing:
        check(hub.settings, (await accounts.view(hub.db, who)).balance)
