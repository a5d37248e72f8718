"""Rules for what goes out, at the doors where answers do; and what a provider does not get to see."""

import re
from typing import Any

import orjson
import pytest

from hub.domain import Json
from tests.api.door import Door, events
from tests.fakes.model import says

CPF, CNPJ, CARD, MAIL, PHONE = (
    "529.982.247-25", "11.222.333/0001-81", "4111 1111 1111 1111", "ana.b@example.com.br", "+55 11 98888-7777",
)
EVERYTHING = f"Write to {MAIL} or call {PHONE}; CPF {CPF}, CNPJ {CNPJ}, card {CARD}. Order 12345678."
MASKED = "Write to [EMAIL] or call [PHONE]; CPF [CPF], CNPJ [CNPJ], card [CARD]. Order 12345678."
DATA: Json = {"type": "personalData", "action": "mask", "name": "data"}


def in_pieces(text: str, size: int) -> list[str]:
    return [text[n : n + size] for n in range(0, len(text), size)]


async def streamed(door: Door, gateway: str, **body: Any) -> tuple[str, list[Any]]:
    """The words of a stream, and its events."""
    async with door.post(model=gateway, stream=True, **body) as got:
        assert got.status == 200
        told = await events(got)
    deltas = [e["choices"][0]["delta"] for e in told if e != "[DONE]" and e["choices"]]
    return "".join(d.get("content") or "" for d in deltas), told


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
async def test_personal_data_is_masked_wherever_it_is_cut(door: Door, size: int) -> None:
    ruled, free = await door.gateway(outputRules=[DATA]), await door.gateway("other")
    door.model.default = says(*in_pieces(EVERYTHING, size))
    whole = await door.asked(model=ruled)
    assert whole["choices"][0]["message"]["content"] == MASKED
    assert whole["generation_context"]["output_rules"] == {"data": 5}
    text, told = await streamed(door, ruled)
    assert text == MASKED and told[-2]["output_rules"] == {"data": 5}
    # The neighbour has no rules.
    assert (await streamed(door, free))[0] == EVERYTHING


@pytest.mark.parametrize("text", [
    "529.982.247-24", "11.222.333/0001-82", "4111 1111 1111 1112", "111.111.111-11", "Order 12345678901",
    "version 1.2.3.4", "at 10:30 on 2026-11-29", "a@b", "@someone", "R$ 1.234.567,89", "0000 0000 0000 0000",
])
async def test_what_only_looks_like_it_stays(door: Door, text: str) -> None:
    gateway = await door.gateway(outputRules=[DATA | {"kinds": ["Email", "Cpf", "Cnpj", "Card"]}])
    door.model.default = says(*in_pieces(f"It is {text}!", 4))
    assert (await streamed(door, gateway))[0] == f"It is {text}!"


@pytest.mark.parametrize("text", [
    "52998224725", "529 982 247 25", "12.ABC.345/01DE-35", "4111111111111111", "ANA@EXAMPLE.COM", "(11) 98888-7777",
])
async def test_other_ways_to_write_it(door: Door, text: str) -> None:
    gateway = await door.gateway(outputRules=[DATA])
    door.model.default = says(*in_pieces(f"It is {text}, so.", 5))
    said, _ = await streamed(door, gateway)
    assert text not in said and re.fullmatch(r"It is \[[A-Z]+\], so\.", said)


async def test_words_and_patterns(door: Door) -> None:
    rules = [
        {"type": "words", "words": ["projeto secreto", "ass"], "action": "mask", "name": "w"},
        {"type": "regex", "pattern": r"(?i)sk-[a-z0-9]{6,}", "action": "mask", "replacement": "<key>", "name": "k"},
        {"type": "words", "words": ["refund"], "action": "mark", "name": "m"},
    ]
    gateway = await door.gateway(outputRules=rules)
    said = "O PROJÉTO  *secreto* in class: SK-abc123def, a refund."
    for size in (1, 4, 100):
        door.model.default = says(*in_pieces(said, size))
        text, told = await streamed(door, gateway)
        assert text == "O *** in class: <key>, a refund." or text == "O ***in class: <key>, a refund."
        assert told[-2]["output_rules"] == {"w": 1, "k": 1, "m": 1}


