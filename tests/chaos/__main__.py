"""`python -m tests.chaos run --seed 7 --minutes 3 --faults kill,pause`: ends with 1 when an invariant does not hold.

In place of `run`: `sweep` kills each process at each of its crash points; `corpus` makes those runs again that once
found something; `mutants` plants one bug after the other, and ends with 1 when the checker does not find each;
`recovery` tells how fast the system is at work again when one process is killed.
"""

import argparse
import asyncio
import logging
import os
import sys
import tempfile
import time
from pathlib import Path

from local_stack.paths import REPOSITORY

from ..stack import Stack
from . import recovery
from .checker.evidence import Violation
from .corpus import corpus
from .drive import Settings, run_whole
from .mutants import MUTANTS, planted
from .nemesis import SORTS
from .points import SWEPT


def main() -> int:
    """For each run asked for: starts a system of its own, harms it, judges it, and ends it."""
    asked = _asked()
    os.environ.pop("STOA_POSTGRES_ADMIN_DSN", None)  # a system whose servers are not its own cannot be harmed
    os.environ.pop("STOA_KAFKA_BOOTSTRAP", None)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what it says of a broker that is away is no news here
    folder = asked.folder or REPOSITORY / ".stoa" / "chaos"
    runs = corpus(folder) if asked.command == "corpus" else [_settings(asked, folder)]
    if asked.command == "recovery":
        return _measure_recovery()
    if asked.command == "mutants":
        return _find_mutants(asked, folder)
    return 1 if [settings for settings in runs if _violations(settings)] else 0


def _measure_recovery() -> int:
    Stack.sweep()
    stack = Stack.of_this_process()
    try:
        stack.start()
        print(recovery.table(recovery.measure(stack, print)))
    finally:
        stack.stop()
    return 0


def _find_mutants(asked: argparse.Namespace, folder: Path) -> int:
    chosen = [mutant for mutant in MUTANTS if asked.only in mutant.name]
    found = []
    for number, mutant in enumerate(chosen):
        about = (mutant.minutes, mutant.faults, folder / f"mutant-{number}", mutant.crash_point)
        with tempfile.TemporaryDirectory() as overlay, planted(mutant, Path(overlay)):
            runs = (_violations(Settings(seed, *about)) for seed in mutant.seeds_from(asked.seed))
            invariants = {violation.invariant for violation in next(filter(None, runs), [])}
        print(f"=== {mutant.name}: {', '.join(sorted(invariants)) or 'NOT FOUND'}", flush=True)
        found += [mutant] if invariants else []
    print(f"{len(found)} of {len(chosen)} planted bugs were found")
    return 0 if len(found) == len(chosen) else 1


def _violations(settings: Settings) -> list[Violation]:
    Stack.sweep()
    text, found = asyncio.run(run_whole(Stack.of_this_process(), settings))
    print(f"{text}\n\nhistory, report and logs: {settings.folder}", flush=True)
    return found


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("command", choices=["run", "sweep", "corpus", "mutants", "recovery"])
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--faults", default=",".join(SORTS), help="of these, or none")
    parser.add_argument("--members", type=int, default=3, help="clients in each of the two organisations")
    parser.add_argument("--crash-point", choices=SWEPT, help="where `crash` kills; else anywhere")
    parser.add_argument("--only", default="", help="mutants with this in their name")
    parser.add_argument("--folder", type=Path, default=None)
    asked = parser.parse_args()
    if unknown := set(_sorts(asked.faults)) - set(SORTS):
        parser.error(f"unknown faults: {', '.join(sorted(unknown))}")
    return asked


def _settings(asked: argparse.Namespace, folder: Path) -> Settings:
    about = (asked.seed, asked.minutes)
    if asked.command == "sweep":  # clients ask as much as processes can do that are up for a part of the time only
        return Settings(*about, None, folder / str(asked.seed), members=asked.members, pause_s=(0.3, 2.0))
    return Settings(*about, _sorts(asked.faults), folder / str(asked.seed), asked.crash_point, asked.members)


def _sorts(faults: str) -> tuple[str, ...]:
    return () if faults == "none" else tuple(faults.split(","))


if __name__ == "__main__":
    sys.exit(main())
