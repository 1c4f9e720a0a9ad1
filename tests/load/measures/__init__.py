"""The measures by the goals that they are held to, in the order of a run: what harms or fills the system comes last."""

from collections.abc import Awaitable, Callable, Mapping

from ..bench import Bench
from ..figures import Figure
from . import (
    applying,
    delivery,
    footprint,
    gateway,
    growth,
    housekeeping,
    pipeline,
    reads,
    recovery,
    runs,
    sending,
    steps,
    streams,
    writes,
)

Measure = Callable[[Bench], Awaitable[list[Figure]]]

MEASURES: Mapping[tuple[str, ...], Measure] = {
    ("P17",): footprint.measure,
    ("P1", "P2"): gateway.measure,
    ("P3",): reads.measure,
    ("P4",): writes.measure,
    ("P5",): sending.drain,
    ("P6",): sending.acknowledgement,
    ("P7",): delivery.projected,
    ("P8",): delivery.seen_live,
    ("P9",): applying.measure,
    ("P10",): steps.measure,
    ("P11",): runs.measure,
    ("P15",): pipeline.measure,
    ("P12",): streams.fan_out,
    ("P13",): streams.idle,
    ("P16",): recovery.measure,
    ("housekeeping",): housekeeping.measure,
    ("P19",): growth.measure,
}
