"""What is kept for somebody stays theirs: a user name that changes hands, or a name that is made up, opens nothing."""

import hashlib
import hmac
import itertools
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import jwt
import pytest
import pytest_asyncio

from hub.processes.embedded import Server
from hub.tools.shell import places, whose
from tests.api.test_tools_in_answers import calls
from tests.conftest import cloned, small
from tests.fakes.model import says
from tests.outreach.street import Street, street

Json = dict[str, Any]
pytestmark = pytest.mark.asyncio(loop_scope="module")
NUMBERS = itertools.count(7_000_000)
SALT = "a salt of the account, long enough for a key"
EVENT = '{"title": "Dentist", "starts_at": "2031-03-01T10:00"}'
IN_FUTURE = '{"when": "tomorrow at 10:00", "reason": "Ask how the operation went."}'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def s(
    servers: tuple[Server, Server], sealing_key: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Street]:
    async with cloned(servers[0]) as dsn:
        settings = small(dsn, servers[1].url, sealing_key, tmp_path_factory.mktemp("hub"))
        async with street(settings) as one:
            more = {"sentinelOptions": {"enabledFunctions": ["Remember", "Calendar"]}}
            await one.db.run("update gateways set parameters = parameters || $1", more)
            await one.db.run("update accounts set salt = $1", SALT)
            await one.rig.w.parameters(allowScheduledContinuations=True)
            yield one


async def write(s: Street, number: int, name: str | None, text: str, *acts: Any) -> str:
    """Somebody on Telegram writes and is answered; what the model was told last."""
    n, before = next(s.count), len(s.rig.net.final())
    s.rig.model.plan.clear()
    s.rig.model.plan.extend(acts)
    s.rig.model.default = says("Well.")
    who: Json = {"id": number, "is_bot": False, "first_name": "A", "language_code": "en"}
    who |= {"username": name} if name else {}
    chat = {"id": number, "type": "private"}
    message = {"message_id": n, "from": who, "chat": chat, "date": 1767272501, "text": text}
    await s.rig.w.knock("telegram", {"update_id": n, "message": message})
    await s.rig.w.until(lambda: len(s.rig.net.final()) > before)
    await s.rig.w.settle()
    return str(s.rig.model.calls[-1].body["messages"])


async def passed_on(s: Street) -> tuple[int, int, str]:
    """Numbers of two people on Telegram and the user name that the second took over; the first has things kept."""
    first, second, name = next(NUMBERS), next(NUMBERS), f"ana{next(NUMBERS)}"
    await write(s, first, name, "I like tea", calls(("memory_save", '{"memoryData": "Likes oolong tea."}')))
    await write(s, first, name, "Dentist!", calls(("calendar_create", EVENT)))
    await write(s, first, name, "Remind me", calls(("schedule_message", IN_FUTURE)))
    return first, second, name


def tag(s: Street, name: object) -> str:
    return f"zp_telegram:{name}@{str(s.rig.w.client)[-12:]}"


@pytest.mark.parametrize(
    ("call", "arguments", "secret"),
    [
        ("memory_search", '{"query": "tea"}', "oolong"),
        ("calendar_search", '{"query": "dentist"}', "Dentist"),
        ("list_scheduled", "{}", "operation"),
    ],
)
async def test_who_takes_a_user_name_over_is_told_nothing(s: Street, call: str, arguments: str, secret: str) -> None:
    first, second, name = await passed_on(s)
    assert secret in await write(s, first, name, "What do you know?", calls((call, arguments)))
    assert secret not in await write(s, second, name, "What do you know?", calls((call, arguments)))


async def test_who_changes_their_user_name_keeps_everything(s: Street) -> None:
    first, _, name = await passed_on(s)
    told = await write(s, first, f"{name}new", "Me again", calls(("memory_search", '{"query": "tea"}')))
    assert "oolong" in told
    told = await write(s, first, None, "Me again", calls(("list_scheduled", "{}")))
    assert "operation" in told


