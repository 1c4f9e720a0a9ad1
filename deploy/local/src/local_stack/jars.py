"""The broker's Java libraries: resolved once into a lock with a SHA-256 each, fetched in parallel, checked.

The files live in Maven's own local repository (`~/.m2`, or `M2_REPO`), which every checkout shares. Where they come
from is jgo's setting (`~/.config/jgo.conf`), never named here.
"""

import hashlib
import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jgo.config import GlobalSettings
from jgo.env import EnvironmentBuilder, EnvironmentSpec, LockedDependency, LockFile
from jgo.maven import MavenContext

from local_stack.paths import JARS_LOCK, JARS_WANTED

Advance = Callable[[int, int], None]
"""Told (jars done, jars in all) after each jar."""


class WrongJar(Exception):
    """A downloaded file is not the one that the lock names."""


def lock() -> int:
    """Resolve `jgo.toml` and write `jgo.lock.toml`; returns how many jars it names. Needs the network."""
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
    context, locked = _context(), LockFile.load(JARS_LOCK).dependencies
    done, counting = 0, threading.Lock()

    def fetch(dependency: LockedDependency) -> Path:
        nonlocal done
        path = _fetch(context, dependency)
        with counting:
            done += 1
            advance(done, len(locked))
        return path

    with ThreadPoolExecutor(8) as pool:
        return os.pathsep.join(str(path) for path in pool.map(fetch, locked))


def _context() -> MavenContext:
    logging.getLogger("jgo").setLevel(logging.ERROR)
    settings = GlobalSettings.load()
    return MavenContext(repo_cache=settings.repo_cache, remote_repos=settings.repositories or None, timeout=60)


def _fetch(context: MavenContext, dependency: LockedDependency) -> Path:
    artifact = (
        context.project(dependency.groupId, dependency.artifactId)
        .at_version(dependency.version)
        .artifact(classifier=dependency.classifier or "", packaging=dependency.packaging)
    )
    path = artifact.resolve()
    if _sha256(path) != dependency.sha256:
        path.unlink()  # cut off by an earlier interruption, or damaged: once more
        path = artifact.resolve()
    if (found := _sha256(path)) != dependency.sha256:
        raise WrongJar(f"{path} has SHA-256 {found}; the lock says {dependency.sha256}")
    return Path(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
