"""`python -m tests.chaos run --seed 7 --minutes 3 --faults kill,pause`: ends with 1 when an invariant does not hold."""

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path

from local_stack.paths import REPOSITORY

from ..stack import Stack
from .drive import Settings, run

SORTS = ("kill", "sigterm", "pause", "broker", "postgres", "backends", "rewind", "repeat", "poison")


def main() -> int:
    """Starts a system of its own, unless `STOA_STATE_DIR` holds one that runs, and ends it."""
    settings = _settings()
    os.environ.pop("STOA_POSTGRES_ADMIN_DSN", None)  # a system whose servers are not its own cannot be harmed
    os.environ.pop("STOA_KAFKA_BOOTSTRAP", None)
    Stack.sweep()
    stack = Stack.of_this_process()
    try:
        stack.start()
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
    parser.add_argument("--folder", type=Path, default=None)
    asked = parser.parse_args()
    faults = () if asked.faults == "none" else tuple(asked.faults.split(","))
    if unknown := set(faults) - set(SORTS):
        parser.error(f"unknown faults: {', '.join(sorted(unknown))}")
    folder = asked.folder or REPOSITORY / ".stoa" / "chaos" / str(asked.seed)
    return Settings(asked.seed, asked.minutes, faults, folder, asked.members)


if __name__ == "__main__":
    sys.exit(main())
