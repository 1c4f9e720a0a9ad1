"""Leases, journal and commands of runs."""

from alembic import op

from chassis.migrations import protect

revision = "0002"
down_revision = "0001"

# Ids only, of all tenants and so without row security: the workers' queue. A row lives from the moment a run is queued
# until it has ended.
LEASES = """
CREATE TABLE run_leases (
    run_id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    chat_id uuid NOT NULL,
    traceparent text,
    epoch bigint NOT NULL DEFAULT 0,
    leased_until timestamptz NOT NULL DEFAULT '-infinity'
)
"""
LEASES_BY_ORGANISATION = "CREATE INDEX run_leases_by_organisation ON run_leases (org_id, run_id)"
LEASES_BY_CHAT = "CREATE INDEX run_leases_by_chat ON run_leases (chat_id, run_id)"
# Runs of one chat go one after the other, also when two workers choose at the same moment.
ONE_PER_CHAT = "CREATE UNIQUE INDEX run_leases_one_per_chat ON run_leases (chat_id) WHERE epoch > 0"

# json, not jsonb: what a model says may hold U+0000, which jsonb cannot.
STEPS = """
CREATE TABLE run_steps (
    run_id uuid NOT NULL,
    number integer NOT NULL,
    org_id uuid NOT NULL,
    name text NOT NULL,
    result json NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, number)
)
"""

COMMANDS = """
CREATE TABLE run_commands (
    id uuid PRIMARY KEY,
    run_id uuid NOT NULL,
    org_id uuid NOT NULL,
    step integer NOT NULL,
    deadline timestamptz NOT NULL,
    sent_at timestamptz NOT NULL,
    verdict text,
    reply json,
    CHECK ((verdict IS NULL) = (reply IS NULL))
)
"""
COMMANDS_WITHOUT_REPLY = "CREATE INDEX run_commands_without_reply ON run_commands (run_id) WHERE verdict IS NULL"


def upgrade() -> None:
    for statement in (LEASES, LEASES_BY_ORGANISATION, LEASES_BY_CHAT, ONE_PER_CHAT):
        op.execute(statement)
    for statement in (STEPS, COMMANDS, COMMANDS_WITHOUT_REPLY):
        op.execute(statement)
    for table in ("run_steps", "run_commands"):
        protect(table)
