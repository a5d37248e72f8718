"""Memories over HTTP."""

from datetime import datetime, timedelta
from urllib.parse import quote
from uuid import uuid4

import pytest

from hub.jobs.sweeps import housekeeping
from tests.api.conftest import Api, Json

BASE = "/api/v1/memories"
EVENT: Json = {"title": "Dentist", "startsAt": "2199-03-01T14:30", "timeZone": "America/Sao_Paulo"}


async def kept(api: Api, content: str = "Likes tea.", user: str = "ana", **more: object) -> Json:
    made: Json = await api.ok("POST", BASE, {"externalUserId": user, "content": content, **more})
    return made


async def dated(api: Api, user: str = "ana", **more: object) -> Json:
    sent = {"externalUserId": user, "format": "DateReminder", "reminder": {**EVENT, **more}}
    made: Json = await api.ok("POST", BASE, sent)
    return made


async def expire(api: Api, id: str) -> None:
    await api.hub.db.run("update memories set expires_at = now() - interval '1 second' where id = $1", id)


def days(memory: Json) -> float:
    made, ends = (datetime.fromisoformat(memory[k]) for k in ("createdAt", "expiresAt"))
    return (ends - made) / timedelta(days=1)


async def test_a_memory_is_kept_shown_and_deleted(api: Api) -> None:
    made = await kept(api, "x" * 130, retentionDays=365)
    assert set(made) == {"id", "externalUserId", "content", "format", "createdAt", "expiresAt"}
    assert days(made) == 365 and days(await kept(api)) == 30
    assert await api.ok("GET", f"{BASE}/{made['id']}") == made
    listed = await api.ok("GET", BASE)
    assert [m["content"] for m in listed] == ["Likes tea.", "x" * 120]
    assert listed[1] == {"id": made["id"], "externalUserId": "ana", "content": "x" * 120, "format": "Text"}
    assert await api.ok("DELETE", f"{BASE}?id={made['id']}") == {
        "message": "Memories deleted successfully.", "removedCount": 1, "externalUserId": "ana", "format": "Text",
    }
    assert (await api.call("GET", f"{BASE}/{made['id']}")).status == 404
    assert (await api.call("DELETE", f"{BASE}?id={made['id']}")).status == 404


async def test_a_date_is_kept_until_a_month_after_it(api: Api) -> None:
    made = await dated(api, notes="Bring the card.", remindMinutesBefore=30)
    assert made["format"] == "DateReminder" and made["expiresAt"].startswith("2199-03-31T17:30")
    assert made["content"] == (
        "Dentist (2199-03-01 14:30, America/Sao_Paulo)\nRemind 30 minutes before.\nBring the card."
    )


async def test_lists_are_narrowed(api: Api) -> None:
    tea, _, event = await kept(api), await kept(api, "Vegan", "bob@web"), await dated(api)
    for query, expected in (
        ("filter=TEA", [tea["id"]]), (f"filter={tea['id']}", [tea["id"]]), ("format=DateReminder", [event["id"]]),
        ("filter=ana&format=Text", [tea["id"]]), ("filter=%25", []), ("filter=BOB@", None),
    ):
        found = [m["id"] for m in await api.ok("GET", f"{BASE}?{query}")]
        assert found == expected if expected is not None else len(found) == 1, query


async def test_what_has_expired_is_not_there_and_goes(api: Api) -> None:
    made = await kept(api)
    await expire(api, made["id"])
    assert await api.ok("GET", BASE) == []
    assert (await api.call("GET", f"{BASE}/{made['id']}")).status == 404
    assert (await api.call("DELETE", f"{BASE}?id={made['id']}")).status == 404
    assert (await api.ok("DELETE", f"{BASE}?externalUserId=ana&format=Text"))["removedCount"] == 0
    last = await kept(api)
    await expire(api, last["id"])
    await kept(api)
    await housekeeping(api.hub)
    assert await api.hub.db.value("select count(*) from memories where account_id = $1", api.account) == 1


async def test_a_person_is_forgotten_in_one_format(api: Api) -> None:
    for user in ("user-1", "user-1@web", "user-12", "xuser-1", "user-1.web"):
        await kept(api, user=user)
    await dated(api, "user-1")
    await api.ok("POST", BASE, {"externalUserId": "user-1", "content": "theirs"}, key=api.foreign)
    done = await api.ok("DELETE", f"{BASE}?externalUserId=user-1&format=Text")
    assert done == {
        "message": "Memories deleted successfully.", "removedCount": 1, "externalUserId": "user-1", "format": "Text",
    }
    left = {(m["externalUserId"], m["format"]) for m in await api.ok("GET", BASE)}
    kept_ones = {("user-12", "Text"), ("xuser-1", "Text"), ("user-1.web", "Text"), ("user-1@web", "Text")}
    assert left == kept_ones | {("user-1", "DateReminder")}
    assert len(await api.ok("GET", BASE, key=api.foreign)) == 1
    assert (await api.ok("DELETE", f"{BASE}?externalUserId=user-1&format=DateReminder"))["removedCount"] == 1


