"""Which tools an answer has: the gateway's, the request's, the session's; and what skills make of them."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from uuid import UUID

from hub.accounts import skills as library
from hub.accounts.value_types import BuiltinFunction
from hub.domain import Json, Passage, Skill
from hub.engine.brand import ESCALATES
from hub.engine.context import AnswerContext
from hub.engine.prompt import name_of, question
from hub.engine.worker import Rewrite
from hub.knowledge.search import search
from hub.runtime import Hub
from hub.tools import arguments, builtin, choices, handover, knowledge, mcp, protocol
from hub.tools.base import Context, Result, Tool, ToolFailed
from hub.tools.memory import remember
from hub.tools.memory.calendar import calendar_tools
from hub.tools.names import SEARCH
from hub.tools.schedule import tools as scheduling
from hub.tools.shell.commands import arrange
from hub.tools.shell.tool import NAME as SHELL
from hub.tools.shell.tool import shell_tool, workspace
from hub.tools.skills import activating, reading

RESULTS, SCORE = 8, 0.2


async def equip(hub: Hub, ctx: AnswerContext, stack: AsyncExitStack) -> None:
    """Put together the tools that the hub runs; what they need open is closed with the stack."""
    p = ctx.parameters
    functions = enabled(ctx)
    tools: list[Tool] = []
    if p.get("skills"):
        await _skilled(hub, ctx)
        tools.append(reading.read_skill(ctx.skills))
    if p.get("queryStrategy") == "QueryFunction" and p.get("knowledgeCollections"):
        tools.append(searching(ctx))
    everything = bool((p.get("builtinFunctionsOptions") or {}).get("includeAllMemoryContext"))
    if "Remember" in functions:
        tools += remember.offered(everything)
    if "Remember" in functions or everything:
        ctx.memories = await remember.context_text(ctx.context, question(ctx.messages), everything)
    if "Calendar" in functions:
        tools += calendar_tools()
    tools += _with_people(ctx, functions)
    tools += builtin.offered(functions, p.get("builtinFunctionsOptions"))
    if p.get("protocolFunctions") or p.get("protocolFunctionSources"):
        tools += await protocol.offered(ctx.context, {t.name for t in tools})
    if p.get("mcpSources"):
        tools += await stack.enter_async_context(mcp.opened(ctx.context, p["mcpSources"], _names(ctx, tools)))
    ctx.tools = once(tools, ctx.theirs)
    if p.get("enableBash"):
        await _shell(ctx, stack)


def _with_people(ctx: AnswerContext, functions: Sequence[BuiltinFunction]) -> list[Tool]:
    """What only makes sense where somebody reads the answer in a chat."""
    tools: list[Tool] = []
    if "Choices" in functions and ctx.ask.client_id is not None:
        tools.append(choices.offered())
    if ctx.ask.schedules:
        tools += scheduling.offered(ctx.context)
    switched = handover.FUNCTION in functions and ctx.ask.client_id is not None
    return tools + handover.offered(bool(ctx.parameters.get(ESCALATES)), switched)


async def _shell(ctx: AnswerContext, stack: AsyncExitStack) -> None:
    """The shell beside the tools, or around them. Nobody else's tool has its name."""
    ctx.theirs = [t for t in ctx.theirs if name_of(t) != SHELL]
    space = await stack.enter_async_context(workspace(ctx.context))
    direct, ctx.moved = arrange(ctx.tools, ctx.parameters)

    async def run(name: str, given: Json) -> Result:
        shown = activating.visible(ctx.moved, ctx.parameters, _chosen(ctx, ctx.ask.trace.made))
        tool = next((t for t in shown if t.name == name), None)
        if tool is None or ctx.invoke is None:
            raise ToolFailed(f"The command {name} cannot be used now.")
        return await ctx.invoke(tool, given)

    ctx.tools = [*direct, shell_tool(space, ctx.moved, run)]


