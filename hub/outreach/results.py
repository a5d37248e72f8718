"""What became of an activation, in the documented words. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]
WINDOW = "window_closed"


def told(row: Mapping[str, Any], prefix: str = "") -> str | None:
    """`activationResult`: "Delivered", or what else there is to say; None before anything happened.

    `row` holds state, result, said_at (with the prefix) and deliveries.
    """
    state, result = row[f"{prefix}state"], row[f"{prefix}result"]
    if state == "admitted":
        return "Running"
    if state != "done" or result:
        return str(result) if result else None
    return delivered(row["deliveries"] or ())


def delivered(parts: Sequence[Mapping[str, Any]]) -> str:
    """What became of the parts of a message; a web chat has none, it is read."""
    bad = next((p for p in parts if p["state"] in ("dead", "cancelled")), None)
    if bad:
        return f"Failed: {bad['error'] or bad['code'] or bad['state']}"
    if any(p["state"] == "unknown" for p in parts):
        return "Unknown: the network did not confirm it, and it was not sent again"
    if any(p["state"] == "queued" and p["code"] == WINDOW for p in parts):
        return "Template sent: the message waits for the contact to answer"
    if any(p["state"] in ("queued", "sending") for p in parts):
        return "Sending"
    return "Delivered"
