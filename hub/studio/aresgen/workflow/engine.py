"""Runs a workflow: steps whose needs are met, side by side, each recorded before the next."""

import asyncio
import logging
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from pydantic import ValidationError

from hub import ids
from hub.accounts import key_limits
from hub.errors import Conflict, HubError
from hub.runtime import Hub
from hub.store import workflow_runs
from hub.store.workflow_runs import Run
from hub.studio.aresgen.workflow import expression, secrets
from hub.studio.aresgen.workflow.acts import ACTS, ANSWER, Act, Done, StepFailed, pause, retryable, told
from hub.studio.aresgen.workflow.definition import Definition, Step, needs
from hub.studio.aresgen.workflow.template import TooMuch, filled, text
from hub.studio.events import RUN_COMPLETED, RUN_FAILED, emit
from hub.task_groups import end

log = logging.getLogger(__name__)

Json = dict[str, Any]
AT_ONCE = 4
LOOK, PARK = 1.0, 2.0
INTERRUPTED = 5  # processes that may die over one step before it is given up
# What values may do to what is made of them.
BEYOND = (TypeError, ValueError, OverflowError, RecursionError)
ENDED = ("success", "failed", "skipped", "cancelled")


class Lost(Conflict):
    """Another process has taken this run over."""


@dataclass(slots=True)
class State:
    """A step as it stands. due: time.monotonic before which it does not go on; waits: it is a wait that has begun."""

    status: str
    attempts: int = 0
    output: Any = None
    error: Json | None = None
    due: float = 0.0
    waits: bool = False

    @property
    def ended(self) -> bool:
        return self.status in ENDED


@dataclass(slots=True)
class Work:
    """A run in this process."""

    hub: Hub
    run: Run
    definition: Definition
    states: dict[str, State]
    tasks: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    lost: bool = False

    @property
    def scope(self) -> Json:
        """What templates see."""
        steps = {n: {"output": s.output, "status": s.status, "error": s.error} for n, s in self.states.items()}
        about = {"id": ids.named("run", self.run.id), "workflow_id": ids.named("wf", self.run.workflow_id)}
        return {"inputs": self.run.input, "steps": steps, "run": about}

    @property
    def failed(self) -> Step | None:
        return next((s for s in self.definition.steps if self.states[s.id].status == "failed"), None)

    def ready(self) -> list[Step]:
        """Steps that may be taken up now."""
        if self.failed or self.hub.leases.closing:
            return []
        now = time.monotonic()
        return [
            s for s in self.definition.steps
            if s.id not in self.tasks and not self.states[s.id].ended and self.states[s.id].due <= now
            and all(self.states[n].ended for n in needs(s))
        ]

    def left(self) -> float | None:
        """Seconds until the next step that waits for its time; None: there is none."""
        now = time.monotonic()
        dues = [
            self.states[s.id].due - now for s in self.definition.steps
            if not self.states[s.id].ended and s.id not in self.tasks and all(self.states[n].ended for n in needs(s))
        ]
        return max(0.0, min(dues)) if dues and not self.failed else None


async def execute(hub: Hub, id: UUID) -> None:
    """Go on with a run until it ends, or nothing can be done for a while. Nothing when somebody else has it."""
    run = await workflow_runs.claim(hub.db, id, hub.leases.me, hub.settings.lease_seconds)
    if run is None:
        return
    try:
        work = await _opened(hub, run)
    except ValidationError:
        # Of a version of the hub that read definitions otherwise.
        broken = Work(hub, run, Definition.model_construct(name="", steps=[]), {})
        await _finish(broken, "failed", None, {"code": "invalid_definition", "message": "Save the workflow anew."})
        return
    if run.cancelled:
        await _finish(work, "cancelled", None)
        return
    watch = asyncio.create_task(_watch(work))
    try:
        async with key_limits.paid_by(hub, await key_limits.purse_of_key(hub, run.account_id, run.key_id)):
            await _drive(work)
    except Lost:
        log.warning("run %s was taken over by another process", run.id)
    except asyncio.CancelledError:
        await end(work.tasks.values())
        await workflow_runs.release(hub.db, run, 0.0)
        raise
    finally:
        await end([watch, *work.tasks.values()])


