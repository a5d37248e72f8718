"""Bodies of providers' answers: streams and documents, cut anywhere, in every spelling."""

import itertools
import sys
from collections.abc import Callable, Iterable
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.domain import Json, Usage
from hub.llm import finish
from hub.llm.alike import Alike
from hub.llm.body import Body
from hub.llm.counting import usage_of
from hub.llm.reading import Reading, said, with_beside
from hub.llm.refusals import failure
from hub.llm.sse import Events, parse
from hub.llm.toolcalls import ToolCalls, gather, sent, whole
from hub.llm.types import Delta
from tests.fakes.model import event


def heard(chunks: Iterable[bytes], adds: bool = True) -> tuple[Json, Body]:
    """What an answer adds up to. adds: whether rows of events that differ in their words alone are read at once."""
    body, found = Body(Reading(), adds), list[Delta]()
    for chunk in chunks:
        delta = body.feed(chunk)
        found += [delta] if delta else []
        if body.over:
            break
    found += body.end()
    calls: dict[int, Json] = {}
    told: Json = {"text": "", "thoughts": "", "refusal": "", "finish": None, "usage": None, "beside": {}}
    for delta in found:
        places = [c["index"] for c in delta.tool_calls]
        assert len(places) == len(set(places)), "a call stands once in a piece"
        gather(calls, delta.tool_calls)
        told["text"] += delta.text
        told["thoughts"] += delta.reasoning
        told["refusal"] += delta.refusal
        told["finish"] = delta.finish or told["finish"]
        told["usage"] = delta.usage or told["usage"]
        told["beside"] = with_beside(told["beside"], delta.beside)
    return told | {"calls": list(calls.values())}, body


def stream(*events: bytes) -> Json:
    return heard([b"".join(events)])[0]


def calls(*fragments: Any) -> list[Json]:
    """The calls that fragments, each an event of its own, add up to; with ids that are made named so."""
    found: list[Json] = stream(*(event({"tool_calls": [f]}) for f in fragments), event({}, "tool_calls"))["calls"]
    for n, call in enumerate(found):
        assert call["type"] == "function"
        call.pop("type")
        if call["id"].startswith("call_") and len(call["id"]) == 17:
            call["id"] = f"made {n}"
    return found


def f(name: str | None = None, arguments: Any = None, **more: Any) -> Json:
    function = {"name": name} if name is not None else {}
    return {"function": function | ({"arguments": arguments} if arguments is not None else {}), **more}


def one(id: str, name: str, arguments: str) -> Json:
    return {"id": id, "function": {"name": name, "arguments": arguments}}


