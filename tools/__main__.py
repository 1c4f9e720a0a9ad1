"""`python -m tools`: check the whole checkout, print each offence, end with 1 when there is one."""

import sys
from pathlib import Path

from tools import imports, limits, pins, purity, rooms, words

RULES = (limits, purity, imports, rooms, words, pins)

if __name__ == "__main__":
    found = [line for rule in RULES for line in rule.problems(Path.cwd())]
    print("\n".join(found) if found else f"{len(RULES)} rules of the workspace kept")
    sys.exit(bool(found))
