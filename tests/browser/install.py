"""Make sure that there is a Chromium for the browser tests; say loudly when there can be none."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

# The engine without the windows of a desktop: with them each context costs six times as much.
SHELLS = ("chromium-headless-shell", "chrome-headless-shell")
DESKTOPS = ("chromium", "chromium-browser", "google-chrome")


def found(names: Sequence[str] = (*SHELLS, *DESKTOPS)) -> str | None:
    return next((path for name in names if (path := shutil.which(name))), None)


def main() -> None:
    """Install Debian's package where that is possible. With CI=true a missing browser is an error."""
    if found(SHELLS):
        return
    if shutil.which("apt-get") and os.geteuid() == 0:
        print("installing chromium for the browser tests ...", flush=True)
        if not found():
            subprocess.run(["apt-get", "update", "-qq"], check=False, stdout=subprocess.DEVNULL)
        _installed(SHELLS[0])
        if not found():
            _installed(DESKTOPS[0])
    if not found():
        print(
            "\n*** NO CHROMIUM: the browser tests cannot run. Install it (Debian: apt-get install chromium). ***\n",
            file=sys.stderr,
        )
        if os.environ.get("CI") == "true":
            sys.exit(1)


def _installed(package: str) -> None:
    subprocess.run(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package],
        check=False,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )


if __name__ == "__main__":
    main()
