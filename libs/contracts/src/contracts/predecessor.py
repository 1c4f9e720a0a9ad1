"""The committed predecessors of the schemas: what the readers in use were built from."""

import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

Git = Callable[..., bytes | None]


@dataclass(frozen=True)
class Predecessor:
    """A commit and the schemas in it, by their path below the library's folder."""

    revision: str
    schemas: Mapping[str, dict[str, Any]]


def predecessor(home: Path, revision: str | None = None) -> Predecessor | None:
    """The given revision; else, on a branch, where it left `origin/main`; else HEAD if schemas were changed since, or
    the commit before HEAD if not. None outside a Git checkout and before its first commit.
    """
    program = shutil.which("git")
    if program is None:
        return None

    def git(*words: str) -> bytes | None:
        done = subprocess.run(  # noqa: S603 - the words are ours; a revision follows --end-of-options
            [program, *words], cwd=home, capture_output=True, check=False
        )
        return done.stdout if done.returncode == 0 else None

    commit = _commit(git, revision or _fork(git) or _last_state(git))
    return Predecessor(commit, _schemas(git, commit)) if commit else None


def _commit(git: Git, revision: str) -> str | None:
    found = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    return found.decode().strip() if found else None


def _fork(git: Git) -> str | None:
    base = git("merge-base", "HEAD", "origin/main")
    return base.decode().strip() if base and base != git("rev-parse", "HEAD") else None


def _last_state(git: Git) -> str:
    changed = git("status", "--porcelain", "--", "schemas")
    return "HEAD" if changed or _commit(git, "HEAD~1") is None else "HEAD~1"


def _schemas(git: Git, commit: str) -> Mapping[str, dict[str, Any]]:
    packed = git("archive", "--format=tar", commit, "schemas")
    if packed is None:  # the commit has no schemas yet
        return {}
    with tarfile.open(fileobj=BytesIO(packed)) as archive:
        files = {entry.name: archive.extractfile(entry) for entry in archive if entry.isfile()}
        return {name: json.load(content) for name, content in files.items() if content is not None}
