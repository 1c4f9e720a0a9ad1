"""Where things are: the checkout, and the one git-ignored folder that holds all state."""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Self

PACKAGE = Path(__file__).resolve().parent
REPOSITORY = PACKAGE.parents[3]
JARS_WANTED = PACKAGE / "jgo.toml"
JARS_LOCK = PACKAGE / "jgo.lock.toml"
_MEMORY = Path("/dev/shm")  # noqa: S108  a folder that is ours alone is made in it
_ROOM = 4 * 1024**3


@dataclass(frozen=True)
class Workspace:
    """A checkout (`STOA_WORKSPACE`, else that of this file) and its state folder (`STOA_STATE_DIR`, else `.stoa`)."""

    root: Path
    state: Path

    @classmethod
    def current(cls) -> Self:
        """That of this process. The state folder is made when missing."""
        root = Path(os.environ.get("STOA_WORKSPACE") or REPOSITORY).resolve()
        state = Path(os.environ.get("STOA_STATE_DIR") or root / ".stoa").resolve()
        state.mkdir(parents=True, exist_ok=True)
        return cls(root, state)

    @property
    def mark(self) -> str:
        """What each process of this stack carries in its environment."""
        return str(self.state)

    def log(self, process: str) -> Path:
        """The log of one process."""
        return self.state / "logs" / f"{process}.log"

    def services(self) -> tuple[str, ...]:
        """The names of the services: each folder `services/<name>` with a package of that name that can be run."""
        found = self.root.glob("services/*/src/*/__main__.py")
        return tuple(sorted(path.parent.name for path in found if path.parent.name == path.parents[2].name))

    def migrations(self, service: str) -> Path:
        """The folder of a service's migrations."""
        return self.root / "services" / service / "migrations"

    def has_gateway(self) -> bool:
        """Whether the gateway can be run."""
        return (self.root / "gateway" / "src" / "gateway" / "__main__.py").exists()


def state_folder() -> Path:
    """The state folder of the current workspace."""
    return Workspace.current().state


def passing_folder(name: str) -> Path:
    """Where test sessions keep what ends with them: in memory where there is room for it, else in the state folder.

    A copy of a database is hundreds of files, and to make one in memory costs a tenth of the processor time.
    """
    in_memory, on_disk = passing_folders(name)
    return in_memory if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _ROOM else on_disk


def passing_folders(name: str) -> tuple[Path, Path]:
    """Both places where such a folder can be: which one a session takes depends on the room of that moment."""
    state = state_folder()
    checkout = hashlib.sha256(os.fsencode(state)).hexdigest()[:12]
    return _MEMORY / f"stoa-{os.geteuid()}-{checkout}" / name, state / name