async def test_what_a_business_kept_under_a_user_name_is_not_for_whoever_comes_with_it(s: Street) -> None:
    name, number = f"bia{next(NUMBERS)}", next(NUMBERS)
    await s.ok("POST", "/api/v1/memories", {"externalUserId": tag(s, name), "content": "Owes us 300 reais."})
    told = await write(s, number, name, "Hello", calls(("memory_search", '{"query": "owes reais"}')))
    assert "300" not in told


async def test_what_a_business_kept_under_a_number_is_for_that_number(s: Street) -> None:
    number = next(NUMBERS)
    await s.ok("POST", "/api/v1/memories", {"externalUserId": tag(s, number), "content": "Likes white roses."})
    told = await write(s, number, f"eva{number}", "Hello", calls(("memory_search", '{"query": "roses"}')))
    assert "white roses" in told


async def test_a_business_means_by_a_user_name_who_has_it_now(s: Street) -> None:
    first, second, name = await passed_on(s)
    await write(s, second, name, "Hello")
    await s.ok("POST", "/api/v1/memories", {"externalUserId": tag(s, name), "content": "Likes chess."})
    told = await write(s, second, name, "Hello", calls(("memory_search", '{"query": "chess"}')))
    assert "chess" in told
    told = await write(s, first, f"{name}old", "Hello", calls(("memory_search", '{"query": "likes"}')))
    assert "chess" not in told.partition("memory_search")[2]


async def test_files_of_before_do_not_go_with_a_user_name(s: Street) -> None:
    """Folders that were named after the external user, before people had ids."""
    first, second, name = await passed_on(s)
    await write(s, second, name, "Hello")
    hub, account = s.rig.w.hub, s.rig.w.account
    old = places.kept(hub.settings.home, account, tag(s, name))
    old.make()
    (old.files / "letter.txt").write_text("of the first")
    ids = {n: UUID(str(await _person(s, n))) for n in (first, second)}
    for number in (second, first):
        place = await whose.place(hub, account, tag(s, name), person=ids[number], make=True)
        assert not (place.files / "letter.txt").exists()
    assert (old.files / "letter.txt").exists(), "nobody is certain: it waits"


async def test_files_of_before_go_with_who_alone_had_the_name(s: Street) -> None:
    number, name = next(NUMBERS), f"cora{next(NUMBERS)}"
    await write(s, number, name, "Hello")
    hub, account = s.rig.w.hub, s.rig.w.account
    old = places.kept(hub.settings.home, account, tag(s, name))
    old.make()
    (old.files / "letter.txt").write_text("mine")
    place = await whose.place(hub, account, tag(s, name), person=UUID(str(await _person(s, number))), make=True)
    assert (place.files / "letter.txt").read_text() == "mine"


async def _person(s: Street, number: int) -> Any:
    return await s.db.value("select person_id from identities where key = $1", f"tg:{number}")


NAMES = ("zp_telegram:ana@0123456789ab", "ZP_whatsapp:5511@x", "anon:ana:123", " zp_telegram:7@x", "z\0p_telegram:7@x")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("how", ["signature", "token"])
async def test_a_site_cannot_sign_a_name_of_the_hub(s: Street, how: str, name: str) -> None:
    if how == "token":
        sent: Json = {"token": jwt.encode({"sub": name, "exp": time.time() + 600}, SALT)}
    else:
        sent = {"tag": name, "tagSignature": hmac.new(SALT.encode(), name.encode(), hashlib.sha256).hexdigest()}
    path = f"{s.url}/api/v1/public/web-chat-clients/{s.rig.w.client}/sessions"
    async with s.http.post(path, json=sent) as got:
        body = await got.json()
    # A NUL is dropped from what is sent before the signature is looked at.
    assert got.status == (403 if "\0" in name and how == "signature" else 400), body


async def test_a_name_without_proof_opens_nothing(s: Street) -> None:
    first, _, _ = await passed_on(s)
    path = f"{s.url}/api/v1/public/web-chat-clients/{s.rig.w.client}/sessions"
    async with s.http.post(path, json={"tag": tag(s, first)}) as got:
        assert got.status == 200
        session = (await got.json())["sessionId"]
    row = await s.db.row("select tag, person_id from sessions where id = $1", UUID(session))
    assert row["tag"].startswith("anon:zp_telegram:") and row["person_id"] is None