async def add(ctx: AnswerContext, stack: AsyncExitStack, one: Rewrite) -> None:
    """A tool, or a source of tools, that the worker adds for this answer."""
    if one.type == "add-protocol-tool":
        added = [protocol.tool_of(one.function)]
    else:
        names = _names(ctx, ctx.tools)
        added = await stack.enter_async_context(mcp.opened(ctx.context, [one.mcp], names))
    ctx.tools = once([*ctx.tools, *added], ctx.theirs)


def _names(ctx: AnswerContext, tools: list[Tool]) -> set[str]:
    return {t.name for t in tools} | {str(name_of(t)) for t in ctx.theirs}


async def _skilled(hub: Hub, ctx: AnswerContext) -> None:
    wanted = [UUID(str(s)) for s in ctx.parameters["skills"]]
    ctx.skills = await library.chosen(hub.db, hub.sealer, ctx.ask.account_id, wanted)


def forget_skills(ctx: AnswerContext) -> None:
    """No skill is offered or active any more."""
    ctx.skills = []
    ctx.tools = [t for t in ctx.tools if t.name != reading.NAME]


def offered(ctx: AnswerContext, made: list[Json]) -> list[Tool]:
    """The tools of the next model call: those that the active skills leave visible."""
    return activating.visible(ctx.tools, ctx.parameters, _chosen(ctx, made))


def _chosen(ctx: AnswerContext, made: list[Json]) -> list[Skill]:
    return activating.chosen(ctx.skills, _active(ctx, made))


def described(ctx: AnswerContext, tools: list[Tool]) -> list[Json]:
    """Tools in the chat format; with two more arguments where calls are to be explained."""
    on = ctx.ask.explain or bool(ctx.parameters.get("toolInvocationExplanations"))
    return [arguments.explained(t, on).function for t in tools]


async def activated(ctx: AnswerContext, made: list[Json]) -> list[str]:
    """The list of skills, and the instructions of those that are active now."""
    if not ctx.skills:
        return []
    blocks = await activating.activated(ctx.context, ctx.skills, _active(ctx, made))
    return [t for t in (reading.listing(ctx.skills), blocks) if t]


def _active(ctx: AnswerContext, made: list[Json]) -> list[str]:
    return reading.active([*ctx.ask.messages, *made], ctx.skills) if ctx.skills else []


def enabled(ctx: AnswerContext) -> list[BuiltinFunction]:
    """The built-in functions that are on."""
    functions: list[BuiltinFunction] = (ctx.parameters.get("sentinelOptions") or {}).get("enabledFunctions") or []
    return functions


def once(tools: list[Tool], theirs: list[Json]) -> list[Tool]:
    """Each name once; what the caller runs comes first, then the order of the list."""
    taken = {name_of(t) for t in theirs}
    found: list[Tool] = []
    for tool in tools:
        if tool.name not in taken:
            taken.add(tool.name)
            found.append(tool)
    return found


def searching(ctx: AnswerContext) -> Tool:
    """The knowledge as a tool, for the gateway's collections; what it finds counts as used."""
    parameters = ctx.parameters

    async def run(context: Context, given: Json) -> Result:
        passages = await found(context.hub, context.account_id, parameters, [given["query"]], ctx.ask.trace.by_words)
        ctx.passages.extend(p for p in passages if p not in ctx.passages)
        return Result(knowledge.told(passages))

    text = "Search the knowledge base. Use it before answering questions about the business, its products and rules."
    return Tool(SEARCH, text, knowledge.SCHEMA, run, effect=False)


async def found(
    hub: Hub, account: UUID, parameters: Json, terms: Sequence[str], worded: Callable[[], None],
) -> list[Passage]:
    """What the gateway's collections say about the terms, as its parameters want it. worded: told where words alone
    found."""
    collections = [UUID(str(c)) for c in parameters.get("knowledgeCollections") or ()]
    top, least = parameters.get("knowledgeBaseMaximumResults"), parameters.get("knowledgeBaseMinimumScore")
    return await search(
        hub.db, hub.embedder, account, collections, terms, top=RESULTS if top is None else top,
        min_score=SCORE if least is None else least, references=bool(parameters.get("knowledgeUseReferences")),
        worded=worded,
    )
