"""One request of somebody at the console: what they see and where they are sent."""

import logging
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, unquote
from uuid import UUID

import orjson
from aiohttp import web

from hub.accounts import sign_in
from hub.accounts.operators import Operator
from hub.api.http.app_keys import HUB, SPOKEN
from hub.api.http.page_language import language
from hub.api.http.uploads import Upload
from hub.domain import Json
from hub.errors import Conflict, HubError, Invalid, NotFound
from hub.runtime import Hub
from hub.sealing import digest
from hub.store import operator_inbox, scope
from hub.store.db import Db, clean
from hub.translations import Catalogue, told

log = logging.getLogger(__name__)

SAID = "hub_said"
# Parameters of the API by the names that they have in forms, where these differ.
FIELDS: Mapping[str, str] = {
    "knowledgeBaseMaximumResults": "results", "knowledgeCollections": "collection", "outputRules": "outPatterns",
    "outputBlockedText": "outInstead", "providerMasking": "hideWords", "sentinelOptions": "tool",
}
FAILED = told("That did not work; the log says why.")
# Titles of the page that says what was refused.
TITLES: Mapping[int, str] = {
    400: told("Bad Request"), 401: told("Unauthorized"), 403: told("Forbidden"), 404: told("Not Found"),
    409: told("Conflict"), 410: told("Gone"), 413: told("Content Too Large"), 422: told("Unprocessable Content"),
    429: told("Too Many Requests"), 500: told("Internal Server Error"), 502: told("Bad Gateway"),
    503: told("Service Unavailable"),
}
POLICY = "; ".join((
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' data:",
    "media-src 'self' blob:", "frame-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
))
HEADERS = {
    "Content-Security-Policy": POLICY, "X-Frame-Options": "DENY", "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin", "Permissions-Policy": "camera=(), geolocation=(), microphone=(self), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def _id(text: str, name: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Invalid(told("%(name)s is not an id.", name=name), field=name) from None


@dataclass
class Form:
    """What a form sent: text by name, several values where there are several, files."""

    fields: Mapping[str, list[str]] = field(default_factory=dict)
    files: list[Upload] = field(default_factory=list)

    def get(self, name: str, default: str = "") -> str:
        found = self.fields.get(name)
        return clean(found[-1]).strip() if found else default

    def all(self, name: str) -> list[str]:
        return [clean(v) for v in self.fields.get(name, ())]

    def id(self, name: str) -> UUID | None:
        """An id that was chosen, None for nothing. Raise Invalid."""
        return _id(self.get(name), name)

    def ids(self, name: str) -> list[UUID]:
        """Those that were chosen. Raise Invalid."""
        return [id for text in self.all(name) if (id := _id(text, name))]

    def number(self, name: str, least: float, most: float) -> float | None:
        """None when it was left empty. Raise Invalid."""
        text = self.get(name)
        try:
            value = float(text) if text else None
        except ValueError:
            value = least - 1
        if value is not None and not least <= value <= most:
            text = told("%(name)s must be a number from %(least)s to %(most)s.", name=name, least=f"{least:g}",
                        most=f"{most:g}")
            raise Invalid(text, field=name)
        return value


@dataclass
class Visit:
    """who: the operator. token: of their cookie. once: the name of the form that they sent (`hub.console.sent_once`).
    led_to, told: where they were sent on to, with which word."""

    request: web.Request
    who: Operator
    token: str
    form: Form = field(default_factory=Form)
    once: UUID | None = None
    led_to: str | None = None
    told: str | None = None

    @property
    def hub(self) -> Hub:
        return self.request.app[HUB]

    @property
    def db(self) -> Db:
        return self.hub.db

    @property
    def account(self) -> UUID:
        return self.who.account_id

    @property
    def words(self) -> Catalogue:
        """Of the language in which the page is read."""
        return self.request.app[SPOKEN].catalogues.of(language(self.request, self.who.language))

    @property
    def partial(self) -> bool:
        """Whether htmx asks, who takes a part of a page."""
        return self.request.headers.get("HX-Request") == "true"

    def id(self, name: str = "id") -> UUID:
        """A variable of the path. What cannot be an id is an id that nobody has: raise NotFound."""
        try:
            return UUID(self.request.match_info[name])
        except ValueError:
            raise NotFound from None

    def asked(self, name: str, default: str = "") -> str:
        """A word of the query."""
        return str(clean(self.request.query.get(name, default))).strip()

    def asked_id(self, name: str) -> UUID | None:
        """An id of the query, None for nothing. Raise Invalid."""
        return _id(self.asked(name), name)

    def unchanged(self, *state: object) -> None:
        """Raise Conflict when the form was opened while what it changes was another (see `mark`)."""
        sent = self.form.get("version")
        if sent and sent != mark(*state):
            raise Conflict(
                "Somebody else has changed this since you opened it, so nothing was saved. Open it in another tab"
                " to see what it is now; what you typed is still here.", code="changed_meanwhile",
            )

    async def page(self, template: str, status: int = 200, **values: Any) -> web.Response:
        """A whole page, with what was said about the last action."""
        said = unquote(self.request.cookies.get(SAID, ""))
        shell = {
            "who": self.who, "csrf": csrf(self.token), "path": self.request.path, "said": said, "bad": "",
            "waiting": await operator_inbox.waiting_count(self.db, self.account), "address": self.hub.settings.address,
            "full": self.hub.room.full,
        }
        response = html(self.request, template, status, **shell, **values)
        if said:
            response.del_cookie(SAID, path="/console")
        return response

    def part(self, template: str, **values: Any) -> web.Response:
        """A part of a page, for htmx."""
        return html(self.request, template, 200, who=self.who, csrf=csrf(self.token), **values)

    def render(self, template: str, **values: Any) -> str:
        return written(self.request, template, who=self.who, csrf=csrf(self.token), **values)

    def priced(self, rows: Iterable[Json]) -> list[Json]:
        """Rows as whoever looks may see them: what they cost is told to those who see the spend."""
        return list(rows) if self.who.may("cost") else [r | {"cost": None} for r in rows]

    def columns(self, names: Sequence[str]) -> list[str]:
        """Those that whoever looks may see."""
        return [n for n in names if n != "cost" or self.who.may("cost")]

    def csv(self, name: str, text: str) -> web.Response:
        """A table as a file."""
        named = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
        return web.Response(text=text, content_type="text/csv", charset="utf-8", headers={**HEADERS, **named})

    def to(self, path: str, said: str = "") -> web.Response:
        """Send the browser on, with a word about what was done: told in English, said in the reader's language."""
        said = self.words.say(said)
        self.led_to, self.told = path, said
        sent = {"HX-Redirect": path} if self.partial else {"Location": path}
        response = web.Response(status=200 if self.partial else 303, headers={**HEADERS, **sent})
        if said:
            response.set_cookie(SAID, quote(said), path="/console", max_age=60, httponly=True, samesite="Lax")
        return response

    async def refused(self, e: HubError) -> web.Response:
        """What was not done, and why: in its place of the page for htmx, else as a page."""
        words, lead = in_words(self.words.say(e.text), e.field)
        if e.status >= 500:
            log.warning("%s %s: %s: %s", self.request.method, self.request.path, type(e).__name__, e)
            words = words if e.status in (502, 503) else self.words.say(FAILED)
        if self.partial:
            response = html(self.request, "problem.html", e.status, words=words, field=named(e.field), lead=lead)
            response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#said", "innerHTML"
            return response
        title = self.words.say(TITLES.get(e.status, HTTPStatus(e.status).phrase))
        return await self.page("error.html", e.status, title=title, words=words)


def named(field: str | None) -> str | None:
    """The field of a form that a parameter of the API is in."""
    head = (field or "").split(".")[0]
    return FIELDS.get(head, head) or None


def in_words(text: str, field: str | None) -> tuple[str, str]:
    """A refusal whose parameter is written as people write, and how it begins, for the field's label."""
    if not field or not text.startswith(field):
        return text, ""
    last = next((p for p in reversed(field.split(".")) if not p.isdigit()), field)
    lead = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", last).replace("_", " ").capitalize()
    return lead + text[len(field):], lead


def mark(*state: object) -> str:
    """What a form shows, in short: another mark means that somebody has changed it meanwhile."""
    shown = orjson.dumps(state, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return digest(shown.decode()).hex()[:32]


def once() -> str:
    """A mark for one form of a page."""
    return secrets.token_hex(16)


def written(request: web.Request, template: str, **values: Any) -> str:
    """A template in the language of whoever is signed in, else in the browser's."""
    who: Operator | None = values.get("who")
    found = request.app[SPOKEN].of(language(request, who.language if who else None))
    return found.get_template(f"console/{template}").render(**values)


def html(request: web.Request, template: str, status: int, **values: Any) -> web.Response:
    text = written(request, template, **values)
    response = web.Response(text=text, status=status, content_type="text/html", headers=HEADERS)
    response.enable_compression()
    return response


def csrf(token: str) -> str:
    """A mark that only this browser's pages carry, masked anew each time so that compression tells nothing of it."""
    mask = secrets.token_bytes(16)
    return (mask + bytes(a ^ b for a, b in zip(mask, digest("csrf:" + token)[:16], strict=True))).hex()


def genuine(token: str, sent: str) -> bool:
    """Whether a form carries the mark of this browser."""
    try:
        raw = bytes.fromhex(sent)
    except ValueError:
        return False
    plain = bytes(a ^ b for a, b in zip(raw[:16], raw[16:], strict=False))
    return len(raw) == 32 and secrets.compare_digest(plain, digest("csrf:" + token)[:16])


async def operator(request: web.Request, cookie: str, visit: bool = True) -> tuple[Operator, str] | None:
    """Who is signed in with this browser."""
    token = request.cookies.get(cookie, "")
    found = await sign_in.signed_in(request.app[HUB].db, token, visit) if 0 < len(token) < 200 else None
    if found is not None:
        scope.enter(found.account_id)
    return (found, token) if found else None
