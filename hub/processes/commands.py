"""From a command to what it runs: the settings first, then only what this command needs is imported."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from pkgutil import resolve_name
from typing import Any

from hub.config import Settings, load
from hub.errors import HubError, Setup
from hub.processes.home import demand_whole, with_key
from hub.processes.logs import set_up

Command = Callable[[Settings, argparse.Namespace], None]


def run(args: argparse.Namespace) -> None:
    """Run it; an expected failure is one sentence and exit code 1."""
    try:
        settings = load(**{k: getattr(args, k, None) for k in ("home", "host", "port", "workers")})
        set_up(args.command, settings.log_level, settings.log_json)
        COMMANDS[args.command](settings, args)
    except (Setup, HubError) as e:
        print(f"hub: {e}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
    except BrokenPipeError:
        # Whoever read has read enough; what is still buffered goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _up(settings: Settings, args: argparse.Namespace) -> None:
    resolve_name("hub.processes.up:up")(settings, demo=not args.no_demo, twins=args.twins)


def _process(settings: Settings, args: argparse.Namespace) -> None:
    demand_whole(settings.home)
    served = with_key(_served(settings))
    resolve_name("hub.processes.lifetime:run")(resolve_name(f"hub.processes.{args.command}:main")(served))


def _migrate(settings: Settings, args: argparse.Namespace) -> None:
    url, owner = _served(settings).database_url.get_secret_value(), settings.owner_url.get_secret_value()
    who = resolve_name("hub.store.wall:user_of")(url) if owner else (None, None)
    done = asyncio.run(resolve_name("hub.store.migrate:migrate")(owner or url, *who))
    print("\n".join(f"applied {name}" for name in done) or "nothing to do")  # noqa: T201


def _init(settings: Settings, args: argparse.Namespace) -> None:
    first_start = resolve_name("hub.processes.init:first_start")
    asyncio.run(first_start(with_key(_served(settings)), demo=not args.no_demo, say=print))


def _doctor(settings: Settings, args: argparse.Namespace) -> None:
    resolve_name("hub.processes.doctor:main")(settings)


def _login(settings: Settings, args: argparse.Namespace) -> None:
    found = with_key(resolve_name("hub.processes.running:with_running")(settings))
    asyncio.run(resolve_name("hub.processes.login:show")(found, args.email, print))


def _audit(settings: Settings, args: argparse.Namespace) -> None:
    found = with_key(resolve_name("hub.processes.running:with_running")(settings))
    if not asyncio.run(resolve_name("hub.processes.audit:verify")(found, print)):
        sys.exit(1)


def _catalogue(settings: Settings, args: argparse.Namespace) -> None:
    resolve_name("hub.processes.catalogue:main")(settings)


def _backup(settings: Settings, args: argparse.Namespace) -> None:
    if args.new_key:
        secret, public = resolve_name("hub.processes.backups.age:new_identity")()
        print(f"HUB_BACKUP_IDENTITY={secret}\nHUB_BACKUP_RECIPIENT={public}")  # noqa: T201
    elif args.base:
        resolve_name("hub.processes.backups.recovery:base")(settings, _told)
    else:
        resolve_name("hub.processes.backups.making:backup")(settings, args.file, _told)


def _restore(settings: Settings, args: argparse.Namespace) -> None:
    how = {"replace": args.replace, "erasures": args.erasures, "say": _told}
    if args.at is not None:
        resolve_name("hub.processes.backups.recovery:restore_at")(settings, args.at, **how)
    else:
        file = args.file or resolve_name("hub.processes.backups.making:newest")(settings)
        resolve_name("hub.processes.backups.restoring:restore")(settings, file, **how)


def _rehearse(settings: Settings, args: argparse.Namespace) -> None:
    if not resolve_name("hub.processes.backups.rehearsing:rehearse")(settings, args.file, args.last, _told):
        sys.exit(1)


def _told(words: str) -> None:
    """Beside what a command writes to standard output."""
    print(words, file=sys.stderr, flush=True)  # noqa: T201


def _openapi(settings: Settings, args: argparse.Namespace) -> None:
    resolve_name("hub.processes.openapi:show")(settings)


def _served(settings: Settings) -> Settings:
    missing = [n for n, own in zip(("HUB_DATABASE_URL", "HUB_REDIS_URL"), settings.embedded, strict=True) if own]
    if missing:
        raise Setup(f"Set {' and '.join(missing)}, or run `hub up`, which brings its own servers.")
    return settings


COMMANDS: Mapping[str, Any] = {
    "up": _up, "web": _process, "worker": _process, "scheduler": _process, "migrate": _migrate, "init": _init,
    "doctor": _doctor, "login": _login, "openapi": _openapi, "catalogue": _catalogue,
    "audit": _audit, "backup": _backup, "restore": _restore, "rehearse": _rehearse,
}
