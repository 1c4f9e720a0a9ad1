"""The hub in memory: who is offered what, what is remembered, who is let go."""

import asyncio
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest

from chassis.core import new_id
from chassis.http.protocol import Outlet
from contracts.gateway.topics import FEED
from gateway.feed import listener as listener_module
from gateway.feed import recent as recent_module
from gateway.feed.entries import Entry, entry_of
from gateway.feed.hub import Hub
from gateway.feed.kinds import Kinds, wanted_kinds
from gateway.feed.listener import Listener
from gateway.feed.positions import Position, cluster_mark, key_of, partition_of
from gateway.feed.recent import Recent

from ..feed_stage import a_message, an_envelope, an_organisation

CLUSTER = "0123abcd"


def a_hub() -> Hub:
    hub = Hub()
    hub.begin(CLUSTER, [0] * FEED.partitions)
    return hub


def feed(hub: Hub, org_id: UUID, *, users: tuple[UUID, ...] = (), name: str = "Acme") -> None:
    """One more record on the organisation's partition."""
    event = a_message(new_id(), *users, text=name) if users else an_organisation(org_id, name)
    partition = partition_of(org_id)
    offset = hub.recent(partition).head
    hub.take(partition, offset, an_envelope(event, org_id, new_id()).to_headers(), event.encode())


class Connection(asyncio.WriteTransport):
    """Of a client that reads nothing by itself."""

    def __init__(self) -> None:
        super().__init__()
        self._written = b""
        self.closing = False

    def write(self, data: Any) -> None:
        self._written += data

    def get_write_buffer_size(self) -> int:
        return len(self._written)

    def is_closing(self) -> bool:
        return self.closing

    def read(self) -> bytes:
        read, self._written = self._written, b""
        return read


def a_listener(org_id: UUID, user_id: UUID | None = None) -> tuple[Listener, Connection]:
    connection = Connection()
    return Listener(org_id, user_id or new_id(), None, Outlet(connection)), connection


async def is_let_go(listener: Listener) -> bool:
    """Whether the hub has done with it."""
    with suppress(TimeoutError):
        async with asyncio.timeout(0):
            await listener.ended()
            return True
    return False


async def test_a_listener_is_offered_what_it_may_see() -> None:
    hub, org_id, user = a_hub(), new_id(), new_id()
    listener, connection = a_listener(org_id, user)
    with hub.joined(listener):
        feed(hub, org_id, name="for all")
        feed(hub, org_id, users=(user,), name="for me")
        feed(hub, org_id, users=(new_id(),), name="for another")
        feed(hub, new_id(), name="elsewhere")
    frames = connection.read()
    assert [name in frames for name in (b"for all", b"for me", b"for another", b"elsewhere")] == [
        True,
        True,
        False,
        False,
    ]


async def test_who_has_left_is_offered_nothing() -> None:
    hub, org_id = a_hub(), new_id()
    listener, connection = a_listener(org_id)
    with hub.joined(listener):
        pass
    feed(hub, org_id)
    assert connection.read() == b""


async def test_one_user_may_listen_several_times() -> None:
    hub, org_id, user = a_hub(), new_id(), new_id()
    (first, seen), (second, unseen) = a_listener(org_id, user), a_listener(org_id, user)
    with hub.joined(first):
        with hub.joined(second):
            pass
        feed(hub, org_id)
    assert b"Acme" in seen.read()
    assert unseen.read() == b""


async def test_an_event_is_one_chunk_of_the_answer() -> None:
    hub, org_id = a_hub(), new_id()
    listener, connection = a_listener(org_id)
    with hub.joined(listener):
        feed(hub, org_id)
    length, _, rest = connection.read().partition(b"\r\n")
    assert len(rest) == int(length, 16) + 2
    assert rest.endswith(b"\n\n\r\n")


async def test_the_frame_is_one_object_for_all() -> None:
    hub, org_id = a_hub(), new_id()
    feed(hub, org_id)
    [entry] = hub.recent(partition_of(org_id)).after(-1, 10)
    assert entry.frame.count(b"\n") == 4
    assert entry.frame.endswith(b"\n\n")


async def test_who_does_not_read_is_let_go_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_module, "MOST_BYTES", 100)
    hub, org_id = a_hub(), new_id()
    (slow, _), (quick, connection) = a_listener(org_id), a_listener(org_id)
    with hub.joined(slow), hub.joined(quick):
        for _ in range(4):
            feed(hub, org_id)
            assert connection.read()
        assert await is_let_go(slow)
        assert not await is_let_go(quick)


async def test_one_large_frame_alone_is_no_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_module, "MOST_BYTES", 10)
    listener, connection = a_listener(new_id())
    assert listener.offer(b"x" * 100)
    assert connection.read() == b"x" * 100
    assert listener.offer(b"x" * 100)
    assert not listener.offer(b"x")
    assert connection.read() == b"x" * 100


async def test_nothing_is_written_to_a_connection_that_ends() -> None:
    listener, connection = a_listener(new_id())
    connection.closing = True
    assert listener.offer(b"x")
    assert connection.read() == b""


