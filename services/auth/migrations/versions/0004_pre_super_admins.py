"""Operators of the platform."""

from alembic import op

from chassis.migrations import roles

revision = "0004"
down_revision = "0003"

SUPER_ADMINS = """
CREATE TABLE super_admins (
    user_id uuid PRIMARY KEY REFERENCES users,
    granted_at timestamptz NOT NULL,
    granted_by text NOT NULL
)
"""


def upgrade() -> None:
    op.execute(SUPER_ADMINS)
    # The role that serves can read and lock these rows: nothing that reaches it over HTTP can make an operator.
    op.execute(f'REVOKE INSERT, UPDATE, DELETE ON super_admins FROM "{roles().app}"')
    op.execute(f'GRANT UPDATE (granted_at) ON super_admins TO "{roles().app}"')
