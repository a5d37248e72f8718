"""The `hub` command."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from hub.config import Settings, load
from hub.errors import HubError, Setup
from hub.processes import catalogue, doctor, init, login, openapi, scheduler, up, web, worker
from hub.processes.home import with_key
from hub.processes.lifetime import run
from hub.processes.logs import set_up
from hub.store.migrate import migrate

NEEDS_SERVERS = "HUB_DATABASE_URL and HUB_REDIS_URL"


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point; any expected failure is one sentence and exit code 1."""
    args = _parser().parse_args(argv)
    try:
        _run(args)
    except (Setup, HubError) as e:
        print(f"hub: {e}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hub", description="A hub that joins chat networks to AI gateways.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, words in (
        ("up", "run everything over embedded servers"),
        ("web", "run the web process"),
        ("worker", "run a worker process"),
        ("scheduler", "run the scheduler process"),
        ("migrate", "bring the database up to date"),
        ("init", "create the first account, its key and the demo"),
        ("doctor", "check the set-up and say what to do"),
        ("login", "print a link that signs in to the console once"),
    ):
        sub = commands.add_parser(name, help=words, description=words)
        sub.add_argument("--home", type=Path, help="folder of the embedded servers, keys and files")
        sub.add_argument("--host", help="address to listen on")
        sub.add_argument("--port", type=int, help="port to listen on")
        if name in ("up", "init"):
            sub.add_argument("--no-demo", action="store_true", help="do not make the demo chat client")
        if name == "login":
            sub.add_argument("--email", help="who is to be signed in; the owner unless given")
        if name == "up":
            sub.add_argument("--workers", type=int, help="worker processes")
            sub.add_argument("--twins", action="store_true", help="also run local twins of the networks")
    commands.add_parser("openapi", help="print the OpenAPI document")
    words = "check the models that your providers' keys reach"
    models = commands.add_parser("catalogue", help=words, description=words)
    models.add_argument("action", choices=("check",), help="ask the providers which of them they still offer")
    double = commands.add_parser("twin", help="run the local twin of a network")
    double.add_argument("network", choices=("telegram", "zapi", "evolution", "kapso"))
    double.add_argument("--host", default="127.0.0.1")
    double.add_argument("--port", type=int, default=8090)
    return parser


def _run(args: argparse.Namespace) -> None:
    if args.command == "openapi":
        return openapi.show()
    if args.command == "twin":
        command = [sys.executable, "-m", "channels.twins", args.network, "--host", args.host, "--port", str(args.port)]
        os.execv(sys.executable, command)
    given = {k: getattr(args, k, None) for k in ("home", "host", "port", "workers")}
    settings = load(**given)
    set_up(args.command, settings.log_level, settings.log_json)
    if args.command == "up":
        return up.up(settings, demo=not args.no_demo, twins=args.twins)
    if args.command == "doctor":
        return doctor.main(settings)
    if args.command == "catalogue":
        return catalogue.main(settings)
    if args.command == "login":
        return asyncio.run(login.show(with_key(doctor.with_running(settings)), args.email, print))
    settings = with_key(_served(settings))
    if args.command == "migrate":
        done = asyncio.run(migrate(settings.database_url.get_secret_value()))
        return print("\n".join(f"applied {name}" for name in done) or "nothing to do")  # noqa: T201
    if args.command == "init":
        return asyncio.run(init.first_start(settings, demo=not args.no_demo, say=print))
    return run({"web": web.main, "worker": worker.main, "scheduler": scheduler.main}[args.command](settings))


def _served(settings: Settings) -> Settings:
    missing = [n for n, own in zip(("HUB_DATABASE_URL", "HUB_REDIS_URL"), settings.embedded, strict=True) if own]
    if missing:
        raise Setup(f"Set {' and '.join(missing)}, or run `hub up`, which brings its own servers.")
    return settings


if __name__ == "__main__":
    main()
