"""A stack that is up: what its processes are told, what a person is shown, what happens when one crashes."""

import pytest

from local_stack.board import State

from .dummies import Stack


def test_each_process_gets_its_own_settings_and_no_administrators(running: Stack) -> None:
    alpha, beta, gateway = (running.ask(name, "/environment") for name in ("alpha", "beta", "gateway"))
    assert alpha["STOA_DATABASE_DSN"].endswith("/alpha")
    assert alpha["STOA_KAFKA_USERNAME"] == "alpha"
    assert alpha["STOA_KAFKA_PASSWORD"] != beta["STOA_KAFKA_PASSWORD"]
    assert alpha["STOA_ENVIRONMENT"] == "development"
    assert not any(name.startswith("STOA_DATABASE") for name in gateway)
    assert running.board().rows["beta"].url in gateway["STOA_UPSTREAMS"]
    assert not {"STOA_POSTGRES_ADMIN_DSN", "STOA_SEED"} & (alpha.keys() | gateway.keys())


def test_logs_are_one_per_process(running: Stack) -> None:
    assert running.run("logs", "beta").stdout.splitlines() == ["beta │ migrated beta", "beta │ serving"]
    assert {line.split()[0] for line in running.run("logs").stdout.splitlines()} == {
        "alpha",
        "beta",
        "gateway",
        "runner",
        "topics",
    }


def test_logs_of_an_unknown_process_name_the_known_ones(running: Stack) -> None:
    refused = running.run("logs", "gamma")
    assert refused.returncode == 2
    assert "alpha, beta, gateway, runner, topics" in refused.stdout


def test_migrations_run_again_on_a_running_stack(running: Stack) -> None:
    assert "migrated beta" in running.run("migrate").stdout


def test_up_twice_is_up_once(running: Stack) -> None:
    first = running.board()
    assert running.run("up").returncode == 0
    assert running.board() == first


def test_an_ill_process_is_shown_with_what_it_lacks(running: Stack) -> None:
    running.ask("beta", "/fall-ill")
    running.eventually(lambda board: board.rows["beta"].state is State.UNHEALTHY)
    assert running.board().rows["beta"].note == "database: is away"
    status = running.run("status")
    running.ask("beta", "/recover")
    assert status.returncode == 1
    assert "database: is away" in status.stdout
    running.eventually(lambda board: board.rows["beta"].state is State.READY)


def test_a_crashed_process_is_started_again_and_shown(running: Stack) -> None:
    before = running.board().rows["alpha"].identity
    with pytest.raises(OSError, match="Remote end closed"):
        running.ask("alpha", "/crash")
    running.eventually(lambda board: (board.rows["alpha"].restarts, board.rows["alpha"].state) == (1, State.READY))
    assert running.board().rows["alpha"].identity != before
    assert "alpha crashed: ended with code 7; again in 0.1 s" in running.run("logs", "runner").stdout
    status = running.run("status")
    assert status.returncode == 0
    shown = next(line.split() for line in status.stdout.splitlines() if line.startswith("alpha"))
    assert shown[2:4] == ["ready", "1"]
