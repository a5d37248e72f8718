"""No English is left on a screen that is read in another language."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from hub.translations import LANGUAGES
from tests.api.conftest import Api
from tests.console import town
from tests.console.conftest import Desk
from tests.console.test_screens import FIRST_LOAD, SCREENS, named, weight
from tests.words import catalogue
from tests.words.test_words import NAMES, READ

# What the people of the town say, and names: nobody translates these.
OWN = (
    *town.ASKED, *town.SAID, *town.PEOPLE, *(text for _, _, text in town._lines(0, False, True)),
    *(text for _, text in town.PLANNED), town.LATER, "Owner", "Shop assistant", "Evolution", "English", "Aurora",
    "Forbidden: bot was blocked by the user", *town.REFUSED.values(), "owner-", "POST sendMessage", "test",
)
_WORD = re.compile(r"(?<![\w.@/#-])[a-z]+(?:'[a-z]+)?(?![\w.@/-])", re.IGNORECASE)
LONG = 3
# Beside those whose weight is measured: rarely opened.
MORE = ("/settings/contacts", "/settings/people", "/campaigns/template")
OF_TALKS = ("later", "person-note", "transcript")


class Reader(HTMLParser):
    """The texts of a page, and its attributes that are read; not what is a value, code or somebody's own words."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.said += [value for name, value in attrs if name in READ and value]
        if tag in ("script", "style", "pre", "code", "kbd", "textarea"):
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            self._inside.remove(tag)

    def handle_data(self, data: str) -> None:
        if not self._inside and data.strip():
            self.said.append(" ".join(data.split()))


def words_of(text: str) -> set[str]:
    return {w.lower() for w in _WORD.findall(re.sub(r"%\(\w+\)s|<[^>]*>", " ", text)) if len(w) >= LONG}


def english(code: str) -> set[str]:
    """Words of our English texts that no text of a language has."""
    ours, theirs = set[str](), set[str]()
    for one in catalogue.read(code):
        for text in one.id if isinstance(one.id, tuple | list) else (one.id,):
            ours |= words_of(str(text))
        for said in one.string if isinstance(one.string, tuple | list) else (one.string,):
            theirs |= words_of(str(said))
    return ours - theirs


def left(page: str, foreign: set[str]) -> list[str]:
    reader = Reader()
    reader.feed(page)
    return [t for t in reader.said if t not in NAMES and words_of(_without(t)) & foreign]


def _without(text: str) -> str:
    for own in sorted(filter(None, OWN), key=len, reverse=True):
        text = text.replace(own, " ")
    # What is long is cut in lists.
    return "" if text.strip(" …") and any(own.startswith(text.strip(" …")) for own in OWN) else text


@pytest.mark.parametrize("code", sorted(set(LANGUAGES) - {"en"}))
async def test_no_english_is_left(api: Api, desk: Desk, code: str) -> None:
    """Sentences that nobody translates, and those that are put together past the catalogues; and its pages are as
    light as those in English."""
    foreign, sizes = english(code.replace("-", "_")), dict[str, int]()
    found: dict[str, Any] = {}
    filled = await town.fill(api.hub, api.account, 14, by=desk.who.id)
    talks = [f"/inbox/{filled['sessions'][2]}/{part}" for part in OF_TALKS]
    for screen in [*SCREENS, *await named(api, filled), *MORE, *talks]:
        page = await desk.get(f"/console{screen}", **{"Accept-Language": code})
        assert page.status == 200 and await weight(desk, page, sizes) <= FIRST_LOAD, screen
        if texts := left(page.text, foreign):
            found[screen] = {t: words_of(_without(t)) & foreign for t in texts}
    assert not found, "\n".join(f"{s}: {t[:150]!r} {w}" for s, ts in found.items() for t, w in ts.items())
