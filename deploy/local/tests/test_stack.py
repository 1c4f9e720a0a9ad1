"""Starting and ending a stack, in good order and in bad."""

import os
import signal
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from local_stack.board import Phase, State
from local_stack.plan import GATEWAY, Plan
from local_stack.processes import marked

from .dummies import CRASHES, OUTLIVES_ITS_PARENT, WRONG_SETTING, Stack

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


def test_the_gateway_takes_the_next_free_port(stack: Make) -> None:
    one = stack()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if taken.connect_ex(("127.0.0.1", 8080)) != 0:
            taken.bind(("127.0.0.1", 8080))
            taken.listen()
        one.run("up")
    assert int(one.board().rows["gateway"].url.rpartition(":")[2]) > 8080


def test_the_gateway_moves_when_its_port_is_taken_while_it_starts(stack: Make) -> None:
    one = stack()
    with ThreadPoolExecutor(1) as pool, socket.socket() as rival:
        started = pool.submit(one.run, "up")
        port = _take_port_of_gateway(one, rival)
        assert started.result().returncode == 0, started.result().stdout
    assert int(one.board().rows["gateway"].url.rpartition(":")[2]) != port
    assert one.ask("gateway", "/environment")["STOA_HTTP_PORT"] == str(
        Plan.load(one.state / "plan.json").ports[GATEWAY].http
    )


def test_a_process_that_never_comes_up_fails_the_start_with_its_reason(stack: Make) -> None:
    one = stack(beta=CRASHES)
    started = one.run("up")
    assert started.returncode == 1
    assert "beta ended with code 5" in started.stdout
    assert "no such thing" in started.stdout
    assert [f"again in {pause} s" in started.stdout for pause in ("0.1", "0.2", "0.4")] == [True, True, False]
    assert marked(str(one.state)) == []


def test_a_refused_setting_is_not_tried_again(stack: Make) -> None:
    one = stack(beta=WRONG_SETTING)
    started = one.run("up")
    assert started.returncode == 1
    assert "start refused: STOA_X" in started.stdout
    assert one.board().rows["beta"].restarts == 0


def test_what_was_ready_and_is_refused_later_is_tried_until_it_is_let_in(stack: Make, tmp_path: Path) -> None:
    shut = tmp_path / "shut"
    one = stack(beta=f"if os.path.exists({str(shut)!r}): {WRONG_SETTING}")
    assert one.run("up").returncode == 0
    shut.touch()
    with suppress(OSError):
        one.ask("beta", "/crash")
    one.eventually(lambda board: board.rows["beta"].restarts > 2)
    shut.unlink()
    one.eventually(lambda board: board.rows["beta"].state is State.READY)


def test_a_failed_migration_fails_the_start(stack: Make) -> None:
    one = stack()
    (one.state.parent / "services/alpha/src/alpha/__main__.py").write_text("raise SystemExit('no such column')")
    started = one.run("up")
    assert started.returncode == 1
    assert "alpha migrate ended with code 1" in started.stdout
    assert "no such column" in started.stdout


def test_down_ends_what_a_killed_runner_left_behind(stack: Make) -> None:
    one = stack(alpha=OUTLIVES_ITS_PARENT)
    one.run("up")
    _kill_runner(one)
    alpha = one.board().rows["alpha"].identity
    assert alpha is not None
    assert alpha.process() is not None, "this dummy survives the death of its parent"
    assert "left by a killed runner" in one.run("down").stdout
    assert alpha.process() is None
    assert marked(str(one.state)) == []


def test_down_ends_what_was_never_written_down(stack: Make) -> None:
    one = stack(alpha=OUTLIVES_ITS_PARENT)
    one.run("up")
    _kill_runner(one)
    (one.state / "board.json").unlink()
    assert marked(str(one.state)) != []
    one.run("down")
    assert marked(str(one.state)) == []


def test_up_after_a_killed_runner_begins_anew(stack: Make) -> None:
    one = stack(alpha=OUTLIVES_ITS_PARENT)
    one.run("up")
    left = one.board().rows["alpha"].identity
    _kill_runner(one)
    assert one.run("up").returncode == 0
    assert left is not None
    assert left.process() is None
    assert one.board().phase is Phase.READY


def test_what_needs_a_running_stack_says_so(stack: Make) -> None:
    one = stack()
    assert one.run("status").returncode == 3
    migrate = one.run("migrate")
    assert migrate.returncode == 1
    assert "does not run" in migrate.stdout
    assert one.run("down").returncode == 0


def _take_port_of_gateway(one: Stack, rival: socket.socket) -> int:
    """As soon as the runner has chosen it, which is before the gateway starts."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with suppress(FileNotFoundError, ValueError):
            port = Plan.load(one.state / "plan.json").ports[GATEWAY].http
            rival.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            rival.bind(("127.0.0.1", port))
            rival.listen()
            return port
        time.sleep(0.002)
    raise TimeoutError


def _kill_runner(one: Stack) -> None:
    os.kill(one.board().runner.pid, signal.SIGKILL)
    one.eventually(lambda board: not board.alive)
