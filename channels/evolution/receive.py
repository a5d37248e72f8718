"""Verify and parse Evolution's webhooks."""

from collections.abc import Callable
from typing import Any

from channels import calling, loose
from channels.base import Hook, Link, Unreadable
from channels.evolution.events import connection, participants, plain, presence, qrcode, status, votes
from channels.evolution.messages import deleted, edited, item, sent
from channels.evolution.verify import verify
from channels.evolution.who import me
from channels.inbound import Inbound
from channels.loose import text

Json = dict[str, Any]


def receive(link: Link, hook: Hook) -> list[Inbound]:
    """The items of a call; lists come as batches in some versions."""
    body = loose.load(hook.body)
    if not isinstance(body, dict):
        raise Unreadable("the body is not an object")
    if not hook.proved:
        verify(link, hook)
    body.pop("apikey", None)
    if text(body.get("instance")) != link.settings.get("instanceName"):
        raise Unreadable("the call is about another instance")
    # Bodies have "messages.upsert", registrations MESSAGES_UPSERT; some forks send the latter.
    event = (text(body.get("event")) or "").lower().replace("_", ".")
    if not event:
        raise Unreadable("the body names no event")
    if handler := EACH.get(event):
        ours = (*link.ours, *calling.ids([me(body)]))
        found = [calling.called(handler(data, me(body)), ours) for data in loose.objs(body.get("data"))]
        return [*found, *(v for data in loose.objs(body.get("data")) for v in votes(data, me(body)))]
    return [WHOLE.get(event, plain)(event, body)]


EACH: dict[str, Callable[[Json, str | None], Inbound]] = {
    "messages.upsert": item,
    "send.message": sent,
    "messages.edited": edited,
    "messages.update": status,
    "messages.delete": deleted,
}
WHOLE: dict[str, Callable[[str, Json], Inbound]] = {
    "connection.update": connection,
    "qrcode.updated": qrcode,
    "presence.update": presence,
    "group-participants.update": participants,
    "group.participants.update": participants,
}
