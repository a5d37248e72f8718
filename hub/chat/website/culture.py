"""Words of the chat page; one language goes to the browser, chosen here."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from hub.later import later

if TYPE_CHECKING:
    import yaml
else:
    yaml = later("yaml")


FILE = Path(__file__).with_name("culture.yaml")
RIGHT_TO_LEFT = frozenset({"ar", "he", "fa", "ur"})
# As an HTML document names them.
CODES: Mapping[str, str] = MappingProxyType({"pt": "pt-BR"})


@cache
def every() -> Mapping[str, Mapping[str, str]]:
    """All labels by language."""
    found: dict[str, dict[str, Any]] = {}
    for name, by_language in yaml.safe_load(FILE.read_text(encoding="utf-8")).items():
        for lang, words in by_language.items():
            found.setdefault(lang, {})[name] = words
    return MappingProxyType(found)


def labels(lang: str) -> dict[str, str]:
    """All labels of one language ("pt", "en", "es", ...)."""
    return dict(every()[lang])


def direction(lang: str) -> str:
    return "rtl" if lang in RIGHT_TO_LEFT else "ltr"


def code(lang: str) -> str:
    """As the page's `lang`."""
    return CODES.get(lang, lang)


def preferred(setting: str | None, accept: str) -> str:
    """The client's own language, else the first of Accept-Language that we speak, else English."""
    wanted = [setting or ""] + [part.split(";")[0] for part in accept.split(",")]
    for code in wanted:
        short = code.strip().replace("_", "-").split("-")[0].lower()
        if short in every():
            return short
    return "en"
