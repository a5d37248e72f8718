"""What every adapter must do, whatever its network is."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

import pytest

from channels.base import BadSignature, ChannelError, Greets, Hook, Reacts, Streams, Unreadable
from channels.contract.server import Bench
from channels.inbound import Inbound, Kind, Media
from channels.outbound import Card, Choice, File, Outbound, Spot
from channels.registry import NAME
from channels.templates import Templated

TEXTS = {
    "plain": "Hello", "accents": "Olá, ação à vista", "emoji": "👍🏽 family 👩‍👩‍👧", "right_to_left": "שלום عليكم",
    "markup": "*a* _b_ ~c~ `d` <b>&amp;</b> [x](y)", "quotes": "\"double\" 'single' \\ back", "lines": "one\ntwo\n\nthree",
    "long": "word " * 800, "number": "42", "json": '{"id": 1}', "command": "/start now", "zero": "a\0b",
}
SAYABLE = {k: v for k, v in TEXTS.items() if k != "zero"}
BROKEN = {
    "empty": b"", "list": b"[]", "null": b"null", "number": b"5", "string": b'"x"', "object": b"{}", "cut": b'{"a": ',
    "binary": b"\xff\xfe\x00", "nan": b'{"a": NaN}', "deep": b"[" * 5000, "wrong": b'{"message": 5, "data": "x", "entry": {}}',
    "lists": b'{"message": [], "entry": [5], "data": [null], "messages": [7]}', "big": b'{"update_id": 1e400}',
}
REFUSED = (400, 401, 403, 404, 413, 422)
LATER = (500, 503, 529)
UNCERTAIN = (502, 504)


def out(at: Bench, text: str = "Hello", **more: Any) -> Outbound:
    return Outbound(at.sample.chat, "0190a2b4-key", text, text, **more)


def read(at: Bench, hook: Hook) -> list[Inbound]:
    return at.channel.receive(at.link, hook)


async def failed(at: Bench, what: Outbound) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        await at.channel.send(at.link, what)
    return caught.value


# What arrives


@pytest.mark.parametrize("name", TEXTS)
async def test_a_text_arrives_as_it_was_said(at: Bench, name: str) -> None:
    [item] = read(at, at.said(TEXTS[name]))
    assert item.kind is Kind.MESSAGE and item.text == TEXTS[name].replace("\0", ""), item
    assert item.chat == at.sample.chat and item.contact is not None and item.contact.ids and item.ext
    assert all(":" in one for one in item.contact.ids) and item.group is None and item.ignore is None


async def test_the_same_call_has_the_same_key_and_another_has_another(at: Bench) -> None:
    first, again, other = (read(at, at.said("Hello", id))[0] for id in ("1001", "1001", "1002"))
    assert first == again and first.ext != other.ext, "what comes twice is one"


async def test_reading_changes_nothing(at: Bench) -> None:
    hook = at.said("Hello")
    body, headers = hook.body, dict(hook.headers)
    read(at, hook)
    assert (hook.body, dict(hook.headers)) == (body, headers) and not at.network.seen, "and asks nobody"


async def test_a_call_without_its_proof_is_refused(at: Bench) -> None:
    bare = replace(at.said("Hello"), headers={"content-type": "application/json"})
    if at.sample.unproved:
        assert isinstance(read(at, bare), list)
        return
    with pytest.raises(BadSignature):
        at.channel.prove(at.link, bare.headers)
    with pytest.raises(BadSignature):
        read(at, bare)


@pytest.mark.parametrize("value", ["", "wrong", "é\udcff", "sha256=", "0" * 64])
async def test_a_wrong_proof_is_refused(at: Bench, value: str) -> None:
    hook = at.said("Hello")
    changed = {k: value for k in hook.headers if not k.endswith(("timestamp", "event"))}
    with pytest.raises(BadSignature):
        read(at, replace(hook, headers={**hook.headers, **changed}))


async def test_another_body_is_refused(at: Bench) -> None:
    hook = at.said("Pay Ana")
    other = replace(hook, body=hook.body.replace(b"Ana", b"Bob"))
    if at.sample.unsigned:
        assert read(at, other), "the proof is of the sender alone"
        return
    with pytest.raises(BadSignature):
        read(at, other)


async def test_what_is_read_later_is_proved_at_once(at: Bench) -> None:
    hook = at.said("Pay Ana")
    other = replace(hook, body=hook.body.replace(b"Ana", b"Bob"))
    names = at.channel.vouch(at.link, hook)
    if names is None:
        return  # each call is read as it comes
    needed = {k: v for k, v in hook.headers.items() if k in names}
    assert read(at, Hook(needed, hook.body, proved=True)) == read(at, hook)
    bare = replace(hook, headers={"content-type": "application/json"})
    for wrong in [*([] if at.sample.unproved else [bare]), *([] if at.sample.unsigned else [other])]:
        with pytest.raises(BadSignature):
            at.channel.vouch(at.link, wrong)


@pytest.mark.parametrize("name", BROKEN)
async def test_rubbish_is_unreadable_and_nothing_worse(at: Bench, name: str) -> None:
    hook = replace(at.said("Hello"), body=BROKEN[name])
    try:
        found = read(at, hook)
    except (BadSignature, Unreadable):
        return
    assert all(one.kind is not Kind.MESSAGE for one in found), found


async def test_what_is_read_is_the_same_in_another_thread(at: Bench) -> None:
    hook = at.said("Hello")
    assert await asyncio.to_thread(read, at, hook) == read(at, hook)


# What goes out


@pytest.mark.parametrize("name", SAYABLE)
async def test_a_text_goes_out_once(at: Bench, name: str) -> None:
    assert isinstance(await at.channel.send(at.link, out(at, SAYABLE[name])), str)
    assert len(at.network.seen) == 1


async def test_a_reply_and_what_it_answers_to(at: Bench) -> None:
    assert await at.channel.send(at.link, out(at, reply_to="1001"))


@pytest.mark.parametrize("count", [1, 3, 10])
async def test_choices_are_buttons_where_the_style_says_so(at: Bench, count: int) -> None:
    if not at.channel.style.buttons:
        pytest.skip("there are none")
    labels = [f"Choice number {n}" for n in range(1, count + 1)]
    asked = out(at, choices=tuple(Choice(f"c:{n}", label) for n, label in enumerate(labels)), menu="Choose")
    assert await at.channel.send(at.link, asked)
    body = unquote_plus(b"".join(at.network.seen).decode())
    assert all(label in body for label in labels) and all(f"c:{n}" in body for n in range(count))


@pytest.mark.parametrize("shared", [Spot(-23.5, -46.25, "Aurora", "Rua 1"), Spot(1.0, 2.0), Card("Ana", "5511999990009")])
async def test_a_place_and_a_contact(at: Bench, shared: Spot | Card) -> None:
    what = {"spot": shared} if isinstance(shared, Spot) else {"card": shared}
    try:
        assert isinstance(await at.channel.send(at.link, replace(out(at, ""), **what)), str)
    except ChannelError as e:
        assert e.permanent


@pytest.mark.parametrize("media", [Media.IMAGE, Media.DOCUMENT, Media.AUDIO, Media.VOICE, Media.VIDEO])
async def test_a_file_goes_out_or_is_refused_for_good(at: Bench, media: Media) -> None:
    mimes = {Media.IMAGE: "image/png", Media.DOCUMENT: "application/pdf", Media.VIDEO: "video/mp4"}
    file = File(media, mimes.get(media, "audio/ogg"), "a.bin", content=b"content")
    try:
        assert isinstance(await at.channel.send(at.link, out(at, file=file)), str)
    except ChannelError as e:
        assert e.permanent or e.code == "upload"


PICTURE = File(Media.IMAGE, "image/png", "a.png", content=b"picture")
PAPER = File(Media.DOCUMENT, "application/pdf", "a.pdf", content=b"paper")


@pytest.mark.parametrize("count", [2, 3, 10])
async def test_an_album_is_one_call(at: Bench, count: int) -> None:
    if count > at.channel.style.albums:
        pytest.skip("so many files are no album here")
    files = tuple(replace(PICTURE, name=f"{n}.png", content=b"picture-%d" % n) for n in range(count))
    assert await at.channel.send(at.link, out(at, "", file=files[0], album=files[1:]))
    [body] = at.network.seen
    places = [body.index(f.content or b"-") for f in files]
    assert places == sorted(places), "in the order in which they were said"


async def test_an_album_of_what_cannot_be_one_is_refused_before_it_is_sent(at: Bench) -> None:
    if not at.channel.style.albums:
        pytest.skip("there are none")
    error = await failed(at, out(at, "", file=PICTURE, album=(PAPER,)))
    assert error.permanent and not at.network.seen


async def test_an_album_whose_answer_is_lost_is_in_doubt_as_a_whole(at: Bench) -> None:
    if not at.channel.style.albums:
        pytest.skip("there are none")
    at.network.cut()
    error = await failed(at, out(at, "", file=PICTURE, album=(PICTURE,)))
    assert error.ambiguous and not error.permanent and len(at.network.seen) == 1


@pytest.mark.parametrize("text", ["", "Hello", "*a* & <b>", "word " * 800])
async def test_a_draft_is_a_sight_of_the_answer(at: Bench, text: str) -> None:
    if not isinstance(at.channel, Streams):
        pytest.skip("there are none")
    assert at.channel.drafts(at.sample.chat)
    await at.channel.draft(at.link, at.sample.chat, 7, "", text)
    assert len(at.network.seen) == 1


async def test_a_draft_of_blocks_falls_back_to_words(at: Bench) -> None:
    if not isinstance(at.channel, Streams) or not at.channel.style.rich:
        pytest.skip("there are none")
    blocks = ({"type": "heading", "text": "Prices", "size": 1},)
    await at.channel.draft(at.link, at.sample.chat, 7, "Prices", "Prices", blocks)
    assert len(at.network.seen) == 1 and b"heading" in at.network.seen[0]
    at.network.plan.append((404, {"ok": False, "error_code": 404, "description": "Not Found: method not found"}, {}))
    for _ in range(3):
        await at.channel.draft(at.link, at.sample.chat, 7, "Prices", "Prices", blocks)
    rich = [b for b in at.network.seen[1:] if b"heading" in b]
    assert len(rich) == 1 and len(at.network.seen) == 5, "a server that lacks them is not asked again"


async def test_a_lost_draft_is_in_nobody_s_doubt(at: Bench) -> None:
    if not isinstance(at.channel, Streams):
        pytest.skip("there are none")
    at.network.cut()
    with pytest.raises(ChannelError) as caught:
        await at.channel.draft(at.link, at.sample.chat, 7, "Hello", "Hello")
    assert not caught.value.ambiguous and not caught.value.permanent


@pytest.mark.parametrize("emoji", ["👍", "❤️", "👀", ""])
async def test_a_reaction_is_set_and_taken_away(at: Bench, emoji: str) -> None:
    if not isinstance(at.channel, Reacts):
        pytest.skip("there are none")
    await at.channel.react(at.link, at.sample.chat, "1001", emoji)
    [body] = at.network.seen
    said = unquote_plus(body.decode())
    assert "1001" in said and (not emoji or emoji.strip("\ufe0f") in said)


@pytest.mark.parametrize("status", [400, 401, 429, 500, 0])
async def test_a_reaction_that_fails_is_no_doubt(at: Bench, status: int) -> None:
    if not isinstance(at.channel, Reacts):
        pytest.skip("there are none")
    if status:
        at.network.always(status, {"ok": False, "error_code": status, "description": "no", "error": "no"})
    else:
        at.network.cut()
    with pytest.raises(ChannelError) as caught:
        await at.channel.react(at.link, at.sample.chat, "1001", "👍")
    assert not caught.value.ambiguous and len(at.network.seen) == 1


@pytest.mark.parametrize("openers", [(), ("Prices",), tuple(f"🎁 Offer {n} of " + "the week " * 20 for n in range(12))])
async def test_what_is_shown_before_a_first_message(at: Bench, openers: tuple[str, ...]) -> None:
    if not isinstance(at.channel, Greets):
        pytest.skip("there is nothing")
    at.network.answers = (200, {"ok": True, "success": True, "result": []})
    shown = await at.channel.greet(at.link, openers, [("reset", "Start anew")], again=False)
    assert shown in (True, False) and (shown or not openers)
    assert not await at.channel.greet(at.link, [], [], again=True), "and taken away"


@pytest.mark.parametrize("body", ["null", "[]", '{"data": 5}', '{"data": [null, 5, {}, {"name": 5}]}', "<html>"])
async def test_a_list_of_templates_that_is_none(at: Bench, body: str) -> None:
    if not isinstance(at.channel, Templated):
        pytest.skip("there are none")
    at.network.always(200, body)
    try:
        assert await at.channel.templates(at.link) == []
    except ChannelError as e:
        assert e.code


# What goes wrong


@pytest.mark.parametrize("status", REFUSED)
async def test_a_refusal_is_for_good(at: Bench, status: int) -> None:
    at.network.always(status, {"ok": False, "error_code": status, "description": "Bad Request: no", "error": "no"})
    error = await failed(at, out(at))
    assert error.permanent and not error.ambiguous and error.code, vars(error)


@pytest.mark.parametrize("status", LATER)
async def test_trouble_of_the_network_passes(at: Bench, status: int) -> None:
    at.network.always(status, {"ok": False, "error_code": status, "description": "Internal", "error": "later"})
    assert not (await failed(at, out(at))).permanent


@pytest.mark.parametrize("status", UNCERTAIN)
async def test_a_gateway_that_gave_up_tells_nothing(at: Bench, status: int) -> None:
    at.network.always(status, "<html>Bad gateway</html>")
    error = await failed(at, out(at))
    assert not error.permanent and (error.ambiguous or at.channel.mode == "at_least_once")


async def test_a_limit_says_how_long(at: Bench) -> None:
    body = {"ok": False, "error_code": 429, "description": "Too Many Requests", "parameters": {"retry_after": 7}, "error": "x"}
    at.network.always(429, body, {"Retry-After": "7"})
    error = await failed(at, out(at))
    assert not error.permanent and not error.ambiguous and error.retry_after and error.retry_after >= 7


async def test_a_lost_answer_is_not_a_failure(at: Bench) -> None:
    at.network.cut()
    error = await failed(at, out(at))
    assert not error.permanent and (error.ambiguous or at.channel.mode == "at_least_once")
    assert len(at.network.seen) == 1, "an adapter tries once; when again is decided elsewhere"


async def test_nobody_there_is_no_doubt(at: Bench) -> None:
    channel = at.channel if at.nowhere != at.link else None
    if channel is None:
        pytest.skip("its address is not in its settings")
    with pytest.raises(ChannelError) as caught:
        await channel.send(at.nowhere, out(at))
    assert not caught.value.ambiguous and not caught.value.permanent


@pytest.mark.parametrize("body", ["", "null", "[]", "<html>", '{"x": 1}'])
async def test_an_answer_that_is_not_the_network_s(at: Bench, body: str) -> None:
    at.network.always(200, body)
    try:
        assert isinstance(await at.channel.send(at.link, out(at)), str)
    except ChannelError as e:
        assert not e.permanent or e.code


@pytest.mark.parametrize("status", [400, 401, 429, 500])
async def test_no_error_tells_a_secret(at: Bench, status: int) -> None:
    secrets = [v for k, v in at.link.settings.items() if any(w in k.lower() for w in ("token", "secret", "key"))]
    at.network.always(status, {"ok": False, "error_code": status, "description": " ".join(secrets), "error": " ".join(secrets)})
    said = str(await failed(at, out(at)))
    assert not [one for one in (*secrets, at.link.secret, at.link.proof) if one in said]


@pytest.mark.parametrize("status", [200, 400, 401, 404, 500])
@pytest.mark.parametrize("what", ["edit", "delete", "typing", "seen", "acknowledge", "register", "unregister", "check", "find"])
async def test_whatever_else_is_asked_fails_in_one_way(at: Bench, what: str, status: int) -> None:
    if status != 200:
        at.network.always(status, {"ok": False, "error_code": status, "description": "no", "error": "no"})
    chat, channel = at.sample.chat, at.channel
    asked: dict[str, tuple[Any, ...]] = {
        "edit": (out(at), "5"), "delete": (chat, "5"), "typing": (chat, "5"), "seen": (chat, "5"), "acknowledge": ("callback-1",),
        "find": (out(at), datetime.now(UTC)),
    }
    try:
        await getattr(channel, what)(at.link, *asked.get(what, ()))
    except ChannelError as e:
        assert str(e)


async def test_alive_never_raises(at: Bench) -> None:
    for status in (200, 400, 401, 500):
        at.network.plan.clear()
        at.network.always(status, {"ok": False, "error_code": status, "description": "no"})
        assert await at.channel.alive(at.link) in (True, False)


async def test_how_it_describes_itself(at: Bench) -> None:
    style = at.channel.style
    assert NAME.fullmatch(at.channel.name) and style.markup in ("html", "whatsapp", "plain")
    assert style.limit >= style.caption > 0 and style.asked <= style.limit and style.buttons in ("", "maybe", "replies", "links")
    assert at.channel.mode in ("placeholder_edit", "reconcile", "at_most_once", "at_least_once")
    assert at.channel.mode != "placeholder_edit" or type(at.channel).edit is not None
    assert isinstance(at.channel.echoes, bool) and isinstance(at.channel.typing_reads, bool) and at.channel.renew > 0
