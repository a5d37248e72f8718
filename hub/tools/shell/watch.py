"""What a running sandbox uses: its processes and their memory, counted from outside."""

import os
import re
from pathlib import Path

# Memory of its own and shared memory; pages of files are the system's.
_MEMORY = re.compile(rb"^(?:RssAnon|RssShmem|VmPTE|VmSwap):\s*(\d+) kB", re.MULTILINE)


def count(first: int) -> tuple[int, int]:
    """Processes below one (without it), and bytes of memory that they hold."""
    found, waiting, memory = 0, _children(first), 0
    while waiting:
        pid = waiting.pop()
        found += 1
        memory += _memory(pid)
        waiting += _children(pid)
    return found, memory


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            found += [int(p) for p in Path(f"/proc/{pid}/task/{task}/children").read_text().split()]
    except OSError:
        pass
    return found


def _memory(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_bytes()
    except OSError:
        return 0
    return sum(int(size) for size in _MEMORY.findall(status)) * 1024
