"""The composition root of chats: settings in, everything wired out. Production and tests use it alike."""

from chassis.core import Clock, SystemClock
from chassis.http.tokens import KeySource
from chassis.memberships import memberships_consumer
from chassis.serve import Parts
from chassis.wiring import Wiring
from chats.adapters.snapshots import sources
from chats.adapters.transaction import PostgresTransaction
from chats.application.use_cases import UseCases
from chats.entrypoints.http import routes
from chats.entrypoints.kafka import consumers
from chats.settings import Settings


def build(settings: Settings, *, clock: Clock | None = None, keys: KeySource | None = None) -> Parts:
    """The parts of one process of chats."""
    wiring = Wiring("chats", settings, PostgresTransaction, keys)
    use_cases = UseCases(clock or SystemClock())
    return wiring.parts(
        description="Conversations between people and agents.",
        routers=[routes(use_cases, wiring.doors)],
        consumers=[*consumers(use_cases), memberships_consumer("chats")],
        snapshots=sources(),
    )
