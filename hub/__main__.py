"""The `hub` command. Its words are read before anything is imported: help and mistakes are answered at once."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from hub import __version__


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point; any expected failure is one sentence and exit code 1."""
    args = _parser().parse_args(argv)
    if args.command == "twin":
        command = [sys.executable, "-m", "channels.twins", args.network, "--host", args.host, "--port", str(args.port)]
        os.execv(sys.executable, command)
    resolve_name("hub.processes.commands:run")(args)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hub", description="A hub that joins chat networks to AI gateways.")
    parser.add_argument("--version", action="version", version=f"hub {__version__}")
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
    words = "count the chain of the audit log again"
    log = commands.add_parser("audit", help=words, description=words)
    log.add_argument("action", choices=("verify",), help="say the first row that is not as it was written")
    log.add_argument("--home", type=Path, help="folder of the embedded servers, keys and files")
    _of_backups(commands)
    commands.add_parser("openapi", help="print the OpenAPI document", description="print the OpenAPI document")
    words = "check the models that your providers' keys reach"
    models = commands.add_parser("catalogue", help=words, description=words)
    models.add_argument("action", choices=("check",), help="ask the providers which of them they still offer")
    double = commands.add_parser("twin", help="run the local twin of a network", description="run the local twin")
    known = ("telegram", "zapi", "evolution", "kapso", "cloud", "webhook")
    double.add_argument("network", type=_network, choices=known)
    double.add_argument("--host", default="127.0.0.1", help="address to listen on")
    double.add_argument("--port", type=int, default=8090, help="port to listen on")
    return parser


def _network(name: str) -> str:
    """A network by its own name, or by that of its integration in the API (`WhatsAppCloud`, `EvolutionApi`)."""
    return {"whatsappcloud": "cloud", "evolutionapi": "evolution"}.get(name.lower(), name.lower())


def _of_backups(commands: Any) -> None:
    home = {"type": Path, "help": "folder of the embedded servers, keys and files"}
    words = "copy the database and the home's files while the hub runs"
    made = commands.add_parser("backup", help=words, description=words)
    made.add_argument("file", nargs="?", help="where to; `-` for standard output; default: the folder of backups")
    made.add_argument("--new-key", action="store_true", help="print a key pair to seal backups with, and end")
    made.add_argument("--base", action="store_true", help="copy the embedded server for `hub restore --at` instead")
    made.add_argument("--home", **home)
    words = "put a backup back"
    back = commands.add_parser("restore", help=words, description=words)
    back.add_argument("file", nargs="?", type=Path, help="the backup; default: the newest in the folder of backups")
    back.add_argument("--replace", action="store_true", help="in the place of what is there")
    back.add_argument("--at", help="the embedded server as it was at a moment: 2026-11-29T22:15:00Z")
    back.add_argument("--erasures", type=Path, help="another list of who was erased, beside that of this home")
    back.add_argument("--home", **home)
    words = "restore the newest backup beside, try it, and say go or no"
    tried = commands.add_parser("rehearse", help=words, description=words)
    tried.add_argument("file", nargs="?", type=Path, help="the backup; default: the newest in the folder of backups")
    tried.add_argument("--last", type=int, default=20, help="webhooks to replay (20)")
    tried.add_argument("--home", **home)


if __name__ == "__main__":
    main()