async def _opened(hub: Hub, run: Run) -> Work:
    stored = await workflow_runs.definition(hub.db, run.account_id, run.workflow_id, run.version)
    definition = Definition.model_validate(secrets.joined(hub.sealer, run.workflow_id, *stored))
    rows, now = await workflow_runs.steps(hub.db, run.account_id, run.id), time.monotonic()
    states = {
        r["name"]: State(
            r["status"], r["attempts"], r["output"], r["error"], now + float(r["wait"] or 0),
            r["status"] == "running" and r["due_at"] is not None,
        )
        for r in rows
    }
    return Work(hub, run, definition, states)


async def _watch(work: Work) -> None:
    """Prolong the lease, and hear that the run is to be cancelled or is somebody else's."""
    lease = work.hub.settings.lease_seconds
    while True:
        await asyncio.sleep(min(LOOK, lease / 3))
        try:
            cancelled = await workflow_runs.renew(work.hub.db, work.run, lease)
        except HubError as e:
            log.warning("the lease of run %s was not prolonged: %s", work.run.id, e)
            continue
        if cancelled is None:
            work.lost = True
        if cancelled is not False:
            work.stopped.set()
            return


async def _drive(work: Work) -> None:
    while not work.stopped.is_set():
        for step in work.ready()[: AT_ONCE - len(work.tasks)]:
            work.tasks[step.id] = asyncio.create_task(_step(work, step))
        if work.tasks:
            await _some(work)
            continue
        if all(s.ended for s in work.states.values()) or work.failed:
            await _over(work)
            return
        left = work.left()
        if work.hub.leases.closing or left is None or left > PARK:
            await workflow_runs.release(work.hub.db, work.run, 0.0 if work.hub.leases.closing else left or 0.0)
            return
        await _unless_stopped(work, asyncio.sleep(left))
    await end(work.tasks.values())
    if work.lost:
        raise Lost
    await _finish(work, "cancelled", None)


