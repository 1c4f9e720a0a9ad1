"""The composition root of auth: settings in, everything wired out. Production and tests use it alike."""

from auth.adapters.access_tokens import SignedAccessTokens
from auth.adapters.passwords import ArgonPasswords
from auth.adapters.sealing import AesGcmSeal
from auth.adapters.signing_keys import KeyRing
from auth.adapters.snapshots import sources
from auth.adapters.transaction import PostgresTransaction
from auth.adapters.well_known_passwords import password_policy
from auth.application.ports import Transaction
from auth.application.use_cases import UseCases
from auth.entrypoints.http import routes
from auth.entrypoints.kafka import consumers
from auth.settings import Settings
from chassis.core import Clock, SystemClock
from chassis.database import Database
from chassis.outbox.store import OutboxStore
from chassis.serve import Parts
from chassis.use_case import Runner
from chassis.wiring import Wiring


def build(settings: Settings, *, clock: Clock | None = None) -> Parts:
    """The parts of one process of auth. Tokens are verified with its own keys: it fetches none."""
    wiring, clock = Wiring("auth", settings, PostgresTransaction), clock or SystemClock()
    seal = AesGcmSeal(settings.keys)
    ring = wiring.keys = KeyRing(wiring.database, seal, clock)
    passwords = ArgonPasswords()
    use_cases = UseCases(
        clock,
        wiring.runner,
        policy=password_policy(),
        passwords=passwords,
        tokens=SignedAccessTokens(ring),
        seal=seal,
    )
    return wiring.parts(
        description="Who may do what: users, organisations, sessions.",
        routers=routes(use_cases, wiring.doors, ring),
        consumers=consumers(),
        snapshots=sources(),
        always=[ring],
        close=[passwords.close],
    )


def operators_runner(settings: Settings) -> Runner[Transaction]:
    """Runs commands that the serving role has no right to: who operates the platform."""
    database = Database(settings.database_system_dsn.get_secret_value(), application="auth.operators", pool_size=1)
    return Runner(database, OutboxStore(), PostgresTransaction)
