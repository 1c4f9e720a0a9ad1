"""Log lines: one JSON object each, with the keys of the conventions, that nothing can forge."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from opentelemetry import trace

from chassis.logging import set_up_logging
from chassis.telemetry import set_up_tracing


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_has_the_keys_of_the_conventions(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("chats")
    set_up_tracing("chats")
    with (
        trace.get_tracer("test").start_as_current_span("x") as span,
        structlog.contextvars.bound_contextvars(request_id="r-1"),
    ):
        structlog.get_logger().info("chats.opened", chat_id=7)
    (line,) = lines(capsys)
    assert line["event"] == "chats.opened"
    assert (line["level"], line["service"], line["request_id"], line["chat_id"]) == ("info", "chats", "r-1", 7)
    assert line["trace_id"] == f"{span.get_span_context().trace_id:032x}"
    assert line["time"].endswith("Z")


def test_lines_cannot_be_forged(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("chats")
    evil = 'x\n{"event": "forged"}\r\x1b[2J\u2028\u0085\x9b\udc80'
    structlog.get_logger().info("login", name=evil)
    logging.getLogger("library").warning("said %s", evil)
    written = capsys.readouterr().out
    assert len(written.splitlines()) == 2
    assert written.isascii()
    assert json.loads(written.splitlines()[0])["name"] == evil


def test_a_readable_line_cannot_be_forged_either(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("chats", readable=True)
    structlog.get_logger().info("login", name="x\nforged\x1b]0;title\x07")
    logging.getLogger("library").warning("said %s", "x\nforged\x1b]0;title\x07")
    written = capsys.readouterr().out
    assert len(written.strip().splitlines()) == 2
    assert "\x1b]" not in written


def test_libraries_write_the_same_lines(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("chats")
    logging.getLogger("uvicorn.error").warning("port %s", 80)
    logging.getLogger("aiokafka").warning("reconnecting")
    (line,) = lines(capsys)
    assert (line["event"], line["level"], line["service"]) == ("port 80", "warning", "chats")


def test_an_exception_keeps_its_stack_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("chats")
    try:
        raise ValueError("inside")
    except ValueError:
        structlog.get_logger().exception("failed")
        logging.getLogger("library").exception("failed too")
    found = lines(capsys)
    assert [line["level"] for line in found] == ["error", "error"]
    assert all("ValueError: inside" in line["exception"] for line in found)


def test_the_level_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("chats", "warning")
    structlog.get_logger().info("quiet")
    logging.getLogger("library").info("quiet")
    assert lines(capsys) == []


def test_a_library_that_repeats_itself_is_heard_once(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("chats")
    for _ in range(100):
        logging.getLogger("aiokafka.client").error("Unable connect to %s", "broker:1")
    logging.getLogger("aiokafka.client").error("Unable connect to %s", "broker:2")
    assert [line["event"] for line in lines(capsys)] == ["Unable connect to broker:1", "Unable connect to broker:2"]


def test_each_line_is_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two writes a finaliser may log, and two lines would stand on one."""
    written: list[str] = []

    class Output(io.StringIO):
        def write(self, text: str) -> int:
            written.append(text)
            return len(text)

    monkeypatch.setattr("sys.stdout", Output())
    set_up_logging("chats")
    structlog.get_logger().info("ours")
    logging.getLogger("uvicorn").info("theirs")
    assert [json.loads(line)["event"] for line in written] == ["ours", "theirs"]
    assert all(line.endswith("\n") for line in written)
