"""python -m channels.twins: start the twins and say where the phone is."""

import argparse
import sys
from pathlib import Path

from aiohttp import web

from channels.twins.app import build
from channels.twins.options import NETWORKS, Options


def options(arguments: list[str]) -> Options:
    """From the command line."""
    parser = argparse.ArgumentParser(prog="channels.twins", description=__doc__)
    parser.add_argument("networks", nargs="*", help=f"of {', '.join(NETWORKS)}; default: all")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--base-url", default="", help="how media addresses begin")
    parser.add_argument("--speed", type=float, default=1.0, help="factor for every wait")
    parser.add_argument("--log", type=Path, help="append each accepted send to this file")
    parser.add_argument("--auto-read", action="store_true", help="people read at once")
    given = parser.parse_args(arguments)
    if unknown := set(given.networks) - set(NETWORKS):
        parser.error(f"unknown network: {', '.join(sorted(unknown))}")
    return Options(
        host=given.host,
        port=given.port,
        base_url=given.base_url,
        networks=tuple(given.networks) or NETWORKS,
        speed=given.speed,
        log_path=given.log,
        auto_read=given.auto_read,
    )


def main() -> None:
    """Run until a signal."""
    chosen = options(sys.argv[1:])

    def say(*_: object, **__: object) -> None:
        sys.stdout.write(f"The twins' phone is at http://{chosen.host}:{chosen.port}/phone\n")
        sys.stdout.flush()

    app = build(chosen)
    web.run_app(app, host=chosen.host, port=chosen.port, print=say, shutdown_timeout=2.0)


if __name__ == "__main__":
    main()
