"""Pages as trees. A program that reads one page would spend more time on loading what reads selectors, and guesses
encodings, than on the page: neither is loaded, and what is looked for is looked for here."""

import sys
import warnings
from collections.abc import Iterable
from typing import Any

# What bs4 takes along where it finds it, and does without where it does not.
_BESIDE = ("soupsieve", "charset_normalizer", "chardet", "cchardet", "html5lib", "lxml")
_NEW = [name for name in _BESIDE if name not in sys.modules]
sys.modules.update(dict.fromkeys(_NEW))  # type: ignore[arg-type]  # None keeps one from being imported
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from bs4 import BeautifulSoup, Comment, Tag
    from markdownify import MarkdownConverter
for _name in _NEW:
    del sys.modules[_name]

__all__ = ["BeautifulSoup", "Comment", "Kind", "MarkdownConverter", "Tag", "drop"]


class Kind:
    """Elements by any of: their names, roles, ids, attributes that they have. with_: the name of an element and the
    attribute that it must have. Words stand in lists with blanks between them."""

    def __init__(
        self, names: str = "", roles: str = "", ids: str = "", attributes: str = "",
        with_: Iterable[tuple[str, str]] = (),
    ) -> None:
        self.names, self.roles = frozenset(names.split()), frozenset(roles.split())
        self.ids, self.attributes = frozenset(ids.split()), frozenset(attributes.split())
        self.with_ = frozenset(with_)

    def __call__(self, one: Any) -> bool:
        if one.name in self.names:
            return True
        attrs = one.attrs
        if not attrs:
            return False
        return (
            attrs.get("role") in self.roles or attrs.get("id") in self.ids or not self.attributes.isdisjoint(attrs)
            or any(one.name == name and attribute in attrs for name, attribute in self.with_)
        )

    def all(self, within: Any) -> list[Any]:
        """In their order. What stands in a template is no part of the page."""
        found = within.find_all(self)
        if within.find("template") is None:
            return list(found)
        return [one for one in found if not _templated(one, within)]

    def first(self, within: Any) -> Any:
        return next(iter(self.all(within)), None)


def drop(parts: Iterable[Any]) -> None:
    """Take parts out of their tree. One by one each would be looked for among all that stand beside it."""
    gone: dict[int, tuple[Any, set[int]]] = {}
    for one in parts:
        if one.parent is not None:
            gone.setdefault(id(one.parent), (one.parent, set()))[1].add(id(one))
    for parent, there in gone.values():
        contents = parent.contents
        # From the end, so that few move up.
        for n in range(len(contents) - 1, -1, -1):
            if id(contents[n]) in there:
                contents[n].extract(_self_index=n)


def _templated(one: Any, within: Any) -> bool:
    for parent in one.parents:
        if parent is within:
            return False
        if parent.name == "template":
            return True
    return False
