"""Pure rooms: a service's domain imports the standard library, `chassis.core` and itself; `chassis.core` only itself.

import-linter cannot say "the standard library and nothing else", so the imports are read from the syntax tree. Imports
inside functions and under TYPE_CHECKING count as well.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from tools import tree

CORE = "chassis.core"


def problems(root: Path) -> list[str]:
    packages = tree.packages(root).items()
    rooms = [(package / "domain", [CORE, f"{name}.domain"]) for name, package in packages]
    rooms += [(package / "core", [CORE]) for name, package in packages if name == "chassis"]
    return [
        f"{path.relative_to(root)}:{line}: imports {module}; allowed are the standard library and {', '.join(allowed)}"
        for room, allowed in rooms
        for path in sorted(room.rglob("*.py"))
        for line, module in _imports(path, source=room.parents[1])
        if not _allowed(module, allowed)
    ]


def _allowed(module: str, allowed: list[str]) -> bool:
    inside = any(f"{module}.".startswith(f"{package}.") for package in allowed)
    return inside or module.split(".")[0] in sys.stdlib_module_names


def _imports(path: Path, source: Path) -> Iterator[tuple[int, str]]:
    here = path.relative_to(source).parts
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = here[: -node.level] if node.level else ()
            yield node.lineno, ".".join([*base, *filter(None, [node.module])])
