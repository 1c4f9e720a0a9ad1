"""Traces (OpenTelemetry), always in W3C form: one trace id runs through gateway, services, outbox and Kafka.

Without `STOA_OTLP_ENDPOINT` nothing is exported or recorded, but ids are made and handed on, so the logs of all
processes tell one story.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.propagate import set_global_textmap
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, TraceIdRatioBased
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_TRACER = trace.get_tracer("chassis")
"""Of whichever provider is set up later: to ask for it at each span is a good part of what a span costs."""

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


def set_up_tracing(service: str, *, endpoint: str | None = None, sampling: float = 0.0) -> TracerProvider:
    """Makes the process's tracer provider; the caller shuts it down at the end, which sends what is left.

    `sampling` is the share of traces begun here that is recorded. A decision made before, in an arriving
    `traceparent`, is followed. Baggage from outside is not taken over. A process has one: a second call answers the
    first one's.
    """
    made = trace.get_tracer_provider()
    if isinstance(made, TracerProvider):
        return made
    set_global_textmap(TraceContextTextMapPropagator())
    begun_here = TraceIdRatioBased(sampling) if endpoint else ALWAYS_OFF
    provider = TracerProvider(
        sampler=ParentBased(begun_here),
        resource=Resource.create({"service.name": service}),
        shutdown_on_exit=False,
    )
    if endpoint:
        _export(provider, endpoint)
    trace.set_tracer_provider(provider)
    return provider


def _export(provider: TracerProvider, endpoint: str) -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # dear in memory: where used
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))


def traceparent_of(context: SpanContext) -> str | None:
    """The span's `traceparent` (W3C Trace Context), or None outside of a trace."""
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def current_traceparent() -> str | None:
    """The `traceparent` to store or send with what happens now, or None outside of a trace."""
    return traceparent_of(trace.get_current_span().get_span_context())


@contextmanager
def span_from(traceparent: str | None, name: str, kind: SpanKind = SpanKind.INTERNAL) -> Iterator[Span]:
    """A span that goes on a trace from elsewhere; a new trace when there is none or it is malformed."""
    with _TRACER.start_as_current_span(name, context=_parent(traceparent), kind=kind) as span:
        yield span


def _parent(traceparent: str | None) -> Context:
    match = _TRACEPARENT.fullmatch(traceparent or "")
    if match is None:
        return Context()
    ids = SpanContext(int(match[1], 16), int(match[2], 16), is_remote=True, trace_flags=TraceFlags(int(match[3], 16)))
    return trace.set_span_in_context(NonRecordingSpan(ids), Context())
