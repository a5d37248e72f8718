"""The id of the request being answered, for whoever writes a log line meanwhile."""

from contextvars import ContextVar

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
