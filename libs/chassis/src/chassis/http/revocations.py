"""What auth has taken back: which tokens are void although their time is not over."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import TypeAlias
from uuid import UUID

import structlog

from chassis.http.tokens import Caller
from contracts.auth.v1 import AccessRevoked

HORIZON = timedelta(minutes=15)
"""Longer than any token lives (10 minutes): an older revocation meets no living token."""

log = structlog.get_logger()

Listener: TypeAlias = Callable[[AccessRevoked], None]
_Pattern: TypeAlias = tuple[UUID | None, UUID | None, UUID | None]


class Revocations:
    """The newest `not_before` for each (subject, session, organisation) that was named; None stands for any.

    A token is revoked when a pattern fits it and it was issued before that moment.
    """

    def __init__(self) -> None:
        self._newest: dict[_Pattern, datetime] = {}
        self._listeners: set[Listener] = set()

    def add(self, revoked: AccessRevoked) -> None:
        """Takes one revocation; repeats and older ones change nothing. One that names nobody is ignored."""
        pattern = (revoked.subject, revoked.session, revoked.organisation)
        known = self._newest.get(pattern)
        if pattern == (None, None, None) or (known is not None and known >= revoked.not_before):
            return
        self._forget(datetime.now(UTC) - HORIZON)
        self._newest[pattern] = revoked.not_before
        for listener in tuple(self._listeners):
            try:
                listener(revoked)
            except Exception:  # one that fails must not keep the others from hearing
                log.exception("revocations.listener_failed")

    def revoked(self, caller: Caller) -> bool:
        """Whether the caller's token has been taken back."""
        if not self._newest:
            return False
        named = product((None, caller.user_id), (None, caller.session_id), (None, caller.org_id))
        return any((moment := self._newest.get(pattern)) and caller.issued_at < moment for pattern in named)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Calls `listener` at each new revocation, e.g. to close open streams. Answers the call that ends it."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def _forget(self, before: datetime) -> None:
        for pattern in [pattern for pattern, moment in self._newest.items() if moment < before]:
            del self._newest[pattern]
