"""Where processes are forked from: one that has imported everything, for all workers of a run. Whoever needs it first
starts it; it ends with the run, as then nobody holds the other end of its pipe."""

import fcntl
import multiprocessing
import os
import socket
import sys
from multiprocessing import forkserver, resource_tracker, spawn, util
from pathlib import Path
from typing import Any

# Where what all workers of a run share is: told to them, who are children of who began it.
PLACE = "TESTS_CLUSTER"
PRELOADED = ["tests.flows.processes", "tests.processes.command", "tests.flows.warm"]


def hold(place: Path) -> int:
    """One end of the pipe, to be held by who outlives all others."""
    os.mkfifo(place / "alive")
    return os.open(place / "alive", os.O_RDWR)


def context() -> Any:
    """As `multiprocessing` has it; it is asked for a process only by whoever runs one."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(PRELOADED)
    server: Any = forkserver._forkserver  # the one of this process
    place = Path(os.environ.get(PLACE, "/nowhere"))
    # Later versions let in only who knows a secret.
    if (place / "alive").exists() and sys.version_info < (3, 14):
        server.ensure_running = lambda: _joined(server, place)
    return found


def _joined(server: Any, place: Path) -> None:
    """Let the process that runs already, or is started now, be this process's too."""
    resource_tracker.ensure_running()
    if server._forkserver_address is not None:
        return
    with (place / "forks.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = place / "forks"
        if not told.exists():
            told.write_text(_started(place))
    server._forkserver_alive_fd = os.open(os.devnull, os.O_RDONLY)
    server._forkserver_address = told.read_text()


def _started(place: Path) -> str:
    """Its address, where it answers once it has imported everything."""
    address = str(place / "forks.socket")
    data = {k: v for k, v in spawn.get_preparation_data("ignore").items() if k in ("main_path", "sys_path")}
    alive = os.open(place / "alive", os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(100)
        main = f"main({listener.fileno()}, {alive}, {PRELOADED!r}, **{data!r})"
        options: Any = util
        command = [spawn.get_executable(), *options._args_from_interpreter_flags()]
        command += ["-c", f"from multiprocessing.forkserver import main; {main}"]
        util.spawnv_passfds(command[0], command, [listener.fileno(), alive])
    os.close(alive)
    return address
