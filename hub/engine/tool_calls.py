"""Runs the tools that a model asks for: checked, allowed, limited, remembered, told of."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import orjson

from hub import schemas
from hub.domain import Json
from hub.engine import worker
from hub.engine.ask import Lost, Sink
from hub.engine.context import AnswerContext
from hub.errors import HubError
from hub.llm.prices import cost
from hub.llm.types import Delta
from hub.runtime import Hub
from hub.task_groups import together
from hub.tools import arguments, http_replies
from hub.tools.arguments import Checker
from hub.tools.base import Result, Tool, ToolFailed

log = logging.getLogger(__name__)

SECONDS = 120.0
LONGEST = 60_000
SAME = 3
BROKEN = "Error: the tool broke. Go on without it, or say that it does not work now."


@dataclass(slots=True)
class Calls:
    """The tool calls of one answer. ran: {name, id, state, milliseconds} of each; files: what they made
    for the person."""

    hub: Hub
    ctx: AnswerContext
    sink: Sink | None
    ran: list[Json] = field(default_factory=list)
    files: list[Json] = field(default_factory=list)
    choices: list[Json] = field(default_factory=list)
    made: int = 0
    stuck: bool = False
    _seen: Counter[bytes] = field(default_factory=Counter)
    _failed: Counter[tuple[str, str]] = field(default_factory=Counter)
    _checker: Checker = field(default_factory=Checker)

    @property
    def spent(self) -> bool:
        """Whether no further call is allowed."""
        s = self.hub.settings
        ledger = self.ctx.ledger
        over = s.turn_tokens and ledger.usage.total >= s.turn_tokens
        rows = ledger.billed(self.hub.models, self.ctx.ask.gateway) if s.turn_cost else []
        most = self.made >= s.tool_calls or over or (s.turn_cost and cost(rows) >= s.turn_cost)
        return bool(self.stuck or most)

    @property
    def gave_up(self) -> str:
        """Why there is no answer, in words for its caller."""
        if self.stuck:
            return f"The model repeated a tool call that failed {SAME} times and came to no answer."
        return f"The model did not come to an answer within {self.hub.settings.tool_calls} tool calls."

    async def run(self, asked: Sequence[Json]) -> list[Json]:
        """The messages that answer the calls: one of role tool for each, then what they add."""
        found = await together(*(self._answer(call) for call in asked))
        told: list[Json] = [
            {"role": "tool", "tool_call_id": call["id"], "name": call["function"]["name"], "content": result.text}
            for call, result in zip(asked, found, strict=True)
        ]
        return [*told, *(m for result in found for m in result.messages)]

    async def _answer(self, call: Json) -> Result:
        name, contents = call["function"]["name"], call["function"]["arguments"] or "{}"
        begun = time.monotonic()
        event: Json = {"name": name, "id": call["id"], "contents": contents, "state": "Created"}
        # What the model was not shown it cannot call, whatever it says.
        tool = next((t for t in self.ctx.visible if t.name == name), None)
        try:
            given, why = arguments.split(self._object(contents))
            if why:
                event["explanation"] = why
            await self._tell(event)
            if tool is None:
                self.made += 1
                raise ToolFailed(f"There is no tool '{name}' here.")
            await self._tell(event | {"state": "Running"})
            told = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name}
            with self.hub.tracing.within(f"execute_tool {name}", attributes=told | {"gen_ai.tool.call.id": call["id"]}):
                result, state = await self.invoke(tool, given), "Completed"
        except Lost:
            raise
        except HubError as e:
            result, state = Result(f"Error: {e}"), "Failed"
            self._failed[name, str(e)] += 1
            # The same failure again and again: more of it leads nowhere.
            self.stuck = self.stuck or self._failed[name, str(e)] >= SAME
        spent = round((time.monotonic() - begun) * 1000)
        self.ran.append({"name": name, "id": call["id"], "state": state, "milliseconds": spent})
        await self._tell(event | {"state": state})
        return result

    async def invoke(self, tool: Tool, given: Json) -> Result:
        """Run one tool with everything that stands around it. Raise HubError in words for the model."""
        if self.spent:
            raise ToolFailed("This turn has used up its tool calls. Answer with what you have.")
        self.made += 1
        await schemas.ready()
        self._checker.check(tool.schema, given)
        key = orjson.dumps([tool.name, given], option=orjson.OPT_SORT_KEYS)
        self._seen[key] += 1
        if self._seen[key] > SAME:
            raise ToolFailed("This tool was called with the same arguments before; use that result.")
        replaced = await worker.tool_called(self.hub, self.ctx, tool.name, given)
        if replaced is not None:
            return _readable(Result(replaced.result or "", tuple(replaced.messages)))
        return await self._remembered(tool, given)

    async def _remembered(self, tool: Tool, given: Json) -> Result:
        steps = self.ctx.ask.steps if tool.effect else None
        if steps is None:
            return await self._run(tool, given, None)
        step, known = await steps.begin(tool.name, given)
        if known is not None:
            # The run that did it was never charged for it.
            self.ctx.ledger.rows.extend(known.billed)
            self.files += known.files
            self.choices = list(known.choices) or self.choices
            return known
        self.hub.reached("C7")
        try:
            result = await self._run(tool, given, step)
        except Lost:
            raise
        except HubError as e:
            # It is known to have failed: the model hears the same of it when the turn is run again.
            await steps.end(step, Result(f"Error: {e}"))
            raise
        await steps.end(step, result)
        return result

    async def _run(self, tool: Tool, given: Json, step: str | None) -> Result:
        context = replace(self.ctx.context, step=step)
        try:
            async with asyncio.timeout(min(SECONDS, context.left)):
                result = await tool.run(context, given)
        except TimeoutError:
            raise ToolFailed("The tool took too long.") from None
        except HubError:
            raise
        except Exception:
            log.exception("the tool %s broke", tool.name)
            return Result(BROKEN)
        self.ctx.ledger.rows.extend(result.billed)
        self.files += result.files
        self.choices = list(result.choices) or self.choices
        return _readable(result)

    def _object(self, contents: str) -> Json:
        """The arguments of a call; one that has none that can be read counts as well."""
        try:
            found = orjson.loads(contents)
        except ValueError:
            self.made += 1
            raise ToolFailed("The arguments are not valid JSON; write them again.") from None
        if not isinstance(found, dict):
            self.made += 1
            raise ToolFailed("The arguments must be one JSON object.")
        return found

    async def _tell(self, event: Json) -> None:
        if self.sink is not None:
            await self.sink(Delta(event=dict(event)))


def _readable(result: Result) -> Result:
    """The result with a text that a model can be sent: not too long, and without halves of characters."""
    return replace(result, text=http_replies.cut(result.text, LONGEST).encode("utf-8", "replace").decode())
