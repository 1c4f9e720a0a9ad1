"""The tables that every service has: outbox, inbox, dead letters, idempotency keys, memberships."""

from chassis.migrations import create_backbone

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_backbone()
