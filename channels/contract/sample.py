"""What a network gives to be tried: its adapter, and a call as its people make it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from channels.base import Channel, Hook, Link
from channels.plug import Tools


@dataclass(frozen=True, slots=True)
class Sample:
    """make: the adapter, for a network at the address. link: settings and secrets, for one at the address. hook: a
    webhook call, proved as the network proves it, in which somebody says a text in a message of that id. chat: where
    that comes from. answers: status and JSON of the network when a send succeeds. unproved: whether a call without a
    proof is taken, since the secret of its path is all there is; unsigned: whether its body may be another."""

    name: str
    chat: str
    make: Callable[[Tools, str], Channel]
    link: Callable[[str], Link]
    hook: Callable[[Link, str, str], Hook]
    answers: tuple[int, Any]
    unproved: bool = False
    unsigned: bool = False
