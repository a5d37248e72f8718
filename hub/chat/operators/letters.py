"""Mails to people of the team as pages, and the way to end them: one request, of whoever has the mail."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hub.accounts.mails import Letter
from hub.accounts.operators import Operator
from hub.errors import NotFound
from hub.later import later
from hub.runtime import Hub
from hub.sealing import Sealer
from hub.store import operators, scope
from hub.translations import Catalogue

if TYPE_CHECKING:
    import jinja2
else:
    jinja2 = later("jinja2")

FOLDER = Path(__file__).resolve().parents[3] / "templates"
# What ends mails of each kind, in the settings of whoever gets them.
ENDED = MappingProxyType({"waiting": ("mail", 0), "week": ("weekly", False)})
PLACE = "/console/mails/off"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a mail. under: a heading that it begins. url: where it leads. note: what is said of it."""

    text: str
    url: str = ""
    note: str = ""
    under: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """What a mail shows: its lines, a button (words and address), and below them what is said of the mail itself."""

    lines: Sequence[Line]
    button: tuple[str, str]
    foot: Sequence[Line]


@cache
def _template() -> "jinja2.Template":
    """Read once: a mail is written for each who is told."""
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )
    return found.get_template("mail.html")


def written(subject: str, text: str, page: Page, off: str, words: Catalogue) -> Letter:
    """A letter. Names and questions are other people's: all of it is escaped."""
    html = _template().render(subject=subject, page=page, lang=words.code, dir="rtl" if words.rtl else "ltr")
    return Letter(subject, text, html, off)


def plain(lines: Sequence[Line], button: tuple[str, str], foot: Sequence[Line]) -> str:
    """The same for who reads no pages. Pure."""
    blocks = ["\n".join(filter(None, (f"{one.text}, {one.note}" if one.note else one.text, one.url))) for one in lines]
    below = "\n".join(f"{one.text}: {one.url}" if one.url else one.text for one in foot)
    return "\n\n".join([*blocks, f"{button[0]}: {button[1]}", f"-- \n{below}"]) + "\n"


def zone(name: str) -> ZoneInfo:
    """UTC for a zone that this machine does not know."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def off(hub: Hub, kind: str, account: UUID, operator: UUID) -> str:
    """Where mails of a kind to somebody end."""
    told = account.bytes + operator.bytes
    mark = urlsafe_b64encode(told + _mac(hub.sealer, kind, told)).rstrip(b"=").decode()
    return f"{hub.settings.address}{PLACE}/{kind}/{mark}"


def _mac(sealer: Sealer, kind: str, told: bytes) -> bytes:
    return hmac.digest(sealer.derived("mails end"), kind.encode() + b"|" + told, "sha256")[:16]


async def whose(hub: Hub, kind: str, mark: str) -> Operator:
    """Who got a mail in which this stood. Raise NotFound."""
    try:
        raw = urlsafe_b64decode(mark + "=" * (-len(mark) % 4))
    except ValueError:
        raise NotFound from None
    told, mac = raw[:32], raw[32:]
    if kind not in ENDED or not hmac.compare_digest(mac, _mac(hub.sealer, kind, told)):
        raise NotFound
    account, operator = UUID(bytes=told[:16]), UUID(bytes=told[16:])
    scope.enter(account)
    found = await operators.one(hub.db, account, operator)
    if found is None:
        raise NotFound
    return Operator(operator, account, found["email"], found["name"], found["role"], "")