async def test_a_blocked_answer_says_something_else(door: Door) -> None:
    rule = {"type": "words", "words": ["top secret"], "action": "block", "name": "b"}
    gateway = await door.gateway(outputRules=[rule], outputBlockedText="No.")
    other = await door.gateway("other", outputRules=[rule | {"words": ["nothing of it"]}])
    door.model.default = says("It is top", " sec", "ret, and more of it.")
    whole = await door.asked(model=gateway)
    [choice] = whole["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("No.", "content_filter")
    assert whole["generation_context"]["output_rules"] == {"b": 1}
    text, told = await streamed(door, gateway)
    assert text == "It is " and told[-2]["choices"][0]["finish_reason"] == "content_filter"
    door.model.default = says("top secret")
    assert (await streamed(door, gateway))[0] == "No."
    assert (await streamed(door, other))[0] == "top secret"
    wanted = {"json_only": True, "response_format": {"type": "json_object"}}
    door.model.default = says('{"a": "top secret"}')
    assert (await door.asked(model=gateway, **wanted))["choices"][0]["finish_reason"] == "content_filter"


async def test_thoughts_and_refusals_too(door: Door) -> None:
    gateway = await door.gateway(outputRules=[DATA], flags=["ReturnReasoningTokens"])
    door.model.default = says("Done.", reasoning=f"They write from {MAIL}.")
    message = (await door.asked(model=gateway))["choices"][0]["message"]
    assert message["reasoning"] == "They write from [EMAIL]."
    text = orjson.dumps((await streamed(door, gateway))[1]).decode()
    assert MAIL not in text and "[EMAIL]" in text


EVIL = [r"(a+)+$", r"(a|aa)+$", r"(.*a){20}$", r"([a-z]+)*\d"]


@pytest.mark.parametrize("pattern", EVIL)
async def test_a_pattern_that_would_take_for_ever_withholds_and_holds_up_nobody(door: Door, pattern: str) -> None:
    """Looked at for 20 ms at most; where it cannot be decided nothing goes out."""
    evil = await door.gateway(outputRules=[{"type": "regex", "pattern": pattern, "action": "mask", "name": "evil"}])
    good = await door.gateway("other", outputRules=[DATA])
    door.model.default = says("a" * 900 + "!")
    choice = (await door.asked(model=evil))["choices"][0]
    assert choice["finish_reason"] in ("content_filter", "stop")
    assert choice["finish_reason"] == "stop" or "a" * 100 not in choice["message"]["content"]
    assert (await door.asked(model=good))["choices"][0]["message"]["content"] == "a" * 900 + "!"


async def test_what_is_held_back_has_an_end(door: Door) -> None:
    """A pattern that may match for ever lets the text go after two thousand characters."""
    gateway = await door.gateway(outputRules=[{"type": "regex", "pattern": r"BEGIN(?s:.*)END", "action": "mask"}])
    said = "BEGIN " + "word " * 1000
    door.model.default = says(*in_pieces(said, 50))
    text, _ = await streamed(door, gateway)
    assert text == said
    door.model.default = says("a BEGIN b", " END c")
    assert (await streamed(door, gateway))[0] == "a *** c"


@pytest.mark.parametrize("wrong, said", [
    ({"type": "regex", "action": "mask"}, "pattern that is missing"),
    ({"type": "regex", "pattern": "(", "action": "mask"}, "no regular expression"),
    ({"type": "regex", "pattern": "(x{1000}){1000}", "action": "mask"}, "too large"),
    ({"type": "regex", "pattern": "a*", "action": "mask"}, "nothing at all"),
    ({"type": "words", "words": [], "action": "mask"}, "no words"),
    ({"type": "words", "words": ["x"], "action": "hide"}, "must be one of"),
    ({"type": "personalData", "kinds": ["Iban"], "action": "mask"}, "must be one of"),
])
async def test_rules_that_cannot_act_are_refused(door: Door, wrong: Json, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("must be one of", "Input should be")):
        await door.gateway(outputRules=[wrong])


MARK = re.compile(r"\[(?:EMAIL|PHONE|CPF|CARD|WORD)_[A-Z2-7]{8}\]")


async def test_a_provider_gets_placeholders_and_the_answer_has_the_values(door: Door) -> None:
    masked = await door.gateway(providerMasking={"kinds": ["Email", "Cpf", "Phone"], "words": ["Maria Silva"]})
    plain = await door.gateway("other")
    talk = [
        {"role": "system", "content": f"Our address is {MAIL}."},
        {"role": "user", "content": [{"type": "text", "text": f"I am Maria Silva, {CPF}, {PHONE}, {MAIL.upper()}"}]},
    ]

    async def echoes(request: Any, body: Json) -> Any:
        """Says every placeholder back, one character at a time."""
        found = " ".join(MARK.findall(orjson.dumps(body["messages"]).decode()))
        return await says(*f"You are {found}.", reasoning=found)(request, body)

    door.model.default = echoes
    for _ in range(2):
        text, _ = await streamed(door, masked, messages=talk)
        sent = orjson.dumps(door.sent).decode()
        for secret in (MAIL, MAIL.upper(), CPF, "98888", "Maria"):
            assert secret not in sent
        assert text == f"You are {MAIL} Maria Silva {CPF} {PHONE} {MAIL}."
    first, second = (set(MARK.findall(str(c.body))) for c in door.model.calls[-2:])
    assert first == second and len(first) == 4, "stable"
    other = await streamed(door, plain, messages=talk)
    assert MAIL in str(door.sent) and "You are ." in other[0]
    # A placeholder that stands for nothing here is no secret of anybody's.
    door.model.default = says("It is [EMAIL_AAAAAAAA] and [EMAIL_", "x")
    assert (await streamed(door, masked, messages=talk))[0] == "It is [EMAIL_AAAAAAAA] and [EMAIL_x"


async def test_tools_get_the_values_and_the_provider_their_placeholders(door: Door) -> None:
    gateway = await door.gateway(
        providerMasking={"kinds": ["Email"], "words": ['O"Neil']}, sentinelOptions={"enabledFunctions": ["Remember"]}
    )

    async def calls(request: Any, body: Json) -> Any:
        marks = MARK.findall(str(body["messages"]))
        given = orjson.dumps({"memoryData": f"Write to {marks[0]}, {marks[1]}"}).decode()
        pieces: list[Json] = [
            {"index": 0, "id": "c1", "type": "function", "function": {"name": "memory_save", "arguments": ""}},
            *({"index": 0, "function": {"arguments": piece}} for piece in in_pieces(given, 3)),
        ]
        return await says(tool_calls=pieces, finish="tool_calls")(request, body)

    door.model.plan.append(calls)
    door.model.default = says("Saved.")
    ask = [{"role": "user", "content": f'I am O"Neil, {MAIL}'}]
    got = await door.asked(model=gateway, messages=ask, user="ana")
    assert got["choices"][0]["message"]["content"] == "Saved."
    [kept] = await door.hub.db.fetch("select content from memories")
    assert MAIL in kept["content"] and 'O"Neil' in kept["content"]
    assert MAIL not in str(door.sent) and "Neil" not in str(door.sent)
    # A tool of the caller's: its arguments come in pieces, whole and readable.
    door.model.plan.append(calls)
    tool = {"type": "function", "function": {"name": "memory_save", "parameters": {"type": "object"}}}
    bare = await door.gateway("bare", providerMasking={"kinds": ["Email"], "words": ['O"Neil']})
    _, told = await streamed(door, bare, messages=ask, tools=[tool])
    deltas = [e["choices"][0]["delta"] for e in told if e != "[DONE]" and e["choices"]]
    said = "".join(c["function"].get("arguments") or "" for d in deltas for c in d.get("tool_calls") or ())
    assert set(orjson.loads(said)["memoryData"].removeprefix("Write to ").split(", ")) == {'O"Neil', MAIL}


async def test_helpers_see_no_more_than_the_model(door: Door) -> None:
    """Whatever is asked of a provider beside the answer: here the safeguard."""
    moderated = {"violenceThreshold": 5}
    gateway = await door.gateway(providerMasking={"kinds": ["Email"]}, moderationParameters=moderated)
    judged = says('{"violence": 0, "sexual": 0, "political": 0, "dangerous": 0, "jailbreak": 0}')
    door.model.plan.extend([judged, says("Hi.")])
    await door.asked(model=gateway, messages=[{"role": "user", "content": f"I am {MAIL}"}])
    assert len(door.model.calls) == 2 and not any(MAIL in str(c.body) for c in door.model.calls)


async def test_the_log_tells_how_often(door: Door) -> None:
    await door.hub.db.run(
        "update accounts set parameters = '{\"allowConversationsLogging\": true}' where id = $1", door.account
    )
    door.model.default = says(EVERYTHING)
    await door.asked(model=await door.gateway(outputRules=[DATA]))
    await door.asked(model=await door.gateway("other"))
    rows = await door.hub.db.fetch("select rules, messages from conversations order by id")
    assert [r["rules"] for r in rows] == [{"data": 5}, {}]
    assert MASKED in str(rows[0]["messages"]) and EVERYTHING in str(rows[1]["messages"])
