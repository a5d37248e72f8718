"""What is done together is done once, whatever goes wrong beside it."""

import asyncio
from collections.abc import Sequence

import pytest

from hub.store.together import Alone, Together


async def test_who_is_told_to_go_alone_is_done_by_no_other_group() -> None:
    begun: list[str] = []
    let = asyncio.Event()

    async def statement(items: Sequence[str]) -> dict[int, str]:
        begun.extend(items)
        await let.wait()
        if "broken" in items:
            raise KeyError("a fault of ours")
        return dict(enumerate(items))

    together: Together[str, str] = Together(statement, 1, 100)
    asked = [asyncio.create_task(together.ask(one, 1)) for one in ("broken", "good", "waits")]
    async with asyncio.timeout(10):
        while len(begun) < 2:
            await asyncio.sleep(0)
        let.set()
        broken, good, waits = await asyncio.gather(*asked, return_exceptions=True)
        await together.close()
        assert isinstance(broken, Alone) and good == "good"
        assert isinstance(waits, Alone) == ("waits" not in begun), "either alone or with others, never both"
        assert await together.ask("later", 1) == "later"
    assert begun.count("waits") <= 1


@pytest.mark.parametrize("under_way", [False, True])
async def test_who_stops_waiting_stops_nobody_else(under_way: bool) -> None:
    """One that no statement has yet is not done any more; one that a statement has is."""
    begun: list[str] = []
    let = asyncio.Event()

    async def statement(items: Sequence[str]) -> dict[int, str]:
        begun.extend(items)
        await let.wait()
        return dict(enumerate(items))

    together: Together[str, str] = Together(statement, 3, 100)
    first = None if under_way else asyncio.create_task(together.ask("first", 1))
    async with asyncio.timeout(10):
        while first is not None and not begun:
            await asyncio.sleep(0)
        asked = {name: asyncio.create_task(together.ask(name, 1)) for name in ("stops", "stays")}
        await asyncio.sleep(0)
        while not begun:
            await asyncio.sleep(0)
        asked["stops"].cancel()
        let.set()
        assert await asked["stays"] == "stays"
        assert first is None or await first == "first"
    assert begun.count("stops") == int(under_way) and asked["stops"].cancelled()
