import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from local_stack.processes import Command, Identity, end, marked, start

Sleeper = Callable[..., "subprocess.Popen[bytes]"]
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Sleeper]:
    started: list[subprocess.Popen[bytes]] = []

    def launch(before: str = "") -> "subprocess.Popen[bytes]":
        code = f"import time; {before}print('up', flush=True); time.sleep(60)"
        log = tmp_path / f"{len(started)}.log"
        started.append(start(Command([sys.executable, "-c", code], tmp_path, log), mark=str(tmp_path)))
        deadline = time.monotonic() + 10
        while not log.read_text() and time.monotonic() < deadline:
            time.sleep(0.01)
        return started[-1]

    yield launch
    for process in started:
        process.kill()
        process.wait()


def test_a_process_is_known_by_pid_and_start_time(sleeper: Sleeper) -> None:
    identity = Identity.of(sleeper().pid)
    assert identity.process() is not None
    assert Identity(identity.pid, identity.started - 60).process() is None


def test_another_process_with_a_recorded_pid_is_left_alone(sleeper: Sleeper) -> None:
    process = sleeper()
    end([Identity(process.pid, psutil.Process(process.pid).create_time() - 60)])
    assert process.poll() is None


def test_a_process_that_does_not_listen_is_killed(sleeper: Sleeper) -> None:
    identity = Identity.of(sleeper(DEAF).pid)
    end([identity], patience=0.2)
    assert identity.process() is None


def test_a_zombie_has_ended(sleeper: Sleeper) -> None:
    process = sleeper()
    identity = Identity.of(process.pid)
    process.kill()
    deadline = time.monotonic() + 10
    while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        time.sleep(0.01)
    assert identity.process() is None


def test_marked_processes_are_found_and_no_others(sleeper: Sleeper, tmp_path: Path) -> None:
    process = sleeper()
    assert [identity.pid for identity in marked(str(tmp_path))] == [process.pid]
    assert [identity.pid for identity in marked(str(tmp_path.parent), below=True)] == [process.pid]
    assert marked(str(tmp_path.parent)) == marked(str(tmp_path)[:-1], below=True) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals the children of a dead process")
def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from local_stack.processes import Command, start;"
        f"folder = Path({str(tmp_path)!r}); sleep = [sys.executable, '-c', 'import time; time.sleep(60)'];"
        "start(Command(sleep, folder, folder / 'log'), str(folder));"
        "print('started', flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"started\n"
        (child,) = marked(str(tmp_path))
        parent.kill()
    deadline = time.monotonic() + 10
    while child.process() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert child.process() is None
