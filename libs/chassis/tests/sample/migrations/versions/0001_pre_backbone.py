"""The tables that every service has."""

from chassis.migrations import create_backbone

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_backbone()