# What each provider sends, and the calls that are meant.
PIECES: list[tuple[str, list[Json], list[Json]]] = [
    ("openai", [f("a", "", index=0, id="x", type="function"), f(None, '{"k":', index=0), f(None, "1}", index=0)],
     [one("x", "a", '{"k":1}')]),
    ("two side by side", [f("a", "{", index=0, id="x"), f("b", "{", index=1, id="y"), f(None, "}", index=1),
                          f(None, "}", index=0)], [one("x", "a", "{}"), one("y", "b", "{}")]),
    ("a new name on a used index", [f("a", "{}", index=0), f("b", "{}", index=0)],
     [one("made 0", "a", "{}"), one("made 1", "b", "{}")]),
    ("the same tool twice on one index", [f("a", '{"k":1}', index=0), f("a", '{"k":2}', index=0)],
     [one("made 0", "a", '{"k":1}'), one("made 1", "a", '{"k":2}')]),
    ("a new id on a used index", [f("a", "{}", index=0, id="x"), f("a", "{}", index=0, id="y")],
     [one("x", "a", "{}"), one("y", "a", "{}")]),
    ("the name in every piece", [f("a", "", index=0, id="x"), f("a", '{"k":', index=0, id="x"),
                                 f("a", "1}", index=0, id="x")], [one("x", "a", '{"k":1}')]),
    ("the name in every piece, without ids", [f("a", "", index=0), f("a", '{"k":', index=0), f("a", "1}", index=0),
                                              f("a", "", index=0)], [one("made 0", "a", '{"k":1}')]),
    ("another id with every piece", [f("a", "", index=0, id="x"), f("", '{"k":', index=0, id="y"),
                                     f(None, "1}", index=0, id="z")], [one("x", "a", '{"k":1}')]),
    ("the whole call twice", [f("a", '{"k":1}', index=0, id="x"), f("a", '{"k":1}', index=0, id="x")],
     [one("x", "a", '{"k":1}')]),
    ("no index", [f("a", {"k": 1}), f("a", {"k": 1})],
     [one("made 0", "a", '{"k":1}'), one("made 1", "a", '{"k":1}')]),
    ("no index, pieces by id", [f("a", "{", id="x"), f(None, '"k":1}', id="x"), f("b", "{}", id="y")],
     [one("x", "a", '{"k":1}'), one("y", "b", "{}")]),
    ("no index, pieces by nothing", [f("a", "{"), f(None, '"k":1}')], [one("made 0", "a", '{"k":1}')]),
    ("the index as a text, from one on", [f("a", "{", index="1", id="x"), f(None, "}", index="1")],
     [one("x", "a", "{}")]),
    ("an index that is none", [f("a", "{}", index=None, id="x"), f("b", "{}", index=-1, id="y")],
     [one("x", "a", "{}"), one("y", "b", "{}")]),
    ("the id before the name", [{"index": 0, "id": "x"}, f("a", "{}", index=0)], [one("x", "a", "{}")]),
    ("one id for two", [f("a", '{"k":1}', index=0, id="x"), f("a", '{"k":2}', index=1, id="x")],
     [one("x", "a", '{"k":1}'), one("made 1", "a", '{"k":2}')]),
    ("no arguments", [f("a", index=0, id="x"), f("b", "", index=1, id="y"), f("c", "null", index=2, id="z")],
     [one("x", "a", "{}"), one("y", "b", "{}"), one("z", "c", "{}")]),
    ("a call without a name is none", [f(None, "{}", index=0, id="x"), f("b", "{}", index=1, id="y")],
     [one("y", "b", "{}")]),
    ("extras", [{**f("a", "{}", index=0, id="x"), "extra_content": {"google": {"thought_signature": "s"}}}],
     [one("x", "a", "{}") | {"extra_content": {"google": {"thought_signature": "s"}}}]),
    ("extras later", [f("a", "{}", index=0, id="x"), {"index": 0, "extra_content": {"google": {"s": 1}}}],
     [one("x", "a", "{}") | {"extra_content": {"google": {"s": 1}}}]),
]


@pytest.mark.parametrize(("fragments", "meant"), [p[1:] for p in PIECES], ids=[p[0] for p in PIECES])
def test_pieces_of_calls(fragments: list[Json], meant: list[Json]) -> None:
    assert calls(*fragments) == meant
    reader, told = ToolCalls(), dict[int, Json]()
    for fragment in fragments:
        gather(told, reader.take([fragment]))
    gather(told, reader.end())
    assert [c["function"] for c in told.values()] == [m["function"] for m in meant]


def test_whole_calls_and_functions() -> None:
    [call] = whole([{"function": {"name": "a", "arguments": {"k": 1}}}])
    assert call["function"] == {"name": "a", "arguments": '{"k":1}'} and call["id"]
    body = {"choices": [{"message": {"function_call": {"name": "a", "arguments": "{}"}}, "finish_reason": "x"}]}
    [called] = heard([orjson.dumps(body)])[0]["calls"]
    assert called["function"] == {"name": "a", "arguments": "{}"}
    pieces = [{"function_call": {"name": "a", "arguments": ""}}, {"function_call": {"arguments": '{"k":1}'}}]
    [called] = stream(*(event(p) for p in pieces), event({}, "function_call"))["calls"]
    assert called["function"] == {"name": "a", "arguments": '{"k":1}'}


