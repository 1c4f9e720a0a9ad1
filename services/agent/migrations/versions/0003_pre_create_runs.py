"""Agents, runs, and what agent knows of chats, kinds and modules."""

from alembic import op

from chassis.migrations import protect

revision = "0003"
down_revision = "0002"

AGENTS = """
CREATE TABLE agents (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    name text NOT NULL,
    version integer NOT NULL,
    status text NOT NULL,
    instructions text NOT NULL,
    model text NOT NULL,
    step_limit integer NOT NULL,
    revision bigint NOT NULL,
    sequence bigint NOT NULL
)
"""
AGENTS_BY_ORGANISATION = "CREATE INDEX agents_by_organisation ON agents (org_id, id)"

RUNS = """
CREATE TABLE runs (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    chat_id uuid NOT NULL,
    agent_id uuid NOT NULL REFERENCES agents,
    agent_version integer NOT NULL,
    user_id uuid NOT NULL,
    correlation_id uuid NOT NULL,
    text text NOT NULL,
    queued_at timestamptz NOT NULL,
    message_number integer,
    open_chat boolean NOT NULL,
    status text NOT NULL,
    reply text,
    reason text,
    started_at timestamptz,
    ended_at timestamptz,
    revision bigint NOT NULL,
    sequence bigint NOT NULL,
    CHECK ((status IN ('completed', 'failed', 'cancelled')) = (ended_at IS NOT NULL)),
    CHECK ((status = 'completed') = (reply IS NOT NULL)),
    CHECK ((status IN ('failed', 'cancelled')) = (reason IS NOT NULL))
)
"""
RUNS_BY_ORGANISATION = "CREATE INDEX runs_by_organisation ON runs (org_id, id)"
RUNS_BY_USER = "CREATE INDEX runs_by_user ON runs (org_id, user_id, id)"
RUNS_BY_CHAT = "CREATE INDEX runs_by_chat ON runs (chat_id)"

CHATS = """
CREATE TABLE chats (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    participants uuid[] NOT NULL,
    agent_id uuid
)
"""
MESSAGES = """
CREATE TABLE messages (
    chat_id uuid NOT NULL,
    number integer NOT NULL,
    org_id uuid NOT NULL,
    author text NOT NULL,
    text text NOT NULL,
    run_id uuid,
    PRIMARY KEY (chat_id, number)
)
"""
# The kinds of the platform, the same for every organisation, and so without row security.
KINDS = """
CREATE TABLE kinds (
    name text PRIMARY KEY,
    title text NOT NULL,
    description text NOT NULL,
    data_schema json NOT NULL,
    actions json NOT NULL
)
"""
# A deleted module keeps its row: nothing late brings it back.
MODULES = """
CREATE TABLE modules (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    status text NOT NULL,
    deleted boolean NOT NULL,
    state json NOT NULL
)
"""
MODULES_BY_ORGANISATION = "CREATE INDEX modules_by_organisation ON modules (org_id, kind) WHERE NOT deleted"


def upgrade() -> None:
    for statement in (AGENTS, AGENTS_BY_ORGANISATION, RUNS, RUNS_BY_ORGANISATION, RUNS_BY_USER, RUNS_BY_CHAT):
        op.execute(statement)
    for statement in (CHATS, MESSAGES, KINDS, MODULES, MODULES_BY_ORGANISATION):
        op.execute(statement)
    for table in ("agents", "runs", "chats", "messages", "modules"):
        protect(table)
