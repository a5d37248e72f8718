"""Stop a Valkey and start it again at the same address."""

import subprocess
import time
from urllib.parse import urlsplit

from hub.processes.embedded import Server, _listens


def stop(server: Server) -> None:
    server.process.kill()
    server.process.wait(5)


def start(server: Server) -> None:
    """The same command again; what it held is gone."""
    server.process = subprocess.Popen(
        server.process.args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    port = urlsplit(server.url).port or 0
    end = time.monotonic() + 10
    while not _listens(port):
        assert time.monotonic() < end and server.process.poll() is None
        time.sleep(0.02)
