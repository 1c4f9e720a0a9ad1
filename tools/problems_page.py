"""`python -m tools.problems_page` writes `docs/problems.md` anew: every problem that any process can answer.

Failures are found where they are defined: in each module, of whatever package, that gives one a slug.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tools import tree

PAGE = Path("docs/problems.md")

SLUG = re.compile(r"^    slug(: ClassVar\[str\])? = ", re.MULTILINE)


def page(root: Path) -> str:
    """The page as it should be. Made in a process of its own, where nothing else has defined a failure."""
    command = [sys.executable, "-P", "-m", "chassis.http.catalogue", *modules(root)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def modules(root: Path) -> Iterator[str]:
    """Names of the modules in which failures are defined."""
    for package in tree.packages(root).values():
        for path in sorted(package.rglob("*.py")):
            if SLUG.search(path.read_text()):
                yield ".".join(path.relative_to(package.parent).with_suffix("").parts)


if __name__ == "__main__":
    (Path.cwd() / PAGE).write_text(page(Path.cwd()))
