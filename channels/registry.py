"""The table of networks: ours, and those that other packages plug in (entry points of the group `hub.channels`)."""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from inspect import isabstract
from typing import Any

import aiohttp

from channels.base import Channel, Described, Fetch
from channels.cloud import WhatsAppCloud
from channels.evolution import Evolution
from channels.kapso import Kapso
from channels.plug import Plug, Tools
from channels.telegram import Telegram
from channels.webhook import Webhook
from channels.zapi import ZApi

log = logging.getLogger(__name__)

GROUP = "hub.channels"
DOCUMENTED = ("telegram", "zapi", "evolution", "kapso")
# Names that mean something else where networks are named.
TAKEN = frozenset({*DOCUMENTED, "web", "cloud", "webhook"})
NAME = re.compile(r"[a-z][a-z0-9_]{1,30}")


@dataclass(frozen=True, slots=True)
class Urls:
    """Base addresses of the networks whose address is ours to choose."""

    telegram: str = "https://api.telegram.org"
    zapi: str = "https://api.z-api.io"
    kapso: str = "https://api.kapso.ai"
    meta: str = "https://graph.facebook.com/v24.0"


def build(
    http: aiohttp.ClientSession, guarded: Callable[[str], aiohttp.ClientSession], fetch: Fetch, urls: Urls
) -> dict[str, Channel]:
    """All channels by name. `guarded` gives the session for an address of a customer's choice."""
    adapters: tuple[Channel, ...] = (
        Telegram(urls.telegram),
        ZApi(http, fetch, urls.zapi),
        Evolution(guarded, fetch),
        Kapso(http, fetch, urls.kapso),
        WhatsAppCloud(http, fetch, urls.meta),
        Webhook(Tools(http, guarded, fetch)),
        *(made for one in plugs() if (made := _made(one, Tools(http, guarded, fetch))) is not None),
    )
    return {a.name: a for a in adapters}


def described() -> tuple[type[Described], ...]:
    """The networks that say of themselves what is to be known of them."""
    return (WhatsAppCloud, Webhook, *plugs())


@lru_cache(maxsize=1)
def plugs() -> tuple[type[Plug], ...]:
    """The classes of other packages. One that cannot be used is left out: it must not stop the others."""
    found: dict[str, type[Plug]] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda p: p.name):
        one = _loaded(point)
        if one is not None and one.name not in found:
            found[one.name] = one
    return tuple(found.values())


def usable(one: Any) -> str | None:
    """Why a class is no network, None when it is."""
    if not isinstance(one, type) or not issubclass(one, Plug):
        return "it is no class after channels.plug.Plug"
    if isabstract(one):
        return "it does not say how messages are received and sent"
    if not NAME.fullmatch(one.name) or one.name in TAKEN:
        return f"its name '{one.name[:40]}' is taken, or not of small letters, digits and underscores"
    if not (one.title and one.kind.isidentifier() and one.target):
        return "it needs a title, a kind and a target"
    return None


def _loaded(point: EntryPoint) -> type[Plug] | None:
    try:
        one = point.load()
    except Exception:
        log.exception("the network %s of another package cannot be loaded", point.name)
        return None
    if (why := usable(one)) is not None:
        log.error("the network %s of another package is not used: %s", point.name, why)
        return None
    found: type[Plug] = one
    return found


def _made(one: type[Plug], tools: Tools) -> Channel | None:
    try:
        return one(tools)
    except Exception:
        log.exception("the network %s of another package cannot be made", one.name)
        return None
