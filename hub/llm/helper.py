"""Small questions beside an answer: rewrite, judge, describe. To HUB_HELPER_MODEL, else to a gateway's own model."""

from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from hub.domain import Gateway, Json, Usage
from hub.llm import thinking
from hub.llm.gateway import Models
from hub.llm.paying import HELPER
from hub.llm.prices import bill
from hub.llm.types import INTEGRATED, Failed, Prompt

MASKING = "providerMasking"


class NoHelper(Failed):
    """No model can do this."""

    code = "no_helper_model"


@dataclass(frozen=True, slots=True)
class HelperTask:
    """content: what is looked at, text or parts. sku: `<sku>.in` and so on are the rows of usage;
    what: description in the bill; tokens: most of the answer."""

    content: str | list[Json]
    sku: str
    what: str
    instructions: str = ""
    tokens: int = 2000


@dataclass(slots=True)
class Helper:
    """`rows` collects the usage of everything it was asked."""

    models: Models
    gateway: Gateway
    model: str
    rows: list[Json] = field(default_factory=list)

    async def ask(self, question: HelperTask, deadline: float) -> str:
        """The model's text. Raise Failed or Invalid. deadline: time.monotonic."""
        flags = self._flags()
        options: dict[str, Any] = {
            "max_tokens" if "UseMaxTokens" in flags else "max_completion_tokens": question.tokens
        }
        if "NoTemperature" not in flags:
            options["temperature"] = 0
        prompt = Prompt(self.model, _messages(question, flags), options)
        text, used, served = "", None, self.model
        async with aclosing(self.models.stream(self.gateway, prompt, deadline)) as deltas:
            async for delta in deltas:
                text += delta.text
                used = delta.usage or used
                served = delta.served or served
        if not text.strip():
            raise Failed("The model answered nothing.", permanent=True, code="empty_answer")
        used = used or Usage(_size(question), -(-len(text) // 4))
        price = self.models.price(self.gateway, served)
        self.rows += bill(served, used, price, sku=question.sku, what=question.what)
        return thinking.strip(text).strip()

    def _flags(self) -> frozenset[str]:
        """Those of the gateway and of the catalogue's entry of the model."""
        entry = self.models.entry(self.gateway, self.model)
        return frozenset(self.gateway.parameters.get("flags") or ()) | (entry.flags if entry else frozenset())


def configured(models: Models, name: str, account: UUID) -> Helper | None:
    """The operator's helper model (`name`: HUB_HELPER_MODEL) for an account; None when there is none."""
    if not name:
        return None
    parameters = {"baseAddress": INTEGRATED, "modelName": name}
    return Helper(models, Gateway(HELPER, account, name, "", parameters), name)


def helper(models: Models, name: str, own: Gateway) -> Helper | None:
    """The operator's helper model, else the gateway's own; None when that one only quotes."""
    model = str(own.parameters.get("modelName") or "")
    beside = configured(models, name, own.account_id)
    if beside is not None and own.parameters.get(MASKING):
        # What the gateway's own provider may not see, the operator's model may not either.
        parameters = {**beside.gateway.parameters, MASKING: own.parameters[MASKING]}
        beside.gateway = replace(beside.gateway, parameters=parameters)
    return beside or (None if models.offline(own, model) else Helper(models, own, model))


def needed(models: Models, name: str, own: Gateway) -> Helper:
    """The same. Raise NoHelper when there is none."""
    found = helper(models, name, own)
    if found is None:
        model = str(own.parameters.get("modelName") or "")
        raise NoHelper(
            f"This needs a model, and '{model}' only quotes; set HUB_HELPER_MODEL or give the gateway another model.",
            permanent=True,
        )
    return found


def _messages(question: HelperTask, flags: frozenset[str]) -> list[Json]:
    """Instructions as the system, or before the content for models that know no system."""
    content, told = question.content, question.instructions
    if not told:
        return [{"role": "user", "content": content}]
    if "NoSystemInstruct" not in flags:
        return [{"role": "system", "content": told}, {"role": "user", "content": content}]
    both = f"{told}\n\n{content}" if isinstance(content, str) else [{"type": "text", "text": told}, *content]
    return [{"role": "user", "content": both}]


def _size(question: HelperTask) -> int:
    """Tokens, for providers that count none; what a picture takes only its provider knows."""
    content = question.content
    parts = [content] if isinstance(content, str) else [str(p.get("text") or "") for p in content]
    return -(-sum(map(len, (question.instructions, *parts))) // 4)
