"""Structured logs: one JSON object a line in production, coloured lines on a developer's terminal.

The keys are those of the conventions: `time level event service`, then `request_id trace_id org_id user_id consumer
event_id kind duration_ms` where they are known, then the event's own. `event` is a constant string; what varies is a
key. Tokens, bodies and personal data are never logged.

    log = structlog.get_logger()
    log.warning("relay.broker_away", attempt=3)
"""

import json
import logging
import sys
import time
from collections.abc import MutableMapping
from typing import Any

import structlog
from opentelemetry import trace
from structlog.typing import Processor

_LEAST = {
    "aiokafka": logging.ERROR,
    "faststream": logging.WARNING,
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "httpx2": logging.WARNING,
    "httpcore2": logging.WARNING,
}
"""Below these levels libraries tell nothing that our own components do not say."""
_REPEATS_S = 60.0

_ENCODER = json.JSONEncoder(default=str)

Fields = MutableMapping[str, Any]


def set_up_logging(service: str, level: str = "info", *, readable: bool = False, lasting: bool = False) -> None:
    """Sets up structlog and bridges the standard library's loggers (uvicorn, aiokafka, sqlalchemy) into it.

    `readable`: lines for a person at a terminal instead of JSON. `lasting`: nobody sets it up again in this process, so
    that loggers may keep what they were made of.
    """
    shared = _processors(service, readable)
    end: list[Processor] = [structlog.processors.format_exc_info, _renderer(readable)]
    structlog.configure(
        processors=[*shared, *end],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.WriteLoggerFactory(),
        cache_logger_on_first_use=lasting,
    )
    foreign: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *end]
    _bridge(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=foreign), level)


def _renderer(readable: bool) -> Processor:
    if readable:
        return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return structlog.processors.JSONRenderer(serializer=to_line)


def _processors(service: str, readable: bool) -> list[Processor]:
    def name_service(_: object, __: str, fields: Fields) -> Fields:
        fields["service"] = service
        return fields

    chain: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        name_service,
        add_trace_id,
    ]
    return [*chain, escape_controls] if readable else chain


def _bridge(formatter: logging.Formatter, level: str) -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    handler.addFilter(_Repeats())
    for name, least in _LEAST.items():
        logging.getLogger(name).setLevel(max(least, root.level))


class _Repeats(logging.Filter):
    """Lets one line a minute through of those that aiokafka repeats at each attempt while a broker is away."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith("aiokafka"):
            return True
        now, text = time.monotonic(), record.getMessage()
        if now - self._last.get(text, -_REPEATS_S) < _REPEATS_S:
            return False
        self._last = {known: moment for known, moment in self._last.items() if now - moment < _REPEATS_S}
        self._last[text] = now
        return True


def add_trace_id(_: object, __: str, fields: Fields) -> Fields:
    """Adds the id of the trace that the line belongs to."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        fields["trace_id"] = f"{context.trace_id:032x}"
    return fields


def escape_controls(_: object, __: str, fields: Fields) -> Fields:
    """Escapes what could forge a line or steer a terminal in a readable log. (JSON escapes by itself.)"""
    for key, value in fields.items():
        if isinstance(value, str) and key != "exception" and not value.isprintable():
            fields[key] = value.encode("unicode_escape").decode("ascii")
    return fields


def to_line(fields: Any, **_: Any) -> str:
    """One line of ASCII: newlines, control characters and separators of other alphabets are escaped."""
    return _ENCODER.encode(fields)
