"""Channels of gpt-oss in a text: whoever asks about their tags is told of them, and no word is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.llm.channels import Channels

HEAD = "<|channel|>analysis<|message|>abc<|end|><|start|>assistant<|channel|>final<|message|>"
TAGS = [f"<|{name}|>" for name in ("start", "channel", "message", "constrain", "end", "return", "call")]


def told(text: str, size: int) -> tuple[str, str]:
    channels = Channels()
    pieces = [channels.feed(text[n : n + size]) for n in range(0, len(text), size)]
    answers, thoughts = zip(*pieces, channels.end(), strict=True)
    return "".join(answers), "".join(thoughts)


@pytest.mark.parametrize("size", [1, 4, 1000])
@pytest.mark.parametrize(("text", "answer", "thoughts"), [
    ("<|start|>", "<|start|>", ""),
    ("<|start|> is a tag of harmony.", "<|start|> is a tag of harmony.", ""),
    ("\n<|channel|> and <|message|> are tags", "\n<|channel|> and <|message|> are tags", ""),
    ("<|start|>" + "w" * 999, "<|start|>" + "w" * 999, ""),
    ("<|start|>assistant<|message|>Hi<|end|>", "Hi", ""),
    ("<|start|>user<|message|>Hi<|end|>", "", "Hi"),
    (f"{HEAD}`<|channel|>`, `<|message|>` and <|constrain|>; <|end|> ends.<|return|>\n",
     "`<|channel|>`, `<|message|>` and <|constrain|>; <|end|> ends.", "abc"),
    (f"{HEAD}Say `<|start|>assistant<|channel|>analysis<|message|>` first", "Say `<|start|>assistant<|channel|>analysis"
     "<|message|>` first", "abc"),
    (f"{HEAD}It begins with <|start|>", "It begins with <|start|>", "abc"),
    (f"{HEAD}Hi<|end|><|start|>assistant<|chan", "Hi", "abc"),
    ("<|channel|>analysis<|message|>They say <|channel|> and <|end|> here<|end|><|channel|>final<|message|>Hi", "Hi",
     "They say <|channel|> and <|end|> here"),
    ("<|channel|>analysis<|message|>abc<|channel|>", "", "abc<|channel|>"),
])
def test_tags_that_are_spoken_of_are_words(text: str, answer: str, thoughts: str, size: int) -> None:
    assert told(text, size) == (answer, thoughts)


@given(st.lists(st.sampled_from([*TAGS, *TAGS, "assistant", "analysis", "final", " ", "\n", "to=x", "W", "<|", "|>"])))
def test_no_word_is_lost_wherever_a_text_is_cut(parts: list[str]) -> None:
    text = "".join(parts)
    whole = told(text, len(text) or 1)
    assert [told(text, size) for size in (1, 2, 7)] == [whole] * 3
    assert "".join(whole).count("W") == text.count("W")
