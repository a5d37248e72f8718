"""Mail to people of the team, through the server of HUB_SMTP_URL."""

import asyncio
import ssl
import unicodedata
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import localtime, make_msgid
from email.utils import unquote as unquoted
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from hub.config import Settings
from hub.errors import Upstream
from hub.later import later

if TYPE_CHECKING:
    import aiosmtplib
else:
    aiosmtplib = later("aiosmtplib")

# Of one step of the conversation with the server, and of all of it.
SECONDS, WHOLE = 20.0, 60.0
LOCAL = ("localhost", "127.0.0.1", "::1")
LONGEST = 200
# Signs that turn the direction of what follows them.
TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Refused(Upstream):
    """The mail server will not take this mail, however often it is tried."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says, twice. off: where one request ends mails of its kind."""

    subject: str
    text: str
    html: str
    off: str


def possible(settings: Settings) -> bool:
    return bool(settings.smtp_url.get_secret_value())


def line(text: str) -> str:
    """A text for a header: one line, nothing that cannot be seen but what joins signs."""
    seen = (" " if unicodedata.category(c) == "Cc" else c for c in text if c not in TURNS)
    return " ".join("".join(seen).encode(errors="replace").decode().split())[:LONGEST]


def sender(settings: Settings) -> Address:
    """By whom mails are. Raise Upstream."""
    url = urlsplit(settings.smtp_url.get_secret_value())
    given = parse_qs(url.query).get("from", [""])[0] or unquote(url.username or "")
    if "@" not in given:
        given = f"hub@{urlsplit(settings.address).hostname}"
    name, opened, address = given.rpartition("<")
    try:
        return Address(line(unquoted(name.strip())), addr_spec=address.removesuffix(">").strip() if opened else given)
    except (ValueError, IndexError, MessageError):
        raise Upstream("The sender in HUB_SMTP_URL is no address.") from None


def written(settings: Settings, to: str, letter: Letter) -> EmailMessage:
    """A mail as it goes out: plain words, and the same as a page that fetches nothing."""
    message, host = EmailMessage(), urlsplit(settings.address).hostname or "hub.invalid"
    message["From"], message["To"], message["Subject"] = sender(settings), Address(addr_spec=to), line(letter.subject)
    message["Date"], message["Message-ID"] = localtime(), make_msgid(domain=host)
    message["Auto-Submitted"], message["X-Auto-Response-Suppress"] = "auto-generated", "All"
    message["List-Unsubscribe"], message["List-Unsubscribe-Post"] = f"<{letter.off}>", "List-Unsubscribe=One-Click"
    # Letters of seven bits: not every server on the way takes more.
    message.set_content(letter.text.encode(errors="replace").decode(), cte="quoted-printable")
    message.add_alternative(letter.html.encode(errors="replace").decode(), subtype="html", cte="quoted-printable")
    return message


async def send(settings: Settings, to: str, letter: Letter) -> None:
    """One mail. A password never goes over an open line to another machine. Raise Upstream; Refused: for good."""
    url = urlsplit(settings.smtp_url.get_secret_value())
    sealed = url.scheme == "smtps"
    user, password = unquote(url.username or "") or None, unquote(url.password or "") or None
    must = True if user and not sealed and url.hostname not in LOCAL else None
    try:
        message = written(settings, to, letter)
        async with asyncio.timeout(WHOLE):
            await aiosmtplib.send(
                message, hostname=url.hostname, port=url.port or (465 if sealed else 587), username=user,
                password=password, use_tls=sealed, start_tls=False if sealed else must, timeout=SECONDS,
            )
    except aiosmtplib.SMTPRecipientsRefused as e:
        kind = Refused if all(one.code >= 500 for one in e.recipients) else Upstream
        raise kind(f"The mail server did not take it: {type(e).__name__}.") from None
    except (aiosmtplib.SMTPException, OSError, ssl.SSLError, ValueError) as e:
        kind = Refused if isinstance(e, aiosmtplib.SMTPDataError) and e.code >= 500 else Upstream
        raise kind(f"The mail server did not take it: {type(e).__name__}.") from None
