"""Which tools an answer has: the gateway's, the request's, the session's."""

from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

from hub.chat.prompt import name_of
from hub.chat.scene import Scene
from hub.chat.worker import Rewrite
from hub.domain import Json
from hub.knowledge.search import search
from hub.runtime import Hub
from hub.tools import arguments, knowledge
from hub.tools.base import Context, Result, Tool

SEARCH = "search_knowledge"
RESULTS, SCORE = 8, 0.2


async def equip(hub: Hub, scene: Scene, stack: AsyncExitStack) -> None:
    """Put together the tools that the hub runs; what they need open is closed with the stack."""
    tools: list[Tool] = []
    if scene.parameters.get("queryStrategy") == "QueryFunction" and scene.parameters.get("knowledgeCollections"):
        tools.append(searching(scene))
    scene.tools = once(tools, scene.theirs)


async def add(hub: Hub, scene: Scene, stack: AsyncExitStack, one: Rewrite) -> None:
    """A tool, or a source of tools, that the worker adds for this answer."""


def forget_skills(scene: Scene) -> None:
    """No skill is offered or active any more."""


async def offered(hub: Hub, scene: Scene, made: list[Json]) -> list[Json]:
    """The tools of the next model call, in the chat format."""
    return [arguments.explained(t, explains(scene)).function for t in scene.tools]


async def activated(hub: Hub, scene: Scene, made: list[Json]) -> list[str]:
    """Instructions of the skills that are active now."""
    return []


def explains(scene: Scene) -> bool:
    return scene.ask.explain or bool(scene.parameters.get("toolInvocationExplanations"))


def once(tools: list[Tool], theirs: list[Json]) -> list[Tool]:
    """Each name once; what the caller runs comes first, then the order of the list."""
    taken = {name_of(t) for t in theirs}
    found: list[Tool] = []
    for tool in tools:
        if tool.name not in taken:
            taken.add(tool.name)
            found.append(tool)
    return found


def searching(scene: Scene) -> Tool:
    """The knowledge as a tool, for the gateway's collections."""
    parameters = scene.parameters
    collections = [UUID(str(c)) for c in parameters.get("knowledgeCollections") or ()]

    async def run(context: Context, given: Json) -> Result:
        found = await search(
            context.hub.db, context.hub.embedder, context.account_id, collections, [given["query"]],
            top=number(parameters.get("knowledgeBaseMaximumResults"), RESULTS),
            min_score=number(parameters.get("knowledgeBaseMinimumScore"), SCORE),
            references=bool(parameters.get("knowledgeUseReferences")),
        )
        scene.passages.extend(p for p in found if p not in scene.passages)
        return Result(knowledge.told(found))

    return Tool(
        SEARCH,
        "Search the knowledge base. Use it before answering questions about the business, its products and rules.",
        knowledge.SCHEMA,
        run,
        effect=False,
    )


def number(value: Any, default: Any) -> Any:
    """A parameter that may be null, or 0."""
    return default if value is None else value
