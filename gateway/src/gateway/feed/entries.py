"""An event of the feed as clients get it: encoded once, for all of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

import orjson
import structlog
from prometheus_client import Counter

from contracts.audience import INTERNAL, ORG
from contracts.envelope import BadEnvelope, Envelope
from gateway.feed.positions import Position

_UNREADABLE = Counter("stoa_gateway_feed_unreadable_total", "Records of the feed that no client is sent")

_SEPARATORS = [(character.encode(), f"\\u{ord(character):04x}".encode()) for character in "\u0085\u2028\u2029"]

log = structlog.get_logger("feed")


@dataclass(frozen=True, slots=True)
class Entry:
    """`users` names who may see it; None: every member of the organisation. `frame` is a server-sent event."""

    offset: int
    org_id: UUID
    users: frozenset[UUID] | None
    kind: str
    frame: bytes

    def is_for(self, user_id: UUID) -> bool:
        return self.users is None or user_id in self.users


def entry_of(headers: Iterable[tuple[str, bytes]], value: bytes | None, position: Position) -> Entry | None:
    """The entry of a record at that position; None, counted, for what cannot be read or is for nobody."""
    try:
        envelope = Envelope.from_headers(headers)
        data = orjson.loads(value or b"")
    except (BadEnvelope, orjson.JSONDecodeError) as error:
        _skip(position, str(error))
        return None
    if envelope.org_id is None or envelope.audience == INTERNAL:
        _skip(position, "is for nobody")
        return None
    return Entry(
        offset=position.offset,
        org_id=envelope.org_id,
        users=_users(envelope.audience),
        kind=envelope.kind,
        frame=_frame(envelope, data, position),
    )


def _skip(position: Position, reason: str) -> None:
    _UNREADABLE.inc()
    log.warning("feed-record-skipped", partition=position.partition, offset=position.offset, reason=reason)


def _users(audience: str) -> frozenset[UUID] | None:
    if audience == ORG:
        return None
    return frozenset(UUID(user) for user in audience.removeprefix("users:").split(","))


def _frame(envelope: Envelope, data: object, position: Position) -> bytes:
    """Encoding the data anew leaves no line break in it, so that no event can be forged inside another's data; nor what
    only some clients take for one (Python's `str.splitlines` does)."""
    content = {
        "id": envelope.id,
        "kind": envelope.kind,
        "version": envelope.version,
        "subject": envelope.subject,
        "sequence": envelope.sequence,
        "time": envelope.time,
        "actor": envelope.actor,
        "correlation_id": envelope.correlation_id,
        "data": data,
    }
    body = orjson.dumps(content, option=orjson.OPT_UTC_Z)
    for character, escaped in _SEPARATORS:
        body = body.replace(character, escaped)
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (str(position).encode(), envelope.kind.encode(), body)


def comment(text: str, position: Position) -> bytes:
    """A frame that no client shows; it moves the position from which the client would resume."""
    return f": {text}\nretry: 1000\nid: {position}\n\n".encode()


def reset(reason: str, position: Position) -> bytes:
    """Tells a client that events may have passed it by: it loads again what it shows, and goes on from here."""
    return f'id: {position}\nevent: reset\ndata: {{"reason":"{reason}"}}\n\n'.encode()
