"""Trace context in W3C form, across places that hold only a string."""

import pytest
from opentelemetry import trace

from chassis.telemetry import current_traceparent, set_up_tracing, span_from

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_outside_of_a_trace_there_is_none() -> None:
    assert current_traceparent() is None


def test_a_stored_trace_goes_on() -> None:
    set_up_tracing("test")
    with span_from(PARENT, "consume"):
        inside = current_traceparent()
    assert inside is not None
    version, trace_id, span_id, flags = inside.split("-")
    assert (version, trace_id, flags) == ("00", PARENT.split("-")[1], "01")
    assert span_id != PARENT.split("-")[2]
    assert current_traceparent() is None


NO_TRACE = "00-" + "0" * 32 + "-00f067aa0ba902b7-01"


@pytest.mark.parametrize("bad", [None, "", "rubbish", PARENT.upper(), NO_TRACE, PARENT + "x"])
def test_without_a_good_parent_a_trace_begins(bad: str | None) -> None:
    set_up_tracing("test")
    with span_from(bad, "consume"):
        inside = current_traceparent()
    assert inside is not None
    assert PARENT.split("-")[1] not in inside


def test_the_parent_is_not_whatever_runs_around() -> None:
    set_up_tracing("test")
    with trace.get_tracer("test").start_as_current_span("outer"), span_from(PARENT, "consume"):
        inside = current_traceparent()
    assert inside is not None
    assert PARENT.split("-")[1] in inside
