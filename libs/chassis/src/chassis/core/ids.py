"""Identifiers. All ids are UUIDv7 (RFC 9562, section 5.7), made by the application, never by a database."""

import os
import threading
import time
from uuid import UUID, uuid5

_lock = threading.Lock()
_last = 0


def new_id() -> UUID:
    """A UUIDv7: 48 bits of milliseconds, then 12 bits that count up within one millisecond, then 62 random bits.

    Ids made by one process are strictly increasing, also when its clock stands still or steps back.
    """
    global _last
    with _lock:
        now = time.time_ns() // 1_000_000 << 12
        _last = max(now, _last + 1)
        stamp = _last
    random = int.from_bytes(os.urandom(8), "big") >> 2
    return UUID(int=(stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62 | random)


def membership_id(organisation: UUID, user: UUID) -> UUID:
    """The id of the membership of a user in an organisation: UUIDv5, so that it is the same when granted again."""
    return uuid5(organisation, str(user))
