"""Make sure that there is a Chromium for the browser tests; say loudly when there can be none."""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome")


def found() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def main() -> None:
    """Install Debian's package where that is possible. With CI=true a missing browser is an error."""
    if found():
        return
    if shutil.which("apt-get") and os.geteuid() == 0:
        print("installing chromium for the browser tests ...", flush=True)
        subprocess.run(["apt-get", "update", "-qq"], check=False, stdout=subprocess.DEVNULL)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"],
            check=False,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        )
    if not found():
        print(
            "\n*** NO CHROMIUM: the browser tests cannot run. Install it (Debian: apt-get install chromium). ***\n",
            file=sys.stderr,
        )
        if os.environ.get("CI") == "true":
            sys.exit(1)


if __name__ == "__main__":
    main()
