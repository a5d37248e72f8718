"""The command line that starts a shell in a sandbox: bubblewrap, and around it what root needs. Pure but for looks
at which programs there are.

Inside there is a read-only root with /usr and nothing else of the machine, no network, no other
process, an unprivileged user, limits, and the workspace. A hub that runs as root first becomes a user
that owns nothing, in a mount namespace in which that user can reach the workspace.
"""

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hub.config import Settings
from hub.tools.shell.files import LARGEST
from hub.tools.shell.folders import SANDBOX

PROGRAMS = "/usr/bin:/bin:/usr/local/bin"
HOME, COMMANDS, SOCKETS, PYTHON = "/home/workspace", "/opt/hub", "/run/hub", "/opt/python"
PATH = f"{COMMANDS}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:{PYTHON}/bin"
INSIDE = "1000"
OURS = 2  # processes in the sandbox that are not the command's: bubblewrap's first one, and timeout
ORPHAN = 5  # seconds after which a command ends even without its hub
TMP, SHARED, FILES = 64 << 20, 16 << 20, 256
# Of /etc only what programs need to start at all; it names no user, no host, no secret.
ETC = ("/etc/alternatives", "/etc/ld.so.cache")
# Root's only: bring the folders to where the other user can reach them, then go on.
STAGES = ("/mnt", "/media", "/srv", "/opt")
STAGED = (
    'stage=$1; shift; mount -t tmpfs -o mode=755,size=64k none "$stage" || exit 1; n=0; '
    'while [ "$1" != -- ]; do n=$((n+1)); mkdir "$stage/$n" && mount --bind "$1" "$stage/$n" || exit 1; shift; done; '
    'shift; exec "$@"'
)


@dataclass(frozen=True, slots=True)
class Box:
    """What one command runs in. commands, sockets: folders for the generated commands and for the
    socket that they call; None without them."""

    files: Path
    commands: Path | None
    sockets: Path | None
    memory_mb: int
    processes: int
    seconds: float


def box(settings: Settings, files: Path, commands: Path | None = None, sockets: Path | None = None) -> Box:
    return Box(
        files, commands, sockets, settings.shell_memory_mb, settings.shell_processes, settings.shell_seconds
    )


def bubblewrap() -> str | None:
    return shutil.which("bwrap", path=PROGRAMS)


def interpreter() -> tuple[str, Path | None]:
    """A Python that commands can be run with, and the folder to bring in for it when it is not in /usr."""
    for path in ("/usr/bin/python3", "/usr/local/bin/python3"):
        if os.access(path, os.X_OK):
            return path, None
    return f"{PYTHON}/bin/python3", Path(sys.base_prefix)


def arguments(box: Box, command: str, started: int, filter: int | None) -> list[str]:
    """started: a descriptor that is written to when the sandbox stands. filter: one to read the
    filter of system calls from."""
    brought: list[tuple[str, Path, str]] = [("--bind", box.files, HOME)]
    brought += [("--ro-bind", source, place) for source, place in (
        (box.commands, COMMANDS), (box.sockets, SOCKETS), (interpreter()[1], PYTHON)) if source is not None]
    sources = [str(source) for _, source, _ in brought]
    around = _unprivileged(sources) if os.geteuid() == 0 else []
    if around:
        sources = [f"{_stage(sources)}/{n}" for n in range(1, len(sources) + 1)]
    binds = [a for (how, _, place), source in zip(brought, sources, strict=True) for a in (how, source, place)]
    inner = [
        bubblewrap() or "bwrap",
        "--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try",
        "--disable-userns", "--die-with-parent", "--new-session", "--cap-drop", "ALL",
        "--uid", INSIDE, "--gid", INSIDE, "--hostname", "workspace", *_environment(),
        "--ro-bind", "/usr", "/usr", *_system(),
        "--proc", "/proc", "--dev", "/dev", "--size", str(SHARED), "--tmpfs", "/dev/shm",
        "--size", str(TMP), "--tmpfs", "/tmp", *binds, "--chdir", HOME,
        "--remount-ro", "/dev", "--remount-ro", "/",
        *(("--seccomp", str(filter)) if filter is not None else ()),
        "--", "/bin/bash", "-c", _limits(box, started, filter), "bash", command,
    ]
    return around + inner


def _unprivileged(sources: Sequence[str]) -> list[str]:
    user = str(SANDBOX)
    return [
        "/usr/bin/unshare", "--mount", "--propagation", "private", "--",
        "/bin/sh", "-c", STAGED, "sh", _stage(sources), *sources, "--",
        "/usr/bin/setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--inh-caps=-all",
        "--bounding-set=-all", "--no-new-privs", "--",
    ]


def _stage(sources: Sequence[str]) -> str:
    """A folder that hides none of the sources when something is mounted on it."""
    return next(s for s in STAGES if os.path.isdir(s) and not any(f"{one}/".startswith(f"{s}/") for one in sources))


def _environment() -> list[str]:
    found = {
        "PATH": PATH, "HOME": HOME, "USER": "user", "LOGNAME": "user", "SHELL": "/bin/bash", "LANG": "C.UTF-8",
        "TERM": "dumb", "TMPDIR": "/tmp",
    }
    return ["--clearenv", *(a for name, value in found.items() for a in ("--setenv", name, value))]


def _system() -> list[str]:
    """/bin, /lib and the like as this machine has them, and the little of /etc."""
    found = []
    for path in ("/bin", "/sbin", "/lib", "/lib64", "/lib32", "/libx32"):
        if os.path.islink(path):
            found += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            found += ["--ro-bind", path, path]
    return found + [a for path in ETC for a in ("--ro-bind-try", path, path)]


def _limits(box: Box, started: int, filter: int | None) -> str:
    """What the first shell does: bind itself and its children, say that it stands, become the command."""
    limits = {
        "c": 0, "d": box.memory_mb << 10, "f": LARGEST >> 10, "l": 64, "n": FILES, "q": 0, "s": 8192,
        "t": int(box.seconds) + 1, "u": box.processes + OURS,
    }
    lines = [f"ulimit -{name} {value} 2>/dev/null" for name, value in limits.items()]
    closed = f"{started}>&-" + (f" {filter}<&-" if filter is not None else "")
    # A hub that dies in the moment before the sandbox is tied to it cannot end the command any more.
    last = f'exec timeout -s KILL {box.seconds + ORPHAN:g} /bin/bash -c "$1" {closed}'
    return "; ".join((*lines, f"printf . >&{started}", last))
