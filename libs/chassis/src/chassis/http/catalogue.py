"""The page that lists every problem: `python -m chassis.http.catalogue chats.domain.errors … > problems.md`.

The modules named are those in which failures are defined; the chassis' own are always there.
"""

import importlib
import sys
from collections.abc import Sequence

from chassis.core.errors import Failure
from chassis.http.problems import all_failures, status_of

HEAD = """# Problems

Every error answer is `application/problem+json` (RFC 9457). Its `type` is `urn:stoa:problem:<slug>` with one of these
slugs, which never change their meaning. Generated; edit the failures, not this page.

| slug | status | title |
| --- | --- | --- |
"""


def page(failures: Sequence[type[Failure]]) -> str:
    """The page in Markdown, in the order given."""
    rows = (f"| `{failure.slug}` | {status_of(failure)} | {failure.title} |" for failure in failures)
    return HEAD + "\n".join(rows) + "\n"


def main(modules: Sequence[str]) -> None:
    """Prints the page. Raises ModuleNotFoundError for a module that is not there."""
    for module in modules:
        importlib.import_module(module)
    sys.stdout.write(page(all_failures()))


if __name__ == "__main__":
    main(sys.argv[1:])
