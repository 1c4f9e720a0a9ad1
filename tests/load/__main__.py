"""`make bench`: measures everything that performance was promised for, each beside its baseline.

A run starts a system of its own. `--only P7` takes one measure (and what is measured together with it).
"""

import argparse
import sys
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


def main() -> int:
    """Exit code 0 when all was measured, whether or not goals are met: a goal that is missed is a result."""
    asked = _asked()
    chosen = [measure for goals, measure in MEASURES.items() if not asked.only or asked.only in goals]
    if not chosen:
        print(f"nothing measures {asked.only}; there is {', '.join(goal for goals in MEASURES for goal in goals)}")
        return 2
    LOG.parent.mkdir(exist_ok=True)
    with LOG.open("w") as log, redirect_stdout(log):  # parts of services run in this process, and log as they do there
        set_up_logging("bench", lasting=True)
        figures = uvloop.run(_measured(asked.repeats, chosen))
    report.show(figures)
    report.save(figures, {"repeats": asked.repeats}, asked.json)
    print(f"written to {asked.json}")
    return 0


async def _measured(repeats: int, chosen: list[Measure]) -> list[Figure]:
    found = list[Figure]()
    async with begun(repeats) as bench:
        for measure in chosen:
            found += await measure(bench)
    return found


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--only", help="one measure, e.g. P7")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--json", type=Path, default=REPOSITORY / ".stoa" / "bench.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