def test_calls_that_come_back_are_whole() -> None:
    given = [{"index": 0, "id": "x", "function": {"name": "a", "arguments": None, "parsed_arguments": {}}, "e": 1}, 3]
    assert sent(given) == [{"id": "x", "type": "function", "e": 1, "function": {"name": "a", "arguments": "{}"}}]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("stop", "stop"), ("eos", "stop"), ("end_turn", "stop"), ("COMPLETE", "stop"), ("STOP", "stop"),
        ("stop_sequence", "stop"), ("", None), ("null", None), (None, None), ("FINISH_REASON_UNSPECIFIED", None),
        ("length", "length"), ("MAX_TOKENS", "length"), ("max_tokens", "length"), ("model_length", "length"),
        ("max_output_tokens", "length"), ("ERROR_LIMIT", "length"), ("model_context_window_exceeded", "length"),
        ("content_filter", "content_filter"), ("SAFETY", "content_filter"), ("RECITATION", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"), ("guardrail_intervened", "content_filter"),
        ("refusal", "content_filter"), ("sensitive", "content_filter"), ("ERROR_TOXIC", "content_filter"),
        ("tool_use", "tool_calls"), ("TOOL_CALL", "tool_calls"), ("function_call", "tool_calls"),
        ("FINISH_REASON_MAX_TOKENS", "length"), ("error", "error"), ("abort", "error"),
        ("insufficient_system_resource", "error"), ("MALFORMED_FUNCTION_CALL", "error"), ("whatever", "stop"),
    ],
)
def test_reasons_of_an_end(given: Any, meant: str | None) -> None:
    assert finish.mapped(given) == meant


@pytest.mark.parametrize(
    ("message", "meant"),
    [
        ({"content": "a"}, ("a", "", [])),
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, ("ab", "", [])),
        (
            {"content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "t"}]}, {"type": "text", "text": "a"},
            ]},
            ("a", "t", []),
        ),
        ({"content": [{"type": "thinking", "thinking": "t"}]}, ("", "t", [])),
        ({"content": ["a", {"type": "output_text", "text": "b"}, {"type": "reference", "reference_ids": [1]}]},
         ("ab", "", [])),
        ({"content": {"type": "text", "text": "a"}}, ("a", "", [])),
        ({"content": None, "reasoning_content": "t"}, ("", "t", [])),
        ({"reasoning": "t", "content": "a"}, ("a", "t", [])),
        ({"reasoning": {"content": "t"}}, ("", "t", [])), ({"thinking": "t"}, ("", "t", [])),
        ({"reasoning_details": [{"type": "reasoning.text", "text": "t"}]}, ("", "t", [])),
        ({"reasoning": "t", "reasoning_details": [{"text": "t"}]}, ("", "t", [])),
        ({"content": [{"type": "image_url", "image_url": {"url": "u"}}]},
         ("", "", [{"type": "image_url", "image_url": {"url": "u"}}])),
        ({}, ("", "", [])), ({"content": 3}, ("", "", [])),
    ],
)
def test_texts_of_a_message(message: Json, meant: object) -> None:
    assert said(message) == meant


@pytest.mark.parametrize(
    ("body", "meant"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 2}, Usage(3, 2)),
        ({"input_tokens": 3, "output_tokens": 2}, Usage(3, 2)),
        ({"prompt_tokens": 3, "completion_tokens": 2, "prompt_cache_hit_tokens": 1}, Usage(3, 2, 1)),
        ({"prompt_tokens": 3, "completion_tokens": 2, "completion_tokens_details": {"reasoning_tokens": 1}},
         Usage(3, 2, 0, {"reasoning_tokens": 1})),
        ({"prompt_tokens": "3", "completion_tokens": None}, Usage(3, 0)), ({"prompt_tokens": [1]}, Usage(0, 0)),
        ({}, None), (None, None), ("x", None), ({"prompt_tokens": 1e30}, Usage(100_000_000, 0)),
    ],
)
def test_usage(body: Any, meant: Usage | None) -> None:
    assert usage_of(body) == meant


def test_events_of_one_read_are_one_piece() -> None:
    body = Body(Reading())
    read = event({"content": "a"}, model="m") + b": ping\n\n" + event({"content": "b"}) + event({}, "stop")[:20]
    delta = body.feed(read)
    assert delta is not None and (delta.text, delta.model, delta.finish) == ("ab", "m", None)
    assert not body.complete


