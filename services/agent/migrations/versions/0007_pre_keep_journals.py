"""What finds old steps and commands of runs."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("CREATE INDEX run_steps_finished ON run_steps USING brin (finished_at) WITH (autosummarize = on)")
    op.execute("CREATE INDEX run_commands_sent ON run_commands USING brin (sent_at) WITH (autosummarize = on)")
