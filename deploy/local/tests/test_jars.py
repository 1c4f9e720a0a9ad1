import os
import shutil
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from jgo.config import GlobalSettings

from local_stack import jars


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the locked jars in the layout of a Maven repository."""
    folder, cache = tmp_path_factory.mktemp("good"), GlobalSettings.load().repo_cache
    for jar in jars.class_path().split(os.pathsep):
        target = folder / Path(jar).relative_to(cache)
        target.parent.mkdir(parents=True)
        shutil.copy(jar, target)
    return folder


@pytest.fixture
def source(good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What a repository on the loopback interface, the only one in jgo's settings, serves."""
    folder = tmp_path / "source"
    shutil.copytree(good, folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder))) as server:
        Thread(target=server.serve_forever).start()
        settings = tmp_path / "jgo.conf"
        settings.write_text(f"[repositories]\nlocal = http://127.0.0.1:{server.server_port}\n")
        monkeypatch.setenv("JGO_CONFIG_FILE", str(settings))
        yield folder
        server.shutdown()


@pytest.fixture
def cache(good: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This machine's local repository, with everything in it."""
    folder = tmp_path / "m2"
    shutil.copytree(good, folder)
    monkeypatch.setenv("M2_REPO", str(folder))
    return folder


def _clients(repository: Path) -> Path:
    return next(repository.rglob("kafka-clients-*.jar"))


def test_a_jar_that_is_not_the_locked_one_is_refused(cache: Path, source: Path) -> None:
    _clients(cache).unlink()
    _clients(source).write_bytes(b"another program")
    with pytest.raises(jars.WrongJar, match="kafka-clients"):
        jars.class_path()


def test_a_jar_cut_off_by_an_interruption_is_fetched_again(cache: Path, source: Path) -> None:
    _clients(cache).write_bytes(_clients(source).read_bytes()[:1000])
    assert str(_clients(cache)) in jars.class_path().split(os.pathsep)
    assert _clients(cache).read_bytes() == _clients(source).read_bytes()


def test_progress_counts_only_what_is_missing(cache: Path) -> None:
    seen: list[tuple[int, int]] = []
    jars.class_path(lambda done, total: seen.append((done, total)))
    assert seen == []
    _clients(cache).unlink()
    jars.class_path(lambda done, total: seen.append((done, total)))
    assert seen == [(1, 1)]