CHUNK = b'{"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}'


@pytest.mark.parametrize(
    "raw",
    [
        b"data: " + CHUNK + b"\n\n", b"data:" + CHUNK + b"\r\n\r\n", b"data: " + CHUNK + b"\r\r",
        b"\xef\xbb\xbfdata: " + CHUNK + b"\n\n", b"data: " + CHUNK, b": hi\n\nevent: message\nid: 7\ndata: " + CHUNK,
        b"retry: 3\ndata: {\n\ndata: : keepalive\n\ndata: [KEEPALIVE]\n\ndata:\n\ndata: ping\n\ndata: " + CHUNK,
        b'data: {"choices":\ndata: [{"index":0,\ndata: "delta":{"content":"Hi"},"finish_reason":"stop"}\ndata: ]}\n\n',
        b"data: : keepalive\ndata: " + CHUNK + b"\ndata: [DONE]", CHUNK, b"\n\n " + CHUNK, b"\xef\xbb\xbf" + CHUNK,
        b"[" + CHUNK + b"]", CHUNK + b"\n" + b'{"choices":[],"usage":{"prompt_tokens":1}}', CHUNK + b",\n",
        b"data: " + CHUNK + b"\ndata: [DONE]\n\ndata: {nonsense", b'data: {"type":"ping"}\n\ndata: ' + CHUNK,
        b'data: {"choices": 3}\n\ndata: {"choices": ["x"]}\n\ndata: 3\n\ndata: ' + CHUNK,
        b'data: {"choices":[{"index":1,"delta":{"content":"No"}}]}\n\ndata: ' + CHUNK,
        b'data: {"choices":[{"index":1,"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n',
        b'{"choices":[{"message":{"content":"Hi"}}]}',
        b'data: {"choices":[{"message":{"content":"Hi"}}]}\n\ndata: [DONE]',
        b'data: {"choices":[{"text":"Hi","finish_reason":"stop"}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"Hi"},"message":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n',
        b'{"message":{"content":"Hi"},"done":true,"done_reason":"stop"}',
        b"data: " + CHUNK.replace(b"Hi", b"H\xff\x69"),
        b'data: {"choices":[{"index":0,"delta":{"content":"Hi"},"x":[NaN,-Infinity,1e999]}]}\n\ndata: [DONE]',
    ],
)
def test_every_form_of_a_body(raw: bytes) -> None:
    for size in (len(raw), 1, 2, 3, 7):
        told, body = heard(raw[n : n + size] for n in range(0, len(raw), size))
        assert told["text"].replace("\ufffd", "") == "Hi" and body.complete and body.error is None


@pytest.mark.parametrize(
    "raw",
    [b"", b"<html>no</html>", b"data: {nonsense\n\n", b"{}", b"[]", b'{"choices": []}', b"[1]", b"3", b"{", b"null"],
)
def test_what_is_no_answer(raw: bytes) -> None:
    try:
        _, body = heard([raw])
    except ValueError:
        return
    assert not body.complete and not body.heard and body.error is None


def test_halves_of_characters_come_together_or_are_replaced() -> None:
    def piece(text: str) -> bytes:
        return b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n' % text.encode()

    assert stream(piece("a\\ud83d"), piece("\\ude00b"), b"data: [DONE]\n\n")["text"] == "a\U0001f600b"
    assert stream(piece("a\\ud83d"), piece("b"), b"data: [DONE]\n\n")["text"] == "a\ufffdb"
    assert stream(piece("a\\ude00"), piece("b\\ud83d"), b"data: [DONE]\n\n")["text"] == "a\ufffdb\ufffd"
    fragment = b'{"index":0,"id":"x","function":{"name":"a","arguments":"%s"}}'
    told = stream(*(
        b'data: {"choices":[{"index":0,"delta":{"tool_calls":[' + fragment % a + b"]}}]}\n\n"
        for a in (b'{\\"k\\":\\"\\ud83d', b'\\ude00\\"}')
    ))
    assert told["calls"][0]["function"]["arguments"] == '{"k":"\U0001f600"}'
    orjson.dumps(told["calls"])


