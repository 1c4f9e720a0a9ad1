"""Modules, their history, and the commands that were settled."""

from alembic import op

from chassis.migrations import protect

revision = "0002"
down_revision = "0001"

# A deleted module stays as a tombstone, for ever: its id and sequence are never used again.
MODULES = """
CREATE TABLE modules (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    kind text NOT NULL,
    owner_id uuid NOT NULL,
    name text NOT NULL,
    status text NOT NULL,
    data jsonb NOT NULL,
    deleted boolean NOT NULL,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    revision bigint NOT NULL,
    sequence bigint NOT NULL
)
"""
BY_ORGANISATION = "CREATE INDEX modules_by_organisation ON modules (org_id, id) WHERE NOT deleted"
BY_KIND = "CREATE INDEX modules_by_kind ON modules (org_id, kind, status, id) WHERE NOT deleted"
BY_OWNER = "CREATE INDEX modules_by_owner ON modules (org_id, owner_id, id) WHERE NOT deleted"

VERSIONS = """
CREATE TABLE module_versions (
    module_id uuid NOT NULL REFERENCES modules,
    number bigint NOT NULL,
    org_id uuid NOT NULL,
    what text NOT NULL,
    action text,
    changed text[] NOT NULL,
    user_id uuid NOT NULL,
    agent_id uuid,
    agent_version integer,
    run_id uuid,
    tool_call uuid,
    at timestamptz NOT NULL,
    name text NOT NULL,
    status text NOT NULL,
    data jsonb NOT NULL,
    PRIMARY KEY (module_id, number)
)
"""

# The id is the sender's, so it is unique within an organisation only: nobody can settle another's command.
COMMANDS = """
CREATE TABLE commands (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('completed', 'refused')),
    reply jsonb NOT NULL,
    settled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, id)
)
"""


def upgrade() -> None:
    for statement in (MODULES, BY_ORGANISATION, BY_KIND, BY_OWNER, VERSIONS, COMMANDS):
        op.execute(statement)
    for table in ("modules", "module_versions", "commands"):
        protect(table)
