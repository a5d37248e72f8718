"""Addresses, errors and events of OpenAI-compatible providers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.llm.openai import clean, endpoint, failure
from hub.llm.sse import Events, of_completion
from hub.llm.thinking import Splitter, strip
from tests.fakes.model import event


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com", "https://api.openai.com/v1/chat/completions"),
        ("https://openrouter.ai/api/v1/chat/completions", "https://openrouter.ai/api/v1/chat/completions"),
        ("http://localhost:11434", "http://localhost:11434/v1/chat/completions"),
        ("https://g.example/v1beta/openai/", "https://g.example/v1beta/openai/chat/completions"),
        ("https://x.example/d/m?api-version=1", "https://x.example/d/m/chat/completions?api-version=1"),
    ],
)
def test_endpoint(address: str, expected: str) -> None:
    assert endpoint(address) == expected


def test_errors_carry_neither_key_nor_address() -> None:
    words = "Key my-secret-key and sk-abcdefgh123 at http://10.0.0.5:8080/v1 (10.0.0.5:8080) refused\n<b>now</b>"
    found = clean(words, "my-secret-key")
    assert "secret" not in found and "abcdefgh" not in found and "10.0.0" not in found
    e = failure(401, {"error": {"message": "Incorrect API key provided: sk-proj-1234567890"}}, None)
    assert e.permanent and "1234567890" not in str(e.details) and e.details["status"] == 401


@pytest.mark.parametrize(
    ("status", "body", "permanent"),
    [
        (400, None, True), (404, "nope", True), (429, {"error": {"message": "slow"}}, False),
        (429, {"error": {"code": "insufficient_quota"}}, True), (500, b"", False), (503, {}, False), (302, None, True),
        (200, {"error": "overloaded"}, False), (200, ["?"], False),
    ],
)
def test_which_failures_are_final(status: int, body: object, permanent: bool) -> None:
    assert failure(status, body, None).permanent is permanent


def test_events_of_one_read_are_one_delta() -> None:
    events = Events()
    read = event({"content": "a"}, model="m") + b": ping\n\n" + event({"content": "b"}) + event({}, "stop")[:20]
    delta = events.feed(read)
    assert delta is not None and (delta.text, delta.model, delta.finish) == ("ab", "m", None)
    assert not events.complete


@given(st.integers(1, 60))
def test_events_may_be_cut_anywhere(size: int) -> None:
    stream = event({"content": "Olá "}) + event({"content": "você"}) + event({}, "stop") + b"data: [DONE]\n\n"
    events, said = Events(), ""
    for start in range(0, len(stream), size):
        delta = events.feed(stream[start : start + size])
        said += delta.text if delta else ""
    assert said == "Olá você" and events.done


@pytest.mark.parametrize(
    "line",
    [b"data: {", b'data: {"choices": 3}', b'data: {"choices": ["x"]}', b'data: {"usage": {"prompt_tokens": [1]}}'],
)
def test_garbage_is_a_value_error(line: bytes) -> None:
    with pytest.raises(ValueError):
        Events().feed(line + b"\n")


@pytest.mark.parametrize("body", [{}, {"choices": []}, {"choices": [None]}, {"choices": [{"message": "x"}]}, [1]])
def test_other_documents_are_a_value_error(body: object) -> None:
    with pytest.raises(ValueError):
        of_completion(body)  # type: ignore[arg-type]  # wrong on purpose


@given(st.integers(1, 30))
def test_thoughts_are_taken_out_wherever_the_stream_is_cut(size: int) -> None:
    text = "<think>two < three</think>\n\nThe answer is <b>3</b>."
    splitter, answer, thoughts = Splitter(), "", ""
    for start in range(0, len(text), size):
        a, t = splitter.feed(text[start : start + size])
        answer, thoughts = answer + a, thoughts + t
    a, t = splitter.end()
    assert (answer + a, thoughts + t) == ("The answer is <b>3</b>.", "two < three")
    assert strip(text) == "The answer is <b>3</b>."
