"""What the short road of completions looks through by hand, whatever stands where: it says no where the usual way does,
and nothing in it breaks off."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from hub.api.openai.plain import plainly
from hub.api.openai.schemas import CompletionIn
from hub.domain import Json
from hub.llm.straight import Said
from hub.llm.straight import plainly as answered

ODD: list[Any] = [
    None, True, False, 0, -1, 1.5, 1e308, 2**63, 2**64 - 1, "", " ", "user", "\0", [], {}, [1], [[]], {"a": 1},
    {"a": []}, [None], ["user"], [{}], "x" * 500,
]
REQUEST: Json = {
    "model": "m", "messages": [{"role": "user", "content": "x"}], "temperature": 1, "top_p": 0.5, "seed": 7,
    "stop": ["E"], "max_tokens": 9, "max_completion_tokens": 3, "n": 1, "presence_penalty": -1,
    "frequency_penalty": 0.5, "user": "a", "metadata": {"a": "b"}, "stream_options": {"include_usage": True},
    "reasoning_effort": "low", "verbosity": "high", "stream": True,
}
ANSWER: Json = {
    "id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [{
        "index": 0, "message": {"role": "assistant", "content": "hi", "refusal": None, "annotations": []},
        "finish_reason": "stop", "logprobs": None,
    }], "system_fingerprint": "f", "service_tier": "d", "usage": {
        "prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 1},
        "completion_tokens_details": {"reasoning_tokens": 1},
    },
}
Place = tuple[str | int, ...]


def places(value: Any, before: Place = ()) -> Iterator[Place]:
    yield before
    for name in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from places(value[name], (*before, name))


def changed(value: Any, place: Place, to: Any) -> Any:
    if not place:
        return to
    copy = value.copy()
    copy[place[0]] = changed(value[place[0]], place[1:], to)
    return copy


@pytest.mark.parametrize("place", list(places(REQUEST)), ids=str)
def test_what_goes_the_short_way_is_a_request(place: Place) -> None:
    for odd in ODD:
        sent = changed(REQUEST, place, odd)
        found = plainly(orjson.dumps(sent))
        if found is None:
            continue
        usual = CompletionIn.model_validate(sent)
        assert (found.talk, found.model, found.stream) == (usual.talk(), usual.model, bool(usual.stream)), odd
        assert (found.options, dict(found.metadata)) == (usual.options(), usual.metadata or {}), odd
        assert found.user == usual.user, odd
    assert plainly(orjson.dumps(REQUEST)) is not None


@pytest.mark.parametrize("place", list(places(ANSWER)), ids=str)
def test_whatever_an_answer_holds_it_is_a_plain_one_or_is_looked_at_elsewhere(place: Place) -> None:
    for odd in ODD:
        found = answered([orjson.dumps(changed(ANSWER, place, odd))])
        assert found is None or (isinstance(found, Said) and found.text.strip() and min(found.usage.prompt, 0) == 0)
    assert answered([orjson.dumps(ANSWER)]) is not None
