"""What a refusal by Kapso, or by Meta behind it, means."""

from channels.base import ChannelError
from channels.http import Answer
from channels.meta.errors import by_code


def refusal(answer: Answer) -> ChannelError:
    """The error for an answer that is not 2xx; Meta's code counts, not the status."""
    if (known := by_code(answer)) is not None:
        return known
    match answer.status:
        case 401 | 403:
            return _permanent("Kapso refused the API key.", "unauthorized")
        case 404:
            return _permanent("Kapso does not know this phone number or object.", "not_found")
        case 409:
            return ChannelError(
                "Another message to this person is on its way.", retry_after=3.0, code="in_flight"
            )
        case 429:
            return ChannelError(
                "Kapso asks to slow down.",
                retry_after=answer.retry_after or 10.0,
                code="rate_limited",
            )
        case status if status >= 500:
            return ChannelError(
                f"Kapso answered {status}.", retry_after=answer.retry_after, code=str(status)
            )
        case status:
            return _permanent(f"Kapso refused the call with {status}.", str(status))


def _permanent(text: str, code: str) -> ChannelError:
    return ChannelError(text, permanent=True, code=code)
