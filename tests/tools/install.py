"""Make sure that there is a bubblewrap for the tests of the shell; say loudly when there can be none."""

import os
import shutil
import subprocess
import sys


def main() -> None:
    """Install Debian's package where that is possible. With CI=true a missing one is an error."""
    if shutil.which("bwrap"):
        return
    if shutil.which("apt-get") and os.geteuid() == 0:
        print("installing bubblewrap for the tests of the shell ...", flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "bubblewrap"]):
            subprocess.run(["apt-get", *command], check=False, stdout=subprocess.DEVNULL, env=environment)
    if not shutil.which("bwrap"):
        print(
            "\n*** NO BUBBLEWRAP: the tests of the shell cannot run. Install it (Debian: apt-get install bubblewrap). "
            "***\n",
            file=sys.stderr,
        )
        if os.environ.get("CI") == "true":
            sys.exit(1)


if __name__ == "__main__":
    main()
