"""Every deployable has its own hashed pins, the same that development runs with, and no line names an index."""

import re
from pathlib import Path

from tools import tree
from tools.imports import LIBRARIES

PIN = re.compile(r"^([\w.-]+==\S+).*?((?: \\\n    --hash=sha256:[0-9a-f]{64})*)$", re.MULTILINE)


def problems(root: Path) -> list[str]:
    folder = root / "requirements"
    wanted = {"dev", "tools", *tree.packages(root)} - {*LIBRARIES}
    missing = [
        f"requirements/{name}.txt is missing: make lock"
        for name in sorted(wanted)
        if not (folder / f"{name}.txt").exists()
    ]
    if missing:
        return missing
    development = set(_pins(folder / "dev.txt"))
    return [line for path in sorted(folder.glob("*.txt")) for line in _loose(path, development)]


def _pins(path: Path) -> dict[str, bool]:
    return {match[1]: bool(match[2]) for match in PIN.finditer(path.read_text())}


def _loose(path: Path, development: set[str]) -> list[str]:
    pins, name = _pins(path), f"requirements/{path.name}"
    found = [f"{name}: {pin} has no hash" for pin, hashed in pins.items() if not hashed]
    found += [f"{name}: {pin} is not what development runs with" for pin in sorted(pins.keys() - development)]
    rest = PIN.sub("", path.read_text()).split("\n")
    return found + [f"{name}: {line!r} is no pin" for line in rest if line]
