"""`hub login`: a link that signs in to the console once."""

from collections.abc import Callable

from hub.accounts import sign_in
from hub.config import Settings
from hub.runtime import Hub, open_hub
from hub.store.migrate import demand

FIRST = 86_400.0  # seconds that the link of the very first start lasts


async def show(settings: Settings, email: str | None, say: Callable[[str], None]) -> None:
    """Print a link for this address, or for the owner. Raise Setup."""
    async with open_hub(settings) as hub:
        await demand(hub.db)
        address, link = await make(hub, email)
    say(f"This link signs {address} in, once, within 15 minutes:\n\n  {link}\n")


async def make(hub: Hub, email: str | None = None, seconds: float = sign_in.LOGIN_LINK) -> tuple[str, str]:
    """(e-mail address, link)."""
    address, token = await sign_in.link_for(hub.db, email, seconds)
    return address, f"{hub.settings.address}/console/link/{token}"
