"""How long an answer may take: the hub's settings, then the gateway's, then the request's. Pure."""

from collections.abc import Mapping
from typing import Any

from hub.config import Settings
from hub.llm.types import Limits

MOST = 3600.0
# Of an account that sets a limit of its own.
ACCOUNT = "inferenceSeconds"


def limits_of(
    settings: Settings, parameters: Mapping[str, Any], asked: Mapping[str, Any] | None = None, most: float | None = None
) -> tuple[Limits, float]:
    """Limits of silence, and seconds for all of it. parameters: the gateway's. asked: the request's, by the
    gateway's names. most: the account's."""
    given = {**_given(parameters.get("timeLimits")), **_given(asked)}
    top = min(MOST, most or MOST)
    first = given.get("firstToken", settings.model_first_seconds)
    silence = given.get("silence", settings.model_silence_seconds)
    whole = given.get("whole", settings.model_seconds)
    return Limits(min(first, top), min(silence, top)), min(whole, top)


def _given(limits: Mapping[str, Any] | None) -> dict[str, float]:
    return {name: float(value) for name, value in (limits or {}).items() if value is not None}