@pytest.mark.parametrize(("pieces", "text"), [
    ((b"caf\xc3", b"\xa9!"), "caf\u00e9!"),
    ((b"\xf0", b"\x9f\x8e", b"\x82"), "\U0001f382"),
    ((b"a\xf0\x9f", b"\x92\x80b"), "a\U0001f480b"),
    ((b"a\xe2\x82", b"b"), "a\ufffdb"),  # the other half never came
    ((b"a\xe2\x82",), "a\ufffd"),
    ((b"a\xe9", b"\xe1b"), "a\ufffd\ufffdb"),
    ((b"a\\ud83d", b"\\udc80b"), "a\U0001f480b"),  # what looks like a byte is half of an escape
    ((b"a\\udc80b", b"c"), "a\ufffdbc"),
])
@pytest.mark.parametrize("field", ["content", "reasoning_content", "refusal"])
def test_bytes_of_a_character_that_was_cut_between_events(pieces: tuple[bytes, ...], text: str, field: str) -> None:
    events = (b'data: {"choices":[{"index":0,"delta":{"%s":"%s"}}]}\n\n' % (field.encode(), p) for p in pieces)
    told = stream(*events, b"data: [DONE]\n\n")
    assert told[{"content": "text", "reasoning_content": "thoughts", "refusal": "refusal"}[field]] == text
    orjson.dumps(told)


@pytest.mark.parametrize("cut", [b"caf\xe9", b"caf\\ud83d"])
@pytest.mark.parametrize("call", [
    b'{"function":{"name":"f","arguments":{"text":"%s"}}}',
    b'{"function":{"name":"f","arguments":"{\\"text\\":\\"%s\\"}"},"extra_content":{"content":"%s"}}',
])
def test_half_a_character_costs_no_call(call: bytes, cut: bytes) -> None:
    told = stream(b'data: {"choices":[{"index":0,"delta":{"tool_calls":[' + call.replace(b"%s", cut) + b"]}}]}\n\n")
    [made] = told["calls"]
    assert orjson.loads(made["function"]["arguments"]) == {"text": "caf\ufffd"}
    assert orjson.loads(orjson.dumps(made.get("extra_content"))) in (None, {"content": "caf\ufffd"})
    refused = failure(400, parse(b'{"text":"%s"}' % cut), None).details
    assert orjson.loads(orjson.dumps(refused))["message"] == "caf\ufffd"


@pytest.mark.parametrize("name", ["annotations", "tool_calls", "reasoning_details"])
def test_what_is_nested_too_deeply_costs_nothing_else(name: str) -> None:
    deep = b'{"a":' * 500 + b"1" + b"}" * 500
    given = b'[{"function":{"name":"f","arguments":%s}}]' % deep if name == "tool_calls" else b"[%s]" % deep
    told = stream(
        b'data: {"choices":[{"index":0,"delta":{"content":"a","%s":%s}}]}\n\n' % (name.encode(), given),
        b'data: {"choices":[{"index":0,"delta":{"content":"b"}}]}\n\ndata: [DONE]\n\n',
    )
    assert told["text"] == "ab" and [c["function"]["arguments"] for c in told["calls"]] in ([], ["{}"])
    orjson.dumps(told)


def test_a_call_whose_name_may_go_on_is_a_word_already() -> None:
    """Its arguments may take as long as whatever else comes after a first word."""
    body = Body(Reading())
    body.feed(event({"role": "assistant", "content": None}))
    assert not body.spoke
    held = body.feed(event({"tool_calls": [f("x", "", index=0, id="a")]}))
    assert not (held and held.says) and body.spoke


def test_annotations_that_are_repeated_are_told_once_and_not_looked_for_among_all() -> None:
    notes = [{"type": "url_citation", "n": n} for n in range(3)]
    told = stream(event({"annotations": notes[:2]}), event({"annotations": [notes[1], notes[2], notes[2]]}))
    assert told["beside"]["annotations"] == notes
    reading, compared = Reading(), 0

    class Note(dict[str, Any]):
        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return super().__eq__(other)

    for n in range(100):
        reading.take([{"choices": [{"index": 0, "delta": {"annotations": [Note(n=n)]}}]}])
    assert compared < 200


