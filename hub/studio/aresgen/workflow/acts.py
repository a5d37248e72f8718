"""What a step of each type does."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import orjson
from pydantic import TypeAdapter, ValidationError

from hub import ids
from hub.errors import HubError, Unprocessable, Upstream
from hub.guarded_http import Reply
from hub.pydantic_base import Moment, invalid
from hub.runtime import Hub
from hub.store.workflow_runs import Run
from hub.studio import models
from hub.studio.aresgen import commands, conversations, documents, voices
from hub.studio.aresgen.commands import Order
from hub.studio.aresgen.conversations import Said
from hub.studio.aresgen.workflow import expression
from hub.studio.aresgen.workflow.definition import Step
from hub.studio.aresgen.workflow.steps_with import Chat, Chatbot, Document, Http, Strict, Transform, Wait
from hub.studio.aresgen.workflow.template import TooMuch, filled, text

Json = dict[str, Any]
M = TypeVar("M", bound=Strict)
ANSWER = 1_000_000
MOMENT: TypeAdapter[datetime] = TypeAdapter(Moment)
# Fields that are text whatever was filled in.
TEXTS = (
    "prompt", "system", "message", "content", "title", "instructions", "selection", "url", "body", "until", "model",
    "voice_id", "document_id", "chatbot_id", "conversation_id", "user_id", "target_language", "knowledge_base_id",
)
PASSING = (408, 425, 429)


class StepFailed(HubError):
    """The step could not be done."""

    code, status = "step_failed", 422


@dataclass(frozen=True, slots=True)
class Act:
    """A step about to be done."""

    hub: Hub
    run: Run
    step: Step
    scope: Mapping[str, Any]

    @property
    def account(self) -> UUID:
        return self.run.account_id

    @property
    def name(self) -> str:
        """The same at every attempt."""
        return f"{ids.named('run', self.run.id)}.{self.step.id}"

    @property
    def own_id(self) -> UUID:
        """An id for what the step makes, so that it is made once however often the step is run."""
        digest = hashlib.sha256(self.name.encode()).digest()
        return UUID(bytes=self.run.id.bytes[:6] + digest[:10], version=4)

    def given(self, model: type[M]) -> M:
        """What stands under `with`, its templates filled in. Raise StepFailed when that does not fit."""
        try:
            made = filled(self.step.with_, self.scope)
        except TooMuch as e:
            raise StepFailed(f"with: {e}.", code="too_large") from None
        made = {k: text(v) if k in TEXTS and v is not None else v for k, v in made.items()}
        try:
            return model.model_validate({k: v for k, v in made.items() if v is not None or k == "value"})
        except ValidationError as e:
            found = invalid(e)
            raise StepFailed(f"with.{found}", code="invalid_with", field=found.field) from None


@dataclass(frozen=True, slots=True)
class Done:
    output: Any
    cost: float = 0.0


def _id(prefix: str, given: str, field: str) -> UUID:
    try:
        return ids.of_named(prefix, given)
    except ValueError:
        raise StepFailed(f"with.{field} '{given[:60]}' is no id that begins with {prefix}_.", field=field) from None


async def _voice(act: Act, given: str | None) -> Json | None:
    return await voices.wanted(act.hub.db, act.account, _id("voc", given, "voice_id") if given else None)


async def chat(act: Act) -> Done:
    given = act.given(Chat)
    messages: list[Json] = (
        [m.model_dump() for m in given.messages] if given.messages else [{"role": "user", "content": given.prompt}]
    )
    named = {"temperature": given.temperature, "max_completion_tokens": given.max_tokens}
    wish = models.Wish(
        gateway=await models.find(act.hub, act.account, given.model), messages=messages,
        system=(given.system,) if given.system else (), voice=await _voice(act, given.voice_id),
        options={k: v for k, v in named.items() if v is not None}, seconds=act.step.timeout_seconds,
        key=act.run.key_id,
    )
    made, cost = await models.write(act.hub, act.account, wish)
    return Done(made.text, cost)


async def document(act: Act) -> Done:
    given = act.given(Document)
    hub, account = act.hub, act.account
    voice = _id("voc", given.voice_id, "voice_id") if given.voice_id else None
    if given.action == "create":
        made = await documents.add(
            hub, account, act.own_id, given.title, given.content or "", voice, given.model
        )
        return Done({"id": ids.named("doc", made.id), "version": made.version, "title": made.title})
    id = _id("doc", str(given.document_id), "document_id")
    if given.action == "command":
        output, after, cost = await commands.run(hub, account, id, _order(act, given, voice))
        return Done({"id": ids.named("doc", id), "version": after.version, "output": output}, cost)
    if given.action == "publish":
        made = await documents.publish(hub, account, id)
    else:
        fields = {"title": given.title, "content": given.content}
        made = await documents.edit(hub, account, id, {k: v for k, v in fields.items() if v is not None}, None)
    return Done({"id": ids.named("doc", id), "version": made.version, "title": made.title})


def _order(act: Act, given: Document, voice: UUID | None) -> Order:
    try:
        base = UUID(given.knowledge_base_id) if given.knowledge_base_id else None
    except ValueError:
        raise StepFailed("with.knowledge_base_id is no id of a collection.", field="knowledge_base_id") from None
    return Order(
        command=str(given.command), selection=given.selection, instructions=given.instructions,
        target_language=given.target_language, voice_id=voice, knowledge_base_id=base, model=given.model,
        apply=given.apply, key=act.run.key_id, seconds=act.step.timeout_seconds,
    )


async def chatbot(act: Act) -> Done:
    given = act.given(Chatbot)
    before = given.conversation_id
    said = Said(
        text=given.message, conversation=_id("conv", before, "conversation_id") if before else None,
        user=given.user_id, key=act.run.key_id, step=act.name, new=None if before else act.own_id,
        seconds=act.step.timeout_seconds,
    )
    made = await conversations.say(act.hub, act.account, _id("bot", given.chatbot_id, "chatbot_id"), said)
    output = {
        "conversation_id": ids.named("conv", made.conversation), "content": made.text, "intent": made.intent,
        "escalated": made.escalated,
    }
    return Done(output, made.cost)


async def http(act: Act) -> Done:
    given = act.given(Http)
    headers = dict(given.headers)
    known = {name.lower() for name in headers}
    content: bytes | None = given.body.encode() if given.body is not None else None
    if given.json_ is not None:
        content = orjson.dumps(given.json_)
        headers |= {} if "content-type" in known else {"Content-Type": "application/json"}
    if given.method not in ("GET", "HEAD") and "idempotency-key" not in known:
        # After a kill nobody knows whether it arrived: it is sent again, and is the same request.
        headers["Idempotency-Key"] = act.name
    reply = await act.hub.outbound.request(
        given.method, given.url, headers=headers, body=content, seconds=act.step.timeout_seconds, limit=ANSWER
    )
    if 300 <= reply.status < 400:
        raise StepFailed(f"The address answered {reply.status}, a redirect; give its final address.", code="redirected")
    if reply.status >= 500 or reply.status in PASSING:
        raise Upstream(f"The address answered {reply.status}.", code="http_error")
    if reply.status >= 400:
        raise StepFailed(f"The address answered {reply.status}.", code="http_error")
    return Done({"status": reply.status, "content_type": reply.mime, "body": _body(reply)})


def _body(reply: Reply) -> Any:
    if reply.mime.endswith("json"):
        try:
            return orjson.loads(reply.body)
        except orjson.JSONDecodeError:
            pass
    return reply.body.decode(errors="replace")


async def condition(act: Act) -> Done:
    return Done(expression.holds(expression.parse(str(act.step.with_["expression"])), act.scope))


async def transform(act: Act) -> Done:
    given = act.given(Transform)
    value = given.value
    for name in given.apply:
        value = applied(name, value)
    return Done(value)


def applied(name: str, value: Any) -> Any:
    """One small change of a value. Raise StepFailed for a value it cannot be done with. Pure."""
    if name in ("trim", "upper", "lower"):
        words = text(value)
        return words.strip() if name == "trim" else words.upper() if name == "upper" else words.lower()
    if name == "text":
        return text(value)
    if name == "json":
        return orjson.dumps(value).decode()
    if name == "parse":
        try:
            return orjson.loads(text(value))
        except orjson.JSONDecodeError:
            raise StepFailed("The value is no JSON.", code="not_json") from None
    if name == "lines":
        return [line for line in text(value).splitlines() if line.strip()]
    if not isinstance(value, str | list | dict):
        raise StepFailed(f"{name} needs a text, a list or an object.", code="wrong_kind")
    if name == "length":
        return len(value)
    return _of_list(name, value)


def _of_list(name: str, value: Any) -> Any:
    if not isinstance(value, list):
        raise StepFailed(f"{name} needs a list.", code="wrong_kind")
    if name == "unique":
        return list({orjson.dumps(v, option=orjson.OPT_SORT_KEYS): v for v in value}.values())
    return (value[0] if name == "first" else value[-1]) if value else None


def pause(act: Act) -> float:
    """Seconds that a step of the type wait waits."""
    given = act.given(Wait)
    if given.until is None:
        seconds = float(given.seconds or 0)
    else:
        try:
            at = MOMENT.validate_python(given.until)
        except ValidationError:
            raise StepFailed("with.until is no time such as 2026-11-25T09:00:00Z.", field="until") from None
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        seconds = (at - datetime.now(UTC)).total_seconds()
    if seconds > 604_800:
        raise StepFailed("A step waits for at most 7 days.", field="until")
    return max(0.0, seconds)


ACTS: Mapping[str, Callable[[Act], Awaitable[Done]]] = {
    "chat": chat, "document": document, "chatbot": chatbot, "http": http, "condition": condition,
    "transform": transform,
}


def retryable(e: HubError) -> bool:
    """Whether trying again may help."""
    return (e.status >= 500 or e.status in (409, 429)) and not getattr(e, "permanent", False)


def told(e: HubError) -> Json:
    """An error as a run shows it."""
    found: Json = {"code": e.code, "message": str(e)}
    return found | ({"details": e.details} if isinstance(e, Unprocessable) and e.details else {})
