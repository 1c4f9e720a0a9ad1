"""What sessions leave behind that were killed."""

from pathlib import Path

import pytest

from local_stack.paths import passing_folders
from local_stack.servers import SESSIONS, Servers

NOBODY = "4194305 1.0"
"""No process has this id: it is above the kernel's highest."""


def test_the_servers_of_a_dead_session_are_cleared_away_wherever_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOA_STATE_DIR", str(tmp_path / "state"))
    left = [place / NOBODY for place in passing_folders(SESSIONS)]
    for folder in left:
        (folder / "postgres").mkdir(parents=True)
    Servers.sweep()
    assert not any(folder.exists() for folder in left)
    left[0].parents[0].rmdir()
    left[0].parents[1].rmdir()
