"""`make storm`: the storm of `test_storm.py` for as long as one likes."""

import argparse
import os
import sys

import pytest


def main() -> None:
    parser = argparse.ArgumentParser(prog="make storm", description="Kill, pause and cut what runs, then count.")
    parser.add_argument("--minutes", type=float, default=30.0, help="how long it lasts (30)")
    parser.add_argument("--seed", type=int, help="which storm; a random one unless given")
    given = parser.parse_args()
    os.environ["STORM_SECONDS"] = str(given.minutes * 60)
    if given.seed:
        os.environ["STORM_SEED"] = str(given.seed)
    sys.exit(pytest.main(["-q", "-p", "no:xdist", "tests/flows/test_storm.py"]))


if __name__ == "__main__":
    main()
