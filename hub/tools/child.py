"""Start one of `hub.tools.children`: a Python of its own with an empty environment and hard limits."""

import asyncio
from pathlib import Path

from hub.child_processes import GRACE, Children, Ended, Stopped
from hub.tools.base import ToolFailed

CHILDREN = Path(__file__).parent / "children"


async def run(children: Children, program: str, given: bytes, *, seconds: float, longest: int) -> Ended:
    """Give a child its input; return its output, at most `longest` bytes.

    Raise ToolFailed when it takes too long or says too much, and when no place gets free in time.
    """
    try:
        async with asyncio.timeout(seconds + GRACE):
            return await children.run(CHILDREN / f"{program}.py", given, seconds=seconds, longest=longest)
    except TimeoutError:
        raise ToolFailed(f"It took longer than {seconds:g} seconds and was stopped.") from None
    except Stopped as e:
        raise ToolFailed(f"It {e} and was stopped.") from None
