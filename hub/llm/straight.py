"""A question without anything around it, asked of one place whose answer comes in one piece: the shortest way there is.
What is not the plainest of answers, or goes wrong, is handed on as it is to the usual way (`hub/llm/begun.py`)."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from hub.domain import Json, Usage
from hub.errors import HubError
from hub.llm.balancing import Balancer
from hub.llm.begun import Answering, Begun
from hub.llm.body import Body
from hub.llm.breaker import Breaker
from hub.llm.channels import begins
from hub.llm.counting import MOST, usage_of
from hub.llm.exchange import ANSWER_SIZE, later, next_of
from hub.llm.figures import Figures, Place
from hub.llm.openai import OpenAICompatible
from hub.llm.reading import Reading
from hub.llm.types import Delta, Limits

# Characters of an answer that nothing has to be cut off.
LARGEST = 500_000
AROUND = {"system_fingerprint"}
ENDS = frozenset(("stop", "length"))
_ANSWER = frozenset(("id", "object", "created", "model", "choices", "usage", "system_fingerprint", "service_tier"))
_CHOICE = frozenset(("index", "message", "finish_reason", "logprobs"))


@dataclass(frozen=True, slots=True)
class Said:
    """A plain answer. around: fields of the completion that the provider sent besides."""

    text: str
    finish: str
    usage: Usage
    around: Json


class _Patience:
    """How long an answer may take, and what is told when it takes long: one timer for both, for the task that waits."""

    def __init__(self, soon: float, told: Callable[[], None], last: float) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task, self._told, self._rest = task, told, max(0.0, last - soon)
        self._before = task.cancelling()
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(min(soon, last), self._long)
        self._over = False

    def _long(self) -> None:
        self._told()
        self._timer = self._loop.call_later(self._rest, self._end)

    def _end(self) -> None:
        self._over = True
        self._task.cancel()

    def ended(self) -> bool:
        """Whether it was this that cancelled the task, and nothing else."""
        if not self._over:
            return False
        self._over = False
        return self._task.uncancel() <= self._before

    def close(self) -> None:
        self._timer.cancel()
        self.ended()  # where it came to another end, whoever waits around it must not take it for cancelled


class Straight:
    """One model where it is. key: of its breaker."""

    def __init__(
        self, provider: OpenAICompatible, key: str, name: str, told: Place, breaker: Breaker, balancer: Balancer,
        figures: Figures,
    ) -> None:
        self._provider, self._key, self._name, self._told = provider, key, name, told
        self._breaker, self._balancer, self._figures = breaker, balancer, figures

    def ready(self, whole: bool) -> bool:
        """Whether nothing speaks against asking it at once. whole: in one piece."""
        return not self._breaker.knows(self._key) and not (whole and self._provider.slow(self._name))

    async def ask(self, messages: list[Json], options: Json, once: float, deadline: float) -> Said | Begun:
        """once: seconds that the answer may take."""
        begun = time.monotonic()
        patience = _Patience(*self._provider.long(self._name), once)
        found = Begun(begun)
        try:
            reply = await self._provider.post(self._name, messages, options, deadline)
            found.have(reply)
            if reply.status != 200 or reply.content_type != "application/json":
                return found
            size = 0
            while chunk := await reply.content.readany():
                found.chunks.append(chunk)
                size += len(chunk)
                if size > ANSWER_SIZE:
                    return found
        except (aiohttp.ClientError, OSError, ValueError, HubError) as e:
            found.error = e
            return found
        except BaseException as e:
            if isinstance(e, asyncio.CancelledError) and patience.ended():
                found.error = TimeoutError()
                return found
            self._figures.left(self._told)
            await found.close()
            raise
        finally:
            patience.close()
        said = plainly(found.chunks)
        if said is None:
            return found
        took = time.monotonic() - begun
        self._breaker.succeeded(self._key)
        self._balancer.answered(self._key, took)
        self._figures.said(self._told, said.usage, took)
        return said

    async def stream(
        self, messages: list[Json], options: Json, limits: Limits, deadline: float, heard: "Heard"
    ) -> AsyncGenerator[Delta, None]:
        """Pieces of a plain answer. Where it ends in any other way than plainly, `heard` has what was begun."""
        known = heard.begun
        until = min(known.at + limits.first, deadline)
        try:
            async with asyncio.timeout(until - known.at):
                reply = await self._provider.post(self._name, messages, options, deadline, stream=True)
            known.have(reply)
            if reply.status == 200:
                async for delta in self._pieces(reply, limits, until, deadline, heard):
                    yield delta
        except (aiohttp.ClientError, OSError, ValueError, HubError) as e:
            known.error = e
        except BaseException:
            self._figures.left(self._told)
            await known.close()
            raise
        if heard.over:
            await known.close()
            self._breaker.succeeded(self._key)
            self._balancer.answered(self._key, heard.first)
            self._figures.said(self._told, heard.usage or Usage(), heard.first)

    async def _pieces(
        self, reply: Answering, limits: Limits, until: float, deadline: float, heard: "Heard"
    ) -> AsyncGenerator[Delta, None]:
        body, size = Body(Reading(), adds=True), 0
        while chunk := await next_of(reply, until):
            heard.begun.chunks.append(chunk)
            size += len(chunk)
            if size > ANSWER_SIZE:
                return  # whoever goes on with it refuses it
            delta = body.feed(chunk)
            if delta is not None:
                if not heard.takes(delta):
                    return
                for one in heard.shown():
                    yield one
            if body.over:
                break
            until = min(later(body, until, limits), deadline)
        for delta in body.end():
            if not heard.takes(delta):
                return
            for one in heard.shown():
                yield one
        whole = body.complete and body.error is None and body.cut is None
        heard.over = whole and heard.said and heard.finish in ENDS and heard.usage is not None


class Heard:
    """What was heard of a plain answer. begun: all of it, for whoever goes on with one that is not. size: characters
    that were shown. over: it came to its end plainly."""

    def __init__(self) -> None:
        self.begun = Begun(time.monotonic())
        self.said = self.over = False
        self.size = 0
        self.first = 0.0
        self.finish: str | None = None
        self.usage: Usage | None = None
        self._held: list[Delta] = []

    def takes(self, delta: Delta) -> bool:
        """Whether a piece holds nothing but text, its end and its usage."""
        if not _plain(delta) or self.size > LARGEST or (not self.said and delta.text and not delta.text.strip()):
            return False
        self.finish, self.usage = delta.finish or self.finish, delta.usage or self.usage
        if delta.text and not self.said:
            self.said, self.first = True, time.monotonic() - self.begun.at
        self._held.append(delta)
        return True

    def shown(self) -> list[Delta]:
        """What is to be shown now: nothing before something is said."""
        if not self.said:
            return []
        found, self._held = self._held, []
        self.size += sum(len(d.text) for d in found)
        return [d for d in found if d.text or d.around]


def _plain(delta: Delta) -> bool:
    return not (
        delta.reasoning or delta.tool_calls or delta.details or delta.refusal or delta.logprobs or delta.beside
        or delta.back
    ) and delta.around.keys() <= AROUND


def plainly(chunks: list[bytes]) -> Said | None:
    """The answer, if there is nothing but text in it, and what it took. Pure."""
    try:
        found = orjson.loads(chunks[0] if len(chunks) == 1 else b"".join(chunks))
    except orjson.JSONDecodeError:
        return None
    if not isinstance(found, dict) or not found.keys() <= _ANSWER or found.get("object") == "error":
        return None
    choices, counted, print_ = found.get("choices"), found.get("usage"), found.get("system_fingerprint")
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(counted, dict):
        return None
    text, usage = _words(choices[0]), _used(counted)
    if text is None or usage is None or not (print_ is None or isinstance(print_, str)):
        return None
    return Said(text, choices[0]["finish_reason"], usage, {"system_fingerprint": print_} if print_ else {})


def _used(counted: Json) -> Usage | None:
    """As it is read everywhere; here at once where there are but the three numbers that nearly all give."""
    if len(counted) == 3 and "total_tokens" in counted:
        prompt, made = counted.get("prompt_tokens"), counted.get("completion_tokens")
        if (
            type(prompt) is int and type(made) is int and 0 <= prompt <= MOST and 0 <= made <= MOST
            and counted["total_tokens"] == prompt + made
        ):
            return Usage(prompt, made, 0, {})
    return usage_of(counted)


def _words(choice: Any) -> str | None:
    """The text of a choice that says nothing else, and is at its end."""
    if not isinstance(choice, dict) or not choice.keys() <= _CHOICE or choice.get("index"):
        return None
    message, reason = choice.get("message"), choice.get("finish_reason")
    if not isinstance(message, dict) or not isinstance(reason, str) or reason not in ENDS or choice.get("logprobs"):
        return None
    text = message.get("content")
    if not isinstance(text, str) or not text.strip() or len(text) > LARGEST or begins(text):
        return None
    return text if all(not value or name in ("role", "content") for name, value in message.items()) else None
