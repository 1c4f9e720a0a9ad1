"""Things; `effects`: a row for each time that a handler did something, so that a second effect can be seen;
`copies`: a projection of things."""

from alembic import op

from chassis.migrations import protect

revision = "0002"
down_revision = "0001"

THINGS = """
CREATE TABLE things (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    name text NOT NULL,
    revision bigint NOT NULL,
    sequence bigint NOT NULL
)
"""
EFFECTS = """
CREATE TABLE effects (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id uuid NOT NULL,
    consumer text NOT NULL,
    thing_id uuid NOT NULL,
    name text NOT NULL
)
"""
COPIES = """
CREATE TABLE copies (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    name text NOT NULL
)
"""


def upgrade() -> None:
    for statement in (THINGS, EFFECTS, COPIES):
        op.execute(statement)
    for table in ("things", "effects", "copies"):
        protect(table)
