"""Webhook calls on disk: none is lost, whoever shares the folder."""

import asyncio
import os
import time
from pathlib import Path
from uuid import uuid4

import pytest

from hub.chat.inbound.spool import Spool
from hub.chat.inbound.webhooks import Knock
from hub.errors import Overloaded


def call(n: int) -> Knock:
    return Knock("zapi", uuid4(), "secret", {"content-type": "application/json"}, f"body {n} \x00é".encode())


async def test_calls_come_back_whole_and_in_order(tmp_path: Path) -> None:
    kept = [call(n) for n in range(5)]
    for one in kept:
        await Spool(tmp_path / "spool").keep(one)
    got: list[Knock] = []

    async def take(knock: Knock) -> None:
        got.append(knock)

    spool = Spool(tmp_path / "spool")
    assert not spool.empty
    assert await spool.drain(take) == 5
    assert got == kept
    assert spool.empty and await spool.drain(take) == 0


async def test_a_call_kept_while_another_process_drains_is_not_lost(tmp_path: Path) -> None:
    mine, theirs = Spool(tmp_path / "spool"), Spool(tmp_path / "spool")
    first, second = call(1), call(2)
    await mine.keep(first)
    got: list[Knock] = []

    async def slow(knock: Knock) -> None:
        got.append(knock)
        if knock == first:
            await theirs.keep(second)

    await mine.drain(slow)
    await mine.drain(slow)
    assert got == [first, second]


async def test_many_drain_at_once(tmp_path: Path) -> None:
    spools = [Spool(tmp_path / "spool") for _ in range(4)]
    kept = [call(n) for n in range(40)]
    await asyncio.gather(*(spools[n % 4].keep(one) for n, one in enumerate(kept)))
    got: list[Knock] = []

    async def take(knock: Knock) -> None:
        await asyncio.sleep(0.001)
        got.append(knock)

    await asyncio.gather(*(s.drain(take) for s in spools for _ in range(3)))
    assert {k.body for k in got} == {k.body for k in kept}
    assert spools[0].empty


async def test_what_cannot_be_taken_now_stays(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    await spool.keep(call(1))

    async def refuse(knock: Knock) -> None:
        raise Overloaded

    with pytest.raises(Overloaded):
        await spool.drain(refuse)
    assert not spool.empty


async def test_a_call_that_breaks_its_taker_does_not_block_the_rest(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    bad, good = call(1), call(2)
    await spool.keep(bad)
    await spool.keep(good)
    got: list[Knock] = []

    async def take(knock: Knock) -> None:
        if knock == bad:
            raise RuntimeError("no")
        got.append(knock)

    assert await spool.drain(take) == 1
    assert got == [good] and spool.empty


async def test_half_a_file_is_not_taken_for_a_call(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    await spool.keep(call(1))
    [file] = (tmp_path / "spool").glob("*.calls")
    file.write_bytes(file.read_bytes()[:-3])
    assert await spool.drain(lambda knock: pytest.fail("taken")) == 0


async def test_a_full_disk_is_said_and_not_promised(tmp_path: Path) -> None:
    (tmp_path / "spool").write_bytes(b"in the way")
    with pytest.raises(Overloaded):
        await Spool(tmp_path / "spool").keep(call(1))


async def test_a_folder_at_rest_is_not_listed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call asks whether something waits for its address: that must not read the folder each time."""
    folder = tmp_path / "spool"
    mine, theirs = Spool(folder), Spool(folder)
    first, second = call(1), call(2)
    await mine.keep(first)
    listed: list[object] = []
    scandir = os.scandir

    def counted(path: Path) -> object:
        listed.append(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", counted)
    lately = time.time() - 10
    os.utime(folder, (lately, lately))
    assert mine.holds(first.client_id) and not mine.holds(second.client_id)
    assert [mine.empty for _ in range(50)] == [False] * 50 and len(listed) == 1
    await theirs.keep(second)  # of another process
    assert mine.holds(second.client_id) and len(listed) > 1
    # What has just been changed may be changed again within the same tick of its clock.
    seen = len(listed)
    assert mine.holds(second.client_id) and len(listed) == seen + 1
