"""The committed predecessor of a schema: what the readers in use were built from."""

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Git = Callable[..., str | None]


@dataclass(frozen=True)
class Predecessor:
    """A commit to compare with."""

    revision: str
    git: Git

    def schema(self, path: Path) -> dict[str, Any] | None:
        """The schema as that commit has it; None where the kind was not there yet."""
        text = self.git("show", f"{self.revision}:./{path.name}", folder=path.parent)
        return None if text is None else json.loads(text)


def predecessor(home: Path, revision: str | None = None) -> Predecessor | None:
    """The given revision; else, on a branch, where it left `origin/main`; else HEAD if schemas were changed since, or
    the commit before HEAD if not. None outside a Git checkout and before its first commit.
    """
    program = shutil.which("git")
    if program is None:
        return None

    def git(*words: str, folder: Path = home) -> str | None:
        if not folder.is_dir():
            return None
        done = subprocess.run(  # noqa: S603 - the words are ours; a revision follows --end-of-options
            [program, *words], cwd=folder, capture_output=True, text=True, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else None

    if revision is None:
        revision = _fork(git) or _last_state(git)
    found = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}") if revision else None
    return Predecessor(found, git) if found else None


def _fork(git: Git) -> str | None:
    base = git("merge-base", "HEAD", "origin/main")
    return base if base != git("rev-parse", "HEAD") else None


def _last_state(git: Git) -> str | None:
    if git("status", "--porcelain", "--", "schemas"):
        return "HEAD"
    return git("rev-parse", "--verify", "--quiet", "HEAD~1") or "HEAD"
