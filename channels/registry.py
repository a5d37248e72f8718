"""The explicit table of networks: the one line a new channel adds."""

from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

from channels.base import Channel, Fetch
from channels.evolution import Evolution
from channels.kapso import Kapso
from channels.telegram import Telegram
from channels.zapi import ZApi


@dataclass(frozen=True, slots=True)
class Urls:
    """Base addresses of the networks whose address is ours to choose."""

    telegram: str = "https://api.telegram.org"
    zapi: str = "https://api.z-api.io"
    kapso: str = "https://api.kapso.ai"


def build(
    http: aiohttp.ClientSession, guarded: Callable[[str], aiohttp.ClientSession], fetch: Fetch, urls: Urls
) -> dict[str, Channel]:
    """All channels by name. `guarded` gives the session for an address of a customer's choice."""
    adapters: tuple[Channel, ...] = (
        Telegram(urls.telegram),
        ZApi(http, fetch, urls.zapi),
        Evolution(guarded, fetch),
        Kapso(http, fetch, urls.kapso),
    )
    return {a.name: a for a in adapters}
