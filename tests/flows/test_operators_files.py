"""What an operator sends beside words is a file of the network's own: voice, song, document; never a bare link."""

import asyncio
import time
from typing import Any

import pytest

from hub.chat.operators import handoff, inbox
from tests.chat.test_recordings import PACKETS, webm
from tests.flows.test_twins import Town, town  # noqa: F401 - the fixture

Json = dict[str, Any]
GIVEN = (
    ("voice.webm", "audio/webm", webm(PACKETS)), ("song.mp3", "audio/mpeg", b"ID3\x04" + bytes(400)),
    ("prices.pdf", "application/pdf", b"%PDF-1.4 prices"),
)


async def sent(one: Town, count: int) -> list[Json]:
    until = time.monotonic() + 30
    while len(found := await one.phone()) < count:
        assert time.monotonic() < until, ([(m["kind"], m["text"]) for m in found], await one.trouble())
        await asyncio.sleep(0.05)
    return found


async def test_voices_songs_and_documents_arrive_as_such(town: Town) -> None:  # noqa: F811
    await town.say("Hello")
    [first] = await sent(town, 1)
    row = await town.hub.db.row("select id, account_id from sessions")
    assert row is not None
    files = await inbox.attach(town.hub, row["account_id"], row["id"], GIVEN)
    assert [f["mime"] for f in sorted(files, key=lambda f: f["name"])] == ["application/pdf", "audio/mpeg", "audio/ogg"]
    await handoff.say(town.hub, row["account_id"], None, row["id"], "Here they are", files)
    found = (await sent(town, 5))[1:]
    assert {r["state"] for r in await town.trouble()} <= {"sending", "sent"}
    assert not any("/media/" in m["text"] for m in found)
    kinds = {m["file"]["name"] if m["file"] else m["text"]: m["kind"] for m in found}
    if town.network == "webhook":
        return
    # Phones of some networks show every sound alike.
    alike = sorted("voice" if kind == "audio" else kind for kind in kinds.values())
    assert alike == ["document", "text", "voice", "voice"], kinds
    if town.network == "telegram":
        for call in ("sendVoice", "sendAudio", "sendDocument"):
            made = await town.ask("GET", f"{town.twins}/control/telegram/calls?limit=500&match={call}")
            assert len(made["calls"]) == 1, call


@pytest.mark.parametrize("name", ["broken.webm", "film.webm"])
async def test_a_recording_that_is_none_goes_out_all_the_same(town: Town, name: str) -> None:  # noqa: F811
    if town.network != "telegram":
        pytest.skip("one network is enough")
    await town.say("Hello")
    await sent(town, 1)
    row = await town.hub.db.row("select id, account_id from sessions")
    assert row is not None
    raw = b"\x1aE\xdf\xa3" + bytes(60) if name == "broken.webm" else webm(PACKETS, tracks=2)
    files = await inbox.attach(town.hub, row["account_id"], row["id"], [(name, "audio/webm", raw)])
    assert [f["name"] for f in files] == [name]
    await handoff.say(town.hub, row["account_id"], None, row["id"], "", files)
    assert [m["kind"] for m in (await sent(town, 2))[1:]] == ["document"]
