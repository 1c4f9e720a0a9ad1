"""What repair needs: attempts, the known broker, operators' actions, snapshots and rebuilds."""

from chassis.migrations import create_repair_tables

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    create_repair_tables()
