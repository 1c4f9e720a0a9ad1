"""What stands where in a checkout: its packages, services and files."""

from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path


def packages(root: Path) -> dict[str, Path]:
    """Name of each library, service and door -> its package folder, e.g. `chats` -> `services/chats/src/chats`."""
    marks = [mark for area in ("libs/*", "services/*", "gateway") for mark in root.glob(f"{area}/src/*/__init__.py")]
    return {mark.parent.name: mark.parent for mark in sorted(marks)}


def services(root: Path) -> dict[str, Path]:
    """Name of each service -> its folder, e.g. `chats` -> `services/chats`; a folder is enough to be one."""
    found = (folder for folder in sorted(root.glob("services/*")) if any(folder.glob("[!._]*")))
    return {folder.name: folder for folder in found}


def files(root: Path) -> Iterator[Path]:
    """Every file that git would take, in order. Read from `.gitignore` and not from git: a checkout may lack both."""
    ignore = root / ".gitignore"
    patterns = [line.rstrip("/") for line in ignore.read_text().split()] if ignore.exists() else []
    yield from _walk(root, [".git", *patterns])


def _walk(folder: Path, ignored: list[str]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or any(fnmatch(path.name, pattern) for pattern in ignored):
            continue
        if path.is_dir():
            yield from _walk(path, ignored)
        else:
            yield path


def python_files(root: Path) -> Iterator[Path]:
    return (path for path in files(root) if path.suffix == ".py")


def is_test(path: Path, root: Path) -> bool:
    return "tests" in path.relative_to(root).parts
