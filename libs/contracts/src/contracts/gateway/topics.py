"""The topic of the live feed."""

from datetime import timedelta

from contracts.topics import Topic

FEED = Topic("feed", "record", "organisation id", timedelta(days=3), "gateway")
"""Carries every event that is not internal, unchanged, keyed by organisation; it has no kind of its own."""
