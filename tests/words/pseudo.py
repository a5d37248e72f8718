"""A language that is none: every text of the catalogues in Arabic letters, from right to left."""

import re
import string

from hub.translations import ENGLISH, Catalogue, Catalogues

_KEPT = re.compile(r"(%\(\w+\)s|%%|<[^>]*>|&[a-z#0-9]+;|\{\w*\})")
LETTERS = "ابتثجحخدذرزسشصضطظعغفقكلمنه"
_TABLE = str.maketrans(string.ascii_lowercase + string.ascii_uppercase, LETTERS * 2)


def pseudo(text: str) -> str:
    """Its letters changed; places for values, marks of HTML and the length stay."""
    return "".join(part if n % 2 else part.translate(_TABLE) for n, part in enumerate(_KEPT.split(text)))


class Pseudo(Catalogue):
    """In the place of Spanish."""

    def __init__(self) -> None:
        super().__init__("es", Catalogues().of(ENGLISH)._found)
        self.rtl = True

    def gettext(self, text: str) -> str:
        return pseudo(text)

    def pgettext(self, of: str, text: str) -> str:
        return pseudo(text)

    def ngettext(self, one: str, many: str, count: int) -> str:
        return pseudo(one if count == 1 else many)
