"""`GET /api/v1/events`: the live feed of the caller's organisation, as server-sent events."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import replace

import structlog
from aiokafka.errors import KafkaError
from starlette.types import Receive, Scope, Send

from chassis.http.failures import Unavailable
from chassis.http.identity import Identity
from chassis.http.problems import ProblemError
from chassis.http.protocol import outlet_of
from chassis.kafka.broken_off import was_told_to_stop
from gateway.callers import caller_of
from gateway.cut import DISCONNECTED, Cut
from gateway.feed.entries import Entry, comment, reset
from gateway.feed.history import History, PositionGone
from gateway.feed.hub import Hub
from gateway.feed.kinds import wanted_kinds
from gateway.feed.listener import Listener
from gateway.feed.positions import Position
from gateway.feed.recent import Recent
from gateway.proxy.headers import value_of
from gateway.streams import OpenStreams

AHEAD_S = 5.0
"""A position that this replica has not reached after this time is not of this feed."""

_AT_ONCE = 200
_LOOK_S = 0.05
_LAST_S = 1.0

_HEADERS = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)

log = structlog.get_logger("feed")


class Events:
    """One client after the other: who may listen, from where on, then the frames that the hub writes."""

    def __init__(self, hub: Hub, history: History, identity: Identity, streams: OpenStreams) -> None:
        self._hub = hub
        self._history = history
        self._identity = identity
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises ProblemError (401, 422, 503) before the stream begins."""
        caller = await caller_of(self._identity, scope["headers"])
        kinds = wanted_kinds(scope["query_string"])
        listener = Listener(caller.org_id, caller.user_id, kinds, outlet_of(scope))
        if not self._hub.ready:
            raise ProblemError(Unavailable())
        with Cut() as cut, self._streams.holding(cut, caller):
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            if scope["method"] == "GET":
                cut.end_on_disconnect(receive)
                await self._serve(listener, value_of(scope["headers"], b"last-event-id"), send)
        if cut.reason != DISCONNECTED:
            await _finish(send)

    async def _serve(self, listener: Listener, resume_from: str | None, send: Send) -> None:
        """Ends when the client is let go. When it cannot be caught up it is let go at once, and comes again."""
        era = self._hub.era
        try:
            position = await self._begin(listener, resume_from, send)
            await self._catch_up(listener, position, send)
        except (PositionGone, KafkaError, OSError, TimeoutError) as error:
            log.warning("client-not-caught-up", error=type(error).__name__)
            return
        except asyncio.CancelledError:
            if was_told_to_stop():
                raise
            log.warning("client-not-caught-up", error="the connection to the broker was broken off")
            return
        if self._hub.era != era:
            return
        # Nothing is awaited between the end of the catching up and the joining, so nothing falls between them.
        with self._hub.joined(listener):
            await listener.ended()

    async def _begin(self, listener: Listener, resume_from: str | None, send: Send) -> Position:
        """The position to go on from. The first frame tells it, so a client can resume before its first event."""
        if not resume_from:
            return await self._at_head(listener, "connected", send)
        position = Position.parse(resume_from)
        refusal = "position-malformed" if position is None else await self._refusal(position, listener)
        if position is None or refusal is not None:
            return await self._reset(listener, refusal or "", send)
        await _write(send, comment("resumed", position))
        return position

    async def _at_head(self, listener: Listener, text: str, send: Send) -> Position:
        head = self._hub.head(listener.org_id)
        await _write(send, comment(text, head))
        return head

    async def _reset(self, listener: Listener, reason: str, send: Send) -> Position:
        head = self._hub.head(listener.org_id)
        await _write(send, reset(reason, head))
        return head

    async def _refusal(self, position: Position, listener: Listener) -> str | None:
        """Why a position is not one to go on from. One ahead of this replica is waited for."""
        head = self._hub.head(listener.org_id)
        if (position.cluster, position.partition) != (head.cluster, head.partition):
            return "position-foreign"
        recent = self._hub.recent(position.partition)
        until = time.monotonic() + AHEAD_S
        while recent.head <= position.offset:
            if time.monotonic() > until:
                return "position-unknown"
            await asyncio.sleep(_LOOK_S)
        return None

    async def _catch_up(self, listener: Listener, position: Position, send: Send) -> None:
        """Writes what the client has missed, up to the hub's head at the moment of the return."""
        try:
            await self._write_missed(listener, position, send)
        except PositionGone:
            head = await self._reset(listener, "position-gone", send)
            await self._write_missed(listener, head, send)

    async def _write_missed(self, listener: Listener, position: Position, send: Send) -> None:
        recent = self._hub.recent(position.partition)
        offset = position.offset
        while offset + 1 < recent.head:
            if offset + 1 < recent.first:
                offset = await self._read_back(listener, replace(position, offset=offset), recent, send)
                continue
            entries = recent.after(offset, _AT_ONCE)
            offset = entries[-1].offset if entries else recent.head - 1
            await _write_seen(send, listener, entries)
            await _write(send, b"")  # waits until most of it has left: the hub counts what waits from here on

    async def _read_back(self, listener: Listener, position: Position, recent: Recent, send: Send) -> int:
        """Writes from Kafka what is no longer in memory; answers the offset up to which that went."""
        offset = position.offset
        async with self._history.behind(position) as reader:
            while offset + 1 < recent.first:
                page = await reader.page()
                offset = page[-1][0]
                await _write_seen(send, listener, [entry for _, entry in page if entry is not None])
        return offset


async def _write_seen(send: Send, listener: Listener, entries: Iterable[Entry]) -> None:
    frames = b"".join(entry.frame for entry in entries if listener.may_see(entry))
    if frames:
        await _write(send, frames)


async def _write(send: Send, frames: bytes) -> None:
    await send({"type": "http.response.body", "body": frames, "more_body": True})


async def _finish(send: Send) -> None:
    """A proper end, unless the client does not even read that."""
    try:
        async with asyncio.timeout(_LAST_S):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
    except TimeoutError:
        log.info("client-does-not-read")
