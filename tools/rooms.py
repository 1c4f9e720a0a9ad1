"""Same rooms, same names: whoever knows one service knows all.

`kinds` is the one room that a service may have besides, for objects that are described by one file each.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from tools import tree

BESIDE = {"README.md", "pyproject.toml", "migrations/env.py"}
TESTS = {"conftest.py", "builders.py"}
TEST_ROOMS = {"unit", "integration", "component"}
PACKAGE = {
    "__init__.py": set[str](),
    "__main__.py": set[str](),
    "py.typed": set[str](),
    "settings.py": set[str](),
    "container.py": set[str](),
    "domain": {"events.py", "errors.py"},
    "application": {"use_cases.py", "ports.py", "views.py"},
    "adapters": {"tables.py", "transaction.py", "publishing.py"},
    "entrypoints": {"http.py", "schemas.py", "kafka.py"},
}
OPTIONAL = {"kinds"}
MIGRATION = re.compile(r"\d{4}_(pre|post)_[a-z0-9_]+\.py")


def problems(root: Path) -> list[str]:
    return [
        f"{folder.relative_to(root)}: {offence}"
        for name, folder in tree.services(root).items()
        for offence in [*_missing(name, folder), *_strange(name, folder)]
    ]


def _missing(name: str, folder: Path) -> Iterator[str]:
    package = {f"src/{name}/{entry}/{file}" for entry, files in PACKAGE.items() for file in files or {""}}
    wanted = BESIDE | package | {f"tests/{file}" for file in TESTS}
    yield from (f"{path.rstrip('/')} is missing" for path in sorted(wanted) if not (folder / path).exists())
    yield from (
        f"tests/{room} has no test" for room in sorted(TEST_ROOMS) if not any(folder.glob(f"tests/{room}/test_*.py"))
    )
    if not any(folder.glob("migrations/versions/*.py")):
        yield "migrations/versions has no migration"


def _strange(name: str, folder: Path) -> Iterator[str]:
    inside = {path.name for path in folder.glob(f"src/{name}/[!_]*")}
    yield from (f"src/{name}/{entry} is no room of a service" for entry in sorted(inside - PACKAGE.keys() - OPTIONAL))
    rooms = {path.name for path in folder.glob("tests/[!_.]*") if path.is_dir()}
    yield from (f"tests/{entry} is no room of its tests" for entry in sorted(rooms - TEST_ROOMS))
    for path in sorted(folder.glob("migrations/versions/[!_]*.py")):
        if not MIGRATION.fullmatch(path.name):
            yield f"migrations/versions/{path.name} is not named <number>_<pre|post>_<what>.py"
