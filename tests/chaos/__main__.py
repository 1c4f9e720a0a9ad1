"""`python -m tests.chaos run --seed 7 --minutes 3 --faults kill,pause`: ends with 1 when an invariant does not hold."""

import argparse
import asyncio
import logging
import os
import sys
import time
from pathlib import Path
from random import Random

from local_stack.paths import REPOSITORY

from ..stack import Stack
from .drive import CRASH_POINTS, Settings, run

SORTS = ("kill", "sigterm", "pause", "broker", "postgres", "backends", "rewind", "repeat", "poison", "crash")


def main() -> int:
    """Starts a system of its own, harms it, judges it, and ends it."""
    settings = _settings()
    os.environ.pop("STOA_POSTGRES_ADMIN_DSN", None)  # a system whose servers are not its own cannot be harmed
    os.environ.pop("STOA_KAFKA_BOOTSTRAP", None)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what it says of a broker that is away is no news here
    Stack.sweep()
    stack = Stack.of_this_process()
    try:
        stack.start(settings.crash_point)
        text, found = asyncio.run(run(stack, settings))
    finally:
        stack.stop()
    print(text)
    print(f"\nhistory, report and logs: {settings.folder}")
    return 1 if found else 0


def _settings() -> Settings:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("command", choices=["run"])
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--faults", default=",".join(SORTS), help="of these, or none")
    parser.add_argument("--members", type=int, default=3, help="clients in each of the two organisations")
    parser.add_argument("--crash-point", choices=CRASH_POINTS, help="where `crash` kills; else by the seed")
    parser.add_argument("--folder", type=Path, default=None)
    asked = parser.parse_args()
    faults = () if asked.faults == "none" else tuple(asked.faults.split(","))
    if unknown := set(faults) - set(SORTS):
        parser.error(f"unknown faults: {', '.join(sorted(unknown))}")
    folder = asked.folder or REPOSITORY / ".stoa" / "chaos" / str(asked.seed)
    crash_point = asked.crash_point or Random(asked.seed).choice(CRASH_POINTS)
    return Settings(asked.seed, asked.minutes, faults, folder, crash_point, asked.members)


if __name__ == "__main__":
    sys.exit(main())
