"""What Z-API's refusals mean; its own words may quote a token and are never repeated."""

from channels.base import ChannelError
from channels.http import Answer
from channels.loose import obj, text


def refusal(answer: Answer) -> ChannelError:
    """The error for an answer that is not 2xx."""
    words = (text(obj(answer.body).get("error")) or "").lower()
    status = answer.status
    if status == 429:
        return ChannelError(
            "Z-API asks to slow down.", retry_after=answer.retry_after or 10.0, code="rate_limited"
        )
    if status >= 500:
        return ChannelError(f"Z-API answered {status}.", code=str(status))
    if "client-token" in words or "null not allowed" in words:
        return _permanent("Z-API asks for the account's security token.", "client_token")
    if "instance not found" in words or status == 404:
        return _permanent("Z-API does not know this instance or token.", "no_instance")
    if status == 403 and "[" in words:
        return _permanent("Z-API does not allow calls from this server's address.", "forbidden")
    if status in (401, 403):
        return _permanent("Z-API refused the tokens.", "unauthorized")
    if "not exist" in words:
        return _permanent("This number is not on WhatsApp.", "not_on_whatsapp")
    if status == 408:
        return ChannelError("Z-API did not answer in time.", ambiguous=True, code="timeout")
    return _permanent(f"Z-API refused the call with {status}.", str(status))


def _permanent(text: str, code: str) -> ChannelError:
    return ChannelError(text, permanent=True, code=code)
