"""The tables that every service's database has, as SQL.

`idempotency_keys` and `memberships` hold tenant rows. All others are infrastructure and hold all tenants' messages, or
what an operator does with them: only the chassis touches them, and row security does not apply.
"""

OUTBOX = """
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    key text NOT NULL,
    sequence bigint,
    headers jsonb NOT NULL,
    value bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz,
    refused text,
    UNIQUE (topic, key, sequence)
)
"""
OUTBOX_UNSENT = "CREATE INDEX outbox_unsent ON outbox (id) WHERE sent_at IS NULL"
OUTBOX_REFUSED = "CREATE INDEX outbox_refused ON outbox (topic, key) WHERE refused IS NOT NULL"

INBOX = """
CREATE TABLE inbox (
    consumer text NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    sequence bigint NOT NULL,
    PRIMARY KEY (consumer, topic, key)
)
"""
INBOX_RECORDS = """
CREATE TABLE inbox_records (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, event_id)
)
"""

PARKED_KEYS = """
CREATE TABLE parked_keys (
    consumer text NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, topic, key)
)
"""
DEAD_LETTERS = """
CREATE TABLE dead_letters (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer text NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    event_id text NOT NULL,
    sequence bigint,
    kind text,
    kafka_partition integer NOT NULL,
    kafka_offset bigint NOT NULL,
    headers bytea[] NOT NULL,
    raw_key bytea,
    value bytea,
    error text NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    retry_at timestamptz,
    retry_until timestamptz NOT NULL,
    deadline timestamptz,
    parked_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (consumer, topic, key) REFERENCES parked_keys,
    UNIQUE (consumer, topic, key, sequence),
    UNIQUE (consumer, topic, event_id)
)
"""
DEAD_LETTERS_DUE = """
CREATE INDEX dead_letters_due ON dead_letters (least(retry_at, deadline)) WHERE least(retry_at, deadline) IS NOT NULL
"""
DEAD_LETTERS_DEADLINE = """
CREATE INDEX dead_letters_deadline ON dead_letters (consumer, topic, key) WHERE deadline IS NOT NULL
"""

IDEMPOTENCY_KEYS = """
CREATE TABLE idempotency_keys (
    org_id uuid NOT NULL,
    user_id uuid NOT NULL,
    route text NOT NULL,
    key text NOT NULL,
    digest bytea NOT NULL,
    status integer NOT NULL,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, user_id, route, key)
)
"""

MEMBERSHIPS = """
CREATE TABLE memberships (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL,
    active boolean NOT NULL,
    UNIQUE (org_id, user_id)
)
"""

STATEMENTS = (
    OUTBOX,
    OUTBOX_UNSENT,
    OUTBOX_REFUSED,
    INBOX,
    INBOX_RECORDS,
    PARKED_KEYS,
    DEAD_LETTERS,
    DEAD_LETTERS_DUE,
    DEAD_LETTERS_DEADLINE,
    IDEMPOTENCY_KEYS,
    MEMBERSHIPS,
)

ATTEMPTS = """
CREATE TABLE attempts (
    consumer text NOT NULL,
    topic text NOT NULL,
    event_id text NOT NULL,
    tries integer NOT NULL DEFAULT 1,
    begun_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, topic, event_id)
)
"""
BROKER = """
CREATE TABLE broker (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    cluster_id text NOT NULL,
    known_since timestamptz NOT NULL DEFAULT now(),
    replayed_through bigint NOT NULL DEFAULT 0
)
"""
OPERATOR_ACTIONS = """
CREATE TABLE operator_actions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    done_at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    action text NOT NULL,
    target jsonb NOT NULL,
    reason text,
    outcome jsonb NOT NULL
)
"""
SNAPSHOT_REQUESTS = """
CREATE TABLE snapshot_requests (
    id uuid PRIMARY KEY,
    topic text NOT NULL,
    consumer text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz
)
"""
REBUILDS = """
CREATE TABLE rebuilds (
    id uuid PRIMARY KEY,
    consumer text NOT NULL,
    topic text NOT NULL,
    mode text NOT NULL CHECK (mode IN ('rebuild', 'check', 'seed')),
    asked_at timestamptz NOT NULL DEFAULT now(),
    requested_at timestamptz,
    snapshot_id uuid,
    items bigint NOT NULL DEFAULT 0,
    applied bigint NOT NULL DEFAULT 0,
    newer bigint NOT NULL DEFAULT 0,
    lagging bigint NOT NULL DEFAULT 0,
    differing bigint NOT NULL DEFAULT 0,
    differing_keys text[] NOT NULL DEFAULT '{}',
    error text,
    ended_at timestamptz
)
"""
REBUILDS_OPEN = "CREATE INDEX rebuilds_open ON rebuilds (asked_at) WHERE ended_at IS NULL"

REPAIR_STATEMENTS = (ATTEMPTS, BROKER, OPERATOR_ACTIONS, SNAPSHOT_REQUESTS, REBUILDS, REBUILDS_OPEN)

HOUSEKEEPING_STATEMENTS = (
    "CREATE INDEX outbox_sent ON outbox USING brin (sent_at) WITH (autosummarize = on)",
    "CREATE INDEX inbox_records_applied ON inbox_records USING brin (applied_at) WITH (autosummarize = on)",
    "CREATE INDEX idempotency_keys_created ON idempotency_keys USING brin (created_at) WITH (autosummarize = on)",
)

# Tables without tenant rows, or with rows of all tenants that only the chassis reads.
WITHOUT_ROW_SECURITY = frozenset(
    {"alembic_version", "outbox", "inbox", "inbox_records", "parked_keys", "dead_letters"}
    | {"attempts", "broker", "operator_actions", "snapshot_requests", "rebuilds"}
)
