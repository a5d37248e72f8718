"""Images that a new image is made from: of the conversation, or from an address."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from hub.domain import Json
from hub.errors import HubError
from hub.store import files
from hub.tools.base import Context, ToolFailed

REFERENCES, LARGEST, SECONDS = 4, 10_000_000, 20.0
KINDS = ("image/png", "image/jpeg", "image/webp")


@dataclass(frozen=True, slots=True)
class Reference:
    mime: str
    content: bytes


async def opened(context: Context, wanted: Sequence[str]) -> tuple[Reference, ...]:
    """Raise ToolFailed naming the one that is not there or is no image."""
    return tuple([await _opened(context, one) for one in wanted])


async def _opened(context: Context, wanted: str) -> Reference:
    ours = f"{context.hub.settings.address}/media/"
    if wanted.startswith(ours):
        found = await _ours(context, None, wanted.removeprefix(ours))
    elif wanted.startswith(("http://", "https://")):
        found = await _elsewhere(context, wanted)
    else:
        try:
            found = await _ours(context, UUID(wanted), None)
        except ValueError:
            raise ToolFailed(f"references: '{wanted[:100]}' is neither an address nor a file id.") from None
    if found.mime not in KINDS or len(found.content) > LARGEST:
        raise ToolFailed(f"references: '{wanted[:100]}' is not an image (PNG, JPEG, WebP) of at most 10 MB.")
    return found


async def _ours(context: Context, id: UUID | None, token: str | None) -> Reference:
    """A file of this conversation; outside of one, an account's file that belongs to none."""
    row: Json | None = await files.of_conversation(context.hub.db, context.account_id, context.session_id, id, token)
    if row is None:
        raise ToolFailed(f"references: there is no file {id or token} in this conversation.")
    return Reference(_mime(row["mime"]), bytes(row["content"]))


async def _elsewhere(context: Context, url: str) -> Reference:
    try:
        reply = await context.hub.outbound.request(
            "GET", url, seconds=min(SECONDS, context.left), limit=LARGEST, follow=True
        )
    except HubError as e:
        raise ToolFailed(f"references: '{url[:100]}' cannot be opened: {e}") from None
    if reply.status != 200:
        raise ToolFailed(f"references: '{url[:100]}' answered with status {reply.status}.")
    return Reference(_mime(reply.mime), reply.body)


def _mime(value: str) -> str:
    return value.split(";")[0].strip().lower().replace("image/jpg", "image/jpeg")