def test_a_name_that_was_cut_in_two_is_one() -> None:
    def told(*fragments: dict[str, Any]) -> list[tuple[str, str]]:
        choices = ([{"index": 0, "delta": {"tool_calls": [f]}}] for f in fragments)
        events = (b"data: " + orjson.dumps({"choices": c}) + b"\n\n" for c in choices)
        end = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}\n\ndata: [DONE]\n\n'
        return [(c["function"]["name"], c["function"]["arguments"]) for c in stream(*events, end)["calls"]]

    def cut(*parts: str, **more: Any) -> list[dict[str, Any]]:
        return [{"index": 0, **more, "function": {"name": p}} for p in parts]

    said = {"index": 0, "function": {"arguments": '{"k":1}'}}
    assert told(*cut("get_", "wea", "ther", id="a"), said) == [("get_weather", '{"k":1}')]
    assert told(*cut("get_", "weather")) == [("get_weather", "{}")]
    assert told(*cut("get_", "get_weather", "get_weather"), said) == [("get_weather", '{"k":1}')]  # it repeats itself
    # Two calls, however they are told apart.
    assert told(*cut("a"), said, *cut("b"), said) == [("a", '{"k":1}'), ("b", '{"k":1}')]
    assert told(*cut("a", id="1"), *cut("b", id="2")) == [("a", "{}"), ("b", "{}")]
    assert told(*cut("a"), {"index": 1, "function": {"name": "b"}}) == [("a", "{}"), ("b", "{}")]
    whole = {"index": 0, "function": {"name": "b", "arguments": '{"k":1}'}}
    assert told(*cut("a"), whole) == [("a", "{}"), ("b", '{"k":1}')]


@pytest.mark.parametrize("more", [{}, {"id": ""}])
@pytest.mark.parametrize("second", ["", '{"k":1}'])
def test_calls_of_one_event_are_not_one_name(more: dict[str, Any], second: str) -> None:
    calls = [{"index": 0, **more, "function": {"name": n, "arguments": a}} for n, a in (("a", ""), ("b", second))]
    event = b"data: " + orjson.dumps({"choices": [{"index": 0, "delta": {"tool_calls": calls}}]}) + b"\n\n"
    for found in (stream(event, b"data: [DONE]\n\n")["calls"], whole(calls)):
        made = [(c["function"]["name"], c["function"]["arguments"]) for c in found]
        assert made == [("a", "{}"), ("b", second or "{}")]


def steps(made: Callable[[], Any]) -> int:
    """Calls of functions that it costs."""
    taken = itertools.count()
    sys.setprofile(lambda *_: next(taken))
    try:
        made()
    finally:
        sys.setprofile(None)
    return next(taken)


def test_a_call_is_not_looked_for_among_all_others() -> None:
    def told(size: int) -> int:
        calls = [{"id": f"call_{n}", "function": {"name": "f", "arguments": "{}"}} for n in range(size)]
        return steps(lambda: whole(calls))

    assert told(400) < 6 * told(100)


@pytest.mark.parametrize("cut", [b"\xe9", b"a\xe9", b"a\\ud83d"])
def test_a_text_without_its_characters_is_mended_at_once(cut: bytes) -> None:
    def told(size: int) -> int:
        return steps(lambda: stream(b'data: {"choices":[{"index":0,"delta":{"content":"' + cut * size + b'"}}]}\n\n'))

    assert abs(told(1000) - told(100)) < 50


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
ARGUMENTS = st.sampled_from(["{}", '{"k":1}'])
NAMED = st.builds(lambda n, a: {"name": n, "arguments": a}, st.sampled_from(["a", "b"]), ARGUMENTS)
DELTA = st.one_of(
    st.builds(lambda t: {"content": t}, TEXT), st.builds(lambda t: {"reasoning_content": t}, TEXT),
    st.builds(lambda t: {"refusal": t}, TEXT),
    st.builds(lambda n, f: {"tool_calls": [{"index": n, "function": f}]}, st.integers(0, 2), NAMED),
    st.builds(lambda u: {"images": [{"type": "image_url", "image_url": {"url": u}}]}, TEXT),
)
NOISE = st.sampled_from(
    [": comment", "data: : keepalive", "data:", "event: x", "data: {", "id: 1", "", "data: [1]", "x"]
)
FORM = st.sampled_from(["\n", "\r", "\r\n"])


