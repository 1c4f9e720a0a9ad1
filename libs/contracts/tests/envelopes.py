"""Envelopes for tests: one that is right, and a strategy for all that a writer may make."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from contracts.actor import SystemActor, Through, UserActor
from contracts.audience import users
from contracts.envelope import Envelope

USER = UUID("01a1fd8c-6cfb-7d9c-8f5a-3c1e6e1d0a11")


def envelope(**other: Any) -> Envelope:
    """A message in a chat, sent by a user; `other` replaces attributes."""
    usual: dict[str, Any] = {
        "id": UUID("01a1fd8e-4144-7a53-9c9f-6b4f5a0f5d21"),
        "kind": "chats.message-sent",
        "version": 1,
        "source": "/stoa/chats",
        "subject": "01a1fd8e-3dc0-7c1e-b7c7-0d0c1b2a3f44",
        "time": datetime(2026, 11, 21, 10, 2, 0, 900_000, tzinfo=UTC),
        "org_id": UUID("01a1fd8c-6d00-7f0e-a1b2-c3d4e5f60718"),
        "actor": f"user:{USER}",
        "audience": f"users:{USER}",
        "sequence": 2,
        "correlation_id": UUID("01a1fd8e-4143-7d0a-8f00-1a2b3c4d5e6f"),
        "causation_id": None,
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    }
    return Envelope(**usual | other)


_word = st.from_regex(r"[a-z][a-z0-9]{0,11}", fullmatch=True)
_version = st.integers(1, 999_999_999)
_through = st.builds(Through, st.uuids(), _version, st.uuids())
_hexadecimal = st.text("0123456789abcdef", min_size=48, max_size=48)

envelopes = st.builds(
    Envelope,
    id=st.uuids(),
    kind=st.builds("{}.{}-{}".format, _word, _word, _word),
    version=_version,
    source=st.builds("/stoa/{}".format, _word),
    subject=st.one_of(st.uuids().map(str), _word),
    time=st.datetimes(timezones=st.just(UTC)),
    org_id=st.none() | st.uuids(),
    actor=st.one_of(st.builds(UserActor, st.uuids(), st.none() | _through), st.builds(SystemActor, _word)).map(str),
    audience=st.just("org") | st.just("internal") | st.lists(st.uuids(), max_size=50).map(users),
    sequence=st.none() | st.integers(1, 10**18 - 1),
    correlation_id=st.uuids(),
    causation_id=st.none() | st.uuids(),
    traceparent=st.none() | _hexadecimal.map(lambda digits: f"00-{digits[:32]}-{digits[32:]}-01"),
)
