"""Meta's and Kapso's refusals."""

from typing import Any

from channels.twins.replies import Refused, Reply

Json = dict[str, Any]
WINDOW = (
    "Message failed to send because more than 24 hours have passed since the customer last "
    "replied to this number."
)
UPLOADS = (
    "audio/aac, audio/mp4, audio/mpeg, audio/amr, audio/ogg, audio/opus, "
    "application/vnd.ms-powerpoint, application/msword, "
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document, "
    "application/vnd.openxmlformats-officedocument.presentationml.presentation, "
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet, application/pdf, "
    "text/plain, application/vnd.ms-excel, image/jpeg, image/png, image/webp, video/mp4, video/3gpp"
)
# Name -> HTTP status, code, message, details.
META: dict[str, tuple[int, int, str, str]] = {
    "100": (400, 100, "(#100) Invalid parameter", "A parameter is not valid."),
    "131047": (400, 131047, "(#131047) Re-engagement message", WINDOW),
    "131026": (400, 131026, "(#131026) Message undeliverable", "Message Undeliverable."),
    "130429": (
        400,
        130429,
        "(#130429) Rate limit hit",
        "Message failed to send because there were too many messages sent from this phone number "
        "in a short period of time.",
    ),
    "131056": (
        400,
        131056,
        "(#131056) (Business Account, Consumer Account) pair rate limit hit",
        "Message failed to send because there were too many messages sent from this phone number "
        "to the same phone number in a short period of time.",
    ),
    "131016": (
        500,
        131016,
        "(#131016) Service unavailable",
        "A service is temporarily unavailable.",
    ),
    "131000": (500, 131000, "(#131000) Something went wrong", "Something went wrong."),
    "132001": (
        404,
        132001,
        "(#132001) Template name does not exist in the translation",
        "template name does not exist in the language",
    ),
    "132000": (
        400, 132000, "(#132000) Number of parameters does not match the expected number of params",
        "number of localizable_params does not match",
    ),
    "132012": (
        400, 132012, "(#132012) Parameter format does not match format in the created template", "Format mismatch",
    ),
    "132015": (400, 132015, "(#132015) Template is Paused", "Template is paused due to low quality."),
    "132016": (400, 132016, "(#132016) Template is Disabled", "Template is disabled due to low quality."),
}
OWN: dict[str, tuple[int, str]] = {
    "unauthorized": (401, "Unauthorized"),
    "not_found": (404, "Phone number not found"),
    "in_flight": (409, "Another message is in-flight for this conversation"),
    "internal": (500, "Internal Server Error"),
}


def meta_error(name: str, details: str = "", status: int = 0) -> Reply:
    """An error of the Cloud API."""
    http, code, words, usual = META[name]
    error: Json = {
        "message": words,
        "type": "OAuthException",
        "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": details or usual},
        "fbtrace_id": "ATwinTraceId0000000000",
    }
    return Reply(status or http, {"error": error})


def invalid(details: str) -> Refused:
    """A wrong parameter."""
    return Refused(meta_error("100", details))


def token_error() -> Reply:
    """190: Meta does not take Kapso's token."""
    error = {
        "message": "Invalid OAuth access token - Cannot parse access token",
        "type": "OAuthException",
        "code": 190,
        "fbtrace_id": "ATwinTraceId0000000000",
    }
    return Reply(401, {"error": error})


def upload_error(kind: str) -> Refused:
    """The file part's own type is not one of the allowed."""
    words = (
        f"(#100) Param file must be a file with one of the following types: {UPLOADS}. "
        f"Received file of type '{kind}'."
    )
    error = {"message": words, "type": "OAuthException", "code": 100}
    return Refused(Reply(400, {"error": error}))


def own_error(name: str, words: str = "") -> Reply:
    """An error of Kapso itself."""
    status, usual = OWN[name]
    return Reply(status, {"error": words or usual})


def named(name: str) -> Reply | None:
    """For planned faults."""
    if name == "190":
        return token_error()
    if name in META:
        return meta_error(name)
    return own_error(name) if name in OWN else None


def failure(name: str) -> Json:
    """The error inside a failed status."""
    _, code, words, details = META[name]
    title = words.partition(") ")[2]
    link = "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"
    data = {"details": details}
    return {"code": code, "title": title, "message": title, "error_data": data, "href": link}
