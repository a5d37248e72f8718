"""Mail to people of the team, through the server of HUB_SMTP_URL."""

import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from hub.config import Settings
from hub.errors import Upstream
from hub.later import later

if TYPE_CHECKING:
    import aiosmtplib
else:
    aiosmtplib = later("aiosmtplib")

SECONDS = 20.0
LOCAL = ("localhost", "127.0.0.1", "::1")


def possible(settings: Settings) -> bool:
    return bool(settings.smtp_url.get_secret_value())


async def send(settings: Settings, to: str, subject: str, text: str) -> None:
    """One mail. A password never goes over an open line to another machine. Raise Upstream."""
    url = urlsplit(settings.smtp_url.get_secret_value())
    sender = parse_qs(url.query).get("from", [""])[0] or unquote(url.username or "")
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, " ".join(subject.split())[:200]
    message["Date"], message["Auto-Submitted"] = formatdate(), "auto-generated"
    message["Message-ID"] = make_msgid(domain=parseaddr(sender)[1].partition("@")[2] or "hub.invalid")
    message.set_content(text)
    sealed = url.scheme == "smtps"
    user, password = unquote(url.username or "") or None, unquote(url.password or "") or None
    must = True if user and not sealed and url.hostname not in LOCAL else None
    try:
        await aiosmtplib.send(
            message, hostname=url.hostname, port=url.port or (465 if sealed else 587), username=user, password=password,
            use_tls=sealed, start_tls=False if sealed else must, timeout=SECONDS,
        )
    except (aiosmtplib.SMTPException, OSError, ssl.SSLError, ValueError) as e:
        raise Upstream(f"The mail server did not take it: {type(e).__name__}.") from None
