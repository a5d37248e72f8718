"""What the kernel says about processes."""

import os
import time
from pathlib import Path
from tempfile import NamedTemporaryFile

TICK = os.sysconf("SC_CLK_TCK")
MIB = 1 << 20
BLOCK = 8192


def rss(pid: int) -> float:
    """Resident memory in MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MIB


def family(pid: int) -> float:
    """Memory of a process and its children in MiB; what they share counts once."""
    total = 0
    for one in (pid, *_children(pid)):
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except OSError:  # it has ended, or is not ours to read
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def _children(pid: int) -> list[int]:
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def cpu(pid: int) -> float:
    """Seconds of CPU that a process and its children have used."""
    return sum(_cpu(one) for one in (pid, *_children(pid)))


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has ended
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICK


def load() -> float:
    """How many processes wanted to run in the last minute."""
    return os.getloadavg()[0]


def described() -> str:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (MIB * 1024)
    return f"{os.cpu_count()} cores, {memory:.0f} GiB"


def synced(folder: Path, times: int = 200) -> list[float]:
    """Seconds that the disk takes to keep eight kilobytes, which no commit can be quicker than."""
    took = []
    with NamedTemporaryFile(dir=folder) as file:
        os.pwrite(file.fileno(), bytes(BLOCK * times), 0)
        os.fsync(file.fileno())
        for at in range(times):
            begun = time.perf_counter()
            os.pwrite(file.fileno(), b"\1" * BLOCK, BLOCK * at)
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - begun)
    return sorted(took)
