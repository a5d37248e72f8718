"""Periodic repairs: what nobody rang for, what a dead process left, what is too old."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import MappingProxyType
from uuid import UUID

from hub.chat.operators import erasure, handoff
from hub.chat.operators import triage as resting
from hub.chat.turns import greetings, human
from hub.errors import HubError
from hub.jobs.runner import Runner
from hub.jobs.slots import lane_of
from hub.knowledge import sources
from hub.outreach import admission
from hub.runtime import Hub
from hub.store import (
    activations,
    answer_cache,
    api_request_log,
    ares_users,
    continuations,
    devices,
    doubts,
    drills,
    files,
    form_posts,
    health,
    human_requests,
    idempotency,
    inbox,
    leader_election,
    memories,
    notices,
    operators,
    outgoing_webhooks,
    planned,
    request_log,
    responses,
    second_factors,
    sign_in_waits,
    strays,
    studio_documents,
    talks,
    tool_steps,
    triage,
    turns,
    usage,
    webhook_facts,
    workflow_runs,
)
from hub.store.db import Db
from hub.studio import session_events
from hub.studio.ares import learning
from hub.studio.aresgen import conversations as bot_conversations

log = logging.getLogger(__name__)

AT_ONCE = 200
RESTS = 4.0  # times as long is waited where nothing was due lately and a bell rings, or seconds do not matter
MENDS = 5.0
PAUSE, LANES = 0.2, 4  # seconds between two pages of websites, and how many are read at a time
BEAT, INDEX, RETURN, HOUSEKEEPING, MEASURE = 5.0, 5.0, 2.0, 60.0, 15.0
# What is too old, each dropped in pieces that a statement's time limit allows.
REPAIRS: Mapping[str, Callable[[Db], Awaitable[int]]] = MappingProxyType({
    "codes": continuations.forget,
    "dedupe keys": inbox.forget, "quarantine": inbox.forget_held,
    "files": files.purge, "objects of files": files.sweep, "sessions": leader_election.close_expired,
    "memories": memories.purge, "abandoned activations": activations.abandon, "refresh tokens": ares_users.purge,
    "operators' sessions": operators.forget, "sign-in waits": sign_in_waits.purge, "known devices": devices.purge,
    "second steps": second_factors.purge, "turn steps": tool_steps.forget, "conversation logs": request_log.forget,
    "activations": activations.forget, "idempotency keys": idempotency.forget,
    "forms": form_posts.forget, "request logs": api_request_log.forget,
    "remembered answers": answer_cache.forget,
    "facts for webhooks": webhook_facts.forget,
    "webhook deliveries": outgoing_webhooks.forget, "edit tokens": studio_documents.forget_tokens,
    "operators' notices": triage.forget, "notices": notices.forget, "persons asked for": human_requests.forget,
    "planned messages": planned.forget, "responses": responses.forget, "drills": drills.forget,
    "placeholders that nobody found": strays.forget,
    "steps of figures, which became sums": talks.fold,
})
# The same of what operators say how many days it is kept: by the name of the setting.
KEPT: Mapping[str, tuple[str, Callable[[Db, int], Awaitable[int]]]] = MappingProxyType({
    "usage_days": ("rows of usage, which became sums", usage.fold),
    "workflow_run_days": ("runs of workflows", workflow_runs.forget),
})


async def every(
    seconds: float, work: Callable[[], Awaitable[object]], at_once: bool = False, rests: float = 1.0
) -> None:
    """Do something again and again; what fails is logged and tried the next time. rests: how many times as long it is
    waited at most, while there is nothing to do: each time twice as long."""
    pause, least = 0.0 if at_once else seconds, seconds
    while True:
        await asyncio.sleep(pause * random.uniform(0.9, 1.1))
        pause = least = min(seconds * rests, 2 * least)
        try:
            if await work():
                pause = least = seconds
        except HubError as e:
            log.warning("%s: %s", getattr(work, "__name__", "repair"), e)
        except Exception:
            log.exception("a repair failed")


async def sweep(hub: Hub, runner: Runner) -> None:
    """Start what is due and nobody rang for."""
    for session in await turns.reap(hub.db, hub.settings.reconcile_seconds):
        runner.send(session)
    due, runner.swept = await turns.sweep(hub.db, AT_ONCE, runner.swept)
    for kind, session, account, integration in due:
        (runner.turn if kind == "turn" else runner.send)(session, lane_of(account, integration))


async def settle(hub: Hub, runner: Runner) -> bool:
    """Ask the networks for what nobody knows whether it was sent; whether there was any, as below."""
    if hub.leases.closing:
        return False
    pause = max(MENDS, hub.settings.wire_seconds)
    due = await doubts.due(hub.db, AT_ONCE // 10, pause, gap(hub.settings.lease_seconds))
    for doubt in due:
        if not runner.doubt(doubt):
            await doubts.later(hub.db, doubt.part, hub.settings.sweep_seconds)
    return bool(due)


async def tidy(hub: Hub, runner: Runner) -> None:
    """Remove placeholders that were left standing."""
    age = hub.settings.placeholder_seconds
    if hub.leases.closing or age <= 0:
        return
    for stray in await strays.due(hub.db, age, AT_ONCE // 10):
        if not runner.stray(stray):
            await strays.later(hub.db, stray)
    for one in await strays.left(hub.db, age, AT_ONCE // 10):
        if not runner.left(one):
            await strays.left_for_later(hub.db, one)


async def outreach(hub: Hub) -> bool:
    """Let out what may go and nobody rang for: put off until now, or its bell was lost."""
    return not hub.leases.closing and await admission.run(hub) > 0


async def websites(hub: Hub) -> None:
    """Read the pages of websites that are due, one after the other; `LANES` of these run side by side, for a site may
    hang."""
    for _ in range(AT_ONCE):
        if hub.leases.closing or not await sources.step(hub):
            return
        await asyncio.sleep(PAUSE)


async def learn(hub: Hub) -> None:
    """Learn from what users said and nobody rang for."""
    if not hub.leases.closing:
        await learning.run(hub)


async def studio(hub: Hub, runner: Runner) -> bool:
    """Go on with workflows and webhooks."""
    if hub.leases.closing:
        return False
    runs = await workflow_runs.due(hub.db, AT_ONCE)
    for run in runs:
        runner.run(run)
    endpoints = await outgoing_webhooks.due(hub.db, AT_ONCE)
    for endpoint in endpoints:
        runner.hook(endpoint)
    return bool(runs or endpoints)


async def told(hub: Hub) -> bool:
    """Tell of what was said to chatbots on websites."""
    return not hub.leases.closing and await bot_conversations.look(hub) > 0


async def happened(hub: Hub, runner: Runner) -> None:
    """Tell webhooks of what happened in conversations."""
    if hub.leases.closing or not await session_events.tell(hub):
        return
    await studio(hub, runner)


async def greet(hub: Hub) -> None:
    """What networks show before a first message follows its chat client."""
    await greetings.run(hub)


async def hand_back(hub: Hub) -> None:
    """Conversations that a person took over for a time go back to the assistant."""
    await handoff.hand_back(hub)


async def rested(hub: Hub) -> None:
    """Conversations that were put away until now come back to the top."""
    await resting.wake(hub)


async def people(hub: Hub) -> None:
    """Persons that were asked for in turns that nobody finished, and answers that will come too late."""
    if not hub.leases.closing:
        await human.settle_left(hub)


async def renew(hub: Hub) -> None:
    """Prolong the leases of running turns, all in one statement."""
    held = hub.leases.held()
    if held:
        hub.leases.keep(held, await turns.renew(hub.db, held, hub.settings.lease_seconds, hub.leases.me))


async def measure(hub: Hub) -> None:
    """How large the database is; the disk is looked at whenever it is asked for."""
    hub.room.database = await health.size(hub.db)


async def leave(hub: Hub) -> None:
    """The process ends: what it has begun and could not finish is begun again by another one, at once."""
    try:
        for session, epoch in await turns.hand_back(hub.db, hub.leases.me):
            await hub.queue.turn(session, -epoch)
        await turns.leave(hub.db, hub.leases.me)
    except HubError as e:
        log.warning("what was begun is taken up when its lease has run out: %s", e)


async def beat(hub: Hub, kind: str, behind: bool = False) -> None:
    """Tell that this process lives; behind: webhook calls could not be stored at once, and nobody knows whose."""
    await turns.beat(hub.db, hub.leases.me, kind, gap(hub.settings.lease_seconds), behind)


def gap(lease: float) -> float:
    """Seconds of silence after which a process counts as gone; `has_died` in SQL says the same."""
    return min(15.0, lease / 2)


async def hear_cancels(hub: Hub) -> None:
    """Stop turns of this process that somebody elsewhere wants stopped."""
    async with hub.events.listen("cancel") as heard:
        while True:
            event = await heard.get()
            hub.leases.cancel(UUID(event["session"]))


async def _retention(hub: Hub, done: dict[str, int]) -> None:
    try:
        done["things kept no longer by their accounts"] = await erasure.retention(hub)
    except HubError as e:
        log.warning("housekeeping: what accounts keep no longer waits: %s", e)


async def _kept(forget: Callable[[Db, int], Awaitable[int]], days: int, db: Db) -> int:
    return await forget(db, days)


async def housekeeping(hub: Hub) -> None:
    """Drop what is too old. One process at a time; two would only do it twice."""
    if not await leader_election.take(hub.db, "housekeeping", hub.leases.me, HOUSEKEEPING * 1.5):
        return
    done: dict[str, int] = {}
    repairs = dict(REPAIRS)
    for name, (what, forget) in KEPT.items():
        repairs[what] = partial(_kept, forget, getattr(hub.settings, name))
    for what, repair in repairs.items():
        try:
            done[what] = await repair(hub.db)
        except HubError as e:
            # One that takes too long must not keep the others from their work.
            log.warning("housekeeping: %s wait: %s", what, e)
    await _retention(hub, done)
    gone = ", ".join(f"{count} {what}" for what, count in done.items() if count)
    if gone:
        log.info("housekeeping: %s", gone)
