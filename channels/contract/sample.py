"""What a network gives to be tried: its adapter, and calls as its people make them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from channels.base import Channel, Hook, Link
from channels.plug import Tools

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sample:
    """make: the adapter whose network is at `base`. link: settings and secrets, for a network at `base`. hook: a
    signed webhook call in which somebody says a text, by the id of its message. chat: where that comes from. answers:
    what the network says to anything that is asked, so that a send succeeds; (status, JSON). unsigned: whether a call
    without any proof in it is taken, because the secret of its path is all there is. silent: what the network does
    without being asked (a send that is no call)."""

    name: str
    chat: str
    make: Callable[[Tools, str], Channel]
    link: Callable[[str], Link]
    hook: Callable[[Link, str, str], Hook]
    answers: tuple[int, Any] = (200, {"id": "1"})
    unsigned: bool = False
    limited: Mapping[str, Any] = field(default_factory=dict)
