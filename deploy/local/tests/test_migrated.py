from pathlib import Path

from local_stack.migrated import Migrated


def _migration(folder: Path, text: str) -> Path:
    (folder / "migrations" / "versions").mkdir(parents=True, exist_ok=True)
    (folder / "migrations" / "versions" / "0001_pre_create.py").write_text(text)
    return folder / "migrations"


def test_a_fresh_data_folder_has_seen_nothing(tmp_path: Path) -> None:
    assert not Migrated(tmp_path).knows("chats", _migration(tmp_path, "create"))


def test_what_was_seen_is_known_until_it_changes(tmp_path: Path) -> None:
    migrations = _migration(tmp_path, "create")
    Migrated(tmp_path).note("chats", migrations)
    assert Migrated(tmp_path).knows("chats", migrations)
    assert not Migrated(tmp_path).knows("auth", migrations)
    assert not Migrated(tmp_path).knows("chats", _migration(tmp_path, "alter"))


def test_a_new_migration_is_not_known(tmp_path: Path) -> None:
    migrations = _migration(tmp_path, "create")
    Migrated(tmp_path).note("chats", migrations)
    (migrations / "versions" / "0002_pre_more.py").write_text("alter")
    assert not Migrated(tmp_path).knows("chats", migrations)


def test_nothing_is_ever_known_of_a_server_that_is_not_ours(tmp_path: Path) -> None:
    migrations = _migration(tmp_path, "create")
    Migrated(None).note("chats", migrations)
    assert not Migrated(None).knows("chats", migrations)