async def test_a_feed_that_begins_anew_lets_everybody_go() -> None:
    hub, (listener, _) = a_hub(), a_listener(new_id())
    era = hub.era
    with hub.joined(listener):
        hub.forget()
        assert await is_let_go(listener)
    assert not hub.ready
    assert hub.era != era


async def test_what_cannot_be_read_moves_the_head_and_is_for_nobody() -> None:
    hub, org_id = a_hub(), new_id()
    event, partition = an_organisation(org_id), partition_of(org_id)
    good = an_envelope(event, org_id, org_id).to_headers()
    internal = [(name, b"internal" if name == "ce_audience" else value) for name, value in good]
    nowhere = [header for header in good if header[0] != "ce_orgid"]
    listener, connection = a_listener(org_id)
    with hub.joined(listener):
        for offset, (headers, value) in enumerate(
            [([], b"{}"), (good, b"\xff"), (good, None), (good, b'{"a": NaN}'), (internal, b"{}"), (nowhere, b"{}")]
        ):
            hub.take(partition, offset, headers, value)
    assert connection.read() == b""
    assert hub.recent(partition).head == 6
    assert hub.head(org_id) == Position(CLUSTER, partition, 5)


def test_no_line_break_survives_in_a_frame() -> None:
    org_id = new_id()
    event = a_message(new_id(), new_id(), text="a\nb\r\nc\u2028d\u2029e\u0085f\x0bg\x1ch")
    headers = an_envelope(event, org_id, new_id()).to_headers()
    pretty = event.encode().replace(b",", b",\n\r\n")
    entry = entry_of(headers, pretty, Position(CLUSTER, 0, 0))
    assert entry is not None
    assert len(entry.frame.decode().splitlines()) == 4


def entry_at(offset: int, size: int = 1) -> Entry:
    return Entry(offset, new_id(), None, "chats.chat-opened", b"x" * size)


def test_only_the_newest_entries_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_module, "MOST_ENTRIES", 3)
    recent = Recent(10)
    for offset in range(10, 20):
        recent.add(offset, entry_at(offset))
    assert (recent.first, recent.head) == (17, 20)
    assert [entry.offset for entry in recent.after(16, 10)] == [17, 18, 19]
    assert [entry.offset for entry in recent.after(17, 1)] == [18]
    assert recent.after(19, 10) == []


def test_memory_is_bounded_in_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_module, "MOST_BYTES", 100)
    recent = Recent(0)
    for offset in range(10):
        recent.add(offset, entry_at(offset, 40))
    assert (recent.first, recent.head) == (8, 10)
    recent.add(10, entry_at(10, 1000))
    assert (recent.first, recent.head, recent.after(9, 10)) == (11, 11, [])


def test_gaps_in_the_offsets_do_no_harm() -> None:
    recent = Recent(0)
    for offset in (0, 3, 7):
        recent.add(offset, entry_at(offset))
        recent.add(offset + 1, None)
    assert [entry.offset for entry in recent.after(0, 10)] == [3, 7]
    assert [entry.offset for entry in recent.after(5, 10)] == [7]
    assert recent.head == 9


@pytest.mark.parametrize("text", ["0123abcd-0-0", "0123abcd-11-999999999999999999", "0123abcd-3--1"])
def test_a_position_is_read_as_it_was_written(text: str) -> None:
    position = Position.parse(text)
    assert position is not None
    assert str(position) == text


@pytest.mark.parametrize(
    "text",
    ["", "1", "0123abcd-1", "0123ABCD-1-1", "0123abcd-01-1", "0123abcd-1-01", "0123abcd-1--2", "0123abcd-1-1 ", "-1-1"],
)
def test_nothing_else_is_a_position(text: str) -> None:
    assert Position.parse(text) is None


def test_the_mark_of_a_cluster_can_stand_in_a_position() -> None:
    marks = {cluster_mark(cluster) for cluster in ("-_a", "MkU3OEVBNTcwNTJENDM2Qk", "other")}
    assert len(marks) == 3
    assert all(Position.parse(f"{mark}-0-0") for mark in marks)


def test_an_organisation_is_where_kafkas_own_clients_would_put_it() -> None:
    """Values of `kafka-clients` 4.3 for these keys (`Utils.toPositive(Utils.murmur2(key)) % 12`)."""
    org_id = UUID("0199a1b2-0000-7000-8000-000000000000")
    assert key_of(org_id) == b"0199a1b2-0000-7000-8000-000000000000"
    assert 0 <= partition_of(org_id) < FEED.partitions
    spread = {partition_of(new_id()) for _ in range(500)}
    assert spread == set(range(FEED.partitions))


def test_kinds_are_named_one_by_one_or_by_service() -> None:
    kinds = wanted_kinds(b"types=modules.*,chats.message-sent&types=agent.run-queued")
    assert isinstance(kinds, Kinds)
    wanted = [kind for kind in ("modules.module-created", "chats.message-sent", "agent.run-queued") if kinds.has(kind)]
    assert len(wanted) == 3
    assert not kinds.has("chats.chat-opened")
    assert not kinds.has("module.x")
    assert wanted_kinds(b"") is None
