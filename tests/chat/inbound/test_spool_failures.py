"""The spool when the disk, a file or a caller fails."""

import asyncio
import os
import stat
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from hub.chat.inbound import spool as module
from hub.chat.inbound.spool import Spool
from hub.chat.inbound.webhooks import Knock
from hub.errors import Overloaded


def call(n: int) -> Knock:
    return Knock(
        "zapi", uuid4(), "secret", {"content-type": "application/json"}, f"body {n}".encode()
    )


class Taker:
    def __init__(self) -> None:
        self.got: list[Knock] = []

    async def __call__(self, knock: Knock) -> None:
        self.got.append(knock)


def files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file())


async def test_any_body_and_header_comes_back(tmp_path: Path) -> None:
    odd = Knock("zapi", uuid4(), "s", {"x": "é\U0001f600", "empty": ""}, bytes(range(256)) * 1000)
    broken = Knock("zapi", uuid4(), "s", {"x": "\udcff"}, b"")
    one, take = Spool(tmp_path / "spool"), Taker()
    for knock in (odd, broken):
        await one.keep(knock)
    assert await one.drain(take) == 2
    assert take.got[0] == odd and take.got[1].headers == {"x": "\ufffd"}


@pytest.mark.parametrize("damage", ["cut", "flipped", "noise", "empty"])
async def test_a_damaged_end_loses_only_itself(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "spool"
    kept = [call(n) for n in range(4)]
    await asyncio.gather(*(Spool(folder).keep(k) for k in kept[:1]))
    one = Spool(folder)
    await asyncio.gather(*(one.keep(k) for k in kept[1:]))
    last = files(folder)[-1]
    raw = last.read_bytes()
    last.write_bytes(
        {
            "cut": raw[:-1],
            "flipped": raw[:-1] + bytes([raw[-1] ^ 1]),
            "noise": raw + b"\xff" * 5,
            "empty": b"",
        }[damage]
    )
    take = Taker()
    await one.drain(take)
    whole = {"cut": 3, "flipped": 3, "noise": 4, "empty": 1}[damage]
    assert take.got == kept[:whole]
    assert one.empty, "what cannot be read does not come back for ever"


async def test_calls_of_a_moment_share_a_file(tmp_path: Path) -> None:
    one = Spool(tmp_path / "spool")
    kept = [call(n) for n in range(50)]
    await asyncio.gather(*(one.keep(k) for k in kept))
    assert len(files(tmp_path)) <= 2
    take = Taker()
    await one.drain(take)
    assert take.got == kept


async def test_a_caller_that_goes_away_takes_nobody_with_it(tmp_path: Path) -> None:
    one, take = Spool(tmp_path / "spool"), Taker()
    first = asyncio.create_task(one.keep(call(1)))
    second = asyncio.create_task(one.keep(call(2)))
    await asyncio.sleep(0)
    first.cancel()
    async with asyncio.timeout(60):
        await second
        await one.keep(call(3))
    await one.drain(take)
    assert {k.body for k in take.got} >= {b"body 2", b"body 3"}


async def test_a_full_spool_refuses_and_says_when_to_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Spool(tmp_path / "spool")
    monkeypatch.setattr(module, "CAP", 500)
    refused = 0
    for n in range(10):
        try:
            await one.keep(call(n))
        except Overloaded as e:
            assert e.retry_after == 60
            refused += 1
    assert 0 < refused < 10
    take = Taker()
    assert await one.drain(take) == 10 - refused
    await one.keep(call(11))


async def test_a_disk_that_fails_is_told_to_everyone(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file where the folder should be")
    one = Spool(tmp_path / "spool" / "inside")
    async with asyncio.timeout(60):
        got = await asyncio.gather(*(one.keep(call(n)) for n in range(5)), return_exceptions=True)
    assert {type(g) for g in got} == {Overloaded}


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
async def test_only_the_owner_reads_it(tmp_path: Path) -> None:
    await Spool(tmp_path / "spool").keep(call(1))
    assert [stat.S_IMODE(os.stat(f).st_mode) for f in files(tmp_path)] == [0o600]
