"""What handlers find on the application and on a request."""

from typing import NamedTuple
from uuid import UUID
from weakref import WeakSet

import jinja2
from aiohttp import web

from hub import ids
from hub.accounts.key_limits import KeyPurse
from hub.accounts.keys import Keyring
from hub.accounts.model_lookup import Directory
from hub.accounts.oidc import Oidc
from hub.accounts.passwords import Passwords
from hub.accounts.users import Users
from hub.api.http.background import Errands
from hub.api.http.budget import Budget
from hub.api.http.page_language import Pages
from hub.api.http.stream_limits import Streams
from hub.chat.inbound.alone import Alone
from hub.chat.inbound.crowd import Crowd
from hub.chat.inbound.folding import Folder
from hub.chat.inbound.intake import Intake
from hub.chat.inbound.journal import Journal
from hub.chat.inbound.spool import Spool
from hub.chat.inbound.webhooks import Receiver
from hub.chat.website.transcript_files import Press
from hub.domain import Caller, User
from hub.live.limits import Window
from hub.runtime import Hub
from hub.store.api_request_log import RequestLog

HUB = web.AppKey("hub", Hub)
INTAKE = web.AppKey("intake", Intake)
FOLDER = web.AppKey("folder", Folder)
JOURNAL = web.AppKey("journal", Journal)
ALONE = web.AppKey("alone", Alone)
RECEIVER = web.AppKey("receiver", Receiver)
CROWD = web.AppKey("crowd", Crowd)
SPOOL = web.AppKey("spool", Spool)
KEYRING = web.AppKey("keyring", Keyring)
DIRECTORY = web.AppKey("directory", Directory)
PASSWORDS = web.AppKey("passwords", Passwords)
OIDC = web.AppKey("oidc", Oidc)
USERS = web.AppKey("users", Users)
ERRANDS = web.AppKey("errands", Errands)
STREAMS = web.AppKey("streams", Streams)
BUDGET = web.AppKey("budget", Budget)
PAGES = web.AppKey("pages", jinja2.Environment)
SPOKEN = web.AppKey("spoken", Pages)
PRESS = web.AppKey("press", Press)
REQUEST_LOG = web.AppKey("request_log", RequestLog)
SOCKETS = web.AppKey("sockets", WeakSet[web.WebSocketResponse])

CALLER = web.RequestKey("caller", Caller)
USER = web.RequestKey("user", User)
RATE = web.RequestKey("rate", Window)
# Of a key with limits of its own.
PURSE = web.RequestKey("purse", KeyPurse)
# Bytes of the body that were read.
HELD = web.RequestKey("held", int)
# A body that was read before the application was asked.
READ = web.RequestKey("read", bytes)
# In whose name they are counted.
PAYER = web.RequestKey("payer", str)
REQUEST_ID = web.RequestKey("request_id", str)


class Cut(NamedTuple):
    """How many there are of what a list shows, and where it goes on."""

    total: int
    more: str | None


CUT = web.RequestKey("cut", Cut)
# Fields of the body that nothing reads.
UNKNOWN = web.RequestKey("unknown", list[str])
# And of the query string.
UNASKED = web.RequestKey("unasked", list[str])
# The body, for a request whose body was read before its handler runs.
BODY = web.RequestKey("body", bytes)
# An id for what a request makes: the same when it is sent again with its Idempotency-Key.
MAKES = web.RequestKey("makes", UUID)
# What the request is about: with it goes what is kept of its answer.
SUBJECT = web.RequestKey("subject", UUID)
# What is streamed, for a request whose answer is kept.
KEPT = web.RequestKey("kept", list[bytes])
# A stream that ended with an error: it is no answer to keep.
BROKEN = web.RequestKey("broken", bool)



def fresh_id(request: web.Request) -> UUID:
    """The id of what the request makes, so that a request that is sent again makes it once."""
    return request.get(MAKES) or ids.uuid7()


def caller(request: web.Request) -> Caller:
    """Who asks, on an endpoint that needs a key."""
    return request[CALLER]


def user(request: web.Request) -> User:
    """Who asks, on an endpoint that needs a user."""
    return request[USER]