async def _some(work: Work) -> None:
    """Wait until a step has ended, one that waits may go on, or the run is stopped."""
    left = work.left()
    tasks = set(work.tasks.values())
    stop = asyncio.create_task(work.stopped.wait())
    try:
        full = len(tasks) >= AT_ONCE
        await asyncio.wait({*tasks, stop}, timeout=None if full else left, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end([stop])
    for name, task in list(work.tasks.items()):
        if task.done():
            del work.tasks[name]
            if not task.cancelled():
                task.result()


async def _unless_stopped(work: Work, waiting: Coroutine[Any, Any, object]) -> None:
    tasks = [asyncio.create_task(waiting), asyncio.create_task(work.stopped.wait())]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end(tasks)


async def _step(work: Work, step: Step) -> None:
    state, act = work.states[step.id], Act(work.hub, work.run, step, work.scope)
    try:
        if state.attempts == 0 and not state.waits and _skips(work, step):
            await _ended(work, step, "skipped", None)
        elif step.type == "wait":
            await _wait(work, step, act)
        else:
            await _attempt(work, step, act)
    except HubError as e:
        if isinstance(e, Lost):
            raise
        await _failed(work, step, e)
    except BEYOND as e:
        # The same at every attempt: a run that is only taken up again would never end.
        log.warning("step %s of run %s cannot be done with its values", step.id, work.run.id, exc_info=e)
        words = "The step cannot be done with its values: they are nested too deep, too large, or of a wrong kind."
        await _failed(work, step, StepFailed(words, code="wrong_values"))


def _skips(work: Work, step: Step) -> bool:
    """Its condition does not hold, or everything it needs was skipped."""
    before = [work.states[n].status for n in needs(step)]
    if before and all(s == "skipped" for s in before):
        return True
    if step.if_ is None or isinstance(step.if_, bool):
        return step.if_ is False
    return not expression.holds(expression.parse(step.if_), work.scope)


async def _wait(work: Work, step: Step, act: Act) -> None:
    state = work.states[step.id]
    if state.waits:
        await _ended(work, step, "success", Done(None))
        return
    seconds = pause(act)
    if not await workflow_runs.put_off(work.hub.db, work.run, step.id, seconds, "running", None, 0.0):
        raise Lost
    state.status, state.waits, state.due = "running", True, time.monotonic() + seconds


async def _attempt(work: Work, step: Step, act: Act) -> None:
    state = work.states[step.id]
    if state.attempts > step.retries.max + INTERRUPTED:
        raise StepFailed("The step was interrupted too often.", code="interrupted")
    if not await workflow_runs.begin(work.hub.db, work.run, step.id):
        raise Lost
    state.status, state.attempts = "running", state.attempts + 1
    done = await ACTS[step.type](act)
    if len(orjson.dumps(done.output, default=str)) > ANSWER:
        large = StepFailed(f"The output of the step is larger than {ANSWER:,} bytes.", code="output_too_large")
        large.cost = done.cost
        raise large
    work.hub.reached("W1")
    await _ended(work, step, "success", done)
    work.hub.reached("W2")


async def _failed(work: Work, step: Step, e: HubError) -> None:
    """Tried again after a pause that doubles, or given up."""
    state = work.states[step.id]
    if retryable(e) and state.attempts <= step.retries.max:
        seconds = step.retries.backoff_seconds * 2 ** (state.attempts - 1)
        if not await workflow_runs.put_off(work.hub.db, work.run, step.id, seconds, "queued", told(e), e.cost):
            raise Lost
        state.status, state.error, state.due = "queued", told(e), time.monotonic() + seconds
        return
    if not await workflow_runs.end(work.hub.db, work.run, step.id, "failed", error=told(e), cost=e.cost):
        raise Lost
    state.status, state.error = "failed", told(e)


async def _ended(work: Work, step: Step, status: str, done: Done | None) -> None:
    output, cost = (done.output, done.cost) if done else (None, 0.0)
    if not await workflow_runs.end(work.hub.db, work.run, step.id, status, output, None, cost):
        raise Lost
    state = work.states[step.id]
    state.status, state.output, state.error = status, output, None


async def _over(work: Work) -> None:
    failed = work.failed
    if failed is not None:
        error = work.states[failed.id].error or {}
        await _finish(work, "failed", None, {"step": failed.id, **error})
        return
    if work.definition.output is not None:
        try:
            output = filled(work.definition.output, work.scope)
            text(output)
        except TooMuch as e:
            await _finish(work, "failed", None, {"code": "output_too_large", "message": f"The output: {e}."})
            return
    else:
        said = [work.states[s.id] for s in work.definition.steps if work.states[s.id].status == "success"]
        output = said[-1].output if said else None
    await _finish(work, "success", output)


async def _finish(work: Work, status: str, output: Any, error: Json | None = None) -> None:
    run = work.run
    async with work.hub.db.transaction() as tx:
        await workflow_runs.rest(tx, run, "cancelled" if status == "cancelled" else "skipped")
        seconds = await workflow_runs.finish(tx, run, status, output, error)
        if seconds is None:
            raise Lost
        price = await workflow_runs.cost(tx, run.account_id, run.id)
        about: Json = {
            "workflow_id": ids.named("wf", run.workflow_id), "run_id": ids.named("run", run.id), "status": status,
            "duration_ms": round(seconds * 1000), "cost_usd": price,
        }
        if status == "failed":
            await emit(tx, run.account_id, RUN_FAILED, about | {"error": error}, run.id)
        else:
            await emit(tx, run.account_id, RUN_COMPLETED, about, run.id)
