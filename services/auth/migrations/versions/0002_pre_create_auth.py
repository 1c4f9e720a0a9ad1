"""Users, organisations, memberships, invitations, sessions and signing keys."""

from alembic import op

from chassis.migrations import protect

revision = "0002"
down_revision = "0001"

ORGANISATIONS = """
CREATE TABLE organisations (
    org_id uuid PRIMARY KEY,
    name text NOT NULL,
    created_at timestamptz NOT NULL,
    revision bigint NOT NULL,
    sequence bigint NOT NULL
)
"""

# The user comes first, since whether the address is taken decides about the rest: so this reference waits for the end.
USERS = """
CREATE TABLE users (
    id uuid PRIMARY KEY,
    email text NOT NULL UNIQUE,
    name text NOT NULL,
    home_id uuid NOT NULL REFERENCES organisations DEFERRABLE INITIALLY DEFERRED,
    status text NOT NULL CHECK (status IN ('active', 'blocked', 'deleted')),
    registered_at timestamptz NOT NULL,
    revision bigint NOT NULL,
    sequence bigint NOT NULL
)
"""
CREDENTIALS = """
CREATE TABLE credentials (
    user_id uuid PRIMARY KEY REFERENCES users,
    password_hash text NOT NULL
)
"""

MEMBERS = """
CREATE TABLE organisation_members (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES organisations,
    user_id uuid NOT NULL REFERENCES users,
    role text NOT NULL CHECK (role IN ('viewer', 'editor', 'admin')),
    granted_at timestamptz NOT NULL,
    active boolean NOT NULL,
    revision bigint NOT NULL,
    sequence bigint NOT NULL,
    UNIQUE (org_id, user_id)
)
"""

INVITATIONS = """
CREATE TABLE invitations (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES organisations,
    email text NOT NULL,
    role text NOT NULL CHECK (role IN ('viewer', 'editor', 'admin')),
    invited_by uuid NOT NULL,
    invited_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    accepted_by uuid,
    revoked_at timestamptz,
    token_digest bytea NOT NULL CHECK (length(token_digest) = 32)
)
"""
INVITATIONS_NEWEST = "CREATE INDEX invitations_newest ON invitations (org_id, id)"
# One open invitation for each address; one that has expired counts until it is replaced.
INVITATIONS_OPEN = """
CREATE UNIQUE INDEX invitations_open ON invitations (org_id, email) WHERE accepted_by IS NULL AND revoked_at IS NULL
"""

SESSIONS = """
CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES organisations,
    user_id uuid NOT NULL REFERENCES users,
    started_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz
)
"""
SESSIONS_OF_USER = "CREATE INDEX sessions_of_user ON sessions (user_id)"

# A used token stays as long as its session, so that its reuse is noticed.
REFRESH_TOKENS = """
CREATE TABLE refresh_tokens (
    digest bytea PRIMARY KEY CHECK (length(digest) = 32),
    session_id uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
    org_id uuid NOT NULL,
    used_at timestamptz,
    sealed_successor bytea
)
"""
REFRESH_TOKENS_LIVE = """
CREATE UNIQUE INDEX refresh_tokens_live ON refresh_tokens (session_id) WHERE used_at IS NULL
"""
REFRESH_TOKENS_SEALED = """
CREATE INDEX refresh_tokens_sealed ON refresh_tokens (session_id) WHERE sealed_successor IS NOT NULL
"""
REFRESH_TOKENS_OF_SESSION = "CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session_id)"

SIGNING_KEYS = """
CREATE TABLE signing_keys (
    kid text PRIMARY KEY,
    sealed_private_key bytea NOT NULL,
    signs_from timestamptz NOT NULL
)
"""

STATEMENTS = (
    ORGANISATIONS,
    USERS,
    CREDENTIALS,
    MEMBERS,
    INVITATIONS,
    INVITATIONS_NEWEST,
    INVITATIONS_OPEN,
    SESSIONS,
    SESSIONS_OF_USER,
    REFRESH_TOKENS,
    REFRESH_TOKENS_LIVE,
    REFRESH_TOKENS_SEALED,
    REFRESH_TOKENS_OF_SESSION,
    SIGNING_KEYS,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    for table in ("organisations", "organisation_members", "invitations", "sessions", "refresh_tokens"):
        protect(table)
