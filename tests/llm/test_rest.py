"""An embedder that fails or hangs is left alone: by whom it happened to, and by all when to several."""

import asyncio
from uuid import UUID, uuid4

import pytest

from hub.llm.breaker import FAILURES, PAUSE
from hub.llm.rest import Rest

LONG = 60.0


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Work:
    """kind: well, broken or stuck; counted: how often it was begun."""

    def __init__(self, kind: str) -> None:
        self.kind, self.counted = kind, 0

    async def __call__(self) -> str:
        self.counted += 1
        if self.kind == "stuck":
            await asyncio.Event().wait()
        if self.kind == "broken":
            raise OSError("the model's file is missing")
        return "vectors"


def resting() -> tuple[Rest, Clock]:
    clock = Clock()
    return Rest(0.01, clock), clock


@pytest.mark.parametrize("kind", ["broken", "stuck"])
async def test_one_that_got_nothing_does_not_ask_again_and_another_one_does(kind: str) -> None:
    (rest, clock), mine, theirs = resting(), uuid4(), uuid4()
    bad, well = Work(kind), Work("well")
    assert [await rest.tried([mine], bad, LONG) for _ in range(5)] == [None] * 5 and bad.counted == 1
    assert await rest.tried([theirs], well, LONG) == "vectors"
    assert await rest.tried([mine], well, LONG) is None
    clock.now += PAUSE + 1
    assert await rest.tried([mine], well, LONG) == "vectors" and well.counted == 2
    assert await rest.tried([mine], bad, LONG) is None and bad.counted == 2


async def test_what_happened_to_several_happens_to_nobody_else() -> None:
    (rest, clock), bad = resting(), Work("stuck")
    for _ in range(FAILURES):
        assert await rest.tried([uuid4()], bad, LONG) is None
    well = Work("well")
    assert await rest.tried([uuid4()], well, LONG) is None and not well.counted
    clock.now += PAUSE + 1
    # One tries after the pause while the others still do without.
    gate = asyncio.Event()

    async def slow() -> str:
        await gate.wait()
        return "vectors"

    rest.patience = LONG
    trial = asyncio.create_task(rest.tried([uuid4()], slow, LONG))
    await asyncio.sleep(0)
    assert await rest.tried([uuid4()], well, LONG) is None and not well.counted
    gate.set()
    assert await trial == "vectors"
    assert await rest.tried([uuid4()], well, LONG) == "vectors"


async def test_questions_of_one_side_by_side_are_one_failure() -> None:
    (rest, _), bad, mine = resting(), Work("stuck"), uuid4()
    assert await asyncio.gather(*(rest.tried([mine], bad, LONG) for _ in range(3 * FAILURES))) == [None] * 3 * FAILURES
    assert await rest.tried([uuid4()], Work("well"), LONG) == "vectors"


async def test_questions_of_one_of_many_collections_side_by_side_are_one_failure() -> None:
    """Nobody else does without because one asks of five collections, or of ids that it made up."""
    (rest, _), bad, mine = resting(), Work("stuck"), uuid4()
    asked = [rest.tried([mine, uuid4()], bad, LONG) for _ in range(3 * FAILURES)]
    assert await asyncio.gather(*asked) == [None] * 3 * FAILURES
    assert await rest.tried([uuid4()], Work("well"), LONG) == "vectors"


async def test_a_collection_of_who_got_nothing_rests_too() -> None:
    (rest, _), bad, well = resting(), Work("broken"), Work("well")
    account, shelf, other = uuid4(), uuid4(), uuid4()
    assert await rest.tried([account, shelf], bad, LONG) is None
    assert await rest.tried([shelf], well, LONG) is None
    assert await rest.tried([other], well, LONG) == "vectors"


async def test_who_had_no_time_or_went_away_says_nothing_of_an_embedder() -> None:
    (rest, _), mine = resting(), uuid4()
    assert await rest.tried([mine], Work("stuck"), 0.001) is None
    assert await rest.tried([mine], Work("well"), LONG) == "vectors"
    rest.patience = LONG
    gone = asyncio.create_task(rest.tried([mine], Work("stuck"), LONG))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    assert await rest.tried([mine], Work("well"), LONG) == "vectors"


async def test_a_fault_of_another_kind_is_told() -> None:
    rest, _ = resting()

    async def wrong() -> str:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await rest.tried([UUID(int=1)], wrong, LONG)
