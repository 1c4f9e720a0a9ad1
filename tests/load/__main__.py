"""`make bench`: measures everything that performance was promised for, each beside its baseline.

A run starts a system of its own. `--only P7` takes one measure (and what is measured together with it).
"""

import argparse
import asyncio
import shutil
import sys
import traceback
from contextlib import redirect_stdout
from pathlib import Path

import uvloop

from chassis.logging import set_up_logging
from local_stack.paths import REPOSITORY

from . import report
from .bench import begun
from .figures import Figure
from .measures import MEASURES, Measure
from .turns import REPEATS

LOG = REPOSITORY / ".stoa" / "bench.log"
LOGS = REPOSITORY / ".stoa" / "bench-logs"
"""Of all processes, as they were when a measure of this run failed."""


def main() -> int:
    """Exit code 0 when all was measured, whether or not goals are met: to miss one is a result. 1 when a measure
    failed."""
    asked = _asked()
    chosen = [measure for goals, measure in MEASURES.items() if not asked.only or asked.only in goals]
    if not chosen:
        print(f"nothing measures {asked.only}; there is {', '.join(goal for goals in MEASURES for goal in goals)}")
        return 2
    LOG.parent.mkdir(exist_ok=True)
    shutil.rmtree(LOGS, ignore_errors=True)
    with LOG.open("w") as log, redirect_stdout(log):  # parts of services run in this process, and log as they do there
        set_up_logging("bench", lasting=True)
        figures, failed = uvloop.run(_measured(asked.repeats, chosen))
    report.show(figures)
    report.save(figures, {"repeats": asked.repeats}, asked.json)
    print(f"written to {asked.json}")
    return 1 if failed else 0


async def _measured(repeats: int, chosen: list[Measure]) -> tuple[list[Figure], int]:
    """The figures, and how many measures failed: each costs its own rows alone."""
    found, failed = list[Figure](), 0
    async with begun(repeats) as bench:
        for measure in chosen:
            try:
                await asyncio.to_thread(bench.organisation.founder.sign_in)  # a token is good for ten minutes
                found += await measure(bench)
            except Exception:
                failed += 1
                bench.say(traceback.format_exc())
                bench.keep_logs(LOGS)
    return found, failed


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--only", help="one measure, e.g. P7")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--json", type=Path, default=REPOSITORY / ".stoa" / "bench.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
