"""`hub catalogue check`: what the providers you have keys for offer, beside what the catalogue says they do."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta

import orjson

from hub.config import Settings
from hub.errors import HubError
from hub.guarded_http import Outbound, open_outbound
from hub.llm import catalogue
from hub.llm.catalogue import Model

SOON, SHOWN = timedelta(days=30), 20
# Whose list has a shape or credentials of its own.
ANTHROPIC = {"anthropic-version": "2023-06-01"}


def main(settings: Settings) -> None:
    """Print what was found; exit 1 when a model is gone, or a provider did not answer."""
    if asyncio.run(check(settings, print)):
        sys.exit(1)


async def check(settings: Settings, say: Callable[[str], None]) -> int:
    """How many things there are to mend."""
    known = catalogue.load(settings.catalogue, settings.model_keys.get_secret_value())
    by_provider: dict[tuple[str, str, str | None], list[Model]] = {}
    for model in known.models.values():
        by_provider.setdefault((model.vendor, model.address, model.key), []).append(model)
    if not by_provider:
        say("No provider is configured; set HUB_MODEL_KEYS.")
        return 0
    wrong = 0
    async with open_outbound(settings.outbound_allow) as outbound:
        for (vendor, address, key), models in sorted(by_provider.items(), key=lambda one: one[0][:2]):
            wrong += await _provider(outbound, vendor, address, key, models, say)
    return wrong


async def _provider(
    outbound: Outbound, vendor: str, address: str, key: str | None, models: Sequence[Model], say: Callable[[str], None]
) -> int:
    try:
        offered = await _offered(outbound, address, key)
    except (HubError, ValueError) as e:
        say(f"BAD  {vendor}: its models could not be read: {e}")
        return 1
    gone = sorted(m.id for m in models if m.name not in offered)
    more = sorted(offered - {m.name for m in models})
    say(f"{'BAD ' if gone else 'ok  '} {vendor}: {len(models) - len(gone)} of {len(models)} models are offered")
    for id in gone:
        say(f"       missing at the provider: {id}")
    if more:
        rest = f" and {len(more) - SHOWN} more" if len(more) > SHOWN else ""
        say(f"       not in the catalogue: {', '.join(more[:SHOWN])}{rest}")
    for model in models:
        if model.retires and model.retires <= _today() + SOON:
            say(f"warn   {model.id} retires on {model.retires}")
    return len(gone)


def _today() -> date:
    return datetime.now(UTC).date()


async def _offered(outbound: Outbound, address: str, key: str | None) -> set[str]:
    """Names as the provider's own list has them. Raise HubError, ValueError for an answer of another shape."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    url = f"{address.rstrip('/')}/models"
    if "api.anthropic.com" in address and key:
        headers, url = ANTHROPIC | {"x-api-key": key}, f"{url}?limit=1000"
    reply = await outbound.request("GET", url, headers=headers, seconds=20.0)
    if reply.status != 200:
        raise ValueError(f"it answered {reply.status}.")
    told = orjson.loads(reply.body)
    listed = told.get("data", told.get("models")) if isinstance(told, dict) else told
    if not isinstance(listed, list):
        raise ValueError("its answer is no list of models.")
    names = (str(one.get("id") or one.get("name") or "") for one in listed if isinstance(one, dict))
    return {n.removeprefix("models/") for n in names if n}
