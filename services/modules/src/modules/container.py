"""The composition root of modules: settings in, everything wired out. Production and tests use it alike."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from chassis.core import Clock, SystemClock
from chassis.http.tokens import KeySource
from chassis.memberships import memberships_consumer
from chassis.serve import Parts
from chassis.wiring import Wiring
from modules.adapters.commands import SETTLED
from modules.adapters.snapshots import sources
from modules.adapters.transaction import PostgresTransaction
from modules.application.use_cases import UseCases
from modules.domain.kind import Kind
from modules.entrypoints.http import routes
from modules.entrypoints.kafka import consumers
from modules.entrypoints.start import KindsAtStart
from modules.kinds import all_kinds
from modules.settings import Settings


def build(
    settings: Settings,
    *,
    clock: Clock | None = None,
    keys: KeySource | None = None,
    kinds: Mapping[str, Kind[Any]] | None = None,
) -> Parts:
    """The parts of one process of modules."""
    known = kinds if kinds is not None else all_kinds()
    wiring = Wiring("modules", settings, partial(PostgresTransaction, known_kinds=known), keys)
    use_cases = UseCases(clock or SystemClock(), known)
    return wiring.parts(
        description="The typed objects that people and agents work on.",
        routers=routes(use_cases, wiring.doors),
        consumers=[*consumers(use_cases), memberships_consumer("modules")],
        snapshots=sources(),
        workers=[KindsAtStart(wiring.runner, use_cases)],
        keeps=[SETTLED],
    )
