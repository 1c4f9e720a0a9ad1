"""Each step of a run tells under which lease it was written."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("ALTER TABLE run_steps ADD COLUMN epoch bigint")
