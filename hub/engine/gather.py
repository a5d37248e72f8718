"""Everything a model is asked with, brought together side by side."""

from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any
from uuid import UUID

from hub.domain import Json
from hub.engine import messages as chat_messages
from hub.engine import moderation, multimodal, query, routing, toolbox, worker
from hub.engine.ask import Ask
from hub.engine.brand import VOICE
from hub.engine.context import AnswerContext, effective
from hub.engine.prompt import tools_of
from hub.language.abilities import asks_what_you_do
from hub.runtime import Hub
from hub.store.collections import contexts
from hub.task_groups import together
from hub.tools import sources
from hub.tools.base import Context

RETRIEVAL = {"gen_ai.operation.name": "retrieval"}


async def gather(hub: Hub, ask: Ask, stack: AsyncExitStack) -> AnswerContext:
    """The ctx of an answer; what was opened for it is closed with the stack."""
    parameters = effective(hub.models, ask.gateway)
    ctx = AnswerContext(
        ask=ask,
        context=context_of(hub, ask),
        parameters=parameters,
        messages=list(ask.messages),
        system=[],
        theirs=tools_of(parameters.get("tools") or (), ask.options.get("tools") or ()),
    )
    offline = hub.models.offline(ask.gateway, ctx.model) and not parameters.get("fallbackModels")
    if offline and parameters.get("queryStrategy") == "QueryFunction":
        # It calls no functions, so the passages are put before it.
        ctx.parameters = {**parameters, "queryStrategy": "Plain"}
    if not offline:
        await multimodal.preprocess(hub, ctx)
    await together(*_parts(hub, ctx, stack, offline))
    if ctx.blocked:
        moderation.withhold(ctx)
    voice = (parameters.get(VOICE) or {}).get("prompt")
    texts = (parameters.get("systemInstruction"), voice, *ctx.system, *ctx.contexts, ctx.memories, *ask.system)
    ctx.system = [t for t in texts if t]
    ctx.parameters = {**ctx.parameters, "systemInstruction": None}
    await _rewritten(hub, ctx, stack)
    return ctx


def _parts(hub: Hub, ctx: AnswerContext, stack: AsyncExitStack, offline: bool) -> list[Coroutine[Any, Any, None]]:
    """What has to be done, only what is wanted: most gateways want little."""
    p = ctx.parameters
    parts = []
    if p.get("systemInstructionsSources"):
        parts.append(_instructions(ctx))
    if p.get("knowledgeCollections"):
        parts.append(_knowledge(hub, ctx))
    if not offline:
        parts.append(toolbox.equip(hub, ctx, stack))
    if p.get("moderationParameters"):
        parts.append(moderation.moderate(hub, ctx))
    if p.get("modelRoutingParameters"):
        parts.append(routing.route(hub, ctx))
    return parts


def context_of(hub: Hub, ask: Ask) -> Context:
    """For whom the tools of an answer run."""
    return Context(
        hub=hub, account_id=ask.account_id, gateway=ask.gateway, deadline=ask.deadline,
        external_user=ask.external_user, person=ask.person, metadata=dict(ask.metadata), source=ask.origin,
        conversation=ask.conversation, session_id=ask.session_id, client_id=ask.client_id, language=ask.language,
        zone=ask.zone,
    )


async def _instructions(ctx: AnswerContext) -> None:
    ctx.system += await sources.instructions(ctx.context, ctx.parameters["systemInstructionsSources"])


async def _knowledge(hub: Hub, ctx: AnswerContext) -> None:
    """Passages for the question and the texts of the collections."""
    p = ctx.parameters
    collections = [UUID(str(c)) for c in p["knowledgeCollections"]]
    ctx.contexts = [text for _, text in await contexts(hub.db, ctx.ask.account_id, collections)]
    if p.get("queryStrategy") == "QueryFunction":
        return
    with hub.tracing.within("retrieval", attributes=RETRIEVAL) as span:
        terms = await query.queries(hub, ctx)
        if any(map(asks_what_you_do, terms)):
            p = {**p, "knowledgeBaseMinimumScore": 0.0}  # it is near to nothing, and answered from whatever there is
        if terms:
            ctx.passages = await toolbox.found(hub, ctx.ask.account_id, p, terms, ctx.ask.trace.by_words)
        span.set("hub.retrieval.passages", len(ctx.passages))


async def _rewritten(hub: Hub, ctx: AnswerContext, stack: AsyncExitStack) -> None:
    """Ask the worker, and change the ctx as it says."""
    head: list[Json] = [{"role": "system", "content": "\n\n".join(ctx.system)}] if ctx.system else []
    rewrites = await worker.message_received(hub, ctx, [*head, *ctx.messages])
    if not rewrites:
        return
    messages = [*head, *ctx.messages]
    ctx.system = []
    for one in rewrites:
        messages = await _apply(hub, ctx, stack, messages, one)
    ctx.messages = messages


async def _apply(
    hub: Hub, ctx: AnswerContext, stack: AsyncExitStack, messages: list[Json], one: worker.Rewrite
) -> list[Json]:
    if one.type == "clear":
        return _cleared(ctx, messages, one.argument or "all")
    if one.type == "add-message" and isinstance(one.message, dict):
        return [*messages, one.message]
    if one.type == "remove-message" and one.index is not None:
        return [m for n, m in enumerate(messages) if n != one.index]
    if one.type == "add-system":
        text = one.message if isinstance(one.message, str) else chat_messages.text_of(one.message or {})
        ctx.system.append(text)
    elif one.type == "add-tool" and one.tool is not None:
        ctx.theirs = tools_of(ctx.theirs, [one.tool])
        ctx.tools = toolbox.once(ctx.tools, ctx.theirs)
    else:
        await toolbox.add(ctx, stack, one)
    return messages


def _cleared(ctx: AnswerContext, messages: list[Json], what: worker.Clear) -> list[Json]:
    """The messages that are left."""
    everything = what == "all"
    if everything or what == "meta":
        ctx.context = replace(ctx.context, metadata={})
    if everything or what == "tools":
        ctx.tools, ctx.theirs = [], []
    if everything or what == "skills":
        toolbox.forget_skills(ctx)
    if everything or what == "system":
        ctx.system = []
        messages = [m for m in messages if m.get("role") not in chat_messages.SYSTEM]
    if everything or what == "messages":
        ctx.passages = []
        messages = [m for m in messages if m.get("role") in chat_messages.SYSTEM]
    return messages
