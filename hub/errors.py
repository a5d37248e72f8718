"""Everything that can be refused, as one tree.

HubError                   500
+- BadRequest            400  the request cannot be understood
|  +- Invalid            400  one field is wrong; names it
+- Unauthorized          401
+- PaymentRequired       402
+- Forbidden             403
+- NotFound              404
+- Conflict              409
+- Gone                  410
+- TooLarge              413
+- Unsupported           415
+- Unavailable           422  the chat client cannot be used now
+- Unreadable            422  a file holds nothing that can be read
+- Unprocessable         422  understood, and not possible; names the place
+- TooMany               429  carries retry_after
+- Upstream              502  a model or provider failed
+- Overloaded            503  carries retry_after

The class holds code and status; `hub.api.http.errors` renders them, nothing else does.
"""

from typing import Any


class HubError(Exception):
    """The request failed."""

    code = "error"
    status = 500
    # Dollars that were charged before it failed.
    cost = 0.0

    def __init__(
        self,
        text: str | None = None,
        *,
        field: str | None = None,
        details: Any = None,
        retry_after: float | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(text or type(self).__doc__ or "")
        # As it was given: it may know what it is made of (`hub.translations.told`).
        self.text = text or type(self).__doc__ or ""
        self.field = field
        self.details = details
        self.retry_after = retry_after
        if code:
            self.code = code


class BadRequest(HubError):
    """The request could not be understood."""

    code, status = "bad_request", 400


class Invalid(BadRequest):
    """A field is not valid."""

    code = "invalid_request"


class Unauthorized(HubError):
    """Send a valid API key: `Authorization: Bearer <key>` or `?api-key=<key>`."""

    code, status = "unauthorized", 401


class PaymentRequired(HubError):
    """The account balance is zero or negative."""

    code, status = "insufficient_balance", 402


class Forbidden(HubError):
    """This key may not do that."""

    code, status = "forbidden", 403


class NotFound(HubError):
    """No such object."""

    code, status = "not_found", 404


class Conflict(HubError):
    """The object is in another state."""

    code, status = "conflict", 409


class Gone(HubError):
    """What this was about has been deleted, and its answer with it; use a new key for a new request."""

    code, status = "gone", 410


class TooLarge(HubError):
    """The body is too large."""

    code, status = "too_large", 413


class Unsupported(HubError):
    """This kind of content is not accepted here."""

    code, status = "unsupported_media", 415


class Unavailable(HubError):
    """The client is not available."""

    code, status = "client_not_available", 422


class Unreadable(HubError):
    """The file cannot be read."""

    code, status = "unreadable_file", 422


class Unprocessable(HubError):
    """The request is understood and cannot be done."""

    code, status = "unprocessable", 422


class TooMany(HubError):
    """Too many requests; wait and try again."""

    code, status = "rate_limited", 429


class Upstream(HubError):
    """The model provider failed."""

    code, status = "upstream_error", 502


class Overloaded(HubError):
    """The hub is busy; try again in a few seconds."""

    code, status = "overloaded", 503


class Setup(Exception):
    """The hub cannot start or go on; the text is one sentence that says what and how to mend."""
