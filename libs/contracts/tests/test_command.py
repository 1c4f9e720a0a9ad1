"""`python -m contracts` in a Git checkout: what an incompatible change looks like to the one who makes it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.__main__ import main
from contracts.chats.v1 import MessageSent
from contracts.files import HOME

SCHEMA = Path("schemas/chats/message-sent.v1.json")


def git(home: Path, *words: str) -> None:
    author = ["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *author, *words], cwd=home, check=True, capture_output=True)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A copy of the library's files in a folder with a space, in a fresh repository."""
    home = tmp_path / "a checkout" / "contracts"
    home.mkdir(parents=True)
    for folder in ("schemas", "examples"):
        shutil.copytree(HOME / folder, home / folder)
    shutil.copy(HOME / "CATALOGUE.md", home)
    git(home, "init", "--quiet", "--initial-branch=main")
    return home


def commit(home: Path) -> None:
    git(home, "add", ".")
    git(home, "commit", "--quiet", "--allow-empty", "--message=a state")


def commit_with_another_past(home: Path, change: Callable[[dict[str, dict[str, object]]], None]) -> None:
    """Commits the files as if the kind's fields had been others, and puts today's back."""
    today = (home / SCHEMA).read_text()
    past = json.loads(today)
    change(past["properties"])
    past["required"] = [name for name in past["required"] if name in past["properties"]]
    (home / SCHEMA).write_text(json.dumps(past))
    commit(home)
    (home / SCHEMA).write_text(today)


def text_was_a_number(fields: dict[str, dict[str, object]]) -> None:
    fields["text"] = {"type": "integer"}


def there_was_no_run(fields: dict[str, dict[str, object]]) -> None:
    del fields["run_id"]


def there_was_no_text(fields: dict[str, dict[str, object]]) -> None:
    del fields["text"]


def check(home: Path, *more: str) -> int:
    return main(["--home", str(home), "check", *more])


def test_an_unchanged_library_is_compatible(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commit(home)
    assert check(home) == 0
    assert "complete; compatible with" in capsys.readouterr().out


def test_an_added_optional_field_is_accepted(home: Path) -> None:
    commit_with_another_past(home, there_was_no_run)
    assert check(home) == 0


def test_an_incompatible_change_names_the_field_and_the_readers(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commit_with_another_past(home, text_was_a_number)
    assert check(home) == 1
    forwards, backwards = capsys.readouterr().err.splitlines()
    assert forwards.startswith("chats.message-sent v1: field /text: readers in use would refuse new events")
    assert backwards.startswith(
        "chats.message-sent v1: field /text: new readers would refuse events that lie in chats-"
    )
    readers = ", ".join(MessageSent.contract.readers)
    for line in (forwards, backwards):
        assert line.endswith(f"publish v2 beside it; who must upgrade first: the readers ({readers})")


def test_a_new_required_field_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commit_with_another_past(home, there_was_no_text)
    assert check(home) == 1
    assert "field /text: new readers would refuse events" in capsys.readouterr().err


def test_a_committed_break_is_still_refused(home: Path) -> None:
    commit_with_another_past(home, text_was_a_number)
    commit(home)
    assert check(home) == 1


def test_a_branch_is_compared_with_where_it_left_main(home: Path) -> None:
    commit_with_another_past(home, text_was_a_number)
    git(home, "update-ref", "refs/remotes/origin/main", "HEAD")
    commit(home)
    commit(home)
    assert check(home) == 1
    assert check(home, "--against", "HEAD") == 0


def test_a_kind_that_was_not_there_before_has_no_predecessor(home: Path) -> None:
    today = (home / SCHEMA).read_text()
    (home / SCHEMA).unlink()
    commit(home)
    (home / SCHEMA).write_text(today)
    assert check(home) == 0


@pytest.mark.parametrize("revision", ["no-such-commit", "--output=/tmp/x"])
def test_an_unknown_revision_is_named(home: Path, capsys: pytest.CaptureFixture[str], revision: str) -> None:
    commit(home)
    assert check(home, f"--against={revision}") == 1
    assert f"{revision} is no commit" in capsys.readouterr().err


def test_before_the_first_commit_nothing_is_compared(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(home) == 0
    assert "no commit to compare schemas with" in capsys.readouterr().out


def test_export_mends_what_check_finds(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(home / "schemas")
    assert check(home) == 1
    assert main(["--home", str(home), "export"]) == 0
    assert check(home) == 0
    assert "export" in capsys.readouterr().err


def test_a_running_service_loads_none_of_the_tools() -> None:
    program = (
        "import sys; from contracts.registry import all_contracts; import contracts.envelope; all_contracts();"
        "sys.exit(bool({'jsoncompat', 'jsonschema', 'subprocess'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
