"""Rebuilds in tests that do not wait for the next look of those who work them off."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from chassis.snapshots import publisher, rebuilder

_POLL_S = 0.05


@contextmanager
def looks_at_once() -> Iterator[None]:
    """Inside, publishers and rebuilders of this process look for work nearly all the time."""
    with mock.patch.object(publisher, "_POLL_S", _POLL_S), mock.patch.object(rebuilder, "_POLL_S", _POLL_S):
        yield
