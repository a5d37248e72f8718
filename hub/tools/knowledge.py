"""A search in collections as a tool."""

from collections.abc import Sequence
from uuid import UUID

from hub.domain import Json, Passage
from hub.errors import NotFound
from hub.knowledge.search import query
from hub.llm.citing import about
from hub.tools.base import Context, Result, Tool, ToolFailed, schema

LONGEST = 2000
SCHEMA = schema(
    ["query"], query={"type": "string", "minLength": 1, "maxLength": LONGEST, "description": "What to look for."}
)
NOTHING = "Nothing was found."


def search_tool(
    name: str, description: str, collections: Sequence[UUID], top: int, least: float, references: bool
) -> Tool:
    """A tool that looks for a `query` in collections of the account it runs for."""

    async def run(context: Context, arguments: Json) -> Result:
        hub = context.hub
        try:
            found = await query(
                hub.db, hub.embedder, context.account_id, collections, [arguments["query"]], top, least,
                references=references,
            )
        except NotFound:
            raise ToolFailed("This collection is no longer there.") from None
        return Result(told(found))

    return Tool(name, description, SCHEMA, run, effect=False)


def told(passages: Sequence[Passage]) -> str:
    """Passages as numbered text, best first."""
    if not passages:
        return NOTHING
    return "\n\n".join(_passage(n, p) for n, p in enumerate(passages, 1))


def _passage(number: int, p: Passage) -> str:
    lines = [f"[{number}] {p.name}", *about(p), p.content]
    return "\n".join([*lines, *(f"[{number}, related] {r.name}\n{r.content}" for r in p.references)])
