"""The home folder: its lock, its keys, what the first start wrote."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from pydantic import SecretStr

from hub.config import Settings
from hub.errors import Setup
from hub.sealing import new_key

BOOTSTRAP, SEALING_KEY = "bootstrap.json", "sealing.key"
RESTORING = "restoring.json"


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Own the home folder. The lock goes with the process, however it ends."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        file = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as e:
        raise Setup(f"The home folder {home} cannot be written ({e.strerror}); choose another with --home.") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        raise Setup(f"Another hub is running in {home}; stop it, or give this one another --home and --port.") from None
    try:
        yield
    finally:
        os.close(file)


def with_key(settings: Settings) -> Settings:
    """Settings with a sealing key: the given one, or the home's, made at the first start."""
    if settings.sealing_key.get_secret_value():
        return settings
    path = settings.home / SEALING_KEY
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_private(path, new_key().encode() + b"\n")
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as e:
        why = e.strerror if isinstance(e, OSError) else "it is no key"
        raise Setup(
            f"The sealing key {path} cannot be used ({why}); set HUB_SEALING_KEY, or choose another folder with --home."
        ) from None
    return settings.changed(sealing_key=SecretStr(key))


def write_private(path: Path, data: bytes) -> None:
    """Write a file only its owner can read, whole or not at all."""
    part = path.with_suffix(path.suffix + ".part")
    file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(file, data)
        os.fsync(file)
    finally:
        os.close(file)
    os.replace(part, path)


def read_bootstrap(home: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = orjson.loads((home / BOOTSTRAP).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, orjson.JSONDecodeError) as e:
        raise Setup(
            f"{home / BOOTSTRAP} cannot be read ({e}); mend it, or move it away to make a new account."
        ) from None
    return found


def write_bootstrap(home: Path, values: dict[str, Any]) -> None:
    write_private(home / BOOTSTRAP, orjson.dumps(values, option=orjson.OPT_INDENT_2) + b"\n")


def demand_whole(home: Path) -> None:
    """Refuse to work over what a restore has begun and not finished. Raise Setup."""
    if (home / RESTORING).exists():
        raise Setup(f"A restore into {home} was cut off; run the same `hub restore` again, with --replace.")
