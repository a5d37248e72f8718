"""The model is asked, its tools are run, it is asked again, until it has answered."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from hub import schemas
from hub.domain import Json, Usage
from hub.engine import messages, model_pictures, output_rules, toolbox
from hub.engine.ask import Answer, Ask, Sink
from hub.engine.context import AnswerContext
from hub.engine.limits import limits_of
from hub.engine.output_rules import Guard, Rule
from hub.engine.prompt import REACT, build, name_of, prefill_of
from hub.engine.remembered import Memory, again
from hub.engine.stream import Draft
from hub.engine.tool_calls import Calls
from hub.errors import Upstream
from hub.llm import heal
from hub.llm.candidates import Candidate, next_after
from hub.llm.types import Broken, Delta, Failed, Prompt
from hub.runtime import Hub

RESTARTS = 2


class NotHealed(Upstream):
    """The model did not give valid JSON."""

    code = "json_healing_failed"


@dataclass(slots=True)
class Loop:
    """One answer while it is made. aside: what only the model hears (corrections). said: text that was
    shown before the draft of now."""

    hub: Hub
    ctx: AnswerContext
    sink: Sink | None
    calls: Calls
    aside: list[Json] = field(default_factory=list)
    said: str = ""
    reasoning: str = ""
    first: float | None = None
    tries: int = 0
    ended: bool = False
    value: Any = None
    prompt: Prompt | None = None
    draft: Draft | None = None
    rules: Sequence[Rule] = ()

    @property
    def ask(self) -> Ask:
        return self.ctx.ask

    @property
    def made(self) -> list[Json]:
        """What the answer adds to the conversation."""
        return self.ask.trace.made

    async def run(self) -> None:
        """Until the model has answered, or asks for a tool that the caller runs."""
        while True:
            self.prompt = await self._prompt()
            self.draft = draft = await self._draft(self.prompt)
            if draft.blocked:
                await self._withheld(draft)
                return
            calls = draft.tool_calls
            if draft.final and calls:
                await self._cut(draft, calls)
                return
            over = self.calls.stuck or (self.calls.spent and self.ended)
            if over and any(not self._theirs(c) for c in calls):
                self._unheeded(draft)
                return
            self.ended = self.calls.spent
            if calls:
                if await self._called(draft, calls):
                    continue
                return
            if await self._finished(draft):
                return

    async def _withheld(self, draft: Draft) -> None:
        """A rule for what goes out stops the answer: something else is said in its place."""
        instead = output_rules.withheld(self.ctx.parameters, self.ask.language)
        shown, draft.shown = draft.shown or bool(self.said), True
        draft.withhold(instead)
        self.reasoning = ""
        # What was said with calls of tools before goes too.
        for message in self.made:
            if message["role"] == "assistant" and message.get("content"):
                message["content"] = None if message.get("tool_calls") else instead
        self.made.append(_assistant(draft, []))
        if self.sink is None:
            return
        if shown and self.ask.retractable:
            await self.sink(Delta(restart=True))
        if self.ask.retractable or not shown:
            await self.sink(Delta(instead))

    def _theirs(self, call: Json) -> bool:
        """Whether the caller runs it, or has to hear of it: a tool that nobody offered is none of ours."""
        name = call["function"]["name"]
        if any(name == name_of(t) for t in self.ctx.theirs):
            return True
        ours = self.ctx.tools
        return all(name != t.name for t in ours) and bool(self.ctx.theirs or (self.ask.direct and not ours))

    async def _cut(self, draft: Draft, calls: list[Json]) -> None:
        """An answer that ended while it called tools: nothing of it is run."""
        theirs = [c for c in calls if self._theirs(c)] if self.ask.direct else []
        if not theirs:
            draft.drop_calls()
            self._spoken(draft)
        self.made.append(_assistant(draft, theirs))
        await self._handed(draft, theirs)

    def _spoken(self, draft: Draft) -> None:
        """Raise Failed for people who would hear nothing."""
        if not (self.ask.direct or draft.text.strip() or self.calls.files):
            text = f"The model answered nothing (finish reason: {draft.finish})."
            raise Failed(text, permanent=True, code="empty_answer")

    async def _handed(self, draft: Draft, theirs: list[Json]) -> None:
        """Show calls for the caller that were not shown as they came."""
        if theirs and self.sink is not None and draft.held:
            await self.sink(Delta(tool_calls=tuple({"index": n, **c} for n, c in enumerate(theirs))))

    def _unheeded(self, draft: Draft) -> None:
        """The model goes on calling tools although it was offered none: what it said has to do."""
        if not draft.text.strip():
            raise Upstream(self.calls.gave_up, code="tool_limit")
        draft.drop_calls()
        self.made.append(_assistant(draft, []))

    async def _prompt(self) -> Prompt:
        ctx = self.ctx
        # A turn that has used up its calls has to answer with what it has.
        ctx.visible = [] if self.calls.spent else toolbox.offered(ctx, self.made)
        system = [*ctx.system, *await toolbox.activated(ctx, self.made)]
        options = dict(self.ask.options)
        if (self.made or self.aside) and options.get("tool_choice") not in ("none", "auto"):
            # What is forced is done once; forced again and again there would never be an answer.
            options.pop("tool_choice", None)
        structured = self.ask.structured
        if structured is not None:
            if structured.heals:
                system.append(heal.instructions(structured.schema))
            options["response_format"] = self._format(options.get("response_format"))
        made = build(
            ctx.parameters,
            ctx.messages,
            made=[*self.made, *self.aside],
            system=system,
            passages=ctx.passages if ctx.parameters.get("queryStrategy") != "QueryFunction" else (),
            options=options,
            tools=[*ctx.theirs, *toolbox.described(ctx, ctx.visible)],
            language=self.ask.language,
            limits=self.ask.limits or limits_of(self.hub.settings, ctx.parameters)[0],
        )
        whose = self.ask.session_id or self.ask.thread_id or self.ask.external_user
        return replace(made, whose=str(whose)) if whose else made

    def _format(self, asked: Any) -> Json | None:
        """`response_format` as the provider gets it: as asked, or by the schema where it knows that."""
        structured, flags = self.ask.structured, self.ctx.flags
        assert structured is not None
        native = flags & {"StructuredOutputSupport", "OpenAiStrictJson"}
        if structured.heals and not native:
            return None
        if structured.schema is None:
            return asked if isinstance(asked, dict) else {"type": "json_object"}
        inner: Json = {"name": structured.name, "schema": structured.schema}
        given = (asked or {}).get("json_schema") if isinstance(asked, dict) else None
        if isinstance(given, dict):
            inner |= {k: v for k, v in given.items() if k != "healing_options"}
        if "OpenAiStrictJson" in flags:
            inner["strict"] = True
        return {"type": "json_schema", "json_schema": inner}

    async def _draft(self, prompt: Prompt) -> Draft:
        """The model's answer; one that broke off is begun again when nobody keeps its beginning, by another
        model when the first one goes on breaking off."""
        tried = start = 0
        candidates = self.hub.models.candidates(self.ask.gateway, prompt.model)
        while True:
            draft = self._empty(prompt)
            try:
                await self._heard(prompt, draft, candidates, start)
            except Broken as e:
                tried = tried + 1 if e.place == start else 1
                start = e.place
                if e.permanent or tried > RESTARTS:
                    start, tried = next_after(candidates, e), 0
                kept = self.sink is not None and draft.shown and not self.ask.retractable
                if kept or start >= len(candidates) or time.monotonic() >= self.ask.deadline:
                    raise
                if draft.shown:
                    await self._again()
            else:
                return draft

    async def _heard(self, prompt: Prompt, draft: Draft, candidates: Sequence[Candidate], start: int) -> None:
        """The model is listened to. What it said counts, also when nobody waits for the rest any more."""
        failed, ask, memory = False, self.ask, Memory(self.hub, self.ctx, prompt)
        known = await memory.known() if start == 0 else None
        stream = again(known) if known is not None else self.hub.models.stream(
            ask.gateway, prompt, ask.deadline, patience=ask.patience, candidates=candidates, start=start
        )
        try:
            async with aclosing(stream) as deltas:
                async for delta in deltas:
                    ask.trace.model = delta.served or prompt.model
                    memory.hear(delta)
                    for part in self._parts(delta):
                        await self._show(draft.take(part))
                        if self.rules:
                            await asyncio.sleep(0)
                    if draft.full or draft.blocked:
                        break
            await self._show(draft.end())
            if known is None and not (draft.full or draft.blocked):
                await memory.keep(draft.finish)
        except Failed:
            failed = True
            raise
        finally:
            if not failed and draft.heard:
                self._count(prompt, draft, known is not None)

    def _parts(self, delta: Delta) -> list[Delta]:
        """A long piece in several, where each is looked at by the gateway's rules."""
        if not self.rules or len(delta.text) <= output_rules.SLICE or "DiffusingStream" in self.ctx.flags:
            return [delta]
        pieces = output_rules.sliced(delta.text)
        return [*(Delta(text) for text in pieces[:-1]), replace(delta, text=pieces[-1])]

    async def _again(self) -> None:
        """Take back what was shown, but for what earlier drafts said."""
        if self.sink is not None:
            await self.sink(Delta(restart=True))
            if self.said:
                await self.sink(Delta(self.said))

    def _empty(self, prompt: Prompt) -> Draft:
        p = self.ctx.parameters
        included = bool(p.get("includePrefillingInMessages")) and not self.made
        prefill = prefill_of(p, self.ctx.messages) if included else None
        stop = prompt.options.get("stop") if included else None
        spoken = p.get("knownToolHandlerName") == REACT and bool(self.ctx.visible or self.ctx.theirs)
        return Draft(
            self.ctx.flags, self.ask.longest - len(self.said), prefill or "", stop if isinstance(stop, str) else "",
            spoken=spoken, held=spoken or bool(self.ctx.tools) or not (self.ctx.theirs or self.ask.direct),
            direct=self.ask.direct, guard=Guard(self.rules, self.ask.trace.fired) if self.rules else None,
        )

    def _count(self, prompt: Prompt, draft: Draft, remembered: bool) -> None:
        self.first = self.first or draft.first
        self.reasoning += draft.reasoning
        if not remembered:
            self.ctx.ledger.add(draft.served or prompt.model, draft.usage or _estimate(prompt, draft))

    async def _show(self, delta: Delta | None) -> None:
        if self.sink is None or delta is None:
            return
        structured = self.ask.structured
        if structured is not None and structured.heals and delta.text:
            # Nothing of an answer that may still be wrong.
            delta = replace(delta, text="")
        await self.sink(delta)

    async def _called(self, draft: Draft, calls: list[Json]) -> bool:
        """Run what is ours; whether the model is to go on."""
        theirs = [c for c in calls if self._theirs(c)]
        ours = [c for c in calls if c not in theirs]
        self.made.append(_assistant(draft, calls))
        self.said += draft.text
        await self._handed(draft, theirs)
        if ours:
            self.made.extend(await self.calls.run(ours))
        return not theirs

    async def _finished(self, draft: Draft) -> bool:
        """Whether the text is an answer; one that has to be JSON may have to be written again."""
        structured = self.ask.structured
        wordless = not draft.text.strip() and (draft.refusal or draft.beside or draft.final)
        if structured is None or not structured.heals or wordless:
            if not self.ask.direct and draft.beside.get("images"):
                files, left = await model_pictures.kept(self.ctx.context, draft.beside["images"])
                self.calls.files += files
                await self._show(draft.add("\n".join(left)))
            self._spoken(draft)
            self.made.append(_assistant(draft, []))
            return True
        if structured.schema is not None:
            await schemas.ready()
        validator = heal.checker(structured.schema) if structured.schema is not None else None
        # Beside the loop: what a model wrote may take long to mend, and a schema long to check.
        valid, value, wrong = await asyncio.to_thread(heal.read, draft.text, validator)
        self.tries += 1
        if valid:
            text = orjson.dumps(value).decode()
            self.value = value
            self.made.append({"role": "assistant", "content": text})
            if self.sink is not None:
                await self.sink(Delta(text))
            return True
        if self.tries >= structured.attempts:
            raise NotHealed(
                f"The model did not give valid JSON in {structured.attempts} attempts: {wrong[0]}.",
                details={"problems": wrong},
            )
        self.aside += [
            {"role": "assistant", "content": draft.text or "(nothing)"},
            {"role": "user", "content": heal.feedback(wrong)},
        ]
        return False

    def answer(self, started: float, asked: float) -> Answer:
        """What was made, as its caller needs it."""
        assert self.prompt is not None and self.draft is not None
        now = time.monotonic()
        texts = [str(m.get("content") or "") for m in self.made if m["role"] == "assistant"]
        return Answer(
            text=texts[-1] or "\n\n".join(t for t in texts if t),
            reasoning=self.reasoning,
            model=self.draft.served or self.prompt.model,
            finish=self.draft.finish,
            usage=self.ctx.ledger.usage,
            passages=tuple(self.ctx.passages),
            tool_calls=[c for c in self.draft.tool_calls if self._theirs(c)],
            billed=self.ctx.ledger.billed(self.hub.models, self.ask.gateway),
            timings={
                "search_ms": _ms(asked - started),
                "first_ms": _ms((self.first or now) - asked),
                "model_ms": _ms(now - asked),
            },
            messages=self.made,
            ran=self.calls.ran,
            files=self.calls.files,
            choices=self.calls.choices,
            complexity=self.ask.trace.complexity,
            blocked=self.ctx.blocked,
            value=self.value,
            refusal=self.draft.refusal or None,
            details=self.draft.details if "ReturnReasoningTokens" in self.ctx.flags else [],
            logprobs=self.draft.logprobs,
            beside=self.draft.beside,
            around=self.draft.around,
            fired=dict(self.ask.trace.fired),
            withheld=self.draft.blocked,
        )


def _assistant(draft: Draft, calls: list[Json]) -> Json:
    said: Json = {"role": "assistant", "content": draft.text or None if calls else draft.text}
    if calls:
        said["tool_calls"] = calls
    if draft.reasoning:
        said["reasoning"] = draft.reasoning
    if draft.details:
        said["reasoning_details"] = draft.details
    if draft.back:
        said["back"] = draft.back
    return said


def _estimate(prompt: Prompt, draft: Draft) -> Usage:
    """Tokens of a provider that counts none."""
    return Usage(sum(messages.tokens(m) for m in prompt.messages), -(-len(draft.text + draft.thoughts) // 4))


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
