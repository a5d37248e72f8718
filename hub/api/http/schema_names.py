"""Names of schemas as people and generators of clients like them: short, of letters and digits, each once."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

Json = Any
# Parts of a module's path that say nothing of what a schema is of.
_COMMON = frozenset({"hub", "api", "schemas", "http"})
_REF = "#/components/schemas/"


def short(names: Iterable[str], taken: Iterable[str]) -> Mapping[str, str]:
    """Each name by a short one: the class's own, before it as much of its module as keeps it apart from others."""
    wanted = sorted(names, key=lambda n: (n.count("__"), n))
    found: dict[str, str] = {}
    used = set(taken)
    for name in wanted:
        *module, own = re.split(r"__", name)
        own = "".join(p[:1].upper() + p[1:] for p in re.findall(r"[A-Za-z0-9]+", own))
        before = [part.title().replace("_", "") for part in module if part not in _COMMON]
        tries = [own, *("".join(before[-n:]) + own for n in range(1, len(before) + 1))]
        tries += [f"{tries[-1]}{n}" for n in range(2, 100)]
        found[name] = next(t for t in (tries if not module else tries[1:]) if t not in used)
        used.add(found[name])
    return found


def renamed(part: Json, names: Mapping[str, str]) -> Json:
    """A part of a document with its references and its discriminators under the short names."""
    if isinstance(part, dict):
        return {key: renamed(value, names) for key, value in part.items()}
    if isinstance(part, list):
        return [renamed(value, names) for value in part]
    if isinstance(part, str) and part.startswith(_REF):
        name = part.removeprefix(_REF)
        return _REF + names.get(name, name)
    return part
