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
from hub.engine.context import Scene, effective
from hub.engine.prompt import tools_of
from hub.runtime import Hub
from hub.store.collections import contexts
from hub.task_groups import together
from hub.tools import sources
from hub.tools.base import Context


async def gather(hub: Hub, ask: Ask, stack: AsyncExitStack) -> Scene:
    """The scene of an answer; what was opened for it is closed with the stack."""
    parameters = effective(hub.models, ask.gateway)
    scene = Scene(
        ask=ask,
        context=_context(hub, ask),
        parameters=parameters,
        messages=list(ask.messages),
        system=[],
        theirs=tools_of(parameters.get("tools") or (), ask.options.get("tools") or ()),
    )
    offline = hub.models.offline(ask.gateway, scene.model) and not parameters.get("fallbackModels")
    if offline and parameters.get("queryStrategy") == "QueryFunction":
        # It calls no functions, so the passages are put before it.
        scene.parameters = {**parameters, "queryStrategy": "Plain"}
    if not offline:
        await multimodal.preprocess(hub, scene)
    await together(*_parts(hub, scene, stack, offline))
    if scene.blocked:
        moderation.withhold(scene)
    voice = (parameters.get(VOICE) or {}).get("prompt")
    texts = (parameters.get("systemInstruction"), voice, *scene.system, *scene.contexts, scene.memories, *ask.system)
    scene.system = [t for t in texts if t]
    scene.parameters = {**scene.parameters, "systemInstruction": None}
    await _rewritten(hub, scene, stack)
    return scene


def _parts(hub: Hub, scene: Scene, stack: AsyncExitStack, offline: bool) -> list[Coroutine[Any, Any, None]]:
    """What has to be done, only what is wanted: most gateways want little."""
    p = scene.parameters
    parts = []
    if p.get("systemInstructionsSources"):
        parts.append(_instructions(scene))
    if p.get("knowledgeCollections"):
        parts.append(_knowledge(hub, scene))
    if not offline:
        parts.append(toolbox.equip(hub, scene, stack))
    if p.get("moderationParameters"):
        parts.append(moderation.moderate(hub, scene))
    if p.get("modelRoutingParameters"):
        parts.append(routing.route(hub, scene))
    return parts


def _context(hub: Hub, ask: Ask) -> Context:
    return Context(
        hub=hub, account_id=ask.account_id, gateway=ask.gateway, deadline=ask.deadline,
        external_user=ask.external_user, person=ask.person, metadata=dict(ask.metadata), source=ask.origin,
        conversation=ask.conversation, session_id=ask.session_id, client_id=ask.client_id, language=ask.language,
        zone=ask.zone,
    )


async def _instructions(scene: Scene) -> None:
    scene.system += await sources.instructions(scene.context, scene.parameters["systemInstructionsSources"])


async def _knowledge(hub: Hub, scene: Scene) -> None:
    """Passages for the question and the texts of the collections."""
    p = scene.parameters
    collections = [UUID(str(c)) for c in p["knowledgeCollections"]]
    scene.contexts = [text for _, text in await contexts(hub.db, scene.ask.account_id, collections)]
    if p.get("queryStrategy") == "QueryFunction":
        return
    terms = await query.queries(hub, scene)
    if terms:
        scene.passages = await toolbox.found(hub, scene.ask.account_id, p, terms)


async def _rewritten(hub: Hub, scene: Scene, stack: AsyncExitStack) -> None:
    """Ask the worker, and change the scene as it says."""
    head: list[Json] = [{"role": "system", "content": "\n\n".join(scene.system)}] if scene.system else []
    rewrites = await worker.message_received(hub, scene, [*head, *scene.messages])
    if not rewrites:
        return
    messages = [*head, *scene.messages]
    scene.system = []
    for one in rewrites:
        messages = await _apply(hub, scene, stack, messages, one)
    scene.messages = messages


async def _apply(
    hub: Hub, scene: Scene, stack: AsyncExitStack, messages: list[Json], one: worker.Rewrite
) -> list[Json]:
    if one.type == "clear":
        return _cleared(scene, messages, one.argument or "all")
    if one.type == "add-message" and isinstance(one.message, dict):
        return [*messages, one.message]
    if one.type == "remove-message" and one.index is not None:
        return [m for n, m in enumerate(messages) if n != one.index]
    if one.type == "add-system":
        text = one.message if isinstance(one.message, str) else chat_messages.text_of(one.message or {})
        scene.system.append(text)
    elif one.type == "add-tool" and one.tool is not None:
        scene.theirs = tools_of(scene.theirs, [one.tool])
        scene.tools = toolbox.once(scene.tools, scene.theirs)
    else:
        await toolbox.add(hub, scene, stack, one)
    return messages


def _cleared(scene: Scene, messages: list[Json], what: worker.Clear) -> list[Json]:
    """The messages that are left."""
    everything = what == "all"
    if everything or what == "meta":
        scene.context = replace(scene.context, metadata={})
    if everything or what == "tools":
        scene.tools, scene.theirs = [], []
    if everything or what == "skills":
        toolbox.forget_skills(scene)
    if everything or what == "system":
        scene.system = []
        messages = [m for m in messages if m.get("role") not in chat_messages.SYSTEM]
    if everything or what == "messages":
        scene.passages = []
        messages = [m for m in messages if m.get("role") in chat_messages.SYSTEM]
    return messages
