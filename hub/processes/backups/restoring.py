"""`hub restore`: a backup put back, whole or not at all, brought up to date, and without whom was erased since.

The archive is read twice: once for its checksums alone, before anything is touched, and once more while it is put back,
in one transaction that is committed only when the checksums held again.
"""

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import orjson
from pydantic import SecretStr

from hub import SCHEMA
from hub.chat.operators import erasure, ledger
from hub.config import Settings
from hub.errors import Setup
from hub.personal_keys import COPIES, copied, identity
from hub.processes.backups.archive import DATABASE, HOME, Checked, Json, Member, check, members
from hub.processes.backups.database import load, tools
from hub.processes.backups.making import fingerprint
from hub.processes.backups.sources import owner_of
from hub.processes.embedded import start_postgres, start_valkey
from hub.processes.home import RESTORING, SEALING_KEY, locked, with_key, write_private
from hub.runtime import open_hub
from hub.store import snapshots, wall
from hub.store.migrate import migrate

Say = Callable[[str], None]
STAGE = ".restoring"
# Clocks of several machines may differ by this much.
SKEW = timedelta(minutes=10)
Then = Callable[[Settings, Json], None]


def restore(
    settings: Settings, file: Path, *, replace: bool, erasures: Path | None, say: Say, then: Then | None = None
) -> Json:
    """Put it back; the manifest. then: called with the settings of what was restored while its servers run.

    Raise Setup."""
    with _open(file) as archive:
        manifest = check(archive, *_keys(settings))
        say(f"checksums hold: made {manifest['began']} by hub {manifest['hub']}, schema {manifest['schema']}")
        _known(manifest)
        with ExitStack() as stack:
            stack.enter_context(locked(settings.home))
            _keyed(settings, manifest)
            keys_back(settings, file.parent, say)
            target = _served(settings, stack)
            _ready(target, replace)
            write_private(settings.home / RESTORING, orjson.dumps({"file": str(file)}))
            _put(target, archive, manifest, replace)
            target = with_key(target)
            asyncio.run(finish(target, datetime.fromisoformat(manifest["began"]), erasures, say))
            (settings.home / RESTORING).unlink()
            if then is not None:
                then(target, manifest)
    return manifest


def keys_back(settings: Settings, beside: Path, say: Say) -> None:
    """People's keys from their copies, where there is no folder of them: on a new machine."""
    if not settings.personal_keys or identity(Path(settings.personal_keys), begin=False) is not None:
        return
    for copies in (settings.backups_folder / COPIES, beside / COPIES):
        if identity(copies, begin=False) is not None:
            say(f"personal keys: {copied(copies, Path(settings.personal_keys))} taken from {copies}")
            return


@contextmanager
def _open(file: Path) -> Iterator[BinaryIO]:
    try:
        with open(file, "rb") as archive:
            yield archive
    except FileNotFoundError:
        raise Setup(f"There is no file {file}.") from None


def _keys(settings: Settings) -> tuple[str, str]:
    return settings.backup_passphrase.get_secret_value(), settings.backup_identity.get_secret_value()


def _known(manifest: Json) -> None:
    if manifest["schema"] > SCHEMA:
        raise Setup(
            f"The backup is of a newer hub ({manifest['hub']}, schema {manifest['schema']}) than this one "
            f"(schema {SCHEMA}); restore it with that version or a newer one."
        )


def _keyed(settings: Settings, manifest: Json) -> None:
    """Without the key that sealed them, no stored secret would ever open. Raise Setup."""
    given = settings.sealing_key.get_secret_value() or (settings.home / SEALING_KEY).exists()
    wanted = manifest["key"]
    if given and fingerprint(with_key(settings)) != wanted["fingerprint"]:
        raise Setup(
            "The sealing key here is not the one of the backup; set HUB_SEALING_KEY to that, or take an empty home."
        )
    if not given and not wanted["inside"]:
        raise Setup("The backup was made without its sealing key; set HUB_SEALING_KEY to the key it was made under.")


