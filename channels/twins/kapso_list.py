"""Kapso's list of the messages of a number, newest first, page by page."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from channels.twins import kapso_shapes as shapes
from channels.twins.kapso_number import Number
from channels.twins.replies import Reply
from channels.twins.state import Message, State

Json = dict[str, Any]
MOST = 100


def listed(state: State, number: Number, query: Mapping[str, str]) -> Reply:
    """GET /{phone_number_id}/messages with direction, since, until, limit, after and fields."""
    known = [
        m
        for (network, account, _), chat in state.chats.items()
        if (network, account) == ("kapso", number.id)
        for m in chat.messages.values()
        if _wanted(m, query)
    ]
    known.sort(key=lambda m: -m.seq)
    limit = min(MOST, int(query.get("limit") or 20))
    after = int(query.get("after") or 0)
    rest = [m for m in known if not after or m.seq < after]
    page, more = rest[:limit], len(rest) > limit
    body: Json = {"data": [_shown(m, query.get("fields", "")) for m in page], "paging": {}}
    if page:
        body["paging"]["cursors"] = {"before": str(page[0].seq), "after": str(page[-1].seq)}
    if more:
        body["paging"]["next"] = f"?after={page[-1].seq}"
    return Reply(200, body)


def _wanted(message: Message, query: Mapping[str, str]) -> bool:
    direction = "outbound" if message.side == "business" else "inbound"
    since, until = (query.get(n) for n in ("since", "until"))
    return (
        query.get("direction", direction) == direction
        and query.get("status", message.status) == message.status
        and (not since or message.at >= datetime.fromisoformat(since).timestamp())
        and (not until or message.at <= datetime.fromisoformat(until).timestamp())
    )


def _shown(message: Message, fields: str) -> Json:
    api = message.side == "business" and message.by == "api"
    body = shapes.sent(message, message.status) if api else dict(message.raw)
    body |= {"timestamp": str(int(message.at))} | ({"to": message.chat} if message.side == "business" else {})
    if not fields or fields == "kapso()":
        body.pop("kapso", None)
    return body
