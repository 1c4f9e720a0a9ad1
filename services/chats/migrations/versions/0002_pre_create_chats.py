"""Chats, their messages, and what chats know of agents."""

from alembic import op

from chassis.migrations import protect

revision = "0002"
down_revision = "0001"

CHATS = """
CREATE TABLE chats (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    title text NOT NULL,
    participants uuid[] NOT NULL,
    agent_id uuid,
    opened_at timestamptz NOT NULL,
    last_number integer NOT NULL,
    revision bigint NOT NULL,
    sequence bigint NOT NULL
)
"""
BY_PARTICIPANT = "CREATE INDEX chats_by_participant ON chats USING gin (participants)"
MESSAGES = """
CREATE TABLE messages (
    id uuid PRIMARY KEY,
    chat_id uuid NOT NULL REFERENCES chats,
    org_id uuid NOT NULL,
    number integer NOT NULL,
    author_kind text NOT NULL,
    author_id uuid,
    text text NOT NULL,
    run_id uuid,
    sent_at timestamptz NOT NULL,
    UNIQUE (chat_id, number)
)
"""
AGENTS = """
CREATE TABLE agents (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    name text NOT NULL,
    active boolean NOT NULL
)
"""


def upgrade() -> None:
    for statement in (CHATS, BY_PARTICIPANT, MESSAGES, AGENTS):
        op.execute(statement)
    for table in ("chats", "messages", "agents"):
        protect(table)
