"""The broker's Java libraries: resolved once into a lock with a SHA-256 each, fetched in parallel, checked.

The files live in Maven's own local repository (`~/.m2`, or `M2_REPO`), which every checkout shares. Where they come
from is jgo's setting (`~/.config/jgo.conf`), never named here.
"""

import hashlib
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from local_stack.locks import locked
from local_stack.paths import JARS_LOCK, JARS_WANTED

if TYPE_CHECKING:  # jgo is dear, and most commands need no jars
    from jgo.env import LockedDependency
    from jgo.maven import Artifact, MavenContext

Advance = Callable[[int, int], None]
"""Told (jars downloaded, jars to download) after each download; never when there is nothing to download."""


class WrongJar(Exception):
    """A downloaded file is not the one that the lock names."""


def lock() -> int:
    """Resolve `jgo.toml` and write `jgo.lock.toml`; returns how many jars it names. Needs the network."""
    from jgo.env import EnvironmentBuilder, EnvironmentSpec, LockFile

    context = _context()
    wanted = EnvironmentSpec.load(JARS_WANTED)
    direct, transitive = context.resolver.resolve(EnvironmentBuilder(context).spec_to_dependencies(wanted))
    LockFile.from_resolved_dependencies([*direct, *transitive], environment_name=wanted.name).save(JARS_LOCK)
    return len(direct) + len(transitive)


def class_path(advance: Advance = lambda done, total: None) -> str:
    """Fetch what is missing, check every file, and return Java's class path.

    Raises `WrongJar` when a file differs from the lock even after a second download, and what jgo raises
    (`RuntimeError`, `requests.RequestException`) when a jar cannot be had.
    """
    from jgo.env import LockFile
    from jgo.maven import Artifact

    context = _context()
    artifacts = [(_artifact(context, entry), str(entry.sha256)) for entry in LockFile.load(JARS_LOCK).dependencies]
    context.repo_cache.mkdir(parents=True, exist_ok=True)
    with locked(context.repo_cache / ".stoa.lock", wait=True), ThreadPoolExecutor(8) as pool:
        missing = [
            artifact for artifact, _ in artifacts if not (artifact.cached_path and artifact.cached_path.exists())
        ]
        for done, _ in enumerate(pool.map(Artifact.resolve, missing), start=1):
            advance(done, len(missing))
        return os.pathsep.join(pool.map(_checked, artifacts))


def _context() -> "MavenContext":
    from jgo.config import GlobalSettings
    from jgo.maven import MavenContext

    logging.getLogger("jgo").setLevel(logging.ERROR)
    settings = GlobalSettings.load()
    return MavenContext(repo_cache=settings.repo_cache, remote_repos=settings.repositories or None, timeout=60)


def _artifact(context: "MavenContext", entry: "LockedDependency") -> "Artifact":
    version = context.project(entry.groupId, entry.artifactId).at_version(entry.version)
    return version.artifact(classifier=entry.classifier or "", packaging=entry.packaging)


def _checked(wanted: "tuple[Artifact, str]") -> str:
    artifact, sha256 = wanted
    path = artifact.resolve()
    if _sha256(path) != sha256:
        path.unlink()  # cut off by an earlier interruption, or damaged: once more
        path = artifact.resolve()
    if (found := _sha256(path)) != sha256:
        raise WrongJar(f"{path} has SHA-256 {found}; the lock says {sha256}")
    return str(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
