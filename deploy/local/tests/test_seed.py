import base64
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local_stack.seed import Seed


def test_a_folder_keeps_its_seed(tmp_path: Path) -> None:
    assert Seed.kept_in(tmp_path) == Seed.kept_in(tmp_path)


def test_callers_at_the_same_moment_agree_on_one_seed(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(Seed.kept_in, [tmp_path] * 32))) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["seed"]


def test_only_its_owner_reads_the_seed(tmp_path: Path) -> None:
    Seed.kept_in(tmp_path)
    assert (tmp_path / "seed").stat().st_mode & 0o077 == 0


def test_every_owner_has_another_password() -> None:
    seed = Seed("one")
    assert seed.password("kafka:chats") == seed.password("kafka:chats")
    assert len({seed.password("kafka:chats"), seed.password("kafka:auth"), Seed("two").password("kafka:chats")}) == 3


def test_the_encryption_key_has_32_bytes() -> None:
    assert [len(base64.b64decode(key)) for key in json.loads(Seed("one").encryption_keys())] == [32]