class Escaped:
    """What stands for a character in JSON that is ASCII alone, but beyond 16 bits; all of them as a dictionary would
    take longer to make than all else here."""

    def __getitem__(self, code: int) -> str | int:
        return f"\\u{code:04x}" if 0x80 <= code < 0x10000 else code


ESCAPED = Escaped()


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """A valid stream with what some providers put in between."""
    line = draw(FORM)
    lines = []
    for delta in draw(st.lists(DELTA, max_size=6)):
        lines += [*draw(st.lists(NOISE, max_size=2)), ""]
        body = orjson.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}).decode()
        if draw(st.booleans()):
            body = body.translate(ESCAPED)
        lines += [f"data: {body}", ""]
    lines += ['data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}', ""]
    if draw(st.booleans()):
        lines += ["data: [DONE]", ""]
    bom = b"\xef\xbb\xbf" if draw(st.booleans()) else b""
    return bom + line.join(lines).encode() + draw(st.sampled_from([b"", line.encode()]))


def plain(told: Json) -> Json:
    return told | {"calls": [c["function"] for c in told["calls"]]}


@settings(max_examples=150, deadline=None)
@given(streams(), st.data())
def test_a_stream_cut_at_any_byte_says_the_same(raw: bytes, data: st.DataObject) -> None:
    meant, _ = heard([raw])
    places = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=8)))
    cut = [raw[a:b] for a, b in zip([0, *places], [*places, len(raw)], strict=True)]
    for chunks in (cut, [raw[n : n + 1] for n in range(len(raw))]):
        told, body = heard(chunks)
        assert plain(told) == plain(meant) and body.complete


ROW = st.lists(st.one_of(
    st.builds(lambda t: orjson.dumps(t), TEXT),
    st.sampled_from([
        b'"\\ud83d"', b'"\\ude00"', b'"\xff"', b'"a\\"b"', b'"\\\\"', b'"a', b"null", b'"\x01"', b'["a"]', b'""',
    ]),
), max_size=12)
SHAPES = st.sampled_from([
    b'data: {"choices":[{"index":0,"delta":{"content":%s}}]}\n\n',
    b'data:{"id":"a","choices":[{"delta":{"role":"assistant", "content" : %s},"finish_reason":null}],"usage":null}\n\n',
    b'data: {"model":"m","choices":[{"index":0,"delta":{"content":%s},"logprobs":null}]}\r\n\r\n',
    b'data: {"id":"\\"content\\":\\"x\\"","choices":[{"delta":{"content":%s}}],"system_fingerprint":"f"}\n\n',
    b'data: {"choices":[{"delta":{"content":"no","content":%s}}]}\n\n',
    b'data: {"choices":[{"delta":{"content":%s}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n',
    b'data: {"choices":[{"delta":{"content":%s},"finish_reason":"stop"}]}\n\n',
    b'data: {"choices":[{"index":1,"delta":{"content":%s}}]}\n\n',
    b'event: x\ndata: {"choices":[{"delta":{"content":%s}}]}\n\n', b'data: {"choices":[{"delta":{"content":%s}}]}\n',
    b'data: {"choices":[{"delta":{"reasoning":%s}}]}\n\n', b": %s\n\n", b"data: [DONE]\n\n", b'data: {"error":%s}\n\n',
])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(SHAPES, ROW), max_size=6), st.data())
def test_rows_of_events_that_differ_in_their_words_alone(
    rows: list[tuple[bytes, list[bytes]]], data: st.DataObject
) -> None:
    raw = b"".join(shape.replace(b"%s", words) for shape, given_ in rows for words in given_)
    places = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=4)))
    chunks = [raw[a:b] for a, b in zip([0, *places], [*places, len(raw)], strict=True)]
    found: list[Any] = []
    for adds in (True, False):
        try:
            told, body = heard(chunks, adds)
        except ValueError:
            found.append(None)  # it is no answer
        else:
            found.append((told, body.error, body.cut, body.complete, body.heard))
    assert found[0] == found[1]


