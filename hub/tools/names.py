"""Names of tools that are the hub's own: nobody else's tool may have one, whether the hub's is on or not."""

from hub.accounts.value_types import RESERVED_NAMES, RUNTIME_NAMES
from hub.tools.schedule import tools as scheduling

SEARCH = "search_knowledge"
OURS = frozenset((
    *RESERVED_NAMES, *(name for names in RUNTIME_NAMES.values() for name in names), SEARCH,
    *(tool.name for tool in scheduling.TOOLS),
))


def ours(name: str) -> bool:
    """Also in another case: a model would take one for the other."""
    return name.lower() in OURS


def left_out(names: list[str]) -> dict[int, str]:
    """Which of one source's tools are not offered, by their place, and why."""
    seen: set[str] = set()
    found: dict[int, str] = {}
    for n, name in enumerate(names):
        if ours(name):
            found[n] = "the name is one of the hub's own tools"
        elif name in seen:
            found[n] = "the source lists the name twice"
        seen.add(name)
    return found
