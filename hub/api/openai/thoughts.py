"""What a provider wants back of an answer, sealed for a caller who keeps the conversation."""

import base64
import binascii

import orjson

from hub.domain import Gateway, Json
from hub.engine.ask import Answer
from hub.errors import Setup
from hub.runtime import Hub

PLACE = "responses.thoughts"
KEPT = ("back", "reasoning", "reasoning_details")


def of(made: Answer) -> Json:
    """Fields of the assistant's message that go back."""
    last = made.messages[-1] if made.messages else {}
    return {name: last[name] for name in KEPT if last.get(name)}


def sealed(hub: Hub, gateway: Gateway, account: object, thoughts: Json) -> str:
    text = orjson.dumps({"gateway": str(gateway.id), "thoughts": thoughts}).decode()
    return base64.b64encode(hub.sealer.seal(PLACE, account, text)).decode()


def opened(hub: Hub, gateway: Gateway, account: object, given: str) -> Json | None:
    """The same back again. Nothing of another gateway's: it is nothing to this one's provider. None for what was not
    sealed here for this account."""
    try:
        found: Json = orjson.loads(hub.sealer.open(PLACE, account, base64.b64decode(given, validate=True)))
    except (Setup, binascii.Error, ValueError):
        return None
    return dict(found["thoughts"]) if found["gateway"] == str(gateway.id) else {}
