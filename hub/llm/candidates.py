"""Who may answer for a gateway: its model where it is, the same model elsewhere, then its fallbacks. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from hub.domain import Gateway, Json
from hub.llm.addresses import same_place
from hub.llm.refusals import CONTEXT, REQUEST, filtered
from hub.llm.types import INTEGRATED, Broken, Failed

# Codes of answers that hold nothing for a person, and of models that do not want to answer.
EMPTY, REFUSED = "empty_answer", "refused"
# Characters of a model's and a provider's name that traces tell.
LABEL = 200
SOURCE = "OpenAiCompatible"
# What a fallback without conditions stands in for; what the same model would refuse elsewhere too.
_TIMED_OUT, _DOWN, _OTHER = 504, 503, 502


@dataclass(frozen=True, slots=True)
class Candidate:
    """One who may answer. weight: its share of the questions among equals. when: failures that a fallback stands in
    for; None: all. fallback: another model than the gateway's."""

    gateway: Gateway
    model: str
    weight: int = 1
    when: Json | None = None
    fallback: bool = False

    def takes(self, e: Exception) -> bool:
        """Whether it is asked after this failure of one before it."""
        if not self.fallback:
            return not isinstance(e, Failed) or not _same_elsewhere(e)
        if self.when is None:
            return not (isinstance(e, Failed) and e.code == REFUSED)
        if not isinstance(e, Failed):
            return False
        statuses = self.when.get("statuses") or ()
        return (
            status_of(e) in statuses
            or bool(self.when.get("contextWindow") and _code(e) == CONTEXT)
            or bool(self.when.get("refusal") and (e.code == REFUSED or filtered(_code(e))))
        )


def next_after(candidates: Sequence[Candidate], e: Broken) -> int:
    """Who steps in for one that broke off; one beyond the last when nobody does."""
    return next((n for n in range(e.place + 1, len(candidates)) if candidates[n].takes(e)), len(candidates))


def _same_elsewhere(e: Failed) -> bool:
    """Whether the same model would say the same at another place."""
    return e.kind in REQUEST or e.code == REFUSED or (e.code == EMPTY and e.permanent)


def status_of(e: Failed) -> int:
    """The status of HTTP that says what went wrong, also for those who said nothing."""
    silent = _DOWN if e.down or e.code == "model_paused" else _OTHER
    return e.kind or (_TIMED_OUT if e.code == "model_timeout" else silent)


def _code(e: Failed) -> str | None:
    found = e.details.get("code") if isinstance(e.details, dict) else None
    return found if isinstance(found, str) else None


def address_of(gateway: Gateway) -> str:
    """The gateway's base address; INTEGRATED for the hub's own models."""
    return str(gateway.parameters.get("baseAddress") or INTEGRATED)


@lru_cache(maxsize=2000)
def host_of(address: str) -> str:
    """What a provider is called where nothing else is known of it."""
    return (urlsplit(address).hostname or "").lower()[:LABEL]


def pool(gateway: Gateway, model: str) -> list[Candidate]:
    """The model wherever the gateway has it. Deployments that call it otherwise stand for its own model alone."""
    p = gateway.parameters
    own = Candidate(gateway, model, int((p.get("loadBalancing") or {}).get("weight", 1)))
    usual = model == p.get("modelName")
    return [own, *(
        Candidate(_placed(gateway, one), str(one.get("modelName") or model), int(one.get("weight", 1)))
        for one in p.get("deployments") or () if usual or not one.get("modelName")
    )]


def fallbacks(gateway: Gateway) -> list[Candidate]:
    """Other models, in the order in which they are asked."""
    return [
        Candidate(_placed(gateway, one), str(one["modelName"]), when=one.get("conditions"), fallback=True)
        for one in gateway.parameters.get("fallbackModels") or ()
    ]


def _placed(gateway: Gateway, one: Mapping[str, Any]) -> Gateway:
    """A gateway of its own for another place; without an address it is where the first is. What belongs to the
    first one's address goes nowhere else."""
    address, transport = one.get("baseAddress"), one.get("transportInterface")
    if not address:
        found = replace(gateway, api_key=one["apiKey"]) if one.get("apiKey") else gateway
        spoken = {**found.parameters, "transportInterface": transport}
        return replace(found, parameters=spoken) if transport else found
    headers = gateway.parameters.get("providerHeaders") if same_place(address_of(gateway), address) else None
    parameters = {
        **gateway.parameters, "baseAddress": address, "transportInterface": transport or SOURCE,
        "providerHeaders": headers or {},
    }
    return replace(gateway, parameters=parameters, api_key=one.get("apiKey"))
