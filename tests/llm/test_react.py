"""Tools in words, for models that cannot call them."""

import random

import pytest

from hub.domain import Json
from hub.llm.react import Reader, instructions, talk

TOOL: Json = {
    "type": "function",
    "function": {"name": "look", "description": "Looks.", "parameters": {"type": "object"}},
}


def heard(text: str, size: int) -> tuple[str, str, tuple[str, Json] | None]:
    reader, answer, thoughts = Reader(), "", ""
    for start in range(0, len(text), size):
        a, t = reader.feed(text[start : start + size])
        answer, thoughts = answer + a, thoughts + t
    a, t = reader.end()
    return answer + a, thoughts + t, reader.call


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('Thought: I need it.\nAction: look\nAction Input: {"a": 1}', ("", "I need it.", ("look", {"a": 1}))),
        ('Action: look\nAction Input: {"a": 1}\nObservation: invented', ("", "", ("look", {"a": 1}))),
        ("Action: `look`\nAction Input: {a: 1,}", ("", "", ("look", {"a": 1}))),
        ("Action: look", ("", "", ("look", {}))),
        ("Thought: easy.\nFinal Answer: It is 7.\nAction: none", ("It is 7.\nAction: none", "", None)),
        ("Just words.", ("Just words.", "", None)),
        ("Thought: only this", ("only this", "", None)),
        ("Let me see.\nAction: look\nAction Input: {}", ("Let me see.", "", ("look", {}))),
        ("Final Answer: yes\nObservation: no", ("yes", "", None)),
        ("", ("", "", None)),
    ],
)
def test_what_is_said(text: str, expected: object, size: int) -> None:
    assert heard(text, size) == expected


def test_pieces_never_change_the_answer() -> None:
    text = "Thought: hm\nFinal Answer: One\nObservant people, two.\n\nThree"
    whole = heard(text, 1000)
    for seed in range(50):
        rng, reader, answer = random.Random(seed), Reader(), ""
        rest = text
        while rest:
            n = rng.randint(1, 9)
            answer += reader.feed(rest[:n])[0]
            rest = rest[n:]
        assert answer + reader.end()[0] == whole[0]


def test_history_in_words() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "look", "arguments": '{"a": 1}'}}
    said = talk(
        [
            {"role": "user", "content": "Q"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "1", "content": "seven"},
        ]
    )
    assert said[1] == {"role": "assistant", "content": 'Action: look\nAction Input: {"a": 1}'}
    assert said[2] == {"role": "user", "content": "Observation: seven"}
    assert "look: Looks." in instructions([TOOL]) and "Final Answer:" in instructions([TOOL])
