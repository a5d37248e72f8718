"""Commands on a document: outline, expand, summarize, rewrite, cite, translate."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from hub.domain import Gateway
from hub.engine import brand
from hub.errors import HubError, Unprocessable
from hub.runtime import Hub
from hub.store.studio_documents import Writing
from hub.studio import models
from hub.studio.aresgen import citations, documents, outline, voices

Json = dict[str, Any]
NAMES = ("outline", "expand", "summarize", "rewrite", "cite", "translate")
# Those whose output takes the place of the text; the others are only kept in its history.
CHANGES = ("expand", "rewrite", "cite", "translate")
TOKENS = 16_000
TASKS: Mapping[str, str] = {
    "outline": "Write an outline of the text as a nested Markdown list: its points in their order, nothing else.",
    "expand": "Write the text anew with more detail, examples and reasons. Keep its structure, facts and format.",
    "summarize": "Summarize the text in about a quarter of its length, at most ten sentences.",
    "rewrite": "Rewrite the text so that it reads better. Keep its meaning, its facts, its length and its format.",
    "translate": "Translate the text into {language}. Keep its format, its names and its numbers.",
}
RULES = "Keep the language of the text unless told otherwise. Answer with the result alone, without a word about it."
FROM_TITLE = "There is no text yet. Write it from this title: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """selection: (from, to) in characters, or the words themselves. apply: whether the output takes the place of
    the text; None: as is usual for the command."""

    command: str
    selection: tuple[int, int] | str | None = None
    instructions: str | None = None
    target_language: str | None = None
    voice_id: UUID | None = None
    knowledge_base_id: UUID | None = None
    model: str | None = None
    apply: bool | None = None
    key: UUID | None = None
    seconds: float = models.SECONDS


async def run(hub: Hub, account: UUID, id: UUID, order: Order) -> tuple[str, Writing, float]:
    """The output, the document after it, and dollars. Raise Unprocessable for what cannot be done."""
    if order.command == "translate" and not order.target_language:
        raise _missing("target_language", "translate needs target_language, such as en or Portuguese")
    old = await documents.get(hub.db, account, id)
    begin, end = place(old.content, order.selection)
    text = old.content[begin:end]
    if not text.strip() and order.command not in ("outline", "expand"):
        raise Unprocessable(f"The document has no text to {order.command} yet.", code="empty_document")
    output, price = await _output(hub, old, order, text)
    try:
        return output, await _kept(hub, old, order, (begin, end), output), price
    except HubError as e:
        e.cost = price
        raise


async def _kept(hub: Hub, old: Writing, order: Order, at: tuple[int, int], output: str) -> Writing:
    """The document with what came of the command, in its text where it applies."""
    begin, end = at
    applies = order.command in CHANGES or not old.content.strip() if order.apply is None else order.apply
    content = old.content[:begin] + output + old.content[end:] if applies else old.content
    if len(content) > documents.LONGEST:
        raise Unprocessable(f"The document would have more than {documents.LONGEST:,} characters.", code="too_large")
    return await documents.commanded(hub, old, order.command, content, output)


def place(content: str, selection: tuple[int, int] | str | None) -> tuple[int, int]:
    """Where the selection is; without one, the whole text. Pure."""
    if selection is None:
        return 0, len(content)
    if isinstance(selection, str):
        begin = content.find(selection) if selection.strip() else -1
        if begin < 0:
            raise _missing("selection", "selection is not in the document")
        return begin, begin + len(selection)
    begin, end = selection
    if not 0 <= begin < end <= len(content):
        raise _missing("selection", f"selection is outside of the document, which has {len(content)} characters")
    return begin, end


def _missing(field: str, words: str) -> Unprocessable:
    return Unprocessable(f"{words}.", field=field, details=[{"pointer": f"/{field}", "message": words}])


async def _output(hub: Hub, old: Writing, order: Order, text: str) -> tuple[str, float]:
    voice = await voices.wanted(hub.db, old.account_id, order.voice_id or old.voice_id)
    if order.command == "cite":
        return await citations.cited(hub, old.account_id, text, order.knowledge_base_id), 0.0
    gateway = await models.find(hub, old.account_id, order.model or old.model)
    if models.offline(hub, gateway):
        return _offline(order.command, old, text, gateway, voice), 0.0
    task = TASKS[order.command].format(language=order.target_language)
    if order.instructions:
        task += f"\nBeside that: {order.instructions}"
    said = f"<text>\n{text}\n</text>" if text.strip() else FROM_TITLE + old.title
    wish = models.Wish(
        gateway=gateway, voice=voice, system=(f"{task}\n{RULES}",), options={"max_completion_tokens": TOKENS},
        messages=[{"role": "user", "content": said}], key=order.key, seconds=order.seconds,
    )
    made, price = await models.write(hub, old.account_id, wish)
    return made.text, price


def _offline(command: str, old: Writing, text: str, gateway: Gateway, voice: Json | None) -> str:
    """What can be done without a model: say less with the text's own words."""
    if command not in ("outline", "summarize") or not text.strip():
        raise Unprocessable(
            f"{command} needs a model that follows instructions, and '{gateway.parameters['modelName']}' only quotes;"
            " name another one with model, or set HUB_STUDIO_MODEL.", field="model", code="needs_model",
        )
    made = outline.outline(text) if command == "outline" else outline.summary(text)
    return brand.removed(made, voice["banned"]) if voice else made

