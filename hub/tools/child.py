"""Start one of `hub.tools.children`: a Python of its own with an empty environment and hard limits."""

import asyncio
import json
from pathlib import Path

from hub.child_processes import GRACE, Children, Ended, Stopped
from hub.tools.base import ToolFailed

CHILDREN = Path(__file__).parent / "children"
MEMORY, PDF = 1 << 30, 20_000_000  # bytes of one that prints, and of what it prints


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


async def printed(children: Children, html: str, title: str, *, seconds: float, pages: int) -> Ended:
    """HTML as PDF. code: 0 where it is one, 3 where it has more pages. Raise ToolFailed."""
    asked = {"memory": MEMORY, "seconds": seconds, "pages": pages, "title": title}
    given = json.dumps(asked).encode() + b"\n" + html.encode(errors="replace")
    made = await run(children, "pdf", given, seconds=seconds, longest=PDF)
    return made if made.output.startswith(b"%PDF") else Ended(b"", made.code or 1)
