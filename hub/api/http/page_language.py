"""Pages in the language of whoever looks: one environment of templates a language, made when it is first wanted."""

from collections.abc import Callable

import jinja2
from aiohttp import web

from hub.translations import ENGLISH, Catalogue, Catalogues, chosen


def speaking(found: jinja2.Environment, catalogue: Catalogue) -> jinja2.Environment:
    """Texts of its templates are said in the catalogue's language; values that are put into them are escaped."""
    install = found.install_gettext_callables  # type: ignore[attr-defined]  # the extension brings it
    install(catalogue.gettext, catalogue.ngettext, newstyle=True, pgettext=catalogue.pgettext)
    found.globals |= {"catalogue": catalogue, "lang": catalogue.code}
    return found


class Pages:
    """plain: the environment in English, to which applications add filters and globals; make: another like it."""

    def __init__(
        self, plain: jinja2.Environment, make: Callable[[Catalogue], jinja2.Environment], catalogues: Catalogues
    ) -> None:
        self.plain, self._make, self.catalogues = plain, make, catalogues
        self._known: dict[str, jinja2.Environment] = {ENGLISH: plain}

    def of(self, code: str) -> jinja2.Environment:
        if code not in self._known:
            self._known[code] = self._like(self.catalogues.of(code))
        return self._known[code]

    def _like(self, catalogue: Catalogue) -> jinja2.Environment:
        found = self._make(catalogue)
        found.filters = self.plain.filters
        found.globals = {**self.plain.globals, **found.globals}
        return found


def language(request: web.Request, own: str | None = None) -> str:
    """own: what somebody has chosen for themselves."""
    return chosen(own, request.headers.get("Accept-Language", ""))
