"""An answer that was waited for too long leaves nothing behind in the task that waited."""

import asyncio
from typing import Any, cast

import pytest

from hub.llm.straight import Straight


class Provider:
    """One that answers to being given up with an error of its own, or not at all."""

    def __init__(self, error: Exception | None) -> None:
        self._error = error

    def long(self, name: str) -> tuple[float, Any]:
        return 5.0, lambda: None

    async def post(self, *given: Any) -> Any:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if self._error is None:
                raise
            raise self._error from None


@pytest.mark.parametrize("error", [None, ConnectionResetError()])
async def test_who_gave_up_one_answer_can_be_given_up_by_whoever_waits_around(error: Exception | None) -> None:
    nothing = cast("Any", None)
    model = Straight(cast("Any", Provider(error)), "k", "m", nothing, nothing, nothing, nothing)
    begun = await model.ask([], {}, 0.01, 60.0)
    task = asyncio.current_task()
    assert isinstance(cast("Any", begun).error, OSError) and task is not None and not task.cancelling()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()
