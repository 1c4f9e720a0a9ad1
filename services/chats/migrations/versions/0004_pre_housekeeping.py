"""What finds old rows: sent messages, applied records, stored answers."""

from chassis.migrations import create_housekeeping_indexes

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    create_housekeeping_indexes()
