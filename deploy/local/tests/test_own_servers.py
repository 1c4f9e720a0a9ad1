"""The stack on its own PostgreSQL and Kafka: slower, so only what needs them."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest
from jgo.config import GlobalSettings

from local_stack import jars
from local_stack.board import State
from local_stack.kafka import Kafka
from local_stack.plan import Plan
from local_stack.processes import marked

from .dummies import Stack

pytestmark = pytest.mark.timeout(300)
NOBODY = 65534
# May read whatever root may (the interpreter can be in root's home), and is an ordinary user in all else.
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
AS_NOBODY += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
ORDINARY = AS_NOBODY if os.geteuid() == 0 and shutil.which("setpriv") else []


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path / "wörk space", {})
    yield stack
    stack.run("clean")


@pytest.fixture
def ordinary() -> Iterator[Stack]:
    """A stack of an ordinary user, with a home and the broker's jars of that user's own."""
    with TemporaryDirectory(prefix="home of nobody ") as name:
        home = Path(name)
        shutil.copytree(GlobalSettings.load().repo_cache, home / "m2")
        stack = Stack(home / "wörk", {"HOME": name, "M2_REPO": str(home / "m2")})
        for path in (home, *home.rglob("*")) if ORDINARY else ():
            os.chown(path, NOBODY, NOBODY)
        yield stack


def test_an_ordinary_users_data_outlives_a_restart_and_servers_come_back_killed_or_wiped(ordinary: Stack) -> None:
    started = ordinary.run("up", prefix=ORDINARY)
    assert started.returncode == 0, started.stdout
    assert (ordinary.state / "postgres" / "data").stat().st_uid != 0
    cluster = _cluster(ordinary.state / "kafka")
    asyncio.run(_execute(ordinary, "CREATE TABLE kept (id int)"))
    postgres = ordinary.board().rows["postgres"].identity
    assert postgres is not None
    os.kill(postgres.pid, 9)
    ordinary.eventually(
        lambda board: board.rows["postgres"].restarts > 0 and board.rows["postgres"].state is State.READY
    )
    assert ordinary.run("down", prefix=ORDINARY).returncode == 0
    assert marked(str(ordinary.state)) == []
    assert ordinary.run("up", prefix=ORDINARY).returncode == 0
    asyncio.run(_execute(ordinary, "SELECT * FROM kept"))
    assert _cluster(ordinary.state / "kafka") == cluster
    kafka = ordinary.board().rows["kafka"].identity
    assert kafka is not None
    shutil.rmtree(ordinary.state / "kafka" / "data")
    os.kill(kafka.pid, 9)
    ordinary.eventually(lambda board: board.rows["kafka"].restarts > 0 and board.rows["kafka"].state is State.READY)
    assert _cluster(ordinary.state / "kafka") != cluster
    assert ordinary.run("down", prefix=ORDINARY).returncode == 0


def test_clean_ends_the_servers_of_tests_too(own: Stack) -> None:
    started = own.run("backends", "start")
    assert "export STOA_POSTGRES_ADMIN_DSN=" in started.stdout
    assert started.stdout == own.run("backends", "start").stdout
    assert len(marked(str(own.state / "test-backends"))) >= 2
    assert own.run("clean").returncode == 0
    assert marked(str(own.state), below=True) == []
    assert not own.state.exists()


def test_every_fresh_data_folder_is_another_cluster(tmp_path: Path) -> None:
    for name in ("one", "two"):
        Kafka(tmp_path / name, 1, 2, "secret", jars.class_path()).prepare()
    assert _cluster(tmp_path / "one") != _cluster(tmp_path / "two")


def _cluster(kafka: Path) -> str:
    lines = (kafka / "data" / "meta.properties").read_text().splitlines()
    return next(line for line in lines if line.startswith("cluster.id="))


async def _execute(stack: Stack, statement: str) -> None:
    dsn = Plan.load(stack.state / "plan.json").addresses.settings_of("alpha", database="alpha")
    connection = await asyncpg.connect(dsn["STOA_DATABASE_OWNER_DSN"])
    await connection.execute(statement)
    await connection.close()
