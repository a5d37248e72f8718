"""What is no text and no file: buttons below a message, a place, a contact."""

from collections.abc import Sequence
from typing import Any

from channels.outbound import Choice, Outbound
from channels.telegram.calls import Call
from channels.telegram.place import Place

LONGEST = 64  # bytes of what comes back with a press
Json = dict[str, Any]


def keyboard(choices: Sequence[Choice]) -> Json | None:
    """One button a row, as labels are whole sentences at times; None takes away what was there."""
    if not choices:
        return None
    return {"inline_keyboard": [[_button(c)] for c in choices]}


def _button(choice: Choice) -> Json:
    if choice.url:
        return {"text": choice.label, "url": choice.url}
    return {"text": choice.label, "callback_data": choice.id.encode()[:LONGEST].decode(errors="ignore")}


def shared(out: Outbound, place: Place) -> Call:
    """The call for a place, with its name where there is one, or for a contact."""
    where, spot, card = place.arguments(), out.spot, out.card
    if spot is not None:
        at = {"latitude": spot.latitude, "longitude": spot.longitude}
        if spot.name:
            return Call("sendVenue", where | at | {"title": spot.name, "address": spot.address or spot.name})
        return Call("sendLocation", where | at)
    assert card is not None
    return Call("sendContact", where | {"phone_number": f"+{card.phone}", "first_name": card.name})