CLIENTS = ("0d3f5a6b7c8d", "aaaabbbbcccc")
PEOPLE = (
    "ana@one.example", "ana@two.example", "ana", "ana@one.example@x", "5511999990000@s.whatsapp.net",
    "5511999990000@lid", *(f"zp_telegram:ana@{c}" for c in CLIENTS), "zp_telegram:ana@one.example",
    *(f"zp_whatsapp:123@lid@{c}" for c in CLIENTS), f"zp_telegram:anabel@{CLIENTS[0]}", f"ana@{CLIENTS[0]}",
)


@pytest.mark.parametrize(
    ("named", "gone"),
    [
        ("ana@one.example", {"ana@one.example"}),
        ("ana", {"ana"}),
        ("5511999990000@lid", {"5511999990000@lid"}),
        (f"ana@{CLIENTS[0]}", {f"ana@{CLIENTS[0]}"}),
        # The hub's own: one person at all chat clients.
        (f"zp_telegram:ana@{CLIENTS[0]}", {f"zp_telegram:ana@{c}" for c in CLIENTS}),
        ("zp_telegram:ana", {f"zp_telegram:ana@{c}" for c in CLIENTS}),
        (f"zp_whatsapp:123@lid@{CLIENTS[1]}", {f"zp_whatsapp:123@lid@{c}" for c in CLIENTS}),
        ("zp_telegram:ana@one.example", {"zp_telegram:ana@one.example"}),
    ],
)
async def test_only_the_person_named_is_forgotten(api: Api, named: str, gone: set[str]) -> None:
    for user in PEOPLE:
        await kept(api, user=user)
    done = await api.ok("DELETE", f"{BASE}?externalUserId={quote(named)}&format=Text")
    assert done["removedCount"] == len(gone)
    assert {m["externalUserId"] for m in await api.ok("GET", BASE)} == set(PEOPLE) - gone


async def test_a_name_that_begins_with_an_at_is_not_everybody(api: Api) -> None:
    for user in ("@ana", "@bob", "ana"):
        await kept(api, user=user)
    assert (await api.ok("DELETE", f"{BASE}?externalUserId=@ana&format=Text"))["removedCount"] == 1
    assert len(await api.ok("GET", BASE)) == 2


DELETIONS = [
    ("", "Send either id or externalUserId"),
    (f"id={uuid4()}&externalUserId=ana&format=Text", "Send either id or externalUserId"),
    ("id=7", "id must be a UUID"),
    ("externalUserId=ana", "format is missing"),
    ("externalUserId=ana&format=text", "format must be one of"),
    (f"id={uuid4()}&format=Other", "format must be one of"),
    ("externalUserId=%20&format=Text", "externalUserId"),
    ("externalUserId=a&externalUserId=b&format=Text", "externalUserId must be text"),
]


async def test_a_deletion_says_what_it_means(api: Api) -> None:
    await kept(api)
    for query, words in DELETIONS:
        got = await api.call("DELETE", f"{BASE}?{query}")
        assert got.status == 400 and words in got.said, got.body
    assert len(await api.ok("GET", BASE)) == 1


WRONG: list[tuple[Json, str]] = [
    ({"content": "x"}, "externalUserId is missing"),
    ({"externalUserId": " ", "content": "x"}, "externalUserId"),
    ({"externalUserId": "a"}, "content is missing"),
    ({"externalUserId": "a", "content": " "}, "content must not be empty"),
    ({"externalUserId": "a", "content": "é" * 5121}, "content must have at most 10,240 bytes; it has 10,242"),
    ({"externalUserId": "a", "content": "x", "retentionDays": 0}, "retentionDays must be at least 1"),
    ({"externalUserId": "a", "content": "x", "retentionDays": 366}, "retentionDays must be at most 365"),
    ({"externalUserId": "a", "content": "x", "format": "Date"}, "format must be one of"),
    ({"externalUserId": "a", "content": "x", "format": "DateReminder"}, "reminder is missing"),
    ({"externalUserId": "a", "content": "x", "reminder": EVENT}, "reminder does not belong"),
    ({"externalUserId": "a", "format": "DateReminder", "reminder": {**EVENT, "startsAt": "noon"}}, "startsAt"),
    ({"externalUserId": "a", "format": "DateReminder", "reminder": {**EVENT, "timeZone": "../x"}}, "timeZone"),
    ({"externalUserId": "a", "format": "DateReminder", "reminder": {**EVENT, "endsAt": "2000-01-01"}}, "endsAt is"),
]


async def test_what_cannot_be_kept_is_named(api: Api) -> None:
    for sent, words in WRONG:
        got = await api.call("POST", BASE, sent)
        assert got.status == 400 and words in got.said, got.body


async def test_other_accounts_see_nothing(api: Api) -> None:
    made = await kept(api)
    assert await api.ok("GET", BASE, key=api.foreign) == []
    assert (await api.call("GET", f"{BASE}/{made['id']}", key=api.foreign)).status == 404
    assert (await api.call("DELETE", f"{BASE}?id={made['id']}", key=api.foreign)).status == 404
    assert (await api.call("GET", f"{BASE}?format=Other")).status == 400
