import os
import signal
import socket
from collections.abc import Callable

import pytest

from local_stack.board import Phase, State
from local_stack.processes import marked

from .dummies import CRASHES, LISTENS_TO_NOTHING, OUTLIVES_ITS_PARENT, WRONG_SETTING, Stack

Make = Callable[..., Stack]


def test_up_returns_when_all_are_healthy_and_down_leaves_nothing(stack: Make) -> None:
    one = stack()
    started = one.run("up")
    assert started.returncode == 0, started.stdout
    assert {name: row.state for name, row in one.board().rows.items()} == {
        "topics": State.DONE,
        "alpha": State.READY,
        "beta": State.READY,
        "gateway": State.READY,
    }
    assert f"Ready: {one.board().rows['gateway'].url}" in started.stdout
    assert one.run("down").returncode == 0
    assert marked(str(one.state)) == []
    assert one.board().runner.process() is None


def test_each_process_gets_its_own_settings_and_no_administrators(stack: Make) -> None:
    one = stack()
    one.run("up")
    alpha, beta, gateway = (one.ask(name, "/environment") for name in ("alpha", "beta", "gateway"))
    assert alpha["STOA_DATABASE_DSN"].endswith("/alpha")
    assert alpha["STOA_KAFKA_USERNAME"] == "alpha"
    assert alpha["STOA_KAFKA_PASSWORD"] != beta["STOA_KAFKA_PASSWORD"]
    assert alpha["STOA_ENVIRONMENT"] == "development"
    assert not any(name.startswith("STOA_DATABASE") for name in gateway)
    assert one.board().rows["beta"].url in gateway["STOA_UPSTREAMS"]
    assert not {"STOA_POSTGRES_ADMIN_DSN", "STOA_SEED"} & (alpha.keys() | gateway.keys())


def test_the_gateway_takes_the_next_free_port(stack: Make) -> None:
    one = stack()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if taken.connect_ex(("127.0.0.1", 8080)) != 0:
            taken.bind(("127.0.0.1", 8080))
            taken.listen()
        one.run("up")
    assert int(one.board().rows["gateway"].url.rpartition(":")[2]) > 8080


def test_a_crashed_process_is_started_again_and_shown(stack: Make) -> None:
    one = stack()
    one.run("up")
    before = one.board().rows["alpha"].identity
    with pytest.raises(OSError, match="Remote end closed"):
        one.ask("alpha", "/crash")
    one.eventually(lambda board: board.rows["alpha"].restarts == 1 and board.rows["alpha"].state is State.READY)
    assert one.board().rows["alpha"].identity != before
    assert "alpha crashed: ended with code 7; again in 0.5 s" in one.run("logs", "runner").stdout
    shown = next(line.split() for line in one.run("status").stdout.splitlines() if line.startswith("alpha"))
    assert shown[2:4] == ["ready", "1"]


def test_a_process_that_never_comes_up_fails_the_start_with_its_reason(stack: Make) -> None:
    one = stack(beta=CRASHES)
    started = one.run("up")
    assert started.returncode == 1
    assert "beta ended with code 5" in started.stdout
    assert "no such thing" in started.stdout
    assert [f"again in {pause} s" in started.stdout for pause in ("0.5", "1", "2")] == [True, True, False]
    assert marked(str(one.state)) == []


def test_a_refused_setting_is_not_tried_again(stack: Make) -> None:
    one = stack(beta=WRONG_SETTING)
    started = one.run("up")
    assert started.returncode == 1
    assert "start refused: STOA_X" in started.stdout
    assert one.board().rows["beta"].restarts == 0


def test_a_failed_migration_fails_the_start(stack: Make) -> None:
    one = stack()
    (one.state.parent / "services/alpha/src/alpha/__main__.py").write_text("raise SystemExit('no such column')")
    started = one.run("up")
    assert started.returncode == 1
    assert "alpha migrate ended with code 1" in started.stdout
    assert "no such column" in started.stdout


def test_down_ends_what_a_killed_runner_left_behind(stack: Make) -> None:
    one = stack(alpha=LISTENS_TO_NOTHING)
    one.run("up")
    os.kill(one.board().runner.pid, signal.SIGKILL)
    one.eventually(lambda board: not board.alive)
    alpha = one.board().rows["alpha"].identity
    assert alpha is not None
    assert alpha.process() is not None, "this dummy survives the death of its parent"
    assert "left by a killed runner" in one.run("down").stdout
    assert alpha.process() is None
    assert marked(str(one.state)) == []


def test_down_ends_what_was_never_written_down(stack: Make) -> None:
    one = stack(alpha=OUTLIVES_ITS_PARENT)
    one.run("up")
    os.kill(one.board().runner.pid, signal.SIGKILL)
    one.eventually(lambda board: not board.alive)
    (one.state / "board.json").unlink()
    assert marked(str(one.state)) != []
    one.run("down")
    assert marked(str(one.state)) == []


def test_up_after_a_killed_runner_begins_anew(stack: Make) -> None:
    one = stack(alpha=OUTLIVES_ITS_PARENT)
    one.run("up")
    left = one.board().rows["alpha"].identity
    os.kill(one.board().runner.pid, signal.SIGKILL)
    one.eventually(lambda board: not board.alive)
    assert one.run("up").returncode == 0
    assert left is not None
    assert left.process() is None
    assert one.board().phase is Phase.READY


def test_up_twice_is_up_once(stack: Make) -> None:
    one = stack()
    one.run("up")
    first = one.board()
    assert one.run("up").returncode == 0
    assert one.board() == first


def test_status_tells_a_script_how_it_stands(stack: Make) -> None:
    one = stack()
    assert one.run("status").returncode == 3
    one.run("up")
    assert one.run("status").returncode == 0


def test_logs_are_one_per_process(stack: Make) -> None:
    one = stack()
    one.run("up")
    assert one.run("logs", "alpha").stdout.splitlines() == ["alpha │ migrated alpha", "alpha │ serving"]
    assert "no log of 'gamma'" in one.run("logs", "gamma").stdout
    assert {"alpha", "beta", "gateway", "runner", "topics"} == {
        line.split()[0] for line in one.run("logs").stdout.splitlines()
    }


def test_migrate_needs_a_running_stack(stack: Make) -> None:
    one = stack()
    refused = one.run("migrate")
    assert refused.returncode == 1
    assert "does not run" in refused.stdout
    one.run("up")
    assert "migrated beta" in one.run("migrate").stdout
