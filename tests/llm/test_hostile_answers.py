"""What providers may say to hold the hub up, or by chance: nothing of it costs an answer, or others their time."""

from collections.abc import Sequence

import orjson
import pytest

from hub.domain import Json
from hub.llm.finish import FILTER
from hub.llm.reading import Reading
from hub.llm.refusals import CONTEXT, LOOKED_AT, failure, read
from hub.llm.sse import BOM, Events
from hub.llm.thinking import Splitter
from hub.llm.toolcalls import ToolCalls, gather

THOUGHT: Json = {"google": {"thought": True}}


def test_marks_of_an_encoding_without_end_are_one() -> None:
    line = b'data: {"choices":[]}'
    events = Events()
    assert events.feed(b"\n" + BOM * 5000 + line + b"\n" + BOM + line + b"\n\n") == [{"choices": []}] * 2


def test_words_that_follow_a_sign_of_life_are_heard() -> None:
    events = Events()
    lines = [b"event: ping", b'data: {"type":"ping"}', b'data: {"choices":[{"delta":{"content":"Hi"}}]}', b"", b""]
    assert events.feed(b"\n".join(lines)) == [{"choices": [{"delta": {"content": "Hi"}}]}]


@pytest.mark.parametrize("body", ["." * 6000 + "x", "! " * 3000 + "x", "404" + "-" * 6000 + "x"])
def test_an_error_of_signs_alone_is_looked_at_once(body: str) -> None:
    """It took minutes, for which nobody was answered."""
    assert failure(404, {"error": {"message": body}}, None).kind == 404


@pytest.mark.parametrize(
    ("page", "told"),
    [("<html><title>" + " " * 60_000 + "x", None), ("<html>" + "<title>" * 9000, None), ("<html><title></title>", ""),
     ("<html><TITLE lang='en'>x</TITLE>", None),
     ("<html></title><Title>\n502 Bad\nGateway </TITLE>", "502 Bad\nGateway")],
)
def test_a_page_in_place_of_an_error_is_looked_at_once(page: str, told: str | None) -> None:
    assert read(page.encode(), True) == told


@pytest.mark.parametrize("words", ["sk-" * 20_000, "eyJ-" * 15_000, "sk-learn is no key", "see key_missing"])
def test_what_only_looks_like_a_key_is_shown_and_looked_at_once(words: str) -> None:
    e = failure(400, {"error": {"message": words}}, None)
    assert (e.details or {})["message"] == words[:2000]


@pytest.mark.parametrize(
    ("told", "kind"),
    [("404 page not found", 405), ("404: Not Found.", 405), ("...", 405), ("Error: path was not found", 405),
     ("The requested resource was not found", 405), ("The model x was not found", 404)],
)
def test_a_door_that_is_not_there_is_still_known(told: str, kind: int) -> None:
    assert failure(404, {"error": {"message": told}}, None).kind == kind


def test_of_an_error_without_end_its_beginning_counts() -> None:
    key, words = "sk-planted-0123456789", "The context length is exceeded. "
    for n in range(40):
        told = ("no " * LOOKED_AT)[: LOOKED_AT - n] + key + " " + words
        e = failure(400, {"error": {"message": told}}, key)
        assert (e.details or {}).get("code") != CONTEXT
        # What would be shown if all before it were blank.
        blank = " " * (LOOKED_AT - n - 3) + key + " " + words
        shown = str((failure(400, {"error": {"message": "x" + blank}}, key).details or {}).get("message"))
        assert "planted" not in shown
    long = failure(200, {"error": {"message": "x" * 4_000_000}}, None)
    assert len(str((long.details or {})["message"])) == 2000


@pytest.mark.parametrize(
    ("told", "code"),
    [("The input image exceeds the maximum allowed size of 5 MB", None), ("image input is too large", None),
     ("The input audio is too long: at most 30 s", None), ("The file of the request is too large", None),
     ("The input exceeds the maximum length", CONTEXT), ("input is too long", CONTEXT),
     ("The image and input text exceed the limit: too many tokens", CONTEXT)],
)
@pytest.mark.parametrize("status", [400, 422])
def test_a_picture_that_is_too_large_is_no_long_conversation(status: int, told: str, code: str | None) -> None:
    e = failure(status, {"error": {"message": told}}, None)
    assert (e.details or {}).get("code") == code != FILTER


@pytest.mark.parametrize("value", ["{}", '{"x":1}', '{"text":"a \\"b\\""}'])
def test_a_text_within_arguments_that_is_json_stays_a_text(value: str) -> None:
    written = orjson.dumps(value).decode()
    pieces = ['{"body":', written, ",", '"other":', written, "}"]
    calls, found = ToolCalls(), dict[int, Json]()
    for n, piece in enumerate(pieces):
        function = {"arguments": piece, **({"name": "send"} if not n else {})}
        gather(found, calls.take([{"index": 0, **({"id": "a"} if not n else {}), "function": function}]))
    gather(found, calls.end())
    assert orjson.loads(found[0]["function"]["arguments"]) == {"body": value, "other": value}


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("answer", [
    ["Write <think> before </think>."], ["\n\nWrite ", "<think>", " before", " </think>."],
])
def test_tags_that_an_answer_speaks_of_are_its_words(answer: Sequence[str], at_once: bool) -> None:
    pieces: list[Json] = [
        {"content": "<thought>\nplan", "extra_content": THOUGHT}, {"content": " it", "extra_content": THOUGHT},
        {"content": "</thought>" + answer[0]}, *({"content": one} for one in answer[1:]),
    ]
    events: list[Json] = [{"choices": [{"index": 0, "delta": one}]} for one in pieces]
    reading = Reading()
    deltas = [reading.take(events)] if at_once else [reading.take([one]) for one in events]
    told = [d for d in (*deltas, reading.end()) if d is not None]
    assert "".join(d.text for d in told) == "Write <think> before </think>."
    assert "".join(d.reasoning for d in told).strip() == "plan it"


def test_between_other_tags_than_these_two_nothing_more_is_thought() -> None:
    split = Splitter()
    told = [split.feed(one) for one in ("<reasoning>a</rea", "soning>\n\nb <think>", "c</think> d")] + [split.end()]
    assert ("".join(t for t, _ in told), "".join(t for _, t in told)) == ("b <think>c</think> d", "a")
    split = Splitter()
    told = [split.feed(one) for one in ("<think>a</think>b", "<think>c</think>d")] + [split.end()]
    assert ("".join(t for t, _ in told), "".join(t for _, t in told)) == ("bd", "ac")
