"""What providers counted of a question and its answer, in the names that they have for it. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from hub.domain import Json, Usage

MOST = 100_000_000
# What providers call the tokens that they read, and those that they wrote.
_PROMPT = (
    "prompt_tokens", "input_tokens", "promptTokens", "inputTokens", "promptTokenCount", "prompt_token_count",
    "prompt_eval_count", "prompt_n",
)
_MADE = (
    "completion_tokens", "output_tokens", "completionTokens", "outputTokens", "candidatesTokenCount",
    "candidates_token_count", "eval_count", "predicted_n",
)
_COUNTED = ("reasoning_tokens", "audio_tokens", "accepted_prediction_tokens", "rejected_prediction_tokens")


def places(event: Json) -> Iterator[Any]:
    """Where an event may tell what was counted, the likeliest first."""
    yield event.get("usage")
    for name in ("x_groq", "meta"):
        inside = event.get(name)
        if isinstance(inside, dict):
            yield from (inside.get(n) for n in ("usage", "tokens", "billed_units"))
    yield from (event.get(n) for n in ("usageMetadata", "usage_metadata", "timings"))
    if "eval_count" in event:
        yield event


def usage_of(body: Any) -> Usage | None:
    """What a provider counted. It is believed within what a column holds."""
    if not isinstance(body, dict):
        return None
    prompt, made = _first(body, *_PROMPT), _first(body, *_MADE)
    if prompt is None and made is None:
        return None
    details = body.get("prompt_tokens_details") or body.get("input_tokens_details")
    details = details if isinstance(details, dict) else {}
    cached = _first(details, "cached_tokens")
    if cached is None:
        cached = _first(body, "prompt_cache_hit_tokens", "cache_read_input_tokens", "cached_tokens")
    of_answer = body.get("completion_tokens_details") or body.get("output_tokens_details")
    told = of_answer if isinstance(of_answer, dict) else body
    counted = {n: int(count(told[n])) for n in _COUNTED if told.get(n) is not None}
    whole_prompt, whole_made = int(count(prompt)), int(count(made))
    total = body.get("total_tokens")
    beyond = int(count(total)) - whole_prompt - whole_made
    if beyond > 0 and prompt is not None:
        # Gemini and xAI count thoughts in the sum alone.
        whole_made += beyond
        counted.setdefault("reasoning_tokens", beyond)
    return Usage(whole_prompt, whole_made, int(count(cached)), counted)


def _first(body: Mapping[str, Any], *names: str) -> Any:
    return next((body[n] for n in names if body.get(n) is not None), None)


def count(value: Any) -> float:
    """A number as a provider tells it, within what a column holds."""
    if not isinstance(value, int | float | str):
        return 0
    try:
        return min(max(float(value or 0), 0), MOST)
    except ValueError:
        return 0
