"""What a network brought becomes rows-to-be: one mapping for every kind of item."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from channels.inbound import Attachment, Contact, Fate, Inbound, Kind, Media
from hub.chat import timespan
from hub.chat.inbound.intake import _item, items_of, language_of, sha
from hub.chat.timespan import seconds
from hub.store.db import Db
from tests.store.rows import Bench

Json = dict[str, Any]
ANA = Contact(ids=("phone:5511999990000", "lid:9"), name="Ana", phone="5511999990000")
NOW = datetime.now(UTC)
WHERE: Json = {
    "id": uuid4(),
    "account_id": uuid4(),
    "client_id": UUID("018f0000-0000-7000-8000-0123456789ab"),
}


def endpoint(**more: Any) -> Json:
    return {
        **WHERE,
        "channel": "zapi",
        "session_seconds": 60,
        "groups": "ignore",
        "limits": {},
        "parameters": {},
        **more,
    }


def item(one: Inbound, max_wait: float = 60, **more: Any) -> Json:
    return _item(endpoint(**more), one, max_wait)


def message(**more: Any) -> Inbound:
    return Inbound(
        Kind.MESSAGE,
        "m:1",
        **{"chat": "5511999990000", "contact": ANA, "message_id": "N1", "text": "hi", **more},
    )


@pytest.mark.parametrize("group", [None, "g" * 1000])
def test_what_somebody_is_called_has_an_end(group: str | None) -> None:
    """Every part of a name is written into an index: a name of a megabyte would hold up whoever comes with it."""
    long = Contact(("x:1",), name="n" * 1000, phone="5" * 1000, username="u" * 1000)
    who = item(message(contact=long, group=group))["who"]
    given = [who.get(n) for n in ("name", "phone", "username")]
    assert [len(v) for v in given if v] == [255] * (1 if group else 3) and who["name"].endswith("…")
    moved = item(Inbound(Kind.EVENT, "e", event="chat.migrated", group="g" * 1000, chat="1"))
    assert len(moved["who"]["name"]) == 255


def test_every_item_says_whose_it_is() -> None:
    for kind in Kind:
        made = item(Inbound(kind, f"x:{kind}", chat="c", contact=ANA, at=NOW))
        assert (made["account"], made["integration"], made["ext"]) == (
            str(WHERE["account_id"]),
            str(WHERE["id"]),
            f"x:{kind}",
        )
        assert (
            UUID(made["id"]).version == 7
            and made["at"] == NOW.isoformat()
            and made["kind"] == str(kind)
        )


def test_a_message_has_a_contact_a_session_and_rules() -> None:
    made = item(message())
    assert (
        made["ids"] == ["phone:5511999990000", "lid:9"]
        and made["chat"] == "5511999990000"
        and made["session_s"] == 60
    )
    who = {k: v for k, v in made["who"].items() if k != "id"}
    assert who == {
        "name": "Ana", "language": None, "phone": "5511999990000", "username": None, "chat": "5511999990000",
        "said": ["phone:5511999990000", "lid:9"],
    }
    assert made["tag"] == "zp_whatsapp:5511999990000@0123456789ab"
    assert (made["body"], made["network_id"], made["by"], made["rule"], made["command"]) == (
        {"text": "hi"},
        "N1",
        "contact",
        None,
        None,
    )
    assert (
        made["per_hour"],
        made["max_messages"],
        made["debounce"],
        made["max_wait"],
        made["fetch"],
    ) == (30, 300, 0.0, 60, False)


@pytest.mark.parametrize(
    ("channel", "contact", "tag"),
    [
        ("telegram", Contact(("tg:7",), username="ana"), "zp_telegram:ana@0123456789ab"),
        ("telegram", Contact(("tg:7",)), "zp_telegram:7@0123456789ab"),
        ("kapso", ANA, "zp_whatsapp:5511999990000@0123456789ab"),
    ],
)
def test_a_session_s_tag_names_network_and_person(channel: str, contact: Contact, tag: str) -> None:
    assert item(message(contact=contact, chat="7"), channel=channel)["tag"] == tag


def test_a_person_is_looked_up_in_one_form_and_shown_as_written() -> None:
    """A name said twice in two spellings is one; where an answer goes stays as the network writes it."""
    made = item(message(contact=Contact(("phone:553190000123", "phone:5531990000123", "lid:9")), chat="553190000123"))
    assert (made["ids"], made["chat"]) == (["phone:5531990000123", "lid:9"], "553190000123")
    assert made["who"]["said"] == ["phone:553190000123", "lid:9"]
    landline = item(message(contact=Contact(("phone:553132221111",)), chat="553132221111"))
    assert landline["ids"] == ["phone:553132221111"]


def test_a_group_is_one_conversation_whoever_writes() -> None:
    made = item(message(group="Friends", chat="g-1"), groups="all")
    assert made["ids"] == ["group:g-1"] and made["rule"] is None
    assert (
        made["who"]["name"] == "Friends"
        and "phone" not in made["who"]
        and made["body"]["author"] == "Ana"
    )


@pytest.mark.parametrize(
    ("more", "where", "rule"),
    [
        ({"group": "G"}, {"groups": "ignore"}, "groups:ignore"),
        ({"group": "G", "mentioned": True}, {"groups": "ignore"}, "groups:ignore"),
        ({"group": "G"}, {"groups": "mention"}, "groups:mention"),
        ({"group": "G", "mentioned": True}, {"groups": "mention"}, None),
        ({"group": "G"}, {"groups": "all"}, None),
        ({"ignore": "newsletter"}, {}, "newsletter"),
        ({"at": NOW - timedelta(days=2)}, {}, None),
        ({"at": NOW - timedelta(days=2), "age_matters": True}, {}, "history"),
        ({"at": NOW - timedelta(hours=23), "age_matters": True}, {}, None),
        ({"age_matters": True}, {}, None),
    ],
)
def test_what_is_not_answered_says_why(more: Json, where: Json, rule: str | None) -> None:
    assert item(message(**more), **where)["rule"] == rule


@pytest.mark.parametrize(
    ("parameters", "album", "debounce", "max_wait"),
    [
        ({}, None, 0.0, 60),
        ({"messageDebounceInterval": "00:00:05"}, None, 5.0, 60),
        ({"messageDebounceInterval": "00:02:00"}, None, 120.0, 120.0),
        ({}, "al", 1.0, 60),
        ({"messageDebounceInterval": "00:00:05"}, "al", 5.0, 60),
    ],
)
def test_waiting_for_more(
    parameters: Json, album: str | None, debounce: float, max_wait: float
) -> None:
    made = item(message(album=album), parameters=parameters)
    assert (made["debounce"], made["max_wait"]) == (debounce, max_wait)


def test_limits_and_their_texts_are_the_client_s() -> None:
    made = item(
        message(),
        limits={"messagesPerHour": 7, "maxMessages": 9},
        parameters={"languageCode": "es"},
    )
    assert (made["per_hour"], made["max_messages"]) == (7, 9)
    assert made["limit_text"].startswith("Has enviado") and made["blocked_text"].startswith(
        "Esta conversación"
    )


@pytest.mark.parametrize(
    ("text", "parameters", "command"),
    [("/reset", {}, "reset"), ("/usage", {}, None), ("/usage", {"debug": True}, "usage")],
)
def test_commands_are_seen(text: str, parameters: Json, command: str | None) -> None:
    assert item(message(text=text), parameters=parameters)["command"] == command


@pytest.mark.parametrize(
    ("attachment", "fetch"),
    [
        (Attachment(Media.IMAGE, ref="r"), True),
        (Attachment(Media.IMAGE, url="u"), True),
        (Attachment(Media.IMAGE, data="AAAA"), False),
        (Attachment(Media.LOCATION, text="x"), False),
    ],
)
def test_files_elsewhere_are_to_be_fetched(attachment: Attachment, fetch: bool) -> None:
    assert item(message(attachments=(attachment,)))["fetch"] is fetch


def test_a_kapso_message_lets_waiting_parts_go() -> None:
    assert (
        item(message(), channel="kapso")["release"] is True and item(message())["release"] is None
    )


def test_a_fate_names_the_messages() -> None:
    made = item(
        Inbound(Kind.STATUS, "s:1", fate=Fate("failed", ("a", "b"), "cb", "131047", "closed"))
    )
    assert made["fate"] == {
        "state": "failed",
        "message_ids": ["a", "b"],
        "callback": "cb",
        "code": "131047",
        "text": "closed",
    }
    assert "body" not in made and "ids" not in made


def test_edits_and_revokes_name_the_original() -> None:
    for kind in (Kind.EDIT, Kind.REVOKE):
        nobody = item(Inbound(kind, "e:1", message_id="N1", text="new"))
        assert (nobody["body"], nobody["network_id"], "ids" in nobody) == (
            {"text": "new"},
            "N1",
            False,
        )
        known = item(Inbound(kind, "e:1", chat="c", contact=ANA, message_id="N1", text="new"))
        assert (known["body"], known["network_id"], known["ids"][0]) == (
            {"text": "new"},
            "N1",
            ANA.ids[0],
        )
        assert "rule" not in known and "debounce" not in known


def test_a_reaction_names_what_it_is_about() -> None:
    made = item(
        Inbound(
            Kind.REACTION, "r:1", chat="c", contact=ANA, message_id="own", reply_to="N1", text="👍"
        )
    )
    assert made["network_id"] == "N1" and made["body"]["text"] == "👍" and "rule" not in made


@pytest.mark.parametrize("by", ["api", "human"])
def test_our_own_messages_can_be_recognised(by: str) -> None:
    made = item(
        Inbound(Kind.OWN, "o:1", chat="c", contact=ANA, message_id="N1", text="a  b\nc", by=by)
    )
    assert (
        made["by"] == by
        and made["sha"] == sha("a b c")
        and made["network_id"] == "N1"
        and "rule" not in made
    )


@pytest.mark.parametrize(
    ("event", "connection"),
    [("connection.open", "open"), ("connection.close", "close"), ("presence", None), (None, None)],
)
def test_events_are_recorded(event: str | None, connection: str | None) -> None:
    made = item(Inbound(Kind.EVENT, "v:1", event=event, detail={"a": 1}, ignore="why"))
    assert made.get("connection") == connection
    assert made["body"] == {
        "event": event or "event",
        "detail": {"a": 1},
        "text": "",
        "rule": "why",
    }


def test_a_message_of_nobody_is_an_event() -> None:
    assert item(Inbound(Kind.MESSAGE, "m:1", text="hi"))["kind"] == "event"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("00:00:05", 5),
        ("01:02:03", 3723),
        ("1.00:00:00", 86400),
        ("2.03:04:05", 183845),
        (" 00:01:00 ", 60),
        ("00:00:00.25", 0),
    ],
)
def test_time_spans(value: str, expected: int) -> None:
    assert seconds(value) == expected
    assert seconds(timespan.text(expected)) == expected


@pytest.mark.parametrize(
    ("span", "wait"), [("00:00:00.5000000", 0.5), ("00:00:01.25", 1.25), ("1.00:00:00", 86400.0), ("00:00:00", 0.0)]
)
def test_parts_of_a_second_are_waited_for(span: str, wait: float) -> None:
    made = item(message(), max_wait=60, parameters={"messageDebounceInterval": span})
    assert (made["debounce"], made["max_wait"]) == (wait, max(60, wait))


@pytest.mark.parametrize(
    "value",
    [
        "",
        "5",
        "24:00:00",
        "00:60:00",
        "00:00:60",
        "-1.00:00:00",
        "1:2",
        "a",
        "00:00:05x",
        "٠٠:00:05x",
    ],
)
def test_what_is_no_time_span(value: str) -> None:
    with pytest.raises(ValueError, match="hh:mm:ss"):
        seconds(value)


def test_spacing_does_not_change_a_fingerprint() -> None:
    assert sha(" a\n\n b\tc ") == sha("a b c") != sha("a b d")


def test_whose_language() -> None:
    assert language_of({"languageCode": "en"}, ANA) == "en"
    assert language_of({}, Contact(("x",), language="es", phone="55")) == "es"
    assert language_of({}, ANA) == "pt" and language_of({}, None) == "en"


async def test_bytes_in_the_body_become_a_file(db: Db) -> None:
    bench = await Bench(db).make()
    where = endpoint(id=bench.integration, account_id=bench.account, client_id=bench.client)
    raw = base64.b64encode(b"picture").decode()
    files = (
        Attachment(Media.IMAGE, data=raw, mime="image/png", name="a.png"),
        Attachment(Media.IMAGE, data="a"),
        Attachment(Media.IMAGE, ref="r"),
    )
    [made] = await items_of(db, where, [message(attachments=files)], 60)
    stored, damaged, elsewhere = made["body"]["attachments"]
    assert (
        stored["size"] == 7
        and "data" not in stored
        and "damaged" in damaged["error"]
        and elsewhere == {"media": "image", "ref": "r"}
    )
    row = await db.row(
        "select content, mime, name, kind, account_id from files where id = $1",
        UUID(stored["file_id"]),
    )
    assert row and tuple(row) == (b"picture", "image/png", "a.png", "image", bench.account)
