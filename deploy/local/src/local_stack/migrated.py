"""Which migrations a database has seen, so that a start does not ask four times for what is known.

Kept beside the data: a fresh data folder has seen nothing. It is a shortcut of starting only; `migrate` always asks.
"""

import hashlib
import json
from pathlib import Path


class Migrated:
    """The record of one data folder; of a server that is not ours (`data` None) nothing is ever known."""

    def __init__(self, data: Path | None) -> None:
        self._path = data / "migrated.json" if data else None

    def knows(self, service: str, migrations: Path) -> bool:
        """Whether the service's database was migrated with exactly these files."""
        return self._read().get(service) == _fingerprint(migrations)

    def note(self, service: str, migrations: Path) -> None:
        """Its database has now seen them."""
        if self._path:
            self._path.write_text(json.dumps({**self._read(), service: _fingerprint(migrations)}))

    def _read(self) -> dict[str, str]:
        return dict(json.loads(self._path.read_text())) if self._path and self._path.exists() else {}


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()
