"""What a business's studio puts around a gateway: instructions, knowledge, a voice with phrases it never says.

`studio` (column of `clients`, or made for one answer): {"instructions": str, "collections": [id], "escalates": bool,
"voice": {"prompt": str, "banned": [str]}}, each of which may be missing.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import orjson

from hub.domain import Gateway, Json
from hub.engine.ask import Answer, Ask, Sink
from hub.errors import HubError
from hub.language.folding import MARKS, copies, fold
from hub.llm.helper import Helper, HelperTask
from hub.llm.types import Delta
from hub.runtime import Hub

log = logging.getLogger(__name__)

VOICE, ESCALATES = "brandVoice", "escalates"  # of a gateway's parameters for one answer; never stored
TOKENS = 8000
_LETTER = r"[\w\u0300-\u036f]"
_JOINED = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")
REWRITE = (
    "Rewrite the text so that none of these phrases occurs, in whatever case: {phrases}. Keep its meaning, language,"
    " length and format. Answer with the rewritten text alone."
)


def worn(gateway: Gateway, studio: Mapping[str, Any] | None) -> Gateway:
    """The gateway with what the studio adds to it, for one answer."""
    if not studio:
        return gateway
    p: Json = dict(gateway.parameters)
    texts = (p.get("systemInstruction"), studio.get("instructions"))
    p["systemInstruction"] = "\n\n".join(t for t in texts if t) or None
    more = [c for c in studio.get("collections") or () if c not in (p.get("knowledgeCollections") or ())]
    p["knowledgeCollections"] = [*(p.get("knowledgeCollections") or ()), *more]
    if studio.get("voice"):
        p[VOICE] = studio["voice"]
    if studio.get("escalates"):
        p[ESCALATES] = True
    return replace(gateway, parameters=p)


def banned_of(gateway: Gateway) -> list[str]:
    return list((gateway.parameters.get(VOICE) or {}).get("banned") or ())


def found(text: str, banned: Sequence[str]) -> list[str]:
    """The banned phrases in a text, in whatever case, spacing and typography. Pure."""
    read = list(copies(text))
    return [phrase for phrase in banned if any(_pattern(phrase).search(one.text) for one in read)]


def removed(text: str, banned: Sequence[str]) -> str:
    """The text without them. Pure."""
    while found(text, banned):
        for phrase in banned:
            text = _without(text, _pattern(phrase))
        text = re.sub(r"[ \t]{2,}", " ", text)
        text = re.sub(r"[ \t]+([,.;:!?])", r"\1", text)
        text = re.sub(r"([,;:])(?:\s*\1)+", r"\1", text)
    return text.strip()


def _without(text: str, pattern: re.Pattern[str]) -> str:
    for one in copies(text):
        if spans := [one.span(*m.span()) for m in pattern.finditer(one.text) if m.end() > m.start()]:
            for start, end in reversed(spans):
                start, end = _marked(text, start, end)
                text = text[:start] + text[end:]
            return text
    return text


def _marked(text: str, start: int, end: int) -> tuple[int, int]:
    """The place with the marks of Markdown around it that would be left without their counterpart."""
    left = len(text[:start]) - len(text[:start].rstrip(MARKS))
    right = len(text[end:]) - len(text[end:].lstrip(MARKS))
    inside = any(c in MARKS for c in text[start:end])
    if inside:
        return start - left, end + right
    both = min(left, right)
    return (start - both, end + both) if text[start - both : start] == text[end : end + both] else (start, end)


@lru_cache(maxsize=500)
def _pattern(phrase: str) -> re.Pattern[str]:
    words = re.findall(r"[^\s-]+", fold(phrase, accents=True)) or [fold(phrase, accents=True)]
    said = r"[\s-]+".join(re.escape(w) for w in words)
    # Only where a word begins and ends: "ass" is not in "class". Some scripts have no blanks between words.
    before = "" if _JOINED.match(words[0]) else rf"(?<!{_LETTER})"
    after = "" if _JOINED.match(words[-1][-1]) else rf"(?!{_LETTER})"
    return re.compile(before + said + after)


def held(sink: Sink | None) -> Sink | None:
    """A sink that lets everything through but the words, which are checked when they are all there."""
    if sink is None:
        return None
    through = sink

    async def keep(delta: Delta) -> None:
        if delta.text or delta.restart:
            delta = replace(delta, text="", restart=False)
        if delta.reasoning or delta.tool_calls or delta.event is not None:
            await through(delta)

    return keep


async def checked(hub: Hub, ask: Ask, made: Answer, banned: Sequence[str]) -> Answer:
    """The answer without banned phrases: rewritten once by the model; what is left then is cut out."""
    if made.value is not None:
        value = _clean(made.value, banned)
        return _said(replace(made, value=value), orjson.dumps(value).decode(), banned)
    phrases = found(made.text, banned)
    if not phrases:
        return _said(made, made.text, banned)
    text, rows = await _rewritten(hub, ask, made, phrases)
    return _said(replace(made, billed=[*made.billed, *rows]), removed(text, banned), banned)


async def _rewritten(hub: Hub, ask: Ask, made: Answer, phrases: Sequence[str]) -> tuple[str, list[Json]]:
    model = str(ask.gateway.parameters.get("modelName") or "")
    if hub.models.offline(ask.gateway, model):
        return made.text, []
    told = REWRITE.format(phrases=", ".join(f'"{p}"' for p in phrases))
    own = Helper(hub.models, ask.gateway, model)
    question = HelperTask(made.text, "inference.resolving.voice", "Rewriting without banned phrases", told, TOKENS)
    try:
        text = await own.ask(question, ask.deadline)
    except HubError as e:
        log.warning("an answer was not rewritten, its banned phrases are cut out: %s", e)
        return made.text, []
    ask.trace.ledger.rows.extend(own.rows)
    return text or made.text, own.rows


def _said(made: Answer, text: str, banned: Sequence[str]) -> Answer:
    """The answer with other words, in what it adds to the conversation too."""
    messages = [
        {**m, "content": removed(m["content"], banned)} if m.get("role") == "assistant" and m.get("content") else m
        for m in made.messages
    ]
    if messages and messages[-1].get("role") == "assistant" and messages[-1].get("content"):
        messages[-1] = {**messages[-1], "content": text}
    return replace(made, text=text, messages=messages)


def _clean(value: Any, banned: Sequence[str]) -> Any:
    if isinstance(value, str):
        return removed(value, banned)
    if isinstance(value, list):
        return [_clean(v, banned) for v in value]
    return {k: _clean(v, banned) for k, v in value.items()} if isinstance(value, dict) else value
