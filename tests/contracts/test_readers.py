"""The catalogue says who reads each kind: it must be true of what the services really wire."""

import importlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import pytest

from chassis import wiring
from chassis.component import Component
from chassis.kafka.consumer import Consumer, on
from chassis.kafka.revocations import RevocationTail
from chassis.serve import ROLES, Parts
from chassis.settings import read_settings
from chassis.snapshots.rebuilder import Rebuilds
from contracts.auth.v1 import AccessRevoked, UserRegistered
from contracts.event import Event
from contracts.registry import all_contracts
from tools import tree

SETTINGS = {
    "STOA_ENVIRONMENT": "development",
    "STOA_HTTP_PORT": "1",
    "STOA_METRICS_PORT": "1",
    "STOA_KAFKA_BOOTSTRAP": "127.0.0.1:1",
    "STOA_KAFKA_USERNAME": "nobody",
    "STOA_KAFKA_PASSWORD": "none",
    "STOA_JWKS_URL": "http://127.0.0.1:1/.well-known/jwks.json",
    "STOA_DATABASE_DSN": "postgresql://127.0.0.1:1/none",
    "STOA_DATABASE_SYSTEM_DSN": "postgresql://127.0.0.1:1/none",
}
"""Enough to wire a service; nothing connects before it runs."""

Readers = Mapping[type[Event], Set[str]]


def read_by(consumers: Iterable[Consumer[Any]]) -> dict[type[Event], set[str]]:
    """Each kind that these consumers read, with their names."""
    found = defaultdict[type[Event], set[str]](set)
    for consumer in consumers:
        for subscription in consumer.subscriptions:
            found[subscription.event].add(consumer.name)
    return found


def wired_in(service: str, consumers: list[Consumer[Any]]) -> None:
    """Builds the service as in production; whatever consumers it wires are added to the list."""
    settings = read_settings(importlib.import_module(f"{service}.settings").Settings)
    parts: Parts = importlib.import_module(f"{service}.container").build(settings)
    tails = [one for one in parts.components(ROLES) if isinstance(one, RevocationTail)]
    consumers += [Consumer(f"{service}.{tail.name}", [on(AccessRevoked, _unheard)]) for tail in tails]
    for rebuilds in (one for one in parts.components(ROLES) if isinstance(one, Rebuilds)):
        read = {event for kinds in rebuilds.reads.values() for event in (kinds.begun, kinds.captured, kinds.ended)}
        consumers.append(Consumer(f"{service}.{rebuilds.name}", [on(event, _unheard) for event in read]))


async def _unheard(tx: object, event: Event) -> Any: ...


def differences(declared: Readers, read: Readers) -> list[str]:
    """A line for each reader that the catalogue names and nobody is, or that is one and is not named."""
    lines = []
    for event in sorted(declared.keys() | read.keys(), key=lambda event: event.contract.kind):
        named, real = declared.get(event, set()), read.get(event, set())
        lines += [f"{event.contract.kind}: {name} does not read it" for name in sorted(named - real)]
        lines += [f"{event.contract.kind}: {name} reads it and is not named" for name in sorted(real - named)]
    return lines


@pytest.fixture
def wired(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Sequence[Consumer[Any]]:
    """Every consumer of every service."""
    consumers: list[Consumer[Any]] = []

    def note(service: str, dsn: str, kafka: object, runner: object, found: Sequence[Consumer[Any]]) -> list[Component]:
        consumers.extend(found)
        return []

    monkeypatch.setattr(wiring, "consuming", note)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    for service in tree.services(checkout):
        wired_in(service, consumers)
    return consumers


def test_the_catalogue_names_the_real_readers(wired: Sequence[Consumer[Any]]) -> None:
    ours = {
        event: {name for name in event.contract.readers if not name.startswith("gateway.")} for event in all_contracts()
    }
    assert differences(ours, read_by(wired)) == []


def test_who_reads_aggregates_can_begin_with_a_snapshot_of_them(wired: Sequence[Consumer[Any]]) -> None:
    """Their owner publishes it: else a wish for it would wait for ever."""
    sources = {consumer.source for consumer in wired if consumer.source is not None}
    assert len(sources) > 4
    assert [topic.name for topic in sources if topic.name not in published_by(topic.producer)] == []


def published_by(owner: str) -> set[str]:
    """The topics of which a service publishes snapshots."""
    found = importlib.import_module(f"{owner}.adapters.snapshots").sources()
    return {source.topic.name for source in found}


def test_a_reader_too_many_and_one_too_few_are_noticed() -> None:
    spy = Consumer[object]("chats.spies", [on(UserRegistered, _unheard), on(AccessRevoked, _unheard)])
    assert differences({AccessRevoked: {"agent.revocations"}}, read_by([spy])) == [
        "auth.access-revoked: agent.revocations does not read it",
        "auth.access-revoked: chats.spies reads it and is not named",
        "auth.user-registered: chats.spies reads it and is not named",
    ]
