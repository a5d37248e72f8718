"""What control, page and application know of a network's twin."""

from typing import Any, Protocol

from aiohttp import web

from channels.twins.replies import Body, Reply
from channels.twins.said import Said
from channels.twins.webhooks import Push

Json = dict[str, Any]


class Twin(Protocol):
    """The double of one provider."""

    name: str

    async def handle(self, request: web.Request, path: str, body: Body) -> Reply:
        """One API call; `path` is what follows the network's name."""
        ...

    def say(self, said: Said) -> tuple[str, list[Push]]:
        """A person acts: the id of the message it is about, and what the webhook is told."""
        ...

    def dispatch(self, push: Push, *, ordered: bool = True) -> None:
        """Deliver what `say` gave, the network's way."""
        ...

    def read(self, account: str, chat: str) -> None:
        """The person has seen the business's messages."""
        ...

    def limited(self, seconds: float, path: str) -> Reply:
        """The network's "too many requests"."""
        ...

    def error(self, name: str, path: str) -> Reply | None:
        """One of the network's errors by a short name."""
        ...

    def account(self, given: str) -> str:
        """The account that is meant; empty: the one that registered a webhook last."""
        ...

    def accounts(self) -> list[Json]:
        """id, name, webhook (or None) of each account that has been seen."""
        ...

    def set(self, account: str, given: Json) -> None:
        """Change an account for a test: connected, and what the network has besides."""
        ...

    def reset(self) -> None:
        """As at the start."""
        ...
