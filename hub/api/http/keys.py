"""What handlers find on the application and on a request."""

from contextvars import ContextVar

import jinja2
from aiohttp import web

from hub.accounts.directory import Directory
from hub.accounts.keys import Keyring
from hub.api.http.errands import Errands
from hub.chat.intake import Intake
from hub.chat.receiving import Receiver
from hub.chat.spool import Spool
from hub.domain import Caller
from hub.runtime import Hub

HUB = web.AppKey("hub", Hub)
INTAKE = web.AppKey("intake", Intake)
RECEIVER = web.AppKey("receiver", Receiver)
SPOOL = web.AppKey("spool", Spool)
KEYRING = web.AppKey("keyring", Keyring)
DIRECTORY = web.AppKey("directory", Directory)
ERRANDS = web.AppKey("errands", Errands)
PAGES = web.AppKey("pages", jinja2.Environment)

CALLER = web.RequestKey("caller", Caller)
REQUEST_ID = web.RequestKey("request_id", str)

# The id of the request being answered, for whoever writes a log line meanwhile.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def caller(request: web.Request) -> Caller:
    """Who asks, on an endpoint that needs a key."""
    return request[CALLER]
