"""One Chromium from its start to the end of everything it started."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

STEP = 0.05


@contextmanager
def started(command: Sequence[str], home: Path) -> Iterator[tuple[str, int]]:
    """The address of its debugger, and the group of its processes. Debian's command is a shell script that waits for
    the browser: a signal to it alone leaves the browser running."""
    told = home / "DevToolsActivePort"
    process = subprocess.Popen(
        [*command, f"--user-data-dir={home}", "--remote-debugging-port=0", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        end = time.monotonic() + 60
        while not (told.exists() and told.read_text().strip()):
            assert process.poll() is None and time.monotonic() < end, "Chromium does not start"
            time.sleep(STEP)
        yield f"http://127.0.0.1:{told.read_text().split()[0]}", process.pid
    finally:
        _end(process)


def running(group: int) -> list[int]:
    """Processes of a group that still do something; some may wait for nothing but to be forgotten."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it may be over by now
            state, _, of, session = stat.read_text().rpartition(")")[2].split()[:4]
            if group in (int(of), int(session)) and state not in "ZX":
                found.append(int(stat.parent.name))
    return found


def _end(process: subprocess.Popen[bytes], seconds: float = 10.0) -> None:
    """Ask all of them; whoever is still there then is not asked."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in running(process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        end = time.monotonic() + seconds
        while running(process.pid) and time.monotonic() < end:
            time.sleep(STEP)
    process.wait()
