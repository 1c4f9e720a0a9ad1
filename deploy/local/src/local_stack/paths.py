"""Where things are: the repository, and the one git-ignored folder that holds all state."""

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
REPOSITORY = PACKAGE.parents[3]
JARS_WANTED = PACKAGE / "jgo.toml"
JARS_LOCK = PACKAGE / "jgo.lock.toml"


def state_folder() -> Path:
    """The folder of all state: `STOA_STATE_DIR`, else `.stoa` in the repository. Made when missing."""
    folder = Path(os.environ.get("STOA_STATE_DIR") or REPOSITORY / ".stoa").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return folder