PLAINLY: list[Json] = [
    {"choices": [{"index": 0, "delta": {"content": "né"}, "finish_reason": None}]},
    {"choices": [{"index": 0, "delta": {"content": ""}, "logprobs": None}], "usage": None},
    {"choices": [{"delta": {"content": "\ud83d", "role": "assistant", "refusal": None}}], "model": "m"},
    {"choices": [{"delta": {"content": "\ude00"}}], "model": "m", "system_fingerprint": "f1"},
    {"choices": [{"delta": {"content": "x"}}], "system_fingerprint": "f2"},
    {"choices": [{"delta": {"content": "x"}}], "model": ""},
]
OTHERWISE: list[Json] = [
    {"choices": [{"index": 1, "delta": {"content": "no"}}]},
    {"choices": [{"index": 0, "delta": {"content": [{"type": "text", "text": "parts"}]}}]},
    {"choices": [{"index": 0, "delta": {"content": "x", "reasoning": "hm"}}]},
    {"choices": [{"index": 0, "delta": {"content": "x"}, "logprobs": {"content": [{"token": "x"}]}}]},
    {"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": "stop"}]},
    {"choices": [{"index": 0, "delta": None}]}, {"choices": [None]}, {"choices": []}, {"choices": {}},
    {"choices": [{"index": 0, "delta": {"content": "x"}, "usage": {"prompt_tokens": 1}}]},
    {"choices": [{"delta": {"content": "x"}}], "usage": {"prompt_tokens": 1, "completion_tokens": 2}},
    {"choices": [{"delta": {"content": "x"}}], "object": "error"}, {"error": {"message": "no"}},
    {"choices": [{"delta": {"content": "x", "tool_calls": [{"index": 0, "id": "c", "function": {"name": "a"}}]}}]},
    {"choices": [{"delta": {"content": "x"}}], "system_fingerprint": "f2", "citations": ["c"]},
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(st.sampled_from([*PLAINLY * 3, *OTHERWISE]), max_size=6), max_size=6), st.booleans())
def test_the_short_way_for_plain_events_says_what_the_long_one_does(reads: list[list[Json]], revised: bool) -> None:
    short, long = Reading(revised), Reading(revised)
    for events in reads:
        # A field that nobody knows sends an event the long way.
        said_ = long.take([{**e, "unheard_of": 1} for e in events])
        assert short.take(events) == said_
        assert (short.error is None, short.cut, short.ended, short.heard) == (
            long.error is None, long.cut, long.ended, long.heard
        )
    assert short.end() == long.end()


@given(st.lists(st.sampled_from([
    b'data: {"choices": []}', b'data: {"a": 1', b'data: , "object": 2}', b"data: [DONE]", b"event: error", b"",
    b'{"b": 2}', b'data: [{"c": 3}, {"d": 4}]', b"data:", b'data: {"message": "m"}', b": x", b"data: word",
]), max_size=12), st.booleans())
def test_lines_of_events_however_they_come(lines: list[bytes], apart: bool) -> None:
    """An event that stands in one line is the same as one that was begun in another and given up."""
    whole_ = b"\n".join(lines) + b"\n"
    events, told = Events(), list[Json]()
    for piece in [bytes([b]) for b in whole_] if apart else [whole_]:
        told += events.feed(piece)
    again = Events()
    assert told + events.end() == again.feed(whole_) + again.end()


def test_half_a_character_in_a_row_does_not_let_each_of_its_events_be_looked_through_again(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    row = Alike.row

    def counted(self: Alike, text: bytes, start: int) -> tuple[int, Json | None]:
        looks.append(start)
        return row(self, text, start)

    monkeypatch.setattr(Alike, "row", counted)
    words = [b"a"] * 900 + [b"\\ud83d", b"\\ude00"] + [b"b"] * 900
    raw = b"".join(b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n' % w for w in words)
    told, _ = heard([raw])
    assert told["text"] == "a" * 900 + "\U0001f600" + "b" * 900 and len(looks) < 10
