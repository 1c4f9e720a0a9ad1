"""What finds commands that were settled so long ago that none can come again."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("CREATE INDEX commands_settled ON commands USING brin (settled_at) WITH (autosummarize = on)")
