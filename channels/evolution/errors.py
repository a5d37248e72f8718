"""What an Evolution server's refusals mean."""

from typing import Any

from channels.base import ChannelError
from channels.http import Answer
from channels.loose import obj, objs, text

# The socket to WhatsApp is down or its encryption session is being made anew: it heals by itself.
# The server could not fetch the file it was given the address of.
UNFETCHED = ("axioserror", "enotfound", "econnrefused", "failed to fetch", "owned media must be")
DISCONNECTED = ("connection closed", "no sessions", "sessionerror", "not connected")


def refusal(answer: Answer) -> ChannelError:
    """The error for an answer that is not 2xx; the server's words stay out of it."""
    message = obj(obj(answer.body).get("response")).get("message")
    words = " ".join(_words(message)).lower()
    if any(v.get("exists") is False for v in objs(message)):
        return _permanent("This number is not on WhatsApp.", "not_on_whatsapp")
    if any(w in words for w in DISCONNECTED):
        return ChannelError(
            "The instance is not connected to WhatsApp.", retry_after=15.0, code="disconnected"
        )
    if any(w in words for w in UNFETCHED):
        return _permanent("The server could not fetch the file from its address.", "media_refused")
    if "message not found" in words:
        return _permanent("The server does not have this message any more.", "media_gone")
    if obj(answer.body).get("code") == "LICENSE_REQUIRED":
        return _permanent("The Evolution server's licence is not activated.", "license")
    return _by_status(answer, words)


def _by_status(answer: Answer, words: str) -> ChannelError:
    match answer.status:
        case 401 | 403:
            return _permanent("The Evolution server refused the API key.", "unauthorized")
        case 404 if "instance" in words:
            return _permanent("The Evolution server has no such instance.", "no_instance")
        case 404:
            return _permanent("There is no Evolution server at this address.", "not_found")
        case 429:
            return ChannelError(
                "The Evolution server asks to slow down.",
                retry_after=answer.retry_after or 10.0,
                code="rate_limited",
            )
        case status if status >= 500:
            # WhatsApp's confirmation did not come in time; the message may have gone out.
            late = "timed out" in words
            return ChannelError(
                f"The Evolution server answered {status}.",
                ambiguous=late,
                retry_after=answer.retry_after,
                code="timeout" if late else str(status),
            )
        case status:
            return _permanent(f"The Evolution server refused the call with {status}.", str(status))


def _words(message: Any) -> list[str]:
    """Every text in the message, which is a string, a list, or lists in a list."""
    if isinstance(message, list):
        return [w for part in message[:20] for w in _words(part)[:20]] if message else []
    found = text(message)
    return [found] if found else []


def _permanent(text: str, code: str) -> ChannelError:
    return ChannelError(text, permanent=True, code=code)
