"""Make the scratch environment of the clients' tests, once: virtual environments and a folder of Node.js beside ours.

Versions are pinned by hash. Where a registry cannot be reached the tests are skipped, and say so; with CI=true that is
an error.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PLACE = HERE.parents[1] / ".venv" / "clients"
# Clients in their newest versions, and those that hold to an older one of OpenAI's.
PYTHONS = ("new", "older")
NODE = "node"
# For two tests of the API, which are others' words for it too.
OPENAI, TYPED = "node-openai", "node-typed"
NODES = {NODE: HERE / "node", OPENAI: HERE.parent / "node", TYPED: HERE.parent / "node" / "typed"}
NPM = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")
PIP = ("--quiet", "--disable-pip-version-check", "--require-hashes")
SECONDS = 600


def locks(name: str) -> list[Path]:
    if name in NODES:
        return [NODES[name] / "package.json", NODES[name] / "package-lock.json"]
    return [HERE / f"{name}.lock"]


def missing(name: str) -> str | None:
    """Why an environment is not there; None: it is."""
    mark = PLACE / name / ".installed"
    if not mark.exists():
        why = PLACE / f"{name}.why"
        return why.read_text() if why.exists() else "it was not installed (make clients)"
    return None if mark.read_text() == _digest(name) else "it is an older one (make clients)"


def needed(name: str) -> None:
    """Skip with the reason where an environment is missing; in CI that is an error."""
    why = missing(name)
    if why and os.environ.get("CI") == "true":
        pytest.fail(f"the clients' environment {name} is missing: {why}")
    if why:
        pytest.skip(f"the clients' environment {name} is missing: {why}")


def packages(name: str, folder: Path) -> None:
    """Let what runs in a folder find an environment's packages of Node.js."""
    needed(name)
    (folder / "node_modules").symlink_to(PLACE / name / "node_modules")


def _digest(name: str) -> str:
    return hashlib.sha256(b"".join(p.read_bytes() for p in locks(name))).hexdigest()


def _commands(name: str, folder: Path) -> Iterator[tuple[str, ...]]:
    if name in NODES:
        yield NPM
        return
    uv = PLACE / "uv" / "bin"
    if not (uv / "uv").exists():
        # It takes a tenth of pip's time.
        yield sys.executable, "-m", "venv", str(uv.parent)
        yield str(uv / "pip"), "install", *PIP, "-r", str(HERE / "uv.lock")
    yield str(uv / "uv"), "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)
    python = str(folder / "bin" / "python")
    yield str(uv / "uv"), "pip", "sync", "--quiet", "--require-hashes", "--python", python, str(HERE / f"{name}.lock")


def install(name: str) -> str | None:
    """Why it cannot be; None: it is done."""
    if name in NODES and not (shutil.which("node") and shutil.which("npm")):
        return "Node.js is missing"
    folder = PLACE / name
    shutil.rmtree(folder, ignore_errors=True)
    if name in NODES:
        folder.mkdir(parents=True)
        for file in locks(name):
            shutil.copy(file, folder)
    for command in _commands(name, folder):
        try:
            where = folder if name in NODES else HERE
            ran = subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as e:
            return f"{command[0]}: {e}"
        if ran.returncode:
            return (ran.stderr or ran.stdout).strip()[-500:] or f"{command[0]} failed"
    (folder / ".installed").write_text(_digest(name))
    return None


def main() -> None:
    wanted = [name for name in (*PYTHONS, *NODES) if missing(name)]
    if wanted:
        print("installing the clients' scratch environment (once) ...", flush=True)
    for name in wanted:
        PLACE.mkdir(parents=True, exist_ok=True)
        why = install(name)
        (PLACE / f"{name}.why").unlink(missing_ok=True)
        if why:
            (PLACE / f"{name}.why").write_text(why)
            print(f"\n*** NO CLIENTS ({name}): their tests are skipped. {why} ***\n", file=sys.stderr)
            if os.environ.get("CI") == "true":
                sys.exit(1)


if __name__ == "__main__":
    main()
