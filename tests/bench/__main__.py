"""Run all measures: `python -m tests.bench [--quick] [--only webhook,bell,chats]` (names: see MEASURES)."""

import argparse
import asyncio
import time
from pathlib import Path

import uvloop

from tests.bench import (
    answers,
    bell,
    beside,
    chats,
    console,
    crowds,
    gateway,
    indexing,
    ingest,
    large,
    machine,
    outreach,
    retrieval,
    screens,
    sealed,
    shelves,
    surety,
    traces,
    walls,
    webhook,
    widget,
)
from tests.bench.place import opened
from tests.bench.report import FULL, QUICK, Pace, ms, say, title

MEASURES = {
    "webhook": webhook.measure, "bell": bell.measure, "chats": chats.measure, "gateway": gateway.measure,
    "outreach": outreach.measure, "retrieval": retrieval.measure, "search": shelves.measure, "widget": widget.measure,
    "console": console.measure, "walls": walls.measure, "crowds": crowds.measure, "traces": traces.measure,
    "indexing": indexing.measure, "ingest": ingest.measure, "beside": beside.measure,
    "answers": answers.measure, "sealed": sealed.measure, "screens": screens.measure,
    "surety": surety.measure,
}


async def run(pace: Pace, names: list[str]) -> None:
    begun = time.monotonic()
    title("Only ratios within one run mean anything.")
    say("machine", f"{machine.described()}, load before the run {machine.load():.1f}")
    async with opened() as place:
        disk = await asyncio.to_thread(machine.synced, place.folder)
        say("the disk, alone, keeps 8 kB", ms({"p50": disk[len(disk) // 2], "p99": disk[len(disk) * 99 // 100]}))
        for name in names:
            await MEASURES[name](place, pace)
    title(f"{time.monotonic() - begun:.0f} seconds, load after the run {machine.load():.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description="Measure speed and memory of the real processes.")
    parser.add_argument("--quick", action="store_true", help="one short run of everything")
    parser.add_argument("--only", default=",".join(MEASURES), help="measures to run, comma separated")
    words = "only a hub with years behind it, of so many messages (50 million); it says first what that takes"
    parser.add_argument("--large", nargs="?", type=int, const=large.ROWS, default=0, metavar="ROWS", help=words)
    parser.add_argument("--folder", type=Path, help="of --large: one that is kept, and used again as it was filled")
    args = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if args.large:
            runner.run(large.run(args.large, args.folder))
        else:
            runner.run(run(QUICK if args.quick else FULL, args.only.split(",")))


if __name__ == "__main__":
    main()