def _served(settings: Settings, stack: ExitStack) -> Settings:
    """Settings whose servers run meanwhile: Valkey too, for erasing tells whoever listens."""
    own_database, own_redis = settings.embedded
    changes: dict[str, Any] = {}
    for own, name, start in ((own_database, "database_url", start_postgres), (own_redis, "redis_url", start_valkey)):
        if own:
            server = start(settings.home.resolve())
            stack.callback(server.stop)
            changes[name] = SecretStr(server.url)
    return settings.changed(**changes)


def _ready(target: Settings, replace: bool) -> None:
    """Raise Setup where there is something already, or somebody at work."""
    url = owner_of(target)
    user, password = app_of(target)
    found, walled = asyncio.run(snapshots.prepare(url, user, password))
    if found.tables and not replace:
        raise Setup("The database is not empty; `hub restore --replace` puts the backup in the place of what is there.")
    if found.processes:
        raise Setup("A hub is at work in this database; stop it first.")
    if not walled:
        raise Setup("The wall's roles are missing and may not be made; deploy/README.md has the statements for it.")
    tools().suits(found.server)


def app_of(settings: Settings) -> tuple[str | None, str | None]:
    """Who signs in for everything but migrations, as `hub migrate` and `hub up` make it."""
    url = settings.database_url.get_secret_value()
    app = wall.as_app(url)
    return wall.user_of(app) if settings.owner_url.get_secret_value() or app != url else (None, None)


def _put(target: Settings, archive: BinaryIO, manifest: Json, replace: bool) -> None:
    url, stage = owner_of(target), target.home / STAGE
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(mode=0o700)
    seen = Checked()
    walk = seen.watch(members(archive, *_keys(target)))
    links: list[tuple[Path, str]] = []

    def pieces() -> Iterator[bytes]:
        for member, data in walk:
            if member.name.startswith(DATABASE):
                yield from data
            elif member.name.startswith(HOME):
                _staged(stage, member, data, links)
        seen.manifest()  # raises before the transaction is committed

    server = asyncio.run(snapshots.server(url))
    load(tools(), url, server, pieces(), "".join(f"{sql};\n" for sql in snapshots.REPLACES) if replace else "")
    # Links last: nothing of the archive is written through one.
    for path, leads in links:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.symlink(leads, path)
    _moved(stage, target.home)


def _staged(stage: Path, member: Member, data: Iterator[bytes], links: list[tuple[Path, str]]) -> None:
    path = stage / member.name.removeprefix(HOME)
    if member.target is not None:
        links.append((path, member.target))
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(path, "xb", opener=lambda p, f: os.open(p, f, member.mode & 0o700 | 0o600)) as out:
        for piece in data:
            out.write(piece)
        os.fchmod(out.fileno(), member.mode | 0o600)
        os.fsync(out.fileno())


def _moved(stage: Path, home: Path) -> None:
    """What was restored into its place; what was there goes aside."""
    aside = home / f"before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    for path in sorted(stage.iterdir()):
        place = home / path.name
        if place.exists() and path.name == SEALING_KEY:
            continue  # compared already: it is the same
        if place.exists():
            aside.mkdir(mode=0o700, exist_ok=True)
            os.replace(place, aside / path.name)
        os.replace(path, place)
    shutil.rmtree(stage)


async def finish(target: Settings, began: datetime, erasures: Path | None, say: Say) -> None:
    """The schema of this version, the wall, and nobody who was erased since."""
    url = owner_of(target)
    done = await migrate(url, *app_of(target))
    say("; ".join(f"applied {name}" for name in done) or "the schema is current")
    listed = ledger.read(target.backups_folder / ledger.FILE) + (ledger.read(erasures) if erasures is not None else [])
    since = [one for one in listed if one.at > began - SKEW]
    app = target.changed(database_url=SecretStr(wall.as_app(target.database_url.get_secret_value())))
    async with open_hub(app) as hub:
        count = await erasure.again(hub, since)
    say(f"erased since: {len(since)} on the list, {count} were in the backup and are erased again")
