"""A definition as it was sent, YAML or JSON, made plain JSON within bounds."""

from typing import TYPE_CHECKING, Any

import orjson

from hub.errors import TooLarge, Unprocessable
from hub.later import later

if TYPE_CHECKING:
    import yaml
else:
    yaml = later("yaml")

LARGEST, EXPANDED = 256_000, 1_000_000
ALIASES, DEEPEST, EVENTS = 10, 32, 20_000


def invalid(problems: list[tuple[str, str]], code: str = "invalid_definition") -> Unprocessable:
    """problems: (JSON pointer, what is wrong there)."""
    pointer, words = problems[0]
    details = [{"pointer": p, "message": w} for p, w in problems]
    return Unprocessable(f"{pointer or 'The definition'}: {words}.", field=pointer or None, details=details, code=code)


def read(raw: bytes) -> Any:
    """YAML, of which JSON is a part; a large one takes a second. Raise TooLarge, Unprocessable."""
    if len(raw) > LARGEST:
        raise TooLarge(f"A definition has at most {LARGEST:,} bytes.")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise invalid([("", "it is not UTF-8")]) from None
    try:
        _bounded(text)
        return plain(yaml.safe_load(text))
    except yaml.MarkedYAMLError as e:
        at = f" (line {e.problem_mark.line + 1}, column {e.problem_mark.column + 1})" if e.problem_mark else ""
        raise invalid([("", f"it is not valid YAML: {e.problem or e.context or 'it cannot be read'}{at}")]) from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise invalid([("", "it is not valid YAML")]) from None


def _bounded(text: str) -> None:
    """Look at the events only: few, few aliases, and not deep, before anything is built of them."""
    aliases = depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
        if count > EVENTS:
            raise invalid([("", f"it has more than {EVENTS:,} values")])
        aliases += isinstance(event, yaml.AliasEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if aliases > ALIASES:
            raise invalid([("", f"it has more than {ALIASES} aliases")])
        if depth > DEEPEST:
            raise invalid([("", f"it is nested more than {DEEPEST} levels deep")])


def plain(value: Any) -> Any:
    """As JSON says it: dates become text. Raise Unprocessable for what JSON cannot say, or what grows too large."""
    try:
        found = orjson.dumps(value)
    except TypeError:
        raise invalid([("", "it holds a value that JSON cannot say (a name that is no text, a number too large)")]) \
            from None
    if len(found) > EXPANDED:
        raise invalid([("", f"it is larger than {EXPANDED:,} bytes when its aliases are written out")])
    return orjson.loads(found)
